//! Checking what a write says about variants, defaults and rules, with the place of each fault in the request.

use std::{borrow::Cow, collections::BTreeMap};

use burgee_model::{Bucketing, FlagInField, Key, Limits, Millis, Problem, RegisterId};
use burgee_rules::{
    check,
    parse::{PatternRoom, Segments, Setting, patterns, shared_rules},
};
use burgee_store::Table;
use serde_json::{Map, Value as Json};

use super::{Refusal, members::FAULTS_MAX};

/// What a request sets for one environment, as far as it must agree with the variants.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings<'a> {
    /// A variant's name.
    pub default_variant: Option<&'a str>,
    /// A rule.
    pub targeting: Option<&'a Json>,
}

/// The faults of one request.
#[derive(Debug, Default)]
pub struct Faults {
    problems: Vec<Problem>,
    of_a_rule: bool,
}

impl Faults {
    /// Adds a fault of a value, up to the most that an answer lists.
    pub fn add(&mut self, problem: Problem) {
        if self.problems.len() < FAULTS_MAX {
            self.problems.push(problem);
        }
    }

    /// Refuses if there is any fault: as a rule's where one is.
    pub fn finish(self) -> Result<(), Refusal> {
        match (self.problems.is_empty(), self.of_a_rule) {
            (true, _) => Ok(()),
            (false, true) => Err(Refusal::InvalidRule(self.problems)),
            (false, false) => Err(Refusal::Invalid(self.problems)),
        }
    }

    /// Adds what is wrong with variants alone.
    pub fn variants(&mut self, flag: &Key, variants: &Map<String, Json>, limits: &Limits) {
        let none = |_: &str| None;
        let setting = Setting::new(&none, limits);
        let draft = check::Draft { key: flag, variants, default_variant: None, targeting: None, setting };
        check::flag(&draft).into_iter().for_each(|problem| self.add(problem));
    }

    /// Adds what is wrong with the settings of one environment; `base` is where they stand in the request.
    pub fn settings(&mut self, base: &str, scene: &Scene<'_>, settings: Settings<'_>) {
        for mut problem in scene.problems(settings) {
            self.of_a_rule |= problem.path.starts_with("/targeting");
            problem.path.insert_str(0, base);
            self.add(problem);
        }
    }
}

/// What settings are checked against.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The flag's key.
    pub flag: &'a Key,
    /// The variants as they are, or would be, in the environment.
    pub variants: &'a Map<String, Json>,
    /// The environment's shared rules.
    pub segments: &'a BTreeMap<Key, Json>,
    /// How `fractional` buckets there.
    pub bucketing: Bucketing,
    /// The flags of the environment.
    pub flags: &'a dyn Fn() -> Vec<Key>,
    /// The rules of the environment's other flags.
    pub rule_of: check::Rules<'a, 'static>,
    /// What is allowed.
    pub limits: &'a Limits,
}

/// Finds the rules of an environment's flags.
pub fn rules<'a>(
    table: &'a Table,
    now: Millis,
    tenant: &'a Key,
    environment: &'a Key,
) -> impl Fn(&str) -> Option<Cow<'static, Json>> + use<'a> {
    move |flag| {
        let id = RegisterId::flag_in(tenant, &Key::new(flag).ok()?, environment, FlagInField::Targeting);
        table.current(&id, now)?.content.as_ref()?.read().map(Cow::Owned)
    }
}

impl Scene<'_> {
    /// What is wrong with settings, variants themselves aside: paths `/defaultVariant` and `/targeting/…`.
    #[must_use]
    pub fn problems(&self, settings: Settings<'_>) -> Vec<Problem> {
        let segments = shared_rules(|name| self.segments.get(name).cloned());
        let draft = check::Draft {
            key: self.flag,
            variants: self.variants,
            default_variant: settings.default_variant,
            targeting: settings.targeting,
            setting: Setting { segments: &segments, bucketing: self.bucketing, limits: self.limits },
        };
        let mut problems = check::flag(&draft);
        let unanswered =
            settings.targeting.and_then(|rule| check::prerequisites(self.flag, rule, &segments, self.rule_of));
        problems.extend(unanswered);
        problems.extend(settings.targeting.and_then(|rule| self.beyond(rule, &segments)));
        problems.retain(|problem| !problem.path.starts_with("/variants"));
        problems
    }

    /// That a rule brings patterns for which the environment has no room.
    fn beyond(&self, rule: &Json, segments: Segments<'_>) -> Option<Problem> {
        let own = patterns(rule, segments);
        if own.is_empty() {
            return None;
        }
        let others = (self.flags)().into_iter().filter(|key| key != self.flag);
        let others = others.filter_map(|key| (self.rule_of)(key.as_str()));
        let taken = others.flat_map(|rule| patterns(&rule, segments)).collect();
        let mut room = PatternRoom::holding(taken, self.limits.patterns_per_environment);
        (!room.take(own.iter())).then(|| room.full("/targeting"))
    }
}

/// Refuses variants of more bytes than a request could set at once.
pub fn check_variants(variants: &Map<String, Json>, limits: &Limits) -> Result<(), Refusal> {
    let bytes = serde_json::to_string(variants).map_or(0, |text| text.len());
    let max = limits.body_bytes;
    if bytes > max { Err(Refusal::TooLarge { what: "the flag's variants", bytes, max }) } else { Ok(()) }
}

/// Refuses a rule document of more bytes than allowed.
pub fn check_size(rule: &Json, limits: &Limits) -> Result<(), Refusal> {
    let (bytes, max) = (rule.to_string().len(), limits.rule_bytes);
    if bytes > max { Err(Refusal::TooLarge { what: "the rule", bytes, max }) } else { Ok(()) }
}
