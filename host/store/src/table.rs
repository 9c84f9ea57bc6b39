//! The pure core: what a set of versions means, whatever the order in which they came.

mod collect;
mod digest;
mod lists;
mod page;
mod read;
mod scope;
mod system;

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use burgee_model::{Address, Key, Millis, RegisterId, Scope, Stamp};

use self::system::Authors;
pub use self::{
    page::{Page, PageCursor},
    read::FlagRead,
};
pub use crate::register::HistoryPolicy;
use crate::{
    Version,
    digest::Hasher,
    floors::{Floors, Over},
    register::{Inserted, Packed, Register},
    ttl::Deadlines,
};

/// All retained versions of a node.
///
/// Merging is commutative, associative and idempotent. Tables are equal if they retain the same versions.
/// Nothing here reads a clock: `now` is the wall time in milliseconds.
#[derive(Clone, Debug, Default)]
pub struct Table {
    tenants: BTreeMap<Key, TenantTable>,
    deadlines: Deadlines,
    counts: Counts,
    history: HistoryPolicy,
    horizon: Stamp,
    authors: Authors,
    hasher: Hasher,
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.tenants == other.tenants
    }
}

/// What a table holds of one tenant.
#[derive(Clone, Debug, Default, PartialEq)]
struct TenantTable {
    /// All registers with history.
    registers: BTreeMap<Address, Register>,
    /// Config entries by environment; no map is empty.
    config: BTreeMap<Key, BTreeMap<Key, Packed>>,
    floors: Floors,
}

/// What a table holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Registers, floors aside.
    pub registers: usize,
    /// Registers whose newest version is a tombstone or has expired.
    pub tombstones: usize,
    /// Floors.
    pub floors: usize,
    /// Config entries that are neither deleted nor expired.
    pub config_entries: usize,
    /// Versions, floors included.
    pub versions: usize,
}

impl Counts {
    fn shift(&mut self, before: Self, after: Self) {
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

/// What counts and deadlines know of a register: how many versions it has, and the newest one.
#[derive(Clone, Copy, PartialEq)]
struct Summary {
    versions: usize,
    stamp: Stamp,
    expires_at: Option<Millis>,
    tombstone: bool,
}

impl Summary {
    /// The deadline to be told, if there is one.
    fn deadline(&self) -> Option<Millis> {
        self.expires_at.filter(|_| !self.tombstone)
    }

    fn of_register(register: &Register) -> Self {
        let newest = register.current();
        let (stamp, expires_at, tombstone) = (newest.stamp, newest.expires_at, newest.content.is_none());
        Self { versions: register.len(), stamp, expires_at, tombstone }
    }

    fn of_entry(packed: &Packed) -> Option<Self> {
        let header = packed.header()?;
        let tombstone = header.is_tombstone();
        Some(Self { versions: 1, stamp: header.stamp, expires_at: header.expires_at, tombstone })
    }

    fn is_same_newest(&self, other: Option<&Self>) -> bool {
        other.is_some_and(|other| Self { versions: self.versions, ..*other } == *self)
    }
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

    /// Takes a version in. Versions that are not [sane](Version::is_sane) must not come here.
    pub fn merge(&mut self, version: &Arc<Version>) -> Outcome {
        self.authors.note(version.stamp);
        let id = &version.register;
        if let Address::Floor(scope) = &id.address {
            return self.merge_floor(scope, version);
        }
        if self.over(id).kills(version.stamp, version.floor_seen) {
            return Outcome::Dead;
        }
        let held = match self.tenants.get_mut(&id.tenant) {
            Some(held) => held,
            None => self.tenants.entry(id.tenant.clone()).or_default(),
        };
        let Insertion { inserted, before, after, current } = held.insert(version, &self.history);
        match inserted {
            Inserted::Known => Outcome::Known,
            Inserted::Superseded => Outcome::Superseded,
            Inserted::Dead => Outcome::Dead,
            Inserted::New { trimmed } => {
                self.account(id, before, after);
                if id.address == Address::Horizon {
                    self.horizon = self.horizon.max(version.stamp);
                }
                let trimmed = if trimmed { vec![id.clone()] } else { Vec::new() };
                Outcome::Applied(Applied { current, died: Vec::new(), trimmed })
            }
        }
    }

    fn merge_floor(&mut self, scope: &Scope, version: &Arc<Version>) -> Outcome {
        let tenant = &version.register.tenant;
        let floors = &mut self.tenants.entry(tenant.clone()).or_default().floors;
        let known = floors.get(scope).is_some_and(|held| held == version);
        let before = floors.len();
        if !floors.insert(scope, version) {
            return if known { Outcome::Known } else { Outcome::Superseded };
        }
        let grown = floors.len() - before;
        self.counts.floors += grown;
        self.counts.versions += grown;
        let (died, trimmed) = self.sweep(tenant, scope, version.stamp);
        Outcome::Applied(Applied { current: true, died, trimmed })
    }

    /// Drops what a new floor kills.
    fn sweep(&mut self, tenant: &Key, scope: &Scope, floor: Stamp) -> (Vec<RegisterId>, Vec<RegisterId>) {
        let mut over = Over::default();
        over.add(scope, floor);
        let covered = self.covered(tenant, scope);
        let (mut died, mut trimmed) = (Vec::new(), Vec::new());
        for address in covered {
            let id = RegisterId { tenant: tenant.clone(), address };
            let before = self.summary(&id);
            let Some(held) = self.tenants.get_mut(tenant) else { break };
            match held.drop_dead(&id.address, &over) {
                Swept::Untouched => continue,
                Swept::Trimmed => trimmed.push(id.clone()),
                Swept::Emptied => died.push(id.clone()),
            }
            let after = self.summary(&id);
            self.account(&id, before, after);
        }
        (died, trimmed)
    }

    /// Brings counts and deadlines up to date after a register changed.
    fn account(&mut self, id: &RegisterId, before: Option<Summary>, after: Option<Summary>) {
        let weighed = self.weigh(id, before);
        if !after.is_some_and(|after| after.is_same_newest(before.as_ref())) {
            if let Some(deadline) = before.and_then(|before| before.deadline()) {
                self.deadlines.disarm(deadline, id);
            }
            if let Some(deadline) = after.and_then(|after| after.deadline()) {
                self.deadlines.arm(deadline, id);
            }
        }
        let after = self.weigh(id, after);
        self.counts.shift(weighed, after);
    }

    /// What a register adds to the counts. A deadline that is not armed has been told: the version expired.
    fn weigh(&self, id: &RegisterId, summary: Option<Summary>) -> Counts {
        let Some(summary) = summary else { return Counts::default() };
        let lapsed = summary.deadline().is_some_and(|deadline| !self.deadlines.is_armed(deadline, id));
        let gone = summary.tombstone || lapsed;
        let entry = matches!(id.address, Address::Config { .. }) && !gone;
        Counts {
            registers: 1,
            tombstones: usize::from(gone),
            floors: 0,
            config_entries: usize::from(entry),
            versions: summary.versions,
        }
    }

    fn summary(&self, id: &RegisterId) -> Option<Summary> {
        match self.packed(id) {
            Some(packed) => Summary::of_entry(packed),
            None => self.register(id).map(Summary::of_register),
        }
    }

    /// What the table holds.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The next deadline that has not been announced as passed.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Millis> {
        self.deadlines.next()
    }

    /// Takes the next version whose deadline has passed, each only once.
    pub fn lapse(&mut self, now: Millis) -> Option<Arc<Version>> {
        let id = self.deadlines.due(now)?.clone();
        self.lapse_register(&id, now)
    }

    /// Marks a register's deadline as announced, if it has passed.
    pub(crate) fn lapse_register(&mut self, id: &RegisterId, now: Millis) -> Option<Arc<Version>> {
        let summary = self.summary(id);
        let deadline = summary?.deadline().filter(|deadline| *deadline <= now)?;
        let before = self.weigh(id, summary);
        if !self.deadlines.disarm(deadline, id) {
            return None;
        }
        let after = self.weigh(id, summary);
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

    fn packed(&self, id: &RegisterId) -> Option<&Packed> {
        let Address::Config { environment, key } = &id.address else { return None };
        self.tenants.get(&id.tenant)?.config.get(environment)?.get(key)
    }
}

enum Swept {
    Untouched,
    Trimmed,
    Emptied,
}

/// What putting a version into its register did.
struct Insertion {
    inserted: Inserted,
    before: Option<Summary>,
    after: Option<Summary>,
    /// Whether the version counts as current.
    current: bool,
}

impl TenantTable {
    fn insert(&mut self, version: &Arc<Version>, history: &HistoryPolicy) -> Insertion {
        match &version.register.address {
            Address::Config { environment, key } => self.insert_entry(environment, key, version),
            address => self.insert_register(address, version, history),
        }
    }

    fn insert_entry(&mut self, environment: &Key, key: &Key, version: &Version) -> Insertion {
        let entries = match self.config.get_mut(environment) {
            Some(entries) => entries,
            None => self.config.entry(environment.clone()).or_default(),
        };
        let (inserted, before, packed) = match entries.entry(key.clone()) {
            Entry::Occupied(held) => {
                let packed = held.into_mut();
                let before = Summary::of_entry(packed);
                (packed.insert(version), before, packed)
            }
            Entry::Vacant(free) => (Inserted::New { trimmed: false }, None, free.insert(Packed::new(version))),
        };
        Insertion { inserted, before, after: Summary::of_entry(packed), current: true }
    }

    fn insert_register(&mut self, address: &Address, version: &Arc<Version>, history: &HistoryPolicy) -> Insertion {
        let (inserted, before, register) = match self.registers.entry(address.clone()) {
            Entry::Occupied(held) => {
                let register = held.into_mut();
                let before = Summary::of_register(register);
                (register.insert(version, history), Some(before), register)
            }
            Entry::Vacant(free) => {
                (Inserted::New { trimmed: false }, None, free.insert(Register::new(version.clone())))
            }
        };
        let after = Some(Summary::of_register(register));
        Insertion { inserted, before, after, current: register.counts(version) }
    }

    fn drop_dead(&mut self, address: &Address, over: &Over) -> Swept {
        let dead = |v: &Version| over.kills(v.stamp, v.floor_seen);
        if let Address::Config { environment, key } = address {
            return self.drop_dead_entry(environment, key, over);
        }
        self.drop_versions(address, dead)
    }

    /// Drops the versions of which a test is true from a register with history.
    fn drop_versions(&mut self, address: &Address, dead: impl Fn(&Version) -> bool) -> Swept {
        let Some(register) = self.registers.get_mut(address) else { return Swept::Untouched };
        if !register.versions().any(|v| dead(v)) {
            return Swept::Untouched;
        }
        match register.without(dead) {
            Some(kept) => {
                *register = kept;
                Swept::Trimmed
            }
            None => {
                self.registers.remove(address);
                Swept::Emptied
            }
        }
    }

    fn drop_dead_entry(&mut self, environment: &Key, key: &Key, over: &Over) -> Swept {
        let Some(entries) = self.config.get_mut(environment) else { return Swept::Untouched };
        let header = entries.get(key).and_then(Packed::header);
        if !header.is_some_and(|header| over.kills(header.stamp, header.floor_seen)) {
            return Swept::Untouched;
        }
        self.remove_entry(environment, key);
        Swept::Emptied
    }

    fn remove_entry(&mut self, environment: &Key, key: &Key) {
        let Some(entries) = self.config.get_mut(environment) else { return };
        entries.remove(key);
        if entries.is_empty() {
            self.config.remove(environment);
        }
    }
}

#[cfg(test)]
mod tests;
