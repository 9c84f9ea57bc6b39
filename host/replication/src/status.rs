//! What a node tells about its cluster.

use std::collections::BTreeMap;

use burgee_model::NodeId;

/// Whether the replica may serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// Evaluations and writes are taken.
    pub ready: bool,
    /// Why not, empty where ready: `joining` (a snapshot is being pulled, or nobody reached is ready),
    /// `no_peer` (no peer is reached).
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

    pub(crate) fn waiting(reason: &'static str) -> Self {
        Self { ready: false, reasons: vec![reason], alone: false }
    }

    pub(crate) fn alone() -> Self {
        Self { alone: true, ..Self::ready() }
    }
}

/// A node's view of its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// This node.
    pub own: SelfStatus,
    /// All peers met since the start, live and gone, by id.
    pub peers: Vec<PeerStatus>,
    /// Frames that were not read, by reason: `version`, `cluster`, `garbage`, `oversized`, `overflow`.
    pub frames_refused: BTreeMap<&'static str, u64>,
}

/// This node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfStatus {
    /// Its id.
    pub id: NodeId,
    /// Its label.
    pub name: String,
    /// Where peers reach it, with the bound port.
    pub endpoint: Option<String>,
    /// Whether it may serve.
    pub ready: bool,
}

/// A peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// Its id.
    pub id: NodeId,
    /// Its label, once it was heard.
    pub name: Option<String>,
    /// Where it says that peers reach it.
    pub endpoint: Option<String>,
    /// Whether it is reached now.
    pub live: bool,
    /// Whether it says that it may serve.
    pub ready: bool,
    /// Whether its whole snapshot was merged since it was last reached anew.
    pub synchronised: bool,
    /// Milliseconds since its last message, once there was one.
    pub heard_ms: Option<u64>,
}
