//! Collection: what lies at or below the horizon and is dead need not be remembered any more.
//!
//! The horizon is a register like any other; its stamp is the horizon itself. What is dead at or below it
//! is dropped when it comes. A tombstone that comes later, from a node that has not collected yet, still
//! does its work: it is kept, hidden from digests, pages and conflicts, until the next horizon comes.

use std::{
    ops::Bound::{Excluded, Unbounded},
    sync::Arc,
};

use burgee_model::{Address, RegisterId, Stamp};

use super::{Applied, Outcome, Table, merge::Dropped};
use crate::{Version, digest::Path};

impl Table {
    /// Up to where all nodes have collected; [`Stamp::ZERO`] where they never did.
    #[must_use]
    pub fn horizon(&self) -> Stamp {
        self.horizon
    }

    /// The least horizon that would collect something: the stamp of a tombstone, of a version that expires
    /// (or the time at which it does, if that is later), or of a floor of config entries.
    #[must_use]
    pub fn oldest_collectable(&self) -> Option<Stamp> {
        let above = (Excluded((self.horizon, Path::MAX)), Unbounded);
        self.graves.range(above).next().map(|(ripe, _)| *ripe)
    }

    /// Drops one retained version; says whether it was there. For nodes that resynchronise: the version
    /// is one that the cluster has collected.
    pub fn evict(&mut self, id: &RegisterId, stamp: Stamp) -> bool {
        self.drop_versions(id, |held, _| held == stamp) != Dropped::None
    }

    pub(super) fn merge_horizon(&mut self, version: &Arc<Version>) -> Outcome {
        let outcome = self.merge_register(version);
        let Outcome::Applied(applied) = outcome else { return outcome };
        let trimmed = self.collect(version.stamp);
        Outcome::Applied(Applied { trimmed: [applied.trimmed, trimmed].concat(), ..applied })
    }

    /// Drops what is dead at or below a horizon, which then is the table's own; says of which registers.
    /// None of them had a value that anyone saw.
    pub(crate) fn collect(&mut self, horizon: Stamp) -> Vec<RegisterId> {
        let mut collected = Vec::new();
        // Ascending, and each step takes its grave away.
        while let Some((ripe, path)) = self.graves.first().copied().filter(|(ripe, _)| *ripe <= horizon) {
            for id in self.registers_at(path) {
                if self.bury(&id, horizon) != Dropped::None {
                    collected.push(id);
                }
            }
            self.graves.remove(&(ripe, path));
        }
        self.horizon = self.horizon.max(horizon);
        collected
    }

    /// Drops what is dead at or below a horizon of one register, and all below it.
    fn bury(&mut self, id: &RegisterId, horizon: Stamp) -> Dropped {
        let facts = self.facts(id);
        let dead = facts.iter().any(|facts| facts.ripe.is_some_and(|ripe| ripe <= horizon));
        match &id.address {
            Address::Floor(scope) => self.drop_if(dead, id, |tenant| tenant.floors.remove(scope)),
            Address::Config { environment, key } => {
                self.drop_if(dead, id, |tenant| tenant.remove_entry(environment, key))
            }
            address => {
                let kept = self.register(id).and_then(|register| register.above(id, horizon));
                self.drop_if(dead, id, |tenant| tenant.replace(address, kept))
            }
        }
    }
}
