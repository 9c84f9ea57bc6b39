//! Collection: what lies at or below the horizon and is dead need not be remembered any more.

use burgee_model::{Address, RegisterId, Stamp};

use super::Table;
use crate::Version;

impl Table {
    /// The least stamp of what could be collected and lies above the horizon: of a tombstone, of a version
    /// that was told to have expired, or of a floor other than those of tenants and environments.
    #[must_use]
    pub fn oldest_collectable(&self) -> Option<Stamp> {
        None
    }

    /// Drops one retained version; says whether it was there. For nodes that resynchronise: the version
    /// is one that the cluster has collected.
    pub fn evict(&mut self, id: &RegisterId, stamp: Stamp) -> bool {
        let held = |version: &Version| version.stamp == stamp;
        if !self.history(id).any(|version| held(&version)) {
            return false;
        }
        let before = self.summary(id);
        let Some(tenant) = self.tenants.get_mut(&id.tenant) else { return false };
        match &id.address {
            Address::Floor(scope) => {
                tenant.floors.remove(scope);
                self.counts.floors -= 1;
                self.counts.versions -= 1;
                return true;
            }
            Address::Config { environment, key } => tenant.remove_entry(environment, key),
            address => {
                tenant.drop_versions(address, held);
            }
        }
        let after = self.summary(id);
        self.account(id, before, after);
        true
    }
}
