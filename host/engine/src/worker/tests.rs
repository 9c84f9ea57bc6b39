//! What others left in a worker changes no answer: its memory, its store and what a call left that never ended.

use burgee_model::{FlagIn, Key, Limits, State, Value};
use burgee_rules::generators::{self, Language};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Map, Value as Json, json};

use super::*;
use crate::{ConfigValue, Engine, EngineConfig, EnvironmentSource, FlagSource, Snapshot, Tier, input::Cell};

const NOW: u64 = 1_795_176_000_000;
const MODULES: u64 = 40;
const FLAGS: usize = 24;
const CONTEXTS: usize = 8;

/// Cells that tell on any rule that reads one: all conditions on them hold, and each type is there.
fn poisons() -> Vec<Cell> {
    let cell = |tag: abi::Tag, id: u32, number: f64, version: u64| {
        let mut cell = [0; abi::CELL_BYTES as usize];
        cell[abi::CELL_TAG as usize] = tag as u8;
        cell[abi::CELL_TRUTHY as usize] = 1;
        cell[abi::CELL_TEXT_ID as usize..][..4].copy_from_slice(&id.to_le_bytes());
        cell[abi::CELL_NUMBER as usize..][..8].copy_from_slice(&number.to_le_bytes());
        cell[abi::CELL_VERSION as usize..][..8].copy_from_slice(&version.to_le_bytes());
        cell
    };
    let plain = abi::pack_version(1, 2, 3).unwrap();
    vec![
        cell(abi::Tag::Text, 1, 0.0, plain),
        cell(abi::Tag::Text, 2, 0.0, abi::VERSION_UNKNOWN),
        cell(abi::Tag::Number, 0, 18.0, abi::VERSION_UNKNOWN),
        cell(abi::Tag::True, 0, 1.0, abi::VERSION_UNKNOWN),
        cell(abi::Tag::List, 3, f64::NAN, plain),
        [0xff; abi::CELL_BYTES as usize],
    ]
}

/// Leaves this thread's worker as the worst of tenants might: every rule on, every result a variant, every cell this
/// one, a call that was never ended.
fn poison(snapshot: &Snapshot, cell: &Cell) {
    let filled = with_worker(&snapshot.runtime, |worker| {
        let memory = worker.memory.data_mut(&mut worker.store);
        let (states, rest) = memory.split_at_mut(abi::OUT_AT as usize);
        let (results, cells) = rest.split_at_mut((abi::SLOTS_AT - abi::OUT_AT) as usize);
        states.fill(1);
        results.as_chunks_mut::<4>().0.fill(abi::RESULT_BASE.to_le_bytes());
        cells.as_chunks_mut::<{ abi::CELL_BYTES as usize }>().0.fill(*cell);
        worker.store.data_mut().leave(&[Value::text("on"), Value::Number(18.0)]);
        Some(())
    });
    assert_eq!(filled, Some(()), "the worker was in use");
}

struct Random(TestRunner);

impl Random {
    fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self(TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)))
    }

    fn one<S: Strategy>(&mut self, strategy: &S) -> S::Value {
        strategy.new_tree(&mut self.0).unwrap().current()
    }
}

fn flag(targeting: Json) -> Arc<FlagSource> {
    let names = ["on", "off", "other", "true", "false", "", "0", "1", "2", "17", "18", "pro", "free", "x.org"];
    let variants = names.map(|name| (name.to_owned(), json!(name))).into_iter().collect();
    Arc::new(FlagSource::from(&FlagIn {
        state: State::Enabled,
        targeting: Some(targeting),
        variants,
        ..FlagIn::default()
    }))
}

struct Case {
    source: EnvironmentSource,
    config: Map<String, Json>,
    contexts: Vec<Json>,
    limits: Limits,
}

impl Case {
    fn random(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let (rule, context) = (generators::targeting(Language::Burgee), generators::context());
        let key = |text: String| Key::new(&text).unwrap();
        let flags = (0..FLAGS).map(|n| (key(format!("flag{n:02}")), flag(random.one(&rule)))).collect();
        let segments =
            random.one(&generators::segments()).into_iter().map(|(name, rule)| (key(name), rule.into())).collect();
        Self {
            source: EnvironmentSource {
                tenant: key("b".into()),
                environment: key("production".into()),
                flags,
                segments,
                bucketing: Default::default(),
                guests: Default::default(),
                set: Map::new(),
            },
            config: random.one(&generators::config()),
            contexts: (0..CONTEXTS).map(|_| random.one(&context)).collect(),
            // now and then so little that many rules break off in the middle
            limits: match seed % 3 {
                0 => Limits { evaluation_bytes: 6, evaluation_steps: 30, ..Limits::default() },
                _ => Limits::default(),
            },
        }
    }

    fn snapshot(&self, compile: bool) -> Arc<Snapshot> {
        let limits = self.limits.clone();
        let config =
            EngineConfig { compile, limits, alone_steps_min: 0, together_rules_min: 0, ..EngineConfig::default() };
        let engine = Engine::new(config).unwrap();
        let read = |key: &str| {
            let value = self.config.get(key).map(Value::from)?;
            Some(ConfigValue { value, expires_at: None })
        };
        let snapshot = engine.build(None, self.source.clone(), &read);
        engine.quiesce();
        snapshot
    }
}

/// All answers, each alone and all together; `before` is done before each evaluation.
fn answers(snapshot: &Snapshot, context: &Json, mut before: impl FnMut()) -> [Vec<String>; 2] {
    let context = generators::as_context(context);
    let write = |evaluation: &crate::Evaluation<'_>| {
        let mut out = Vec::new();
        evaluation.write_ofrep(&mut out);
        String::from_utf8(out).unwrap()
    };
    let keys: Vec<&Key> = snapshot.flags().collect();
    let alone = keys.into_iter().map(|key| {
        before();
        write(&snapshot.evaluate(key.as_str(), &context, NOW))
    });
    let alone = alone.collect();
    let mut together = Vec::new();
    before();
    snapshot.evaluate_all(&context, NOW, |evaluation| together.push(write(&evaluation)));
    [alone, together]
}

/// How many answers of a snapshot's engine came from compiled code.
fn by_code(snapshot: &Snapshot) -> u64 {
    let all = snapshot.runtime.tally.totals().into_iter();
    all.filter(|evaluations| evaluations.tier == Tier::Compiled).map(|evaluations| evaluations.count).sum()
}

#[test]
fn poisoned_slots_show_in_no_answer() {
    let poisons = poisons();
    let mut compiled = 0;
    for seed in 0..MODULES {
        let case = Case::random(seed);
        let tiers = [true, false].map(|compile| case.snapshot(compile));
        compiled += tiers[0].tiers().compiled;
        for (at, context) in case.contexts.iter().enumerate() {
            // the interpreter has no worker, so nothing can have been left to it
            let clean = answers(&tiers[1], context, || ());
            for snapshot in &tiers {
                let before = by_code(snapshot);
                assert_eq!(answers(snapshot, context, || ()), clean, "module {seed}, context {context}");
                let usual = by_code(snapshot) - before;
                let mut turn = poisons.iter().cycle().skip(at);
                let poisoned = answers(snapshot, context, || poison(snapshot, turn.next().unwrap()));
                assert_eq!(poisoned, clean, "module {seed}, context {context}, {:?}", snapshot.tiers());
                // nor is any rule left to the interpreter for it
                assert_eq!(by_code(snapshot) - before, 2 * usual, "module {seed}, context {context}");
            }
        }
    }
    assert!(compiled > FLAGS * MODULES as usize / 2, "only {compiled} rules were compiled");
}
