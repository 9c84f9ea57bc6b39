//! A flag's rule, read once and shared by every snapshot in which it stands unchanged.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use burgee_model::{Bucketing, Key, Limits, Problem, Value};
use burgee_rules::{
    emit,
    ir::Rule,
    parse::{self, Compiled, Making, PatternRoom, Reference, Setting, SharedRule},
};
use serde_json::Value as Json;

use crate::{
    build::ReadRules,
    digest::Digester,
    patterns::Patterns,
    reads::Names,
    shared::{Shared, SharedRules},
};

/// The most earlier rules that are looked at: of as many versions every node keeps its own and those before it,
/// whatever their age, so all find the same.
const EARLIER_MAX: usize = 19;

/// What rules are read with.
pub(crate) struct Reading<'a> {
    pub(crate) shared: &'a SharedRules,
    pub(crate) bucketing: Bucketing,
    pub(crate) names: &'a Names,
    pub(crate) patterns: &'a Patterns,
    pub(crate) earlier: ReadRules<'a>,
    pub(crate) limits: &'a Limits,
}

impl Reading<'_> {
    /// A shared rule; notes that it was asked for.
    fn shared(&self, name: &str, uses: &RefCell<Uses>) -> Option<Arc<SharedRule>> {
        let found = self.shared.get(name).cloned();
        uses.borrow_mut().insert(Box::from(name), found.clone());
        found.map(|shared| shared.rule.clone())
    }
}

/// A rule with what the engine must know of it.
pub(crate) struct Targeting {
    /// The checked rule; none where it does not compile.
    pub(crate) rule: Option<Arc<Rule>>,
    /// Faults, then warnings.
    pub(crate) problems: Box<[Problem]>,
    /// What it asks for by name, that it is there or not. Empty where it does not compile.
    pub(crate) references: Box<[Reference]>,
    /// How its `fractional` buckets.
    pub(crate) bucketing: Bucketing,
    /// The constants that the rule can give as they stand, in the order in which the compiled rule counts them.
    pub(crate) results: Box<[Value]>,
    /// Whether it is compiled to WebAssembly; else it is interpreted for good.
    pub(crate) emittable: bool,
    /// Whether it reads the time.
    pub(crate) reads_time: bool,
    /// The members of the context's root that it reads, but the targeting key; none where it may read all.
    pub(crate) attributes: Option<Box<[Arc<str>]>>,
    /// The config entries that it reads.
    pub(crate) config_keys: Box<[Key]>,
    /// The other flags that it asks for.
    pub(crate) flags: Box<[Arc<str>]>,
    /// The guests that it calls.
    pub(crate) guests: Box<[Arc<str>]>,
    /// The levels of its expressions.
    pub(crate) levels: usize,
    /// Of the rule's JSON and of the shared rules that it uses.
    pub(crate) digest: u128,
    /// The earlier rule that decides, because its own does not compile any more.
    pub(crate) stand_in: Option<Json>,
    /// Whether it has patterns for which the environment has no room.
    pub(crate) is_beyond: bool,
    /// The patterns that it has with its shared rules, each once.
    pub(crate) patterns: Box<[String]>,
    /// The rules that it had before; none where they were not looked at.
    earlier: Option<Box<[Json]>>,
    /// The shared rules that it asked for, and what they were.
    uses: Uses,
}

/// Shared rules by name; none where there is none.
type Uses = BTreeMap<Box<str>, Option<Arc<Shared>>>;

impl Targeting {
    /// Reads a flag's rule. Where it does not compile, and what it refers to is why (it was changed or deleted
    /// elsewhere meanwhile), the newest earlier one that compiles stands in.
    pub(crate) fn read(flag: &Key, json: &Json, room: &mut PatternRoom, reading: &Reading<'_>) -> Self {
        let uses = RefCell::new(Uses::new());
        let patterns = parse::patterns(json, &|name| reading.shared(name, &uses));
        if !room.take(patterns.iter()) {
            let refused = Compiled { faults: vec![room.full("")], ..Compiled::default() };
            return Self::of(json, refused, uses.into_inner(), reading).beyond(patterns);
        }
        Self { patterns: patterns.into_iter().collect(), ..Self::within(flag, json, reading) }
    }

    /// A rule that is not read, for its patterns are too many.
    fn beyond(self, patterns: BTreeSet<String>) -> Self {
        let mut d = Digester::new("beyond");
        d.word(self.digest);
        Self { patterns: patterns.into_iter().collect(), is_beyond: true, digest: d.finish(), ..self }
    }

    /// Reads a rule that has room.
    fn within(flag: &Key, json: &Json, reading: &Reading<'_>) -> Self {
        let own = Self::new(flag, json, reading);
        if own.rule.is_some() || !is_sound_alone(flag, json, reading) {
            return own;
        }
        let mut earlier = (reading.earlier)(flag);
        earlier.truncate(EARLIER_MAX);
        let mut uses = own.uses.clone();
        let found = earlier.iter().find_map(|json| {
            let tried = Self::new(flag, json, reading);
            uses.extend(tried.uses.iter().map(|(name, rule)| (name.clone(), rule.clone())));
            tried.rule.is_some().then_some((json.clone(), tried))
        });
        match found {
            Some((json, tried)) => own.replaced(json, tried, earlier, uses),
            None => Self { earlier: Some(earlier.into()), uses, ..own },
        }
    }

    /// An earlier rule in the place of this one.
    fn replaced(self, json: Json, by: Self, earlier: Vec<Json>, uses: Uses) -> Self {
        let told =
            Problem::warning("", "earlier_rule", "an earlier version of the rule decides, the newest that compiles")
                .hint("mend the rule or bring back what it refers to; until then nothing of it counts");
        let mut d = Digester::new("earlier");
        d.word(self.digest);
        d.word(by.digest);
        Self {
            problems: self.problems.into_iter().chain([told]).collect(),
            digest: d.finish(),
            stand_in: Some(json),
            earlier: Some(earlier.into()),
            uses,
            ..by
        }
    }

    fn new(flag: &Key, json: &Json, reading: &Reading<'_>) -> Self {
        let Reading { bucketing, names, patterns, limits, .. } = *reading;
        let uses = RefCell::new(Uses::new());
        let segment = |name: &str| reading.shared(name, &uses);
        let setting = Setting { segments: &segment, bucketing, limits };
        let making = Making { name: &|name| names.get(name), pattern: &|text| patterns.get(text) };
        let compiled = parse::rule_with(flag, json, &setting, making);
        let references = compiled.rule.as_ref().map(|_| parse::references(json, &segment)).unwrap_or_default();
        let uses = uses.into_inner();
        Self { references: references.into(), ..Self::of(json, compiled, uses, reading) }
    }

    /// Without its references.
    fn of(json: &Json, compiled: Compiled, uses: Uses, reading: &Reading<'_>) -> Self {
        let Reading { bucketing, names, .. } = *reading;
        let problems = compiled.problems().cloned().collect();
        let rule = compiled.rule.map(Arc::new);
        let known = rule.as_deref();
        Self {
            problems,
            results: known.map(emit::results).unwrap_or_default().into(),
            emittable: known.is_some_and(emit::fits),
            reads_time: known.is_some_and(Rule::reads_time),
            attributes: known.map_or_else(|| Some([].into()), |rule| attributes(rule, names)),
            config_keys: known.map(config_keys).unwrap_or_default(),
            flags: known.map(|rule| rule.flags().into_iter().collect()).unwrap_or_default(),
            guests: known.map(|rule| rule.guests().into_iter().collect()).unwrap_or_default(),
            levels: known.map(Rule::levels).unwrap_or_default(),
            references: [].into(),
            bucketing,
            digest: digest(json, bucketing, &uses),
            rule,
            stand_in: None,
            is_beyond: false,
            patterns: [].into(),
            earlier: None,
            uses,
        }
    }

    /// Whether it calls guests.
    pub(crate) fn calls_guests(&self) -> bool {
        !self.guests.is_empty()
    }

    /// The names of the shared rules that it asked for.
    pub(crate) fn shared_rules(&self) -> impl Iterator<Item = &str> {
        self.uses.keys().map(|name| &**name)
    }

    /// A shared rule that it uses.
    pub(crate) fn segment(&self, name: &str) -> Option<Arc<SharedRule>> {
        self.uses.get(name)?.as_ref().map(|shared| shared.rule.clone())
    }

    /// Whether it goes by the rules that the flag had before.
    pub(crate) fn leans_on_history(&self) -> bool {
        self.earlier.is_some()
    }

    /// Whether the shared rules that it uses, how it buckets, and the earlier rules that it looked at are still what
    /// they were.
    pub(crate) fn still_holds(&self, flag: &Key, reading: &Reading<'_>) -> bool {
        let Reading { shared, bucketing, earlier, .. } = *reading;
        let is_same = |name: &str, then: &Option<Arc<Shared>>| {
            shared.get(name).map(Arc::as_ptr) == then.as_ref().map(Arc::as_ptr)
        };
        self.bucketing == bucketing
            && self.uses.iter().all(|(name, then)| is_same(name, then))
            && self.earlier.as_ref().is_none_or(|then| earlier(flag).iter().take(EARLIER_MAX).eq(then.iter()))
    }
}

/// Whether a rule compiles once all that it refers to is there and simple: its faults are then not its author's.
fn is_sound_alone(flag: &Key, json: &Json, reading: &Reading<'_>) -> bool {
    let simple = SharedRule::new(Json::Bool(true));
    let segments = |_: &str| Some(simple.clone());
    let setting = Setting { segments: &segments, bucketing: reading.bucketing, limits: reading.limits };
    parse::rule(flag, json, &setting).rule.is_some()
}

fn attributes(rule: &Rule, names: &Names) -> Option<Box<[Arc<str>]>> {
    rule.attributes().map(|read| read.into_iter().map(|name| names.get(name)).collect())
}

/// The entries that the rule reads. What cannot be a key names no entry.
fn config_keys(rule: &Rule) -> Box<[Key]> {
    rule.config_keys().iter().filter_map(|key| Key::new(key).ok()).collect()
}

fn digest(json: &Json, bucketing: Bucketing, uses: &Uses) -> u128 {
    let mut d = Digester::new("rule 2");
    d.word(bucketing.number().into());
    d.json(json);
    for (name, rule) in uses {
        d.text(name);
        d.word(rule.as_ref().map_or(0, |shared| shared.digest));
    }
    d.finish()
}
