//! Whether this node serves, and why not.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use burgee_api::{ClusterNode, ClusterView, NodeStatus, Readiness};
use burgee_replication::{PeerStatus, Replication, SelfStatus};
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
        let own = this_node(&status.own, &self.ready());
        let mut nodes: Vec<ClusterNode> = status.peers.iter().map(peer).collect();
        nodes.insert(0, own);
        ClusterView {
            this: status.own.name,
            leader: None,
            nodes,
            stamps_ahead: self.0.store.health().stamps_ahead.iter().map(|(_, count)| count).sum(),
            tombstones: self.0.store.read().counts().tombstones as u64,
            collection_held_by: Vec::new(),
            horizon: None,
        }
    }
}

fn this_node(own: &SelfStatus, readiness: &Readiness) -> ClusterNode {
    ClusterNode {
        name: own.name.clone(),
        id: own.id.to_string(),
        address: own.endpoint.clone(),
        state: "live".to_owned(),
        ready: readiness.ready,
        ..ClusterNode::default()
    }
}

fn peer(peer: &PeerStatus) -> ClusterNode {
    ClusterNode {
        name: peer.name.clone().unwrap_or_default(),
        id: peer.id.to_string(),
        address: peer.endpoint.clone(),
        state: if peer.live { "live" } else { "gone" }.to_owned(),
        ready: peer.ready,
        ..ClusterNode::default()
    }
}
