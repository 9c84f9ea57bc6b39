//! Compiled rules against the interpreter, on generated rules and contexts.
//!
//! `BURGEE_DIFFERENTIAL_PAIRS` says how many pairs of rule and context (200,000), `BURGEE_SEED` where to
//! begin; a failure prints the seed that repeats it. `BURGEE_MUTATED_PAIRS` says how many pairs have rules that were
//! changed at random (20,000).

use std::{collections::BTreeMap, sync::Arc};

use burgee_engine::{ConfigValue, Engine, EngineConfig, Snapshot, modules};
use burgee_model::{Limits, Value};
use burgee_rules::generators::{self, Language};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Map, Value as Json, json};

use crate::{
    mutation,
    support::{boolean_flag, compiling, items, source},
};

/// The flags of the modules that are generated in turn.
const MODULE_FLAGS: [usize; 4] = [1, 30, 4, 90];
/// The contexts that each module meets.
const CONTEXTS: usize = 24;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

/// Random things from a seed.
pub(crate) struct Random(TestRunner);

impl Random {
    fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self(TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)))
    }

    pub(crate) fn one<S: Strategy>(&mut self, strategy: &S) -> S::Value {
        strategy.new_tree(&mut self.0).unwrap().current()
    }

    /// A number below a bound.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.one(&(0..bound))
    }
}

/// How the rules of a case differ from what the generators write.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    /// Some are alike but for their constants, so that one function serves several.
    Constants,
    /// All are changed anywhere.
    Anything,
}

/// The most changes of one rule.
const CHANGES_MAX: usize = 6;

/// The rules of a module.
fn rules(random: &mut Random, count: usize, change: Change) -> Vec<Json> {
    let targeting = generators::targeting(Language::Burgee);
    let mut rules: Vec<Json> = Vec::new();
    for _ in 0..count {
        let mut rule = random.one(&targeting);
        match change {
            Change::Constants if !rules.is_empty() && random.below(3) == 0 => {
                rule = rules[random.below(rules.len())].clone();
                mutation::vary(&mut rule, random);
            }
            Change::Constants => {}
            Change::Anything => {
                let donor = random.one(&targeting);
                (0..=random.below(CHANGES_MAX)).for_each(|_| mutation::mutate(&mut rule, &donor, random));
            }
        }
        rules.push(rule);
    }
    rules
}

/// A flag with a variant for most of what generated rules give, so that answers tell results apart.
fn flag(targeting: Json) -> Json {
    let names = [
        "on", "off", "other", "", "0", "1", "2", "-1", "0.5", "17", "18", "1.2", "1.2.0", "pro", "free", "x.org",
        "null",
    ];
    let mut flag = boolean_flag(targeting);
    flag["variants"].as_object_mut().unwrap().extend(names.map(|name| (name.to_owned(), name.into())));
    flag
}

struct Case {
    document: Json,
    config: Map<String, Json>,
    contexts: Vec<Json>,
    limits: Limits,
}

impl Case {
    fn random(seed: u64, change: Change) -> Self {
        let mut random = Random::new(seed);
        let flags = MODULE_FLAGS[usize::try_from(seed).unwrap() % MODULE_FLAGS.len()];
        let rules = rules(&mut random, flags, change).into_iter().enumerate();
        let flags: Map<String, Json> = rules.map(|(n, rule)| (format!("flag{n}"), flag(rule))).collect();
        let context = generators::context();
        // Now and then an allowance that many rules exceed. Steps must suffice for the size of most rules.
        // All flags together may take what they take, for each is compared with the same flag alone.
        let all = Limits { request_steps: u64::MAX, request_evaluation_ms: u64::MAX, ..Limits::default() };
        let limits = match seed % 5 {
            0 => Limits { evaluation_bytes: 6, ..all },
            1 => Limits { evaluation_steps: 30, ..all },
            _ => all,
        };
        Self {
            document: json!({"bucketing": 2 + seed % 2, "flags": flags, "$evaluators": random.one(&generators::segments())}),
            config: random.one(&generators::config()),
            contexts: (0..CONTEXTS).map(|_| random.one(&context)).collect(),
            limits,
        }
    }

    fn snapshot(&self, compile: bool) -> Arc<Snapshot> {
        let config = EngineConfig { compile, limits: self.limits.clone(), ..compiling() };
        let engine = Engine::new(config).unwrap();
        let read = |key: &str| {
            let value = self.config.get(key).map(Value::from)?;
            Some(ConfigValue { value, expires_at: None })
        };
        let snapshot = engine.build(None, source(&self.document), &read);
        engine.quiesce();
        snapshot
    }

    fn check(&self, seed: u64, seen: &mut BTreeMap<String, usize>) -> usize {
        let (compiled, interpreted) = (self.snapshot(true), self.snapshot(false));
        let tiers = compiled.tiers();
        let emitted: usize =
            modules(source(&self.document), &self.limits).iter().map(|module| module.flags.len()).sum();
        assert_eq!(tiers.compiled, emitted, "BURGEE_SEED={seed}: what was emitted is no module\n{}", self.document);
        *seen.entry("compiled".into()).or_default() += tiers.compiled * CONTEXTS;
        for json in &self.contexts {
            let context = generators::as_context(json);
            let (fast, slow) = (items(&compiled, &context), items(&interpreted, &context));
            for (key, answer) in &slow {
                let rule = &self.document["flags"][key]["targeting"];
                let shared = &self.document["$evaluators"];
                assert_eq!(
                    &fast[key], answer,
                    "BURGEE_SEED={seed}\nflag {key}\nrule {rule}\nsegments {shared}\ncontext {json}"
                );
                let kind = answer["variant"].as_str().or(answer["errorCode"].as_str()).unwrap_or("null");
                *seen.entry(kind.to_owned()).or_default() += 1;
            }
        }
        (tiers.compiled + tiers.interpreted) * CONTEXTS
    }
}

#[test]
fn compiled_rules_answer_what_the_interpreter_does() {
    let wanted = usize::try_from(setting("BURGEE_DIFFERENTIAL_PAIRS", 200_000)).unwrap();
    let first = setting("BURGEE_SEED", 0);
    let (mut pairs, mut seed, mut seen) = (0, first, BTreeMap::new());
    while pairs < wanted {
        pairs += Case::random(seed, Change::Constants).check(seed, &mut seen);
        seed += 1;
    }
    // The generators must reach all kinds of answers, and most rules must be compiled at all.
    for kind in ["on", "off", "true", "false", "null", "GENERAL"] {
        assert!(seen.get(kind).is_some_and(|count| *count > pairs / 200), "{kind} is rare: {seen:?}");
    }
    assert!(seen["compiled"] > pairs / 2, "{seen:?}");
}

/// A fuzzer without instrumentation, for that of the compiler itself would take all the time: give it more pairs.
#[test]
fn rules_that_nobody_would_write_are_compiled_as_they_are_interpreted() {
    let wanted = usize::try_from(setting("BURGEE_MUTATED_PAIRS", 20_000)).unwrap();
    let first = setting("BURGEE_SEED", 0);
    let (mut pairs, mut seed, mut seen) = (0, first, BTreeMap::new());
    while pairs < wanted {
        pairs += Case::random(seed, Change::Anything).check(seed, &mut seen);
        seed += 1;
    }
    println!("{pairs} pairs of {} modules: {seen:?}", seed - first);
    assert!(seen["compiled"] > pairs / 4, "{seen:?}");
}
