//! What the rules of other environments ask for already, so that an import, which may add it to what all environments
//! share, changes no answer of theirs.

use std::{cell::LazyCell, collections::HashSet};

use burgee_model::{
    Blob, FlagInField, Key, Millis, RegisterId,
    import::{Plan, View},
};
use burgee_store::Table;
use serde_json::Value as Json;

/// Operators that give true or false.
const TESTS: [&str; 19] = [
    "==",
    "===",
    "!=",
    "!==",
    ">",
    ">=",
    "<",
    "<=",
    "!",
    "!!",
    "in",
    "all",
    "some",
    "none",
    "starts_with",
    "ends_with",
    "sem_ver",
    "matches",
    "in_network",
];
/// Operators that name a shared rule.
const SHARED: [&str; 2] = ["$ref", "segment"];

/// The environments of a tenant but one.
pub struct Elsewhere<'a> {
    table: &'a Table,
    now: Millis,
    tenant: &'a Key,
    others: Vec<Key>,
}

impl<'a> Elsewhere<'a> {
    /// All but this one.
    #[must_use]
    pub fn of(table: &'a Table, now: Millis, tenant: &'a Key, environment: &Key) -> Self {
        let others = table.environments(tenant, now).map(|(key, ..)| key).filter(|key| *key != environment);
        Self { table, now, tenant, others: others.cloned().collect() }
    }

    /// What the planner of an import sees.
    pub fn plan(
        &self,
        current: &dyn Fn(&RegisterId) -> Option<Blob>,
        configured: &[Key],
        beside: bool,
        plan: impl FnOnce(&View<'_>) -> Plan,
    ) -> Plan {
        let texts = LazyCell::new(|| self.texts());
        plan(&View {
            current,
            configured,
            waits_for_variant: &|flag, variant| self.wait_for_variant(flag, variant),
            waits_for_segment: &|name| texts.contains(name),
            beside,
        })
    }

    /// Whether one of them may answer otherwise once a flag has a variant of this name.
    fn wait_for_variant(&self, flag: &Key, variant: &str) -> bool {
        self.others.iter().any(|environment| {
            let is_default = self.setting(flag, environment, FlagInField::DefaultVariant);
            let rule = self.setting(flag, environment, FlagInField::Targeting);
            is_default.is_some_and(|name| name == variant)
                || rule.is_some_and(|rule| self.may_give(&rule, environment, variant, true))
        })
    }

    /// The names of shared rules that their rules may ask for: every text in them.
    fn texts(&self) -> HashSet<String> {
        let mut texts = HashSet::new();
        for flag in self.table.flags(self.tenant, self.now, None) {
            for environment in &self.others {
                if let Some(rule) = self.setting(flag, environment, FlagInField::Targeting) {
                    collect(&rule, &mut texts);
                }
            }
        }
        texts
    }

    fn setting(&self, flag: &Key, environment: &Key, field: FlagInField) -> Option<Json> {
        let register = RegisterId::flag_in(self.tenant, flag, environment, field);
        let version = self.table.current(&register, self.now)?;
        version.content.as_ref()?.read()
    }

    /// Whether a rule may give the name of a variant; what it computes may be any.
    fn may_give(&self, rule: &Json, environment: &Key, variant: &str, refers: bool) -> bool {
        let Json::Object(members) = rule else { return names(rule, variant) };
        let mut rest = members.iter();
        let (Some((operator, operands)), None) = (rest.next(), rest.next()) else { return false };
        let items = operands.as_array().map_or(std::slice::from_ref(operands), Vec::as_slice);
        let may = |json: &Json| self.may_give(json, environment, variant, refers);
        match operator.as_str() {
            "if" | "?:" => {
                items.iter().enumerate().any(|(at, item)| (at % 2 == 1 || at + 1 == items.len()) && may(item))
            }
            "and" | "or" => items.iter().any(may),
            "fractional" => items.iter().any(|share| share.get(0).is_some_and(may)),
            shared if SHARED.contains(&shared) && refers => {
                let rules = || self.table.segments(self.tenant, environment, self.now);
                let name = items.first().and_then(Json::as_str).and_then(|name| Key::new(name).ok());
                let rule = name.and_then(|name| rules().remove(&name));
                rule.is_some_and(|rule| self.may_give(&rule, environment, variant, false))
            }
            test if TESTS.contains(&test) => variant == "true" || variant == "false",
            _ => true,
        }
    }
}

/// Whether a constant names a variant. How a number is written as a name is not looked at: any may.
fn names(constant: &Json, variant: &str) -> bool {
    match constant {
        Json::String(text) => text == variant,
        Json::Bool(truth) => variant == if *truth { "true" } else { "false" },
        Json::Number(_) => variant.parse::<f64>().is_ok(),
        Json::Null | Json::Array(_) | Json::Object(_) => false,
    }
}

fn collect(json: &Json, texts: &mut HashSet<String>) {
    match json {
        Json::String(text) => drop(texts.insert(text.clone())),
        Json::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Json::Object(members) => members.values().for_each(|value| collect(value, texts)),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}
