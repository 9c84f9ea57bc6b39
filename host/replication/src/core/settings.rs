//! What is fixed when a node starts.

use std::time::Duration;

use burgee_model::Millis;

use crate::message::PeerId;

/// What is fixed when a node starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Which start of which node this is.
    pub own: PeerId,
    /// The node's label.
    pub name: String,
    /// Where peers reach it.
    pub endpoint: Option<String>,
    /// The newest version of the protocol that it speaks, as its entry in the roster says.
    pub protocol: u8,
    /// Endpoints to find the cluster by.
    pub seeds: Vec<String>,
    /// Whether more endpoints may be found while it runs: then it waits for somebody, also without seeds.
    pub discovers: bool,
    /// No stamp that the node ever gave, as far as its disk knows, has a greater time.
    pub mark: u64,
    /// Whether the node was forgotten or restored, and is not in line with the cluster since.
    pub resync: bool,
    /// Whether something is set aside that it may have to write again before it serves.
    pub aside: bool,
    /// Whether an operator says that what this node holds is the cluster's, where nobody ready is found in time.
    pub trusted: bool,
    /// Cluster time of the start: the eldest node is the one that started first.
    pub started_at: Millis,
    /// Makes the choices of peers and pauses, and nothing that lasts.
    pub random_seed: u64,
    /// By how much clocks may differ.
    pub max_skew_ms: Millis,
    /// Bytes of versions up to which one message is filled.
    pub page_bytes: usize,
    /// From how many versions on a snapshot beats a walk, for a node that holds less than a quarter of them.
    pub snapshot_versions: u64,
    /// Peers that are remembered.
    pub peers: usize,
    /// The periods.
    pub periods: Periods,
}

/// How often, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Periods {
    /// How long a node looks for a ready peer.
    pub ready_timeout: Duration,
    /// Between heartbeats to each peer.
    pub beat: Duration,
    /// Between comparisons of roots with one random peer; up to half as much is added by chance.
    pub compare: Duration,
    /// For how long a live peer may be silent.
    pub silence: Duration,
    /// How long an answer may take.
    pub request: Duration,
    /// Between two steps of collection.
    pub collect: Duration,
    /// How old a tombstone must be before it may be collected.
    pub grace: Duration,
}

impl Default for Periods {
    fn default() -> Self {
        Self {
            ready_timeout: Duration::from_secs(10),
            beat: Duration::from_secs(1),
            compare: Duration::from_secs(1),
            silence: Duration::from_millis(3500),
            request: Duration::from_secs(2),
            collect: Duration::from_secs(30),
            grace: Duration::from_secs(3600),
        }
    }
}
