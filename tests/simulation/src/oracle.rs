//! Who knows everything: all versions that were ever written, and what must have become of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use burgee_model::{Address, RegisterId, Scope, Stamp};
use burgee_store::{HistoryPolicy, Outcome, Table, Version};

/// What is known of a version that somebody wrote.
#[derive(Clone, Debug)]
pub struct Written {
    /// The version.
    pub version: Arc<Version>,
    /// On which machine.
    pub slot: usize,
    /// Whether its author was told that it is written.
    pub acknowledged: bool,
    /// Whether the last copy of it, and of whatever supersedes it, went with a disk or a memory.
    pub lost: bool,
    /// Whether only nodes that the cluster need not listen to had it: forgotten ones, and ones restored from
    /// a backup. What lies at or below the horizon of theirs may go.
    pub doubtful: bool,
}

/// All versions ever written.
#[derive(Debug, Default)]
pub struct Oracle {
    /// By register and stamp. A stamp alone may be there twice, in different registers: where a clock is not
    /// followed because it was too far ahead, stamps are counted up from what each register holds.
    /// (A node that was restored from a backup may even do that in one register.)
    written: BTreeMap<(RegisterId, Stamp), Vec<Written>>,
    /// Machines whose node was forgotten, or restored from a backup, and is not in line since.
    pub doubted: BTreeSet<usize>,
    /// Machines whose node joined by doubted ones alone: the cluster goes on without them as well, until a node
    /// that it listens to has heard of them.
    pub astray: BTreeSet<usize>,
    /// The greatest horizon that anybody wrote.
    pub horizon: Stamp,
}

impl Oracle {
    /// A version is about to be written. Answers the version that bears its stamp already, if one does.
    pub fn planned(&mut self, version: &Arc<Version>, slot: usize) -> Option<Arc<Version>> {
        let doubtful = self.is_doubted(slot);
        let written = Written { version: version.clone(), slot, acknowledged: false, lost: false, doubtful };
        let twins = self.written.entry((version.register.clone(), version.stamp)).or_default();
        if twins.iter().any(|twin| twin.version == *version) {
            return None;
        }
        twins.push(written);
        let same = |other: &&Written| other.version != *version && other.version.floor_seen == version.floor_seen;
        let other = twins.iter().filter(same).find(|other| !other.lost && !other.doubtful && !doubtful)?;
        Some(other.version.clone())
    }

    /// Whether nobody need listen to what only a machine's node has.
    #[must_use]
    pub fn is_doubted(&self, slot: usize) -> bool {
        self.doubted.contains(&slot) || self.astray.contains(&slot)
    }

    /// A process ended before anything of a write was on disk: nobody was told, and nobody will know.
    pub fn vanished(&mut self, versions: &[Arc<Version>]) {
        for version in versions {
            let twins = self.written.get_mut(&(version.register.clone(), version.stamp)).into_iter().flatten();
            twins.filter(|twin| twin.version == *version).for_each(|twin| twin.lost = true);
        }
    }

    /// A version's author was told that it is written.
    pub fn acknowledged(&mut self, version: &Version) {
        let twins = self.written.get_mut(&(version.register.clone(), version.stamp)).into_iter().flatten();
        twins.filter(|twin| *twin.version == *version).for_each(|twin| twin.acknowledged = true);
    }

    /// All that was ever written.
    pub fn all(&self) -> impl Iterator<Item = &Written> {
        self.written.values().flatten()
    }

    /// The table of what must have lasted: all that was acknowledged, and neither lost nor doubtful, without
    /// any collection.
    #[must_use]
    pub fn required(&self, horizon: Stamp) -> Table {
        let mut table = crate::disk::table(HistoryPolicy { max_versions: usize::MAX, ..HistoryPolicy::default() });
        for written in self.written.values().flatten().filter(|written| written.is_required(horizon)) {
            table.merge(&written.version);
        }
        table
    }

    /// Copies were destroyed, or their nodes are no longer listened to: whatever none of `tables` holds or
    /// supersedes is lost.
    pub fn destroyed(&mut self, tables: &[&Table]) {
        let open = |written: &&mut Written| written.acknowledged && !written.lost;
        for written in self.written.values_mut().flatten().filter(open) {
            written.lost = !tables.iter().any(|table| keeps_effect(table, &written.version));
        }
    }

    /// The same, for copies that are still there but not listened to.
    pub fn doubted(&mut self, tables: &[&Table]) {
        let open = |written: &&mut Written| !written.lost && !written.doubtful;
        for written in self.written.values_mut().flatten().filter(open) {
            written.doubtful = !tables.iter().any(|table| keeps_effect(table, &written.version));
        }
    }
}

impl Written {
    /// Whether it, or what supersedes it, must be everywhere in the end.
    #[must_use]
    pub fn is_required(&self, horizon: Stamp) -> bool {
        let collected = self.doubtful && self.version.stamp <= horizon;
        self.acknowledged && !self.lost && !collected && !self.is_system()
    }

    /// Whether it is of the cluster's own tenant.
    #[must_use]
    pub fn is_system(&self) -> bool {
        matches!(self.version.register.address, Address::Member { .. } | Address::Forgotten { .. } | Address::Horizon)
    }
}

/// Whether a table holds a version or something that supersedes it.
#[must_use]
pub fn accounts_for(table: &Table, version: &Arc<Version>) -> bool {
    let id = &version.register;
    let supersedes = |held: &Version| (held.floor_seen, held.stamp) >= (version.floor_seen, version.stamp);
    table.latest(id).is_some_and(|latest| supersedes(&latest)) || !would_take(table, version)
}

/// Whether a table holds what a version did. Of a kill, a later version is not enough: it must have seen it.
fn keeps_effect(table: &Table, version: &Arc<Version>) -> bool {
    if !version.register.address.keeps_heads() {
        return accounts_for(table, version);
    }
    let settles = |held: &Version| {
        let names = held.stamp == version.stamp || held.parents.contains(&version.stamp);
        names || held.floor_seen > version.floor_seen
    };
    table.history(&version.register).any(|held| settles(&held)) || !would_take(table, version)
}

/// Whether a table has collected a version, or would.
#[must_use]
pub fn is_collected(table: &Table, version: &Version) -> bool {
    let dead = version.content.is_none() || version.expires_at.is_some() || version.is_floor();
    dead && version.stamp <= table.horizon()
}

/// Whether a version would live in a table, as far as its floors and its horizon decide.
fn would_take(table: &Table, version: &Arc<Version>) -> bool {
    let id = &version.register;
    if is_collected(table, version) {
        return false;
    }
    let mut probe = crate::disk::table(HistoryPolicy::default());
    for scope in id.containers().chain(prefixes(&id.address)) {
        if let Some(floor) = table.floor(&id.tenant, &scope) {
            probe.merge(floor);
        }
    }
    if let Some(horizon) = table.latest(&RegisterId::system(Address::Horizon)) {
        probe.merge(&horizon);
    }
    matches!(probe.merge(version), Outcome::Applied(_))
}

fn prefixes(address: &Address) -> impl Iterator<Item = Scope> + '_ {
    let entry = match address {
        Address::Config { environment, key } => Some((environment, key.as_str())),
        _ => None,
    };
    entry.into_iter().flat_map(|(environment, key)| {
        let ends = key.char_indices().map(|(at, _)| at).chain([key.len()]);
        ends.map(|end| Scope::Config { environment: environment.clone(), prefix: key[..end].into() })
    })
}
