//! What other environments go by, so that an import changes no answer of theirs.

use std::{cell::LazyCell, collections::HashSet};

use burgee_model::{Blob, FlagInField, Key, Millis, RegisterId, import::View};
use burgee_store::Table;
use serde_json::Value as Json;

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

    /// Has an import planned, of which the planner sees this. `configured` are the flags of the import's environment.
    pub fn plan<T>(
        &self,
        current: &dyn Fn(&RegisterId) -> Option<Blob>,
        configured: &[Key],
        plan: impl FnOnce(&View<'_>) -> T,
    ) -> T {
        let texts = LazyCell::new(|| self.texts());
        let waits_for_segment = |name: &str| texts.contains(name);
        plan(&View { current, configured, is_shared: &|flag| self.have(flag), waits_for_segment: &waits_for_segment })
    }

    /// Whether one of them has a flag.
    fn have(&self, flag: &Key) -> bool {
        self.others.iter().any(|environment| self.setting(flag, environment, FlagInField::State).is_some())
    }

    /// The names of shared rules that their rules may ask for: every text in them.
    fn texts(&self) -> HashSet<String> {
        let mut texts = HashSet::new();
        let flags = self.table.flags(self.tenant, self.now, None);
        let rules = flags.flat_map(|flag| self.others.iter().map(move |environment| (flag, environment)));
        for rule in rules.filter_map(|(flag, environment)| self.setting(flag, environment, FlagInField::Targeting)) {
            collect(&rule, &mut texts);
        }
        for environment in &self.others {
            self.table.segments(self.tenant, environment, self.now).values().for_each(|rule| collect(rule, &mut texts));
        }
        texts
    }

    fn setting(&self, flag: &Key, environment: &Key, field: FlagInField) -> Option<Json> {
        let register = RegisterId::flag_in(self.tenant, flag, environment, field);
        let version = self.table.current(&register, self.now)?;
        version.content.as_ref()?.read()
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
