//! How much a table holds.

use burgee_model::{Address, RegisterId};

use super::Table;
use crate::{digest::Path, facts::Facts};

/// What a table holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Registers, floors aside.
    pub registers: usize,
    /// Registers whose newest version is a tombstone or has expired, and is not collected yet.
    pub tombstones: usize,
    /// Floors.
    pub floors: usize,
    /// Config entries that are neither deleted nor expired.
    pub config_entries: usize,
    /// Versions, floors included.
    pub versions: usize,
}

impl Counts {
    pub(super) fn shift(&mut self, before: Self, after: Self) {
        let shift = |total: &mut usize, before: usize, after: usize| {
            *total = total.saturating_add(after).saturating_sub(before);
        };
        shift(&mut self.registers, before.registers, after.registers);
        shift(&mut self.tombstones, before.tombstones, after.tombstones);
        shift(&mut self.floors, before.floors, after.floors);
        shift(&mut self.config_entries, before.config_entries, after.config_entries);
        shift(&mut self.versions, before.versions, after.versions);
    }
}

/// What is counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Floor,
    Entry,
    Other,
}

impl Kind {
    pub(super) fn of(id: &RegisterId) -> Self {
        match &id.address {
            Address::Floor(_) => Self::Floor,
            Address::Config { .. } => Self::Entry,
            _ => Self::Other,
        }
    }
}

impl Table {
    /// What the table holds.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What a register adds to the counts. A deadline that is not armed has been told: the version expired.
    pub(super) fn weigh(&self, kind: Kind, path: Path, facts: &[Facts]) -> Counts {
        let Some(newest) = facts.first() else { return Counts::default() };
        let versions = facts.len();
        if kind == Kind::Floor {
            return Counts { floors: 1, versions, ..Counts::default() };
        }
        let lapsed = newest.deadline().is_some_and(|deadline| !self.deadlines.is_armed(deadline, path));
        let gone = newest.tombstone || lapsed;
        let entry = kind == Kind::Entry && !gone;
        // One that came after its horizon is collected already as far as anybody can see: nothing waits for it.
        let hidden = newest.ripe.is_some_and(|ripe| ripe <= self.horizon);
        let tombstones = usize::from(gone && !hidden);
        Counts { registers: 1, tombstones, floors: 0, config_entries: usize::from(entry), versions }
    }
}
