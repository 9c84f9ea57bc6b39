//! From targeting as JSON to the typed form of a rule, with all problems found on the way.
//!
//! Total: whatever the JSON, it ends, without panic, in a rule or in faults, after work that is linear in the
//! size of the document and of the shared rules that it names.

mod args;
mod burgee;
mod flagd;
mod jsonlogic;
mod levels;
mod names;
mod operators;
mod parser;
mod patterns;
mod references;
mod shared;
mod size;

use std::{collections::BTreeSet, sync::Arc};

use burgee_model::{Bucketing, Key, Limits, Problem};
use serde_json::{Value as Json, json};

use self::parser::Parser;
pub(crate) use self::{flagd::has_computed_share, references::flags};
pub use self::{
    levels::levels,
    patterns::{PatternRoom, own as own_patterns, patterns},
    references::{Asked, REFERENCES_MAX, Reference, Thing, own_references, references},
    shared::{SharedRule, shared_rules},
};
use crate::{
    function::Function,
    ir::{Expr, Rule},
    ops::{pattern::Pattern, ramp::Ramp},
};

/// The most problems that are listed for one rule.
pub const PROBLEMS_MAX: usize = 100;

/// What became of a rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compiled {
    /// The rule; `None` exactly where there are faults: the flag answers PARSE_ERROR.
    pub rule: Option<Rule>,
    /// Why it does not compile.
    pub faults: Vec<Problem>,
    /// What compiles but cannot be meant, such as an operator that gives null whatever the context. Writes by
    /// people are refused for it, imports and merges are not.
    pub warnings: Vec<Problem>,
}

impl Compiled {
    /// Faults and warnings.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.faults.iter().chain(&self.warnings)
    }
}

/// Finds a shared rule (`$ref`) by its name: the same one each time, so that it is read once. See [`shared_rules`].
pub type Segments<'a> = &'a dyn Fn(&str) -> Option<Arc<SharedRule>>;

/// Makes parts of rules; it may give one that it gave before.
#[derive(Clone, Copy)]
pub struct Making<'a> {
    /// The name of what a rule reads of a context.
    pub name: &'a dyn Fn(&str) -> Arc<str>,
    /// A pattern; the error says what is wrong with its text.
    pub pattern: &'a dyn Fn(&str) -> Result<Arc<Pattern>, String>,
}

/// What a rule is read with.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// The shared rules of the environment.
    pub segments: Segments<'a>,
    /// How its `fractional` buckets.
    pub bucketing: Bucketing,
    /// What is allowed.
    pub limits: &'a Limits,
}

impl<'a> Setting<'a> {
    /// With the bucketing that environments have unless they say otherwise.
    #[must_use]
    pub fn new(segments: Segments<'a>, limits: &'a Limits) -> Self {
        Self { segments, bucketing: Bucketing::default(), limits }
    }
}

/// Reads the rule of a flag. The paths of problems are relative to `targeting`.
#[must_use]
pub fn rule(flag: &Key, targeting: &Json, setting: &Setting<'_>) -> Compiled {
    let making = Making { name: &|name| name.into(), pattern: &|text| Pattern::new(text).map(Arc::new) };
    rule_with(flag, targeting, setting, making)
}

/// The same; functions give what many rules can share.
#[must_use]
pub fn rule_with(flag: &Key, targeting: &Json, setting: &Setting<'_>, making: Making<'_>) -> Compiled {
    match size::check(targeting, setting.limits) {
        Ok(()) => Parser::new(flag, setting, making).rule(targeting),
        Err(fault) => Compiled { faults: vec![fault], ..Compiled::default() },
    }
}

/// Reads the members of a `ramp` that stands by itself, as rules read theirs.
///
/// # Errors
/// What is wrong with it; paths begin with `/ramp`.
pub fn ramp(members: &Json, limits: &Limits) -> Result<Arc<Ramp>, Vec<Problem>> {
    let wrong = |message: &str| vec![Problem::new("/ramp".to_owned(), "invalid_ramp", message)];
    let flag = Key::new("ramp").map_err(|error| wrong(&error.to_string()))?;
    if !members.is_object() {
        return Err(wrong("a ramp is an object, like {\"start\": \"2026-12-01\", \"end\": \"2026-12-08\"}"));
    }
    let read = rule(&flag, &json!({ "ramp": members }), &Setting::new(&|_| None, limits));
    match read.rule.map(|rule| rule.root) {
        Some(Expr::Call { function: Function::Ramp(ramp), .. }) => Ok(ramp),
        _ => Err(read.faults),
    }
}

/// The operator and the operands of an operation: an object with one member. None where it is a value.
pub(crate) fn operation(json: &Json) -> Option<(&str, &Json)> {
    let members = json.as_object().filter(|members| members.len() == 1)?;
    members.iter().next().map(|(name, operands)| (name.as_str(), operands))
}

/// The operators in a rule, and in the shared rules that it names, that are Burgee's own: with any of them, it
/// is not portable to flagd. Empty for a document beyond the limits, which has no rule.
#[must_use]
pub fn own_operators(targeting: &Json, segments: Segments<'_>, limits: &Limits) -> BTreeSet<&'static str> {
    let own = |rule: &Json| size::check(rule, limits).map(|()| names::own(rule));
    let Ok(mut found) = own(targeting) else { return BTreeSet::new() };
    let shared = references::shared(targeting).into_iter().filter_map(|name| segments(&name));
    found.extend(shared.filter_map(|rule| own(rule.document()).ok()).flatten());
    found
}

#[cfg(test)]
mod tests;
