//! Whether this node serves, and why not.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use burgee_api::{NodeStatus, Readiness};
use burgee_replication::Replication;
use burgee_store::Store;

/// The node's own view of itself. Cheap to clone.
#[derive(Clone)]
pub struct Status(Arc<Inner>);

struct Inner {
    store: Store,
    replication: Arc<Replication>,
    imported: AtomicBool,
    draining: AtomicBool,
}

impl Status {
    /// The status of a node that has just been started.
    #[must_use]
    pub fn new(store: Store, replication: Arc<Replication>) -> Self {
        let (imported, draining) = (AtomicBool::new(false), AtomicBool::new(false));
        Self(Arc::new(Inner { store, replication, imported, draining }))
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
    fn ready(&self) -> Readiness {
        let replica = self.0.replication.readiness().borrow().clone();
        let mut reasons: Vec<String> = Vec::new();
        if self.0.draining.load(Ordering::Acquire) {
            reasons.push("shutting_down".into());
        }
        if !replica.ready {
            reasons.extend(replica.reasons.iter().map(ToString::to_string));
        }
        if replica.ready && !self.0.imported.load(Ordering::Acquire) {
            reasons.push("importing".into());
        }
        if !self.0.store.health().writable {
            reasons.push("storage".into());
        }
        Readiness { ready: reasons.is_empty(), reasons }
    }
}
