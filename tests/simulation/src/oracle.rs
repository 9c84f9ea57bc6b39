//! Who knows everything: all versions that were ever written, and what must have become of them.

mod effect;
mod excuse;
mod fate;
mod history;
mod place;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use burgee_model::{Address, Millis, RegisterId, Stamp};
use burgee_store::{HistoryPolicy, Table, Version};

use self::effect::keeps_effect;
pub use self::{
    effect::{accounts_for, is_collected},
    excuse::{Excuse, Excused},
    fate::{Fate, Loss, Replica},
    history::{Taken, losers, unnamed},
    place::Place,
};

/// What is known of a version that somebody wrote.
#[derive(Clone, Debug)]
pub struct Written {
    /// The version.
    pub version: Arc<Version>,
    /// On which machine.
    pub slot: usize,
    /// Whether its author was told that it is written.
    pub acknowledged: bool,
    /// What became of it.
    pub fate: Fate,
    /// Why only nodes have it that the cluster need not listen to, if that is so: what lies at or below the horizon of
    /// theirs may go.
    pub doubtful: Option<Excuse>,
    /// Whether the disks that had it are lost, and only memories have it.
    pub bereft: bool,
    /// Why the disks that had it are gone, where a witness of a lost floor still speaks against it.
    pub masked: Option<Excuse>,
    /// Whether its author's disk has it, or what came of it, ever since, and tells of it once that node is back.
    pub speaks: bool,
    /// Whether it is a deletion that was collected before all halves of the cluster had met.
    pub apart: bool,
    /// Whether its author's process ended before anything of it was on disk: it never was.
    pub vanished: bool,
}

/// All versions ever written.
#[derive(Debug, Default)]
pub struct Oracle {
    /// By register and stamp. A stamp alone may be there twice, in different registers: where a clock is not
    /// followed because it was too far ahead, stamps are counted up from what each register holds.
    /// (A node that was restored from a backup may even do that in one register.)
    written: BTreeMap<(RegisterId, Stamp), Vec<Written>>,
    /// Machines whose node need not be listened to until it is in line, or known, again.
    pub doubted: BTreeMap<usize, Excuse>,
    /// Machines whose node began a cluster of its own while another one was there, and has not met that yet.
    pub apart: BTreeSet<usize>,
    /// Machines of whose disk a copy was started that wrote by its identity.
    pub copied: BTreeSet<usize>,
    /// The greatest horizon that anybody wrote.
    pub horizon: Stamp,
    /// The greatest cluster time by which anybody looked for what had expired.
    pub looked: Millis,
    /// Of a kill, so many versions are kept.
    versions_max: usize,
}

impl Oracle {
    /// Of a cluster that keeps so many versions of a kill.
    #[must_use]
    pub fn new(history: HistoryPolicy) -> Self {
        Self { versions_max: history.max_versions, ..Self::default() }
    }

    /// A version is about to be written. Answers the version that bears its stamp already, if one does.
    pub fn planned(&mut self, version: &Arc<Version>, slot: usize) -> Option<Arc<Version>> {
        let doubtful = self.doubted.get(&slot).copied();
        let written = Written {
            version: version.clone(),
            slot,
            acknowledged: false,
            fate: Fate::Held,
            doubtful,
            // The disk of a copy counts for nothing.
            bereft: doubtful == Some(Excuse::Copied),
            masked: None,
            speaks: !matches!(doubtful, Some(Excuse::Copied | Excuse::Restored)),
            apart: false,
            vanished: false,
        };
        let twins = self.written.entry((version.register.clone(), version.stamp)).or_default();
        if twins.iter().any(|twin| twin.version == *version) {
            return None;
        }
        twins.push(written);
        let same = |other: &&Written| other.version != *version && other.version.floor_seen == version.floor_seen;
        // A data directory and its copy may give equal stamps.
        let has_copies = self.doubted.values().any(|excuse| *excuse == Excuse::Copied);
        let counts = |other: &&Written| {
            let is_own = other.slot == slot || !has_copies;
            is_own && other.fate == Fate::Held && other.doubtful.or(doubtful).is_none()
        };
        let other = twins.iter().filter(same).find(counts)?;
        Some(other.version.clone())
    }

    /// Whether nobody need listen to what only a machine's node has.
    #[must_use]
    pub fn is_doubted(&self, slot: usize) -> bool {
        self.doubted.contains_key(&slot)
    }

    /// A process ended before anything of a write was on disk, so nobody will know. Answers what was acknowledged of it.
    /// (Not of a horizon: two nodes that draw the same one write the same version, each for itself.)
    pub fn vanished(&mut self, versions: &[Arc<Version>]) -> Option<Arc<Version>> {
        let is_own = |version: &&Arc<Version>| version.register.address != Address::Horizon;
        let gone = |twin: &mut Written| (twin.fate, twin.vanished) = (Fate::Lost(Excuse::Disk), true);
        versions.iter().filter(is_own).for_each(|version| self.mark(version, gone));
        let told = |version: &&Arc<Version>| self.twins(version).any(|twin| twin.acknowledged);
        versions.iter().filter(is_own).find(told).cloned()
    }

    /// The disk of a machine is lost, or replaced by an old one: what its nodes wrote they do not tell of any more.
    pub fn author_lost(&mut self, slot: usize) {
        let of_it = self.written.values_mut().flatten().filter(|written| written.slot == slot);
        of_it.for_each(|written| written.speaks = false);
    }

    /// A version's author was told that it is written.
    pub fn acknowledged(&mut self, version: &Version) {
        self.mark(version, |twin| twin.acknowledged = true);
    }

    /// A node that is listened to took a version in.
    pub fn heard(&mut self, version: &Version) {
        self.mark(version, |twin| twin.doubtful = None);
    }

    /// A deletion was collected before all halves of the cluster had met.
    pub fn collected_apart(&mut self, version: &Version) {
        self.mark(version, |twin| twin.apart = true);
    }

    /// Whether what stood in a register was a deletion that was collected before all halves of the cluster had met.
    #[must_use]
    pub fn was_collected_apart(&self, register: &RegisterId, stamp: Stamp) -> bool {
        self.written.get(&(register.clone(), stamp)).is_some_and(|twins| twins.iter().any(|twin| twin.apart))
    }

    /// Whether somebody wrote a version, or was about to.
    #[must_use]
    pub fn knows(&self, version: &Version) -> bool {
        self.twins(version).next().is_some()
    }

    /// All that was written, or was about to be, of a register.
    pub fn versions_of(&self, register: &RegisterId) -> impl Iterator<Item = &Arc<Version>> {
        let from = (register.clone(), Stamp::ZERO);
        let all = self.written.range(from..).take_while(move |((id, _), _)| id == register);
        all.flat_map(|(_, twins)| twins).map(|written| &written.version)
    }

    fn twins(&self, version: &Version) -> impl Iterator<Item = &Written> {
        let twins = self.written.get(&(version.register.clone(), version.stamp)).into_iter().flatten();
        twins.filter(move |twin| *twin.version == *version)
    }

    fn mark(&mut self, version: &Version, how: impl Fn(&mut Written)) {
        let twins = self.written.get_mut(&(version.register.clone(), version.stamp)).into_iter().flatten();
        twins.filter(|twin| *twin.version == *version).for_each(how);
    }

    /// All that was ever written.
    pub fn all(&self) -> impl Iterator<Item = &Written> {
        self.written.values().flatten().filter(|written| !written.vanished)
    }

    /// The table of what must have lasted: all that was acknowledged, and neither lost nor doubtful, without
    /// any collection.
    #[must_use]
    pub fn required(&self, horizon: Stamp) -> Table {
        let mut table = crate::disk::table(HistoryPolicy { max_versions: usize::MAX, ..HistoryPolicy::default() });
        for written in self.all().filter(|written| written.is_required(horizon)) {
            table.merge(&written.version);
        }
        table
    }

    /// What need not have lasted and has not, in the end.
    #[must_use]
    pub fn excused(&self, table: &Table) -> Excused {
        let mut excused = Excused::default();
        let horizon = table.horizon();
        for written in self.all().filter(|written| written.acknowledged && !written.is_system()) {
            let Some(excuse) = written.excuse(horizon) else { continue };
            if !accounts_for(table, &written.version) && !self.is_outlived(&written.version, horizon) {
                excused.version(excuse);
            }
        }
        excused
    }
}

impl Written {
    /// Whether it, or what supersedes it, must be everywhere in the end.
    #[must_use]
    pub fn is_required(&self, horizon: Stamp) -> bool {
        let gone = self.fate == Fate::Outlived || self.excuse(horizon).is_some();
        self.acknowledged && !gone && !self.is_system()
    }

    /// Why it need not be there, if so.
    fn excuse(&self, horizon: Stamp) -> Option<Excuse> {
        match self.fate {
            Fate::Lost(excuse) => Some(excuse),
            Fate::Held | Fate::Outlived => {
                let halves = self.apart.then_some(Excuse::Halves);
                self.doubtful.or(halves).filter(|excuse| self.is_conceded(*excuse, horizon))
            }
        }
    }

    /// Whether an excuse counts. What a copy alone wrote is nobody's; all else may go only where it could be taken for
    /// what was collected, and its author is not there to write it again.
    fn is_conceded(&self, excuse: Excuse, horizon: Stamp) -> bool {
        let is_repeated = self.speaks && matches!(excuse, Excuse::Forgotten | Excuse::Left);
        excuse == Excuse::Copied || self.version.stamp <= horizon && !is_repeated
    }

    /// Whether it is of the cluster's own tenant.
    #[must_use]
    pub fn is_system(&self) -> bool {
        matches!(self.version.register.address, Address::Member { .. } | Address::Forgotten { .. } | Address::Horizon)
    }
}
