//! What the store is told when it is opened.

use std::{path::PathBuf, sync::Arc};

use burgee_model::Millis;

/// The wall clock, in milliseconds since the Unix epoch.
pub type WallClock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// Where the store lives and what it may use.
#[derive(Clone, Debug, Default)]
pub struct StoreConfig {
    /// The data directory; none keeps everything in memory only.
    pub dir: Option<PathBuf>,
    /// The limits.
    pub limits: StoreLimits,
    /// The key of all digests: the same on all nodes of a cluster, made from its name.
    pub digest_key: u64,
}

/// The store's limits. Units are in the names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreLimits {
    /// Entries that the feed remembers for its readers.
    pub feed_entries: usize,
    /// Bytes of versions that the feed remembers.
    pub feed_bytes: usize,
    /// Local writes that may wait for the writer.
    pub queue_requests: usize,
    /// Versions that one commit of local writes may hold (a single request may exceed it).
    pub batch_writes: usize,
    /// Registers that one commit of merged versions may hold.
    pub persist_registers: usize,
    /// Bytes that the list of registers that wait to be persisted may take; beyond it the whole table is
    /// swept.
    pub backlog_bytes: usize,
    /// Versions that each register with history keeps, however old and large they are (of a kill: the
    /// newest [`history_max_versions`](Self::history_max_versions), and no other bound applies).
    pub history_min_versions: usize,
    /// Days for which a register with history keeps its versions.
    pub history_days: u32,
    /// Versions that a register with history keeps at most, however young they are.
    pub history_max_versions: usize,
    /// Bytes that end the history of a register beyond its [`history_min_versions`](Self::history_min_versions),
    /// newest first; the version that reaches them is the last one kept.
    pub history_max_bytes: usize,
    /// Milliseconds by which a merged stamp, or the persisted mark, may move the clock beyond wall time.
    pub max_skew_ms: Millis,
    /// Bytes of disk pages kept in memory.
    pub disk_cache_bytes: usize,
}

impl Default for StoreLimits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            feed_entries: 16_384,
            feed_bytes: 32 * MIB,
            queue_requests: 4_096,
            batch_writes: 4_096,
            persist_registers: 4_096,
            backlog_bytes: 32 * MIB,
            history_min_versions: 20,
            history_days: 365,
            history_max_versions: 2_000,
            history_max_bytes: MIB,
            max_skew_ms: 60_000,
            disk_cache_bytes: 4 * MIB,
        }
    }
}
