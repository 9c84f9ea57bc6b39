//! Cluster time as this machine's clocks give it.

use std::{
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use burgee_model::Millis;

use crate::time::ClusterClock;

/// Cluster time with the clocks that it is read from. Clones are the same time: the store reads it, replication
/// sets it.
#[derive(Clone, Debug)]
pub struct Timekeeping {
    clock: Arc<ClusterClock>,
    /// Whence the steady clock counts.
    origin: Instant,
}

impl Timekeeping {
    /// It follows the wall clock until replication sets it.
    #[must_use]
    pub fn start() -> Self {
        Self { clock: Arc::default(), origin: Instant::now() }
    }

    /// Cluster time: milliseconds since the Unix epoch.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.clock.at(wall_clock(), self.origin.elapsed())
    }

    /// See [`ClusterClock::set`].
    pub(crate) fn set(&self, offset_ms: i64, outright: bool) {
        self.clock.set(offset_ms, outright, wall_clock(), self.origin.elapsed());
    }
}

/// The machine's clock, uncorrected: milliseconds since the Unix epoch.
#[must_use]
pub fn wall_clock() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}
