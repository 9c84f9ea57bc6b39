//! Whether this node serves, and why not.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use burgee_api::{ClusterNode, ClusterView, NodeStatus, Readiness};
use burgee_replication::{NodeState, NodeView, Replication};
use burgee_store::Store;
use tokio::sync::watch;

/// The node's own view of itself. Cheap to clone.
#[derive(Clone)]
pub struct Status(Arc<Inner>);

struct Inner {
    store: Store,
    replication: Arc<Replication>,
    replica: watch::Receiver<burgee_replication::Readiness>,
    imported: AtomicBool,
    draining: AtomicBool,
}

impl Status {
    /// The status of a node that has just been started.
    #[must_use]
    pub fn new(store: Store, replication: Arc<Replication>) -> Self {
        let (imported, draining) = (AtomicBool::new(false), AtomicBool::new(false));
        let replica = replication.readiness();
        Self(Arc::new(Inner { store, replication, replica, imported, draining }))
    }

    /// The files given at start are loaded, or found not to be needed.
    pub fn set_imported(&self) {
        self.0.imported.store(true, Ordering::Release);
    }

    /// The node was told to stop.
    pub fn set_draining(&self) {
        self.0.draining.store(true, Ordering::Release);
    }
}

impl NodeStatus for Status {
    // A disk that refuses writes does not make a node unready: it still answers evaluations, from memory.
    fn ready(&self) -> Readiness {
        let replica = self.0.replica.borrow();
        if !replica.ready {
            return Readiness { ready: false, reasons: replica.reasons.iter().map(ToString::to_string).collect() };
        }
        if !self.0.imported.load(Ordering::Acquire) {
            return Readiness { ready: false, reasons: vec!["importing".to_owned()] };
        }
        Readiness { ready: true, reasons: Vec::new() }
    }

    fn draining(&self) -> bool {
        self.0.draining.load(Ordering::Acquire)
    }

    fn cluster(&self) -> ClusterView {
        let status = self.0.replication.status();
        ClusterView {
            this: self.0.replication.name().to_owned(),
            leader: None,
            nodes: status.nodes.iter().map(node).collect(),
            stamps_ahead: self.0.store.health().stamps_ahead.iter().map(|(_, count)| count).sum(),
            tombstones: self.0.store.read().counts().tombstones as u64,
            collection_held_by: status.collection_held_by,
            horizon: status.horizon.map(|stamp| stamp.to_string()),
        }
    }
}

fn node(view: &NodeView) -> ClusterNode {
    let state = match view.state {
        NodeState::Live => "live",
        NodeState::Gone => "gone",
        NodeState::Forgotten => "forgotten",
    };
    ClusterNode {
        name: view.name.clone().unwrap_or_default(),
        id: view.id.to_string(),
        address: view.endpoint.clone(),
        state: state.to_owned(),
        ready: view.ready,
        lag_ms: view.lag_ms,
        skew_ms: view.skew_ms,
        root: view.root.clone(),
        oldest_unacked_stamp: view.oldest_unacked.map(|stamp| stamp.to_string()),
    }
}
