//! Frames that were not read: counted, and logged at most once a second for each reason.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::wire::Refusal;

const LOG_PERIOD: Duration = Duration::from_secs(1);

/// The counters of one node.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<BTreeMap<&'static str, Count>>);

#[derive(Debug, Default)]
struct Count {
    total: u64,
    /// Since the last log line.
    silent: u64,
    logged_at: Option<Instant>,
}

impl Refusals {
    /// Counts a frame.
    pub fn count(&self, refusal: Refusal, bytes: usize) {
        if let Some(frames) = self.record(refusal, Instant::now()) {
            tracing::warn!(reason = refusal.name(), frames, bytes, "replication frame refused: {refusal}");
        }
    }

    /// How many frames of the reason a log line is to speak for, where it is time for one.
    fn record(&self, refusal: Refusal, now: Instant) -> Option<u64> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(refusal.name()).or_default();
        count.total += 1;
        count.silent += 1;
        if count.logged_at.is_some_and(|at| now.saturating_duration_since(at) < LOG_PERIOD) {
            return None;
        }
        count.logged_at = Some(now);
        Some(std::mem::take(&mut count.silent))
    }

    /// How many were refused, by reason.
    #[must_use]
    pub fn totals(&self) -> BTreeMap<&'static str, u64> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
}
