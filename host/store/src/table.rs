//! The pure core: what a set of versions means, whatever the order in which they came.

mod access;
mod beside;
mod collect;
mod conflicts;
mod counts;
mod digest;
mod lists;
mod merge;
mod names;
mod page;
mod past;
mod read;
pub(crate) mod rows;
mod scope;
mod settle;
mod system;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use burgee_model::{Address, Key, Millis, RegisterId, Stamp};

pub use self::{
    counts::Counts,
    page::{Page, PageCursor},
    past::{Lost, Past},
    read::FlagRead,
};
use self::{counts::Kind, system::Authors};
pub use crate::register::HistoryPolicy;
use crate::{
    Version,
    digest::{Hasher, Path, Sum, tree::Tree},
    entries::Entries,
    floors::{Floors, Over},
    register::Register,
    registers::Registers,
    ttl::Deadlines,
};

/// All retained versions of a node.
///
/// Merging is commutative, associative and idempotent. Tables are equal if they retain the same versions,
/// those aside that only wait to be collected. Nothing here reads a clock: `now` is cluster time in
/// milliseconds.
#[derive(Clone, Debug, Default)]
pub struct Table {
    tenants: BTreeMap<Key, TenantTable>,
    history: HistoryPolicy,
    hasher: Hasher,
    horizon: Stamp,
    // What follows from the versions held, kept up to date at every change:
    counts: Counts,
    deadlines: Deadlines,
    /// Places of what can be collected, by the horizon from which on it can.
    graves: BTreeSet<(Stamp, Path)>,
    /// The stamps that lost in each register that has conflicts.
    conflicts: BTreeMap<RegisterId, Arc<[Stamp]>>,
    /// The digest of everything current.
    root: Sum,
    /// The places of all registers but config entries, floors included.
    places: Tree,
    /// The places of history, by the day of their stamps.
    days: BTreeMap<u32, Tree>,
    authors: Authors,
    /// Up to where any member ever said that it holds everything.
    acked: Stamp,
    /// Grows with every change of who may ask.
    access: u64,
    /// Versions of the cluster's own registers.
    system_versions: usize,
    /// Grows with every change of them.
    system_changes: u64,
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.page(None, usize::MAX).versions == other.page(None, usize::MAX).versions
    }
}

/// What a table holds of one tenant.
#[derive(Clone, Debug, Default)]
struct TenantTable {
    /// All registers that are neither config entries nor floors.
    registers: Registers,
    /// Config entries by environment; none is empty.
    config: BTreeMap<Key, Environment>,
    floors: Floors,
}

/// The config entries of one environment: packed bodies of versions, and their places.
#[derive(Clone, Debug)]
struct Environment {
    entries: Entries,
    places: Tree,
}

/// What became of a merged version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is retained.
    Applied(Applied),
    /// It was there already.
    Known,
    /// A newer version stands where no history is kept, or it is older than the history kept.
    Superseded,
    /// A floor lies over it.
    Dead,
    /// It is a floor at or below the horizon: all nodes have forgotten it.
    Collected,
}

/// What a retained version changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Whether it counts as current now; of a kill register every head does.
    pub current: bool,
    /// Registers that a floor emptied.
    pub died: Vec<RegisterId>,
    /// Registers that lost versions but are not empty.
    pub trimmed: Vec<RegisterId>,
}

impl Table {
    /// An empty table that keeps history by a policy. The key goes into all digests: those of two tables can
    /// be compared only if it is the same.
    #[must_use]
    pub fn new(history: HistoryPolicy, digest_key: u64) -> Self {
        Self { history, hasher: Hasher(digest_key), ..Self::default() }
    }

    /// From now on, versions stamped before a time are kept only where few are; see [`HistoryPolicy`].
    pub fn keep_history_since(&mut self, time: u64) {
        self.history.since = time;
    }

    /// The next deadline that has not been announced as passed.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Millis> {
        self.deadlines.next()
    }

    /// Takes the next version whose deadline has passed, each only once.
    pub fn lapse(&mut self, now: Millis) -> Option<Arc<Version>> {
        while let Some((deadline, path)) = self.deadlines.due(now) {
            let lapsed = self.registers_at(path).into_iter().find_map(|id| self.lapse_register(&id, now));
            if lapsed.is_some() {
                return lapsed;
            }
            self.deadlines.disarm(deadline, path);
        }
        None
    }

    /// Marks a register's deadline as announced, if it has passed.
    pub(crate) fn lapse_register(&mut self, id: &RegisterId, now: Millis) -> Option<Arc<Version>> {
        let facts = self.facts(id);
        let deadline = facts.first()?.deadline().filter(|deadline| *deadline <= now)?;
        let path = self.hasher.register(id);
        let before = self.weigh(Kind::of(id), path, &facts);
        if !self.deadlines.disarm(deadline, path) {
            return None;
        }
        let after = self.weigh(Kind::of(id), path, &facts);
        self.counts.shift(before, after);
        self.latest(id)
    }

    /// The floors over a register.
    pub(crate) fn over(&self, id: &RegisterId) -> Over {
        self.tenants.get(&id.tenant).map(|held| held.floors.over(id)).unwrap_or_default()
    }

    fn register(&self, id: &RegisterId) -> Option<&Register> {
        self.tenants.get(&id.tenant)?.registers.get(&id.address)
    }

    /// The body of a config entry.
    fn packed(&self, id: &RegisterId) -> Option<&[u8]> {
        let Address::Config { environment, key } = &id.address else { return None };
        self.tenants.get(&id.tenant)?.entry(environment.as_str(), key.as_str())
    }
}

#[cfg(test)]
mod tests;
