//! Cluster time: the wall clock, corrected to what most live nodes have.

use std::sync::atomic::{AtomicI64, Ordering};

use burgee_model::Millis;

/// A wall clock with a correction. Shared: the store reads it, replication corrects it.
#[derive(Debug, Default)]
pub struct ClusterClock {
    offset_ms: AtomicI64,
}

impl ClusterClock {
    /// Cluster time, by the wall clock.
    #[must_use]
    pub fn at(&self, wall: Millis) -> Millis {
        wall.saturating_add_signed(self.offset_ms.load(Ordering::Relaxed))
    }
}
