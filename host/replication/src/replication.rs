//! A running replication: started, looked at, shut down.

use std::sync::Arc;

use burgee_model::{Millis, NodeId};
use burgee_store::Store;
use tokio::sync::{broadcast, watch};

use crate::{
    config::{ConfigError, ReplicationConfig},
    status::{ClusterEvent, Readiness, Status},
    time::ClusterClock,
};

/// Why replication does not start.
#[derive(Debug, thiserror::Error)]
pub enum ReplicationError {
    /// A value of the configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The port is in use, or the transport refuses.
    #[error("{0}")]
    Transport(String),
    /// The system gives no randomness.
    #[error("no randomness: {0}")]
    Randomness(String),
}

/// Why a node was not forgotten.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForgetError {
    /// No member has the id.
    #[error("no member of the cluster has this id")]
    Unknown,
    /// It is reached now, or it is this node itself: stop it first.
    #[error("the node is live: stop it before it is forgotten")]
    Live,
    /// This node is not ready, or its disk refuses.
    #[error("{0}")]
    Refused(String),
}

/// A node's part in its cluster.
pub struct Replication {
    readiness: watch::Receiver<Readiness>,
    status: watch::Receiver<Status>,
}

/// Joins the cluster that the configuration names. Binds the port, and returns without waiting for peers;
/// with neither `listen` nor `join` nothing is bound and the node is ready at once.
///
/// # Errors
/// See [`ReplicationError`]. Peers that are not reached are none.
pub async fn start(
    config: ReplicationConfig,
    store: Store,
    clock: Arc<ClusterClock>,
) -> Result<Replication, ReplicationError> {
    let _ = (config, store, clock);
    Err(ReplicationError::Transport("not there yet".to_owned()))
}

impl Replication {
    /// Whether the replica may serve, now and later.
    #[must_use]
    pub fn readiness(&self) -> watch::Receiver<Readiness> {
        self.readiness.clone()
    }

    /// Where peers reach this node, with the bound port; `None` where it does not listen.
    #[must_use]
    pub fn endpoint(&self) -> Option<String> {
        None
    }

    /// This node's label.
    #[must_use]
    pub fn name(&self) -> &str {
        ""
    }

    /// The cluster as this node sees it, as of the last 100 ms.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Who comes and goes from now on. A receiver that is too slow is told how many it missed.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<ClusterEvent> {
        broadcast::channel(1).1
    }

    /// By how much this node's clock is ahead, in milliseconds, where that is a reason to refuse local
    /// writes. Cheap: called for every write.
    #[must_use]
    pub fn clock_ahead(&self) -> Option<Millis> {
        None
    }

    /// Has a member forgotten that will not return: collection no longer waits for it. Done once that is
    /// durable here.
    ///
    /// # Errors
    /// See [`ForgetError`].
    pub async fn forget(&self, node: NodeId) -> Result<(), ForgetError> {
        let _ = node;
        Err(ForgetError::Unknown)
    }

    /// Completes when replication has ended without having been told to: a fault. The text says why.
    pub async fn failed(&self) -> String {
        std::future::pending().await
    }

    /// Leaves the cluster: the peers notice at once. Takes at most about 2.5 s; a second call does nothing.
    pub async fn shutdown(&self) {}
}
