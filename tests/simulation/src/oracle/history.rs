//! What a set of versions amounts to, by the rules alone: which of a register's versions are kept, and which of those
//! are in conflict. As functions of the set, and without the table's help: where that errs, this is not to err with it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use burgee_model::{Address, RegisterId, Stamp};
use burgee_store::Version;

/// Versions that a node took in, of registers that have a history, and the floors; nothing that came is ever taken out
/// again, but what the node dropped in getting in line.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    registers: BTreeMap<RegisterId, Vec<Arc<Version>>>,
    floors: BTreeMap<RegisterId, Stamp>,
}

impl Taken {
    /// A version came.
    pub fn take(&mut self, version: &Arc<Version>) {
        let id = &version.register;
        if let Address::Floor(_) = id.address {
            let greatest = self.floors.entry(id.clone()).or_insert(version.stamp);
            *greatest = version.stamp.max(*greatest);
        } else if id.address.keeps_history() {
            let versions = self.registers.entry(id.clone()).or_default();
            if !versions.contains(version) {
                versions.push(version.clone());
            }
        }
    }

    /// Of a register, only these are there from now on.
    pub fn replace(&mut self, register: &RegisterId, versions: impl Iterator<Item = Arc<Version>>) {
        if register.address.keeps_history() {
            self.registers.insert(register.clone(), versions.collect());
        }
    }

    /// The registers of which anything came.
    pub fn registers(&self) -> impl Iterator<Item = &RegisterId> {
        self.registers.keys()
    }

    /// What of a register is kept, newest first: so many of those that have seen the latest floor and lie under none.
    /// (None of them is ever collected: nobody deletes a field by itself, or gives it a deadline.)
    #[must_use]
    pub fn kept(&self, register: &RegisterId, versions_max: usize) -> Vec<Arc<Version>> {
        let all = self.registers.get(register).map(Vec::as_slice).unwrap_or_default();
        let seen = all.iter().map(|version| version.floor_seen).max().flatten();
        let is_dead = |version: &Version| version.floor_seen < seen || self.is_under_floor(version);
        let mut kept: Vec<Arc<Version>> = all.iter().filter(|version| !is_dead(version)).cloned().collect();
        kept.sort_by_cached_key(|version| std::cmp::Reverse((version.stamp, version.encode())));
        kept.truncate(versions_max);
        kept
    }

    fn is_under_floor(&self, version: &Version) -> bool {
        let over = |(floor, _): &(&RegisterId, &Stamp)| match &floor.address {
            Address::Floor(scope) => floor.tenant == version.register.tenant && scope.covers(&version.register.address),
            _ => false,
        };
        self.floors.iter().filter(over).any(|(floor, stamp)| {
            let is_container = matches!(&floor.address, Address::Floor(scope) if scope.is_container());
            version.stamp <= *stamp || is_container && version.floor_seen < Some(*stamp)
        })
    }
}

/// Of the versions of a register, newest first, those that no other names.
pub fn unnamed(versions: &[Arc<Version>]) -> impl Iterator<Item = &Arc<Version>> {
    let named: BTreeSet<Stamp> = versions.iter().flat_map(|version| version.parents.iter().copied()).collect();
    versions.iter().filter(move |version| !named.contains(&version.stamp))
}

/// The same without the current one: they are in conflict with it.
pub fn losers(versions: &[Arc<Version>]) -> impl Iterator<Item = Stamp> {
    let current = versions.first().cloned();
    unnamed(versions).filter(move |version| Some(*version) != current.as_ref()).map(|version| version.stamp)
}
