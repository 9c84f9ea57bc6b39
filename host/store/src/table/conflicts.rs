//! Conflicts: versions that a concurrent one overwrote and that nobody settled.

use std::sync::Arc;

use burgee_model::{Key, RegisterId, Stamp};

use super::Table;
use crate::Version;

impl Table {
    /// The versions that a concurrent one overwrote and that nobody settled, newest first. Registers
    /// without history have none.
    #[must_use]
    pub fn conflicts(&self, id: &RegisterId) -> Vec<Arc<Version>> {
        let Some(register) = self.register(id) else { return Vec::new() };
        let named = register.named();
        register.visible(id, self.horizon).skip(1).filter(|version| !named.contains(&version.stamp)).collect()
    }

    /// The registers of a tenant that have conflicts, with the versions that lost; see
    /// [`conflicts`](Self::conflicts).
    pub fn all_conflicts(&self, tenant: &Key) -> impl Iterator<Item = (RegisterId, Vec<Arc<Version>>)> {
        let tenant = tenant.clone();
        // The least address there is.
        let from = RegisterId::tenant(&tenant);
        let of_tenant = self.conflicts.range(from..).take_while(move |(id, _)| id.tenant == tenant);
        of_tenant.map(|(id, _)| (id.clone(), self.conflicts(id)))
    }

    /// How many registers have conflicts.
    #[must_use]
    pub fn conflict_count(&self) -> usize {
        self.conflicts.len()
    }

    /// All registers that have conflicts, with the stamps of the versions that lost, newest first.
    pub(crate) fn standing_conflicts(&self) -> impl Iterator<Item = (&RegisterId, &Arc<[Stamp]>)> {
        self.conflicts.iter()
    }

    /// Brings the list of conflicts in line with a register.
    pub(super) fn review_conflicts(&mut self, id: &RegisterId) {
        let losers: Arc<[Stamp]> = self.conflicts(id).iter().map(|version| version.stamp).collect();
        if losers.is_empty() {
            self.conflicts.remove(id);
        } else {
            self.conflicts.insert(id.clone(), losers);
        }
    }
}
