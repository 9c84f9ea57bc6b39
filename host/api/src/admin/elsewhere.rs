//! What other environments go by, so that an import changes no answer of theirs.

use burgee_model::{Blob, FlagInField, Key, Millis, RegisterId, import::View};
use burgee_store::Table;

/// The environments of a tenant but one.
pub struct Elsewhere<'a> {
    table: &'a Table,
    now: Millis,
    tenant: &'a Key,
    environment: &'a Key,
    others: Vec<Key>,
}

impl<'a> Elsewhere<'a> {
    /// All but this one.
    #[must_use]
    pub fn of(table: &'a Table, now: Millis, tenant: &'a Key, environment: &'a Key) -> Self {
        let others = table.environments(tenant, now).map(|(key, ..)| key).filter(|key| *key != environment);
        Self { table, now, tenant, environment, others: others.cloned().collect() }
    }

    /// Has an import planned, of which the planner sees this. `configured` are the flags of the import's environment.
    pub fn plan<T>(
        &self,
        current: &dyn Fn(&RegisterId) -> Option<Blob>,
        configured: &[Key],
        plan: impl FnOnce(&View<'_>) -> T,
    ) -> T {
        let segments = || self.table.segments(self.tenant, self.environment, self.now).into_keys().collect();
        plan(&View {
            current,
            configured,
            segments: &segments,
            is_shared: &|flag| self.have(flag),
            is_alone: self.others.is_empty(),
        })
    }

    /// Whether one of them has anything of a flag, be it a rule that waits to be switched on.
    fn have(&self, flag: &Key) -> bool {
        let has = |environment: &Key, field| {
            self.table.current(&RegisterId::flag_in(self.tenant, flag, environment, field), self.now).is_some()
        };
        self.others.iter().any(|environment| FlagInField::ALL.into_iter().any(|field| has(environment, field)))
    }
}
