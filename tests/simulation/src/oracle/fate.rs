//! What becomes of versions where replicas go, or where nobody need listen any more to those who have them.

use std::sync::Arc;

use burgee_model::Stamp;
use burgee_store::{Table, Version};

use super::{Excuse, Oracle, Written, effect::may_go, keeps_effect};
use crate::invariants::deletion::floor_covers;

/// What a node holds, in memory or on disk.
#[derive(Debug)]
pub struct Replica {
    /// On which machine.
    pub slot: usize,
    /// All of it.
    pub table: Table,
    /// Whether it is a disk.
    pub durable: bool,
    /// Whether the cluster waits for its node before it collects.
    pub heard: bool,
}

/// What became of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It, or what supersedes it, is somewhere.
    Held,
    /// What superseded it was collected since.
    Outlived,
    /// Nobody has it.
    Lost(Excuse),
}

/// Replicas that are gone, or whose node nobody need listen to any more.
#[derive(Debug)]
pub struct Loss<'a> {
    /// The replicas, as they were.
    pub gone: &'a [Replica],
    /// Why what they alone held need not last.
    pub excuse: Excuse,
}

/// Who should have a version.
#[derive(Clone, Copy)]
enum Who {
    Anybody,
    Listened,
    Disk,
}

impl Who {
    fn nobody(self) -> &'static str {
        match self {
            Self::Anybody => "nobody",
            Self::Listened => "nobody who is listened to",
            Self::Disk => "no disk",
        }
    }
}

/// What is seen of a version.
enum Seen {
    Held,
    Lost(Excuse),
    /// Those who should have it have not, and it was not in what is gone.
    Missing {
        /// Who.
        who: Who,
        /// Why it need not last all the same.
        excuse: Option<Excuse>,
    },
}

impl Oracle {
    /// Something went: looks at what `replicas`, all that are left, hold.
    ///
    /// # Errors
    /// The first version that is missing although it was not in what went.
    pub fn account(&mut self, replicas: &[Replica], loss: &Loss<'_>) -> Result<(), String> {
        let mut held: Vec<&Replica> = replicas.iter().collect();
        // Those first whose word is enough.
        held.sort_by_key(|replica| !(replica.heard && replica.durable));
        let mut missing = Vec::new();
        for written in self.written.values_mut().flatten().filter(|written| written.is_open()) {
            match written.look(&held, loss, (self.versions_max, self.horizon)) {
                Seen::Held => {}
                Seen::Lost(excuse) => written.fate = Fate::Lost(excuse),
                Seen::Missing { who, excuse } => missing.push((written.version.clone(), who, excuse)),
            }
        }
        missing.into_iter().try_for_each(|(version, who, excuse)| self.miss(&version, who, excuse))
    }

    /// Those who should have a version have not, and it was not in what went: looks for what took its place.
    fn miss(&mut self, version: &Arc<Version>, who: Who, excuse: Option<Excuse>) -> Result<(), String> {
        let fate = match (excuse, who) {
            _ if self.is_outlived(version, self.horizon) => Fate::Outlived,
            (Some(excuse), _) => Fate::Lost(excuse),
            (None, Who::Anybody) if self.is_bereft(version) => Fate::Lost(Excuse::Disk),
            (None, Who::Disk) if self.is_bereft(version) => {
                self.mark(version, |written| written.bereft = true);
                return Ok(());
            }
            _ => return Err(format!("{} has {version:?}", who.nobody())),
        };
        self.mark(version, |written| written.fate = fate);
        Ok(())
    }

    /// Whether a version, or one that superseded it, was collected by a horizon.
    #[must_use]
    pub fn is_outlived(&self, version: &Version, horizon: Stamp) -> bool {
        // What has expired is nothing that anybody would miss.
        let expired = |other: &Version| other.expires_at.is_some_and(|deadline| deadline <= self.looked);
        let went = |other: &Version| may_go(other, horizon) || other.stamp <= horizon && expired(other);
        self.all().any(|other| went(&other.version) && supersedes(&other.version, version))
    }

    /// Whether what superseded a version was lost with a disk: its row may have gone before that.
    fn is_bereft(&self, version: &Version) -> bool {
        let lost = |other: &Written| other.bereft || matches!(other.fate, Fate::Lost(_));
        let others = self.all().filter(|other| *other.version != *version && other.acknowledged);
        others.filter(|other| lost(other)).any(|other| supersedes(&other.version, version))
    }
}

fn supersedes(other: &Version, version: &Version) -> bool {
    let same = other.register == version.register;
    let later = same && (other.floor_seen, other.stamp) >= (version.floor_seen, version.stamp);
    later || floor_covers(other, version)
}

impl Written {
    fn is_open(&self) -> bool {
        self.fate == Fate::Held && !self.is_system()
    }

    /// Looks who has it, and notes who of them counts.
    fn look(&mut self, held: &[&Replica], loss: &Loss<'_>, (versions_max, horizon): (usize, Stamp)) -> Seen {
        let version = &self.version;
        let keeps = |replica: &Replica| keeps_effect(&replica.table, version, versions_max);
        let elsewhere = |replica: &&Replica| replica.slot != self.slot && keeps(replica);
        // Its author may have noted that somebody had it, in whom it is lost now.
        let is_betrayed = loss.gone.iter().any(|gone| elsewhere(&gone)) && !held.iter().copied().any(|r| elsewhere(&r));
        self.speaks &= !(is_betrayed && loss.excuse == Excuse::Disk);
        if held.iter().any(|replica| replica.heard && replica.durable && keeps(replica)) {
            (self.doubtful, self.bereft) = (None, false);
            return Seen::Held;
        }
        let went = || loss.gone.iter().any(keeps);
        if !self.acknowledged {
            self.doubtful = self.doubtful.or_else(|| went().then_some(loss.excuse));
            return Seen::Held;
        }
        let (heard, durable) = (
            held.iter().any(|replica| replica.heard && keeps(replica)),
            held.iter().any(|replica| replica.durable && keeps(replica)),
        );
        self.bereft |= !durable && loss.gone.iter().any(|replica| replica.durable && keeps(replica));
        let left = self.doubtful.filter(|excuse| self.is_conceded(*excuse, horizon));
        if !heard && !durable && !held.iter().any(|replica| keeps(replica)) {
            return if self.bereft && went() {
                Seen::Lost(loss.excuse)
            } else {
                Seen::Missing { who: Who::Anybody, excuse: left }
            };
        }
        self.bereft &= !durable;
        if heard {
            self.doubtful = None;
        } else if self.doubtful.is_none() {
            if !went() {
                return Seen::Missing { who: Who::Listened, excuse: None };
            }
            self.doubtful = Some(loss.excuse);
        }
        let on_no_disk = !durable && !self.bereft && self.doubtful.is_none();
        if on_no_disk { Seen::Missing { who: Who::Disk, excuse: None } } else { Seen::Held }
    }
}
