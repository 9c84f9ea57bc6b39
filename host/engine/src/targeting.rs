//! A flag's rule, read once and shared by every snapshot in which it stands unchanged.

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use burgee_model::{Bucketing, Key, Limits, Problem, Value};
use burgee_rules::{
    emit,
    ir::Rule,
    parse::{self, Reference, Setting},
};
use serde_json::Value as Json;

use crate::{digest::Digester, reads::Names, source::EnvironmentSource};

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
    /// Whether it calls guests.
    pub(crate) calls_guests: bool,
    /// The levels of its expressions.
    pub(crate) levels: usize,
    /// Of the rule's JSON and of the shared rules that it uses.
    pub(crate) digest: u128,
    /// The shared rules that it asked for, and what they were.
    uses: Box<[(Box<str>, Option<Json>)]>,
}

impl Targeting {
    pub(crate) fn new(flag: &Key, json: &Json, source: &EnvironmentSource, names: &Names, limits: &Limits) -> Self {
        let uses = RefCell::new(BTreeMap::new());
        let segment = |name: &str| {
            let found = source.segments.get(name).cloned();
            uses.borrow_mut().insert(Box::from(name), found.clone());
            found
        };
        let bucketing = source.bucketing;
        let setting = Setting { segments: &segment, bucketing, limits };
        let compiled = parse::rule_with(flag, json, &setting, &|name| names.get(name));
        let references = compiled.rule.as_ref().map(|_| parse::references(json, &segment)).unwrap_or_default();
        let uses: Box<[_]> = uses.into_inner().into_iter().collect();
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
            calls_guests: known.is_some_and(|rule| !rule.guests().is_empty()),
            levels: known.map(Rule::levels).unwrap_or_default(),
            references: references.into(),
            bucketing,
            digest: digest(json, bucketing, &uses),
            rule,
            uses,
        }
    }

    /// A shared rule that it uses.
    pub(crate) fn segment(&self, name: &str) -> Option<Json> {
        self.uses.iter().find(|(used, _)| **used == *name).and_then(|(_, rule)| rule.clone())
    }

    /// Whether the shared rules that it uses, and how it buckets, are still what they were.
    pub(crate) fn still_holds(&self, source: &EnvironmentSource) -> bool {
        self.bucketing == source.bucketing
            && self.uses.iter().all(|(name, then)| source.segments.get(&**name) == then.as_ref())
    }
}

fn attributes(rule: &Rule, names: &Names) -> Option<Box<[Arc<str>]>> {
    rule.attributes().map(|read| read.into_iter().map(|name| names.get(name)).collect())
}

/// The entries that the rule reads. What cannot be a key names no entry.
fn config_keys(rule: &Rule) -> Box<[Key]> {
    rule.config_keys().iter().filter_map(|key| Key::new(key).ok()).collect()
}

fn digest(json: &Json, bucketing: Bucketing, uses: &[(Box<str>, Option<Json>)]) -> u128 {
    let mut d = Digester::new("rule");
    d.word(bucketing.number().into());
    d.json(json);
    for (name, rule) in uses {
        d.text(name);
        d.json(rule.as_ref().unwrap_or(&Json::Null));
    }
    d.finish()
}
