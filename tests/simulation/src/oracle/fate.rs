//! What becomes of versions where replicas go, or where nobody need listen any more to those who have them.

use std::sync::Arc;

use burgee_model::Stamp;
use burgee_store::{Table, Version};

use super::{
    Excuse, Oracle, Place, Written, accounts_for,
    effect::{floors_over, is_only_witnessed, may_go},
    keeps_effect,
};
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
        missing.into_iter().try_for_each(|(version, who, excuse)| {
            let is_bereft = excuse.is_none() && self.is_bereft(&version, replicas, loss.gone);
            self.miss(&version, who, excuse, is_bereft)
        })
    }

    /// Those who should have a version have not, and it was not in what went: looks for what took its place.
    fn miss(
        &mut self,
        version: &Arc<Version>,
        who: Who,
        excuse: Option<Excuse>,
        is_bereft: bool,
    ) -> Result<(), String> {
        let fate = match (excuse, who) {
            _ if self.is_outlived(version, self.horizon) => Fate::Outlived,
            (Some(excuse), _) => Fate::Lost(excuse),
            (None, Who::Anybody) if is_bereft => Fate::Lost(Excuse::Disk),
            (None, Who::Disk) if is_bereft => {
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

    /// Whether a floor took a version's row that is itself on no disk: what a floor kills goes from the disk row by row,
    /// and be it before the floor's own is written. So a memory has that floor, or had it and went just now. (What a
    /// later version replaces goes in one step with its coming, so what lasts of a register is there or on no disk.)
    fn is_bereft(&self, version: &Arc<Version>, left: &[Replica], gone: &[Replica]) -> bool {
        let id = &version.register;
        let is_on_disk = |floor: &Arc<Version>| left.iter().any(|r| r.durable && accounts_for(&r.table, floor));
        let rows = self.all().map(|other| &other.version).filter(|other| other.register == *id);
        let rows: Vec<&Arc<Version>> = rows.filter(|other| Place::of(other) >= Place::of(version)).collect();
        let memories = left.iter().chain(gone).filter(|replica| !replica.durable);
        let mut floors = memories.flat_map(|memory| floors_over(&memory.table, id));
        floors.any(|floor| !is_on_disk(&floor) && rows.iter().any(|row| floor_covers(&floor, row)))
    }
}

fn supersedes(other: &Version, version: &Version) -> bool {
    let same = other.register == version.register;
    let later = same && Place::of(other) >= Place::of(version);
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
        let holds = |replica: &Replica| keeps(replica) && !is_only_witnessed(&replica.table, version);
        if !held.iter().any(|replica| holds(replica)) && loss.gone.iter().any(|gone| gone.durable && holds(gone)) {
            self.masked = Some(loss.excuse);
        }
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
                Seen::Missing { who: Who::Anybody, excuse: left.or(self.masked) }
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

#[cfg(test)]
mod tests {
    use burgee_model::{Address, Blob, Media, NodeId, RegisterId, Scope};
    use burgee_store::{ChangeId, HistoryPolicy};

    use super::*;
    use crate::workload::{entry, environment, tenant};

    fn written(register: RegisterId, time: u64) -> Arc<Version> {
        let stamp = Stamp { time, id: NodeId([1; 16]) };
        Arc::new(Version {
            register,
            stamp,
            parents: Box::default(),
            floor_seen: None,
            content: Some(Blob { media: Media::Json, bytes: "1".into() }),
            expires_at: None,
            actor: "test".into(),
            change: ChangeId(stamp),
            note: None,
        })
    }

    fn oracle(versions: &[&Arc<Version>]) -> Oracle {
        let mut oracle = Oracle::new(HistoryPolicy::default());
        for version in versions {
            oracle.planned(version, 0);
            oracle.acknowledged(version);
        }
        oracle
    }

    fn replica(slot: usize, durable: bool, versions: &[&Arc<Version>]) -> Replica {
        let mut table = crate::disk::table(HistoryPolicy::default());
        versions.iter().for_each(|version| drop(table.merge(version)));
        Replica { slot, table, durable, heard: true }
    }

    fn account(oracle: &mut Oracle, left: &[Replica], gone: &[Replica]) -> Result<(), String> {
        oracle.account(left, &Loss { gone, excuse: Excuse::Disk })
    }

    #[test]
    fn that_a_later_value_went_with_its_disk_excuses_nobody_who_had_the_earlier_one() {
        let (earlier, later) = (written(entry("k"), 1), written(entry("k"), 2));
        let mut oracle = oracle(&[&earlier, &later]);
        let other = || replica(1, true, &[&earlier]);
        assert_eq!(account(&mut oracle, &[other()], &[replica(0, true, &[&later])]), Ok(()));
        assert!(account(&mut oracle, &[replica(1, true, &[])], &[]).is_err());
    }

    #[test]
    fn what_went_behind_a_witness_of_a_lost_floor_is_lost_with_it() {
        let value = written(entry("k"), 5);
        let witness =
            Version { floor_seen: Some(Stamp { time: 2, id: NodeId([1; 16]) }), ..(*written(entry("k"), 3)).clone() };
        let witness = Arc::new(witness);
        let scope = Scope::Config { environment: environment(), prefix: "k".into() };
        let purge = written(RegisterId::floor(&tenant(), scope), 4);
        let mut oracle = oracle(&[&value, &witness, &purge]);
        let other = || replica(1, true, &[&witness]);
        assert_eq!(
            account(&mut oracle, &[other(), replica(2, true, &[&purge])], &[replica(0, true, &[&value])]),
            Ok(())
        );
        assert_eq!(account(&mut oracle, &[replica(1, true, &[&purge])], &[]), Ok(()), "the witness is purged");
        let mut oracle = self::oracle(&[&value, &witness, &purge]);
        assert!(account(&mut oracle, &[replica(1, true, &[&purge])], &[]).is_err(), "of which no disk went");
    }

    #[test]
    fn a_floor_that_only_a_memory_has_may_take_with_it_what_it_killed() {
        let purge = Scope::Config { environment: environment(), prefix: "k".into() };
        let (value, floor) = (written(entry("k"), 1), written(RegisterId::floor(&tenant(), purge), 2));
        assert!(matches!(floor.register.address, Address::Floor(_)));
        let mut oracle = oracle(&[&value, &floor]);
        let memory = || replica(1, false, &[&floor]);
        let author = replica(0, true, &[&floor]);
        assert_eq!(account(&mut oracle, &[replica(1, true, &[&value]), memory()], &[author]), Ok(()));
        assert_eq!(account(&mut oracle, &[replica(1, true, &[]), memory()], &[]), Ok(()));
        assert_eq!(account(&mut oracle, &[replica(1, true, &[])], &[memory()]), Ok(()));
        assert!(oracle.all().all(|written| written.fate == Fate::Lost(Excuse::Disk)));
    }
}
