//! What a node tells about its cluster.

use std::collections::BTreeMap;

use burgee_model::{Millis, NodeId, Stamp};

/// Whether the replica may serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// Evaluations and writes are taken.
    pub ready: bool,
    /// Why not, empty where ready: `joining` (a snapshot is being pulled, or nobody reached is ready),
    /// `no_peer` (no peer is reached), `name_in_use`, `resynchronising`; beside them `operator_decides`, where the node
    /// has data and nobody ready was reached in time.
    pub reasons: Vec<&'static str>,
    /// It became ready on its own data, without having met a peer since.
    pub alone: bool,
}

impl Readiness {
    /// Ready, with a peer or without need of one.
    #[must_use]
    pub fn ready() -> Self {
        Self { ready: true, reasons: Vec::new(), alone: false }
    }

    /// Ready on its own data.
    pub(crate) fn alone() -> Self {
        Self { alone: true, ..Self::ready() }
    }

    pub(crate) fn waiting(reason: &'static str) -> Self {
        Self { ready: false, reasons: vec![reason], alone: false }
    }
}

/// A node's view of its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// This node's id.
    pub own: NodeId,
    /// All nodes of the roster and all that were met, this one included, by name.
    pub nodes: Vec<NodeView>,
    /// The id of the eldest live node.
    pub leader: Option<NodeId>,
    /// The nodes that collection waits for.
    pub collection_held_by: Vec<Holder>,
    /// Up to where all nodes have collected.
    pub horizon: Option<Stamp>,
    /// Frames that were not read, by reason: `version`, `cluster`, `garbage`, `oversized`, `overflow`,
    /// `certificate`, `identity`.
    pub frames_refused: BTreeMap<&'static str, u64>,
    /// How often a version was left out of what came because it is of a kind that this release does not know: each time
    /// that it came, for as long as this node is not upgraded.
    pub versions_unknown: u64,
    /// How often one was that no node which keeps the rules writes.
    pub versions_invalid: u64,
    /// How often cluster time was set outright since the start.
    pub clock_sets: u64,
    /// Versions that repair brought since the start, in both directions.
    pub versions_repaired: u64,
    /// What was sent and received, by the kind of the message.
    pub traffic: BTreeMap<&'static str, Traffic>,
}

/// A node that collection waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its id.
    pub id: NodeId,
    /// Its label.
    pub name: String,
    /// Why it does.
    pub why: Hold,
}

/// Why collection waits for a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// It is a member that is not reached.
    Away,
    /// It leaves unsaid that it holds what has long been due: its disk takes nothing, say, or it is of an older release.
    Late,
    /// Something of what it sends is left out here: it is of a newer release than this node, or its memory is damaged, or it
    /// keeps no rules. Nothing is collected before this node is upgraded, or that one is stopped and forgotten.
    LeftOut,
    /// Its clock was ahead: what was written since is stamped above what it said then, and old enough only once cluster
    /// time has passed that.
    ClockAhead,
}

impl Hold {
    /// The name under which other programs know it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Away => "away",
            Self::Late => "late",
            Self::LeftOut => "left_out",
            Self::ClockAhead => "clock_ahead",
        }
    }
}

/// Frames of one kind since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Frames sent.
    pub frames_sent: u64,
    /// Their bytes.
    pub bytes_sent: u64,
    /// Frames received.
    pub frames_received: u64,
    /// Their bytes.
    pub bytes_received: u64,
}

/// Whether a node takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// It is reached.
    Live,
    /// It is a member, but is not reached.
    Gone,
    /// An operator had it forgotten.
    Forgotten,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeView {
    /// Its id.
    pub id: NodeId,
    /// Its label, once known.
    pub name: Option<String>,
    /// Where it says that peers reach it.
    pub endpoint: Option<String>,
    /// Whether it takes part.
    pub state: NodeState,
    /// Whether this node or a live peer reaches it.
    pub reached: bool,
    /// Whether it says that it may serve.
    pub ready: bool,
    /// Whether it only began to join; one that is gone as well may be back, or may never be.
    pub joining: bool,
    /// When it started, by cluster time.
    pub started_at: Option<Millis>,
    /// How far this node is behind it, in milliseconds; none where it is not reached.
    pub lag_ms: Option<u64>,
    /// How often it was heard since this node started; 0 for this node itself.
    pub beats: u64,
    /// By how much its wall clock is ahead of this node's, in milliseconds.
    pub skew_ms: Option<i64>,
    /// The digest of its replica, in hex.
    pub root: Option<String>,
    /// Of what this node wrote: the oldest stamp that it is not known to hold.
    pub oldest_unacked: Option<Stamp>,
}

/// A node came or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterEvent {
    /// Whether it came.
    pub joined: bool,
    /// Its id.
    pub id: NodeId,
    /// Its label, once known.
    pub name: Option<String>,
    /// Where peers reach it.
    pub endpoint: Option<String>,
}
