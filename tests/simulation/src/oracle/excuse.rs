//! Why something that was acknowledged need not last: exactly what the design concedes, and no more.

use std::{collections::BTreeMap, fmt};

/// Why a version need not last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Excuse {
    /// The last copy went with a disk; or with a memory, after the disk.
    Disk,
    /// Only nodes had it that operators, or namesakes, had forgotten.
    Forgotten,
    /// Only nodes had it that were restored from a backup; or it is newer than the backup.
    Restored,
    /// Only nodes had it that joined by one of those, or by one that is gone, and that nobody else has heard of.
    Left,
    /// A deletion: halves of the cluster that never met had each collected.
    Halves,
    /// A copied data directory wrote it beside the original, and nobody took it.
    Copied,
}

impl Excuse {
    /// The name under which it is counted.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Disk => "went with a disk",
            Self::Forgotten => "forgotten",
            Self::Restored => "restored",
            Self::Left => "left behind",
            Self::Halves => "halves",
            Self::Copied => "copied",
        }
    }
}

/// What of a run was not judged, or of many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excused {
    /// Acknowledged versions that are gone, by why they may be.
    pub versions: BTreeMap<Excuse, u64>,
    /// Runs in which such versions were, by why.
    pub runs: BTreeMap<Excuse, u64>,
    /// Runs in which nobody was left in the end whom the others could trust: they were judged only by what there was of
    /// data.
    pub orphaned: u64,
}

impl Excused {
    /// A version of a run is gone.
    pub fn version(&mut self, excuse: Excuse) {
        *self.versions.entry(excuse).or_default() += 1;
        self.runs.insert(excuse, 1);
    }

    /// Adds what was not judged of another run.
    pub fn add(&mut self, other: &Self) {
        other.versions.iter().for_each(|(excuse, count)| *self.versions.entry(*excuse).or_default() += count);
        other.runs.iter().for_each(|(excuse, count)| *self.runs.entry(*excuse).or_default() += count);
        self.orphaned += other.orphaned;
    }

    /// Of so many runs, the first excuse that was used in more of them than it may be: then the judge is too mild, or
    /// the plans are too wild, to show anything.
    #[must_use]
    pub fn too_many(&self, runs: u64) -> Option<String> {
        let counted = self.runs.iter().filter(|(excuse, _)| **excuse != Excuse::Disk);
        let counted = counted.map(|(excuse, count)| (excuse.name(), *count, EXCUSED_IN_THOUSAND));
        let mut all = counted.chain([("orphaned", self.orphaned, ORPHANED_IN_THOUSAND)]);
        let (name, count, most) = all.find(|(_, count, most)| *count > FREE + runs * most / 1_000)?;
        Some(format!("{count} of {runs} runs are excused as `{name}`: more than {most} in a thousand"))
    }
}

/// Runs with versions excused for one and the same reason, of a thousand. (What went with a disk is simply gone.)
const EXCUSED_IN_THOUSAND: u64 = 30;
/// Runs whose nodes are orphaned in the end, of a thousand.
const ORPHANED_IN_THOUSAND: u64 = 30;
/// Excused runs beyond the share: few runs say little.
const FREE: u64 = 3;

impl fmt::Display for Excused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} runs orphaned", self.orphaned)?;
        for (excuse, versions) in &self.versions {
            let runs = self.runs.get(excuse).copied().unwrap_or_default();
            write!(f, ", {versions} versions of {runs} runs {}", excuse.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_may_excuse_a_share_of_its_runs_and_what_went_with_a_disk_freely() {
        let batch = |excuse, count| Excused { runs: BTreeMap::from([(excuse, count)]), ..Excused::default() };
        assert_eq!(batch(Excuse::Restored, 33).too_many(1_000), None);
        assert!(batch(Excuse::Restored, 34).too_many(1_000).is_some());
        assert_eq!(batch(Excuse::Disk, 900).too_many(1_000), None);
        let orphaned = |orphaned| Excused { orphaned, ..Excused::default() };
        assert_eq!(orphaned(3).too_many(1), None);
        assert!(orphaned(4).too_many(10).is_some());
    }
}
