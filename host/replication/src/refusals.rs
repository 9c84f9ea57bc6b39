//! Frames that were not read, and versions that were left out of others: counted, and logged at most once a second
//! for each reason.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use burgee_model::NodeId;

use crate::wire::Refusal;

const LOG_PERIOD: Duration = Duration::from_secs(1);

/// The counters of one node.
#[derive(Debug, Default)]
pub struct Refusals {
    frames: Mutex<BTreeMap<&'static str, Count>>,
    /// Versions of kinds that this release does not know.
    versions: Mutex<Count>,
    /// Versions that no node which keeps the rules writes.
    invalid: Mutex<Count>,
}

#[derive(Debug, Default)]
struct Count {
    total: u64,
    /// Since the last log line.
    silent: u64,
    logged_at: Option<Instant>,
}

impl Count {
    /// How many a log line is to speak for, where it is time for one.
    fn add(&mut self, more: u64, now: Instant) -> Option<u64> {
        self.total += more;
        self.silent += more;
        if self.logged_at.is_some_and(|at| now.saturating_duration_since(at) < LOG_PERIOD) {
            return None;
        }
        self.logged_at = Some(now);
        Some(std::mem::take(&mut self.silent))
    }
}

impl Refusals {
    /// Counts a frame.
    pub fn count(&self, refusal: Refusal, bytes: usize) {
        if let Some(frames) = self.record(refusal, Instant::now()) {
            tracing::warn!(reason = refusal.name(), frames, bytes, "replication frame refused: {refusal}");
        }
    }

    fn record(&self, refusal: Refusal, now: Instant) -> Option<u64> {
        let mut counts = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        counts.entry(refusal.name()).or_default().add(1, now)
    }

    /// Counts versions of a frame that are of kinds which this release does not know.
    pub fn left_out(&self, versions: u32) {
        if versions == 0 {
            return;
        }
        let mut count = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(versions) = count.add(versions.into(), Instant::now()) {
            tracing::warn!(versions, "left out versions of kinds that a newer release brought: upgrade this node");
        }
    }

    /// Counts versions that a peer sent and the store left out: their stamps, or what they hold, no node that keeps the
    /// rules writes.
    pub fn invalid(&self, versions: u32, from: NodeId) {
        if versions == 0 {
            return;
        }
        let mut count = self.invalid.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(versions) = count.add(versions.into(), Instant::now()) {
            tracing::warn!(versions, %from, "left out versions that no node which keeps the rules writes");
        }
    }

    /// How often a version was left out that is of a kind which this release does not know.
    #[must_use]
    pub fn versions_unknown(&self) -> u64 {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner).total
    }

    /// How often one was that no node which keeps the rules writes.
    #[must_use]
    pub fn versions_invalid(&self) -> u64 {
        self.invalid.lock().unwrap_or_else(PoisonError::into_inner).total
    }

    /// How many were refused, by reason.
    #[must_use]
    pub fn totals(&self) -> BTreeMap<&'static str, u64> {
        let counts = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(name, count)| (*name, count.total)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_all_and_speaks_once_a_period() {
        let (refusals, start) = (Refusals::default(), Instant::now());
        assert_eq!(refusals.record(Refusal::Garbage, start), Some(1));
        assert_eq!(refusals.record(Refusal::Garbage, start), None);
        assert_eq!(refusals.record(Refusal::Cluster, start), Some(1));
        assert_eq!(refusals.record(Refusal::Garbage, start + LOG_PERIOD), Some(2));
        assert_eq!(refusals.totals(), BTreeMap::from([("cluster", 1), ("garbage", 3)]));
    }

    #[test]
    fn versions_that_are_left_out_are_no_refused_frames() {
        let refusals = Refusals::default();
        [0, 2, 3].into_iter().for_each(|versions| refusals.left_out(versions));
        [0, 4].into_iter().for_each(|versions| refusals.invalid(versions, NodeId([1; 16])));
        assert_eq!((refusals.versions_unknown(), refusals.versions_invalid(), refusals.totals().len()), (5, 4, 0));
    }
}
