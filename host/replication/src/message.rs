//! What nodes say to each other, as plain data.

use std::sync::Arc;

use burgee_model::NodeId;
use burgee_store::Version;
use serde::{Deserialize, Serialize};

/// One start of one node. The incarnation is random at each start, so that a node that returns is
/// told from what is left of its former self.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PeerId {
    /// The node.
    pub node: NodeId,
    /// Which start of it.
    pub incarnation: u64,
}

/// What a node says about itself with each message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeInfo {
    /// Its label.
    pub name: String,
    /// Where peers reach it.
    pub endpoint: Option<String>,
    /// Whether it may serve.
    pub ready: bool,
    /// Whether it holds any version at all.
    pub holds_data: bool,
}

/// News for everybody; whether it arrives is not known. Without versions it is a heartbeat.
#[derive(Clone, Debug, PartialEq)]
pub struct Hint {
    /// About the sender.
    pub info: NodeInfo,
    /// How many hints with versions the sender has published since its start, this one included.
    /// Whoever sees a number skipped has missed versions.
    pub seq: u64,
    /// Versions that the sender wrote: durable there.
    pub versions: Vec<Arc<Version>>,
}

/// Where in a peer's snapshot to go on; opaque to all but its author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub Box<[u8]>);

/// A part of a snapshot is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Where to go on; `None` begins.
    pub cursor: Option<Cursor>,
}

/// A part of a snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// About the sender, as it was when the page was asked for.
    pub info: NodeInfo,
    /// The sender's sequence number when the page was asked for: the page shows all that was published
    /// up to it.
    pub seq: u64,
    /// The versions.
    pub versions: Vec<Arc<Version>>,
    /// Where to go on; `None` where the snapshot ends.
    pub next: Option<Cursor>,
}
