//! A flag's rule, read once and shared by every snapshot in which it stands unchanged.

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use burgee_model::{Bucketing, Key, Limits, Problem, Value};
use burgee_rules::{
    GUEST_STEPS, emit,
    facts::{Facts, RuleFacts},
    ir::Rule,
    parse::{self, Compiled, Making, PatternRoom, Reference, Setting, SharedRule, Thing},
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
    /// What it asks for by name itself, that it is there or not. Empty where it does not compile.
    references: Box<[Reference]>,
    /// The shared rules that it names, where it first does: they ask for more. Empty where it does not compile.
    named: Box<[Reference]>,
    /// How its `fractional` buckets.
    pub(crate) bucketing: Bucketing,
    /// The constants that the rule can give as they stand, in the order in which the compiled rule counts them.
    pub(crate) results: Box<[Value]>,
    /// Whether it is compiled to WebAssembly; else it is interpreted for good.
    pub(crate) emittable: bool,
    /// Whether it reads the time.
    pub(crate) reads_time: bool,
    /// Whether its work grows with what it is given.
    pub(crate) loops: bool,
    /// What it reads and asks for, and its shared rules, which are the same for all that name them.
    pub(crate) facts: RuleFacts,
    /// Of the rule's JSON and of the shared rules that it uses.
    pub(crate) digest: u128,
    /// The earlier rule that decides, because its own does not compile any more.
    pub(crate) stand_in: Option<Json>,
    /// Whether it has patterns for which the environment has no room.
    pub(crate) is_beyond: bool,
    /// The patterns that it has itself, each once.
    own_patterns: Box<[String]>,
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
        let own_patterns: Box<[String]> = parse::own_patterns(json).into_iter().collect();
        let (_, named) = parse::own_references(json);
        let shared: Vec<_> = named.iter().filter_map(|named| reading.shared(&named.name, &uses)).collect();
        if !room.take(own_patterns.iter().chain(shared.iter().flat_map(|shared| shared.patterns()))) {
            let refused = Compiled { faults: vec![room.full("")], ..Compiled::default() };
            return Self { own_patterns, ..Self::of(json, refused, uses.into_inner(), reading).beyond() };
        }
        Self { own_patterns, ..Self::within(flag, json, reading) }
    }

    /// A rule that is not read, for its patterns are too many.
    fn beyond(self) -> Self {
        let mut d = Digester::new("beyond");
        d.word(self.digest);
        Self { is_beyond: true, digest: d.finish(), ..self }
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
        let (references, named) = compiled.rule.as_ref().map(|_| parse::own_references(json)).unwrap_or_default();
        named.iter().for_each(|named| drop(reading.shared(&named.name, &uses)));
        let uses = uses.into_inner();
        Self { references: references.into(), named: named.into(), ..Self::of(json, compiled, uses, reading) }
    }

    /// Without its references.
    fn of(json: &Json, compiled: Compiled, uses: Uses, reading: &Reading<'_>) -> Self {
        let Reading { bucketing, names, .. } = *reading;
        let problems = compiled.problems().cloned().collect();
        let rule = compiled.rule.map(Arc::new);
        let known = rule.as_deref();
        let facts = known.map(|rule| rule.facts(&|name| names.get(name))).unwrap_or_default();
        let any = |test: fn(&Facts) -> bool| test(&facts.own) || facts.shared.iter().any(|shared| test(shared.facts()));
        Self {
            problems,
            results: known.map(emit::results).unwrap_or_default().into(),
            emittable: known.is_some_and(emit::fits),
            reads_time: any(|facts| facts.reads_time),
            loops: any(|facts| facts.loops),
            references: [].into(),
            named: [].into(),
            bucketing,
            digest: digest(json, bucketing, &uses),
            rule,
            facts,
            stand_in: None,
            is_beyond: false,
            own_patterns: [].into(),
            earlier: None,
            uses,
        }
    }

    /// Whether it calls guests.
    pub(crate) fn calls_guests(&self) -> bool {
        self.facts.guest_calls > 0
    }

    /// The most steps that it takes, apart from work that grows with data, and from those of guests, whose time has a
    /// limit of its own.
    pub(crate) fn steps(&self) -> u32 {
        let steps = self.rule.as_ref().map_or(0, |rule| rule.steps);
        let guests = self.facts.guest_calls.saturating_mul(GUEST_STEPS);
        u32::try_from(steps.saturating_sub(guests)).unwrap_or(u32::MAX)
    }

    /// The patterns that it has, with those of its shared rules.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = &String> {
        let shared = self.uses.values().flatten();
        self.own_patterns.iter().chain(shared.flat_map(|shared| shared.rule.patterns()))
    }

    /// What it asks for by name, by way of its shared rules too, with the place where it does; what both ask for twice.
    pub(crate) fn references(&self) -> impl Iterator<Item = (Thing, &str, &str)> {
        let own = self.references.iter().map(|asked| (asked.thing, asked.name.as_str(), asked.path.as_str()));
        let shared = self.named.iter().flat_map(|named| {
            let rule = self.uses.get(named.name.as_str()).and_then(Option::as_ref);
            let asked = rule.into_iter().flat_map(|shared| shared.rule.asked());
            asked.map(|(thing, name)| (*thing, &**name, named.path.as_str()))
        });
        own.chain(shared)
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
