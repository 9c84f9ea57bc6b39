//! Whether this node serves, and why not.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use burgee_api::{
    ClusterMember, ClusterNews, ClusterNewsStream, ClusterNode, ClusterNodeState, ClusterView, ForgetError, Forgotten,
    NodeFigures, NodeStatus, Readiness, Traffic,
};
use burgee_engine::Engine;
use burgee_model::{Millis, NodeId};
use burgee_replication::status::Traffic as Exchanged;
use burgee_replication::{ClusterEvent, NodeState, NodeView, Replication, Status as Replicated, wall_clock};
use burgee_store::Store;
use futures_util::stream;
use tokio::sync::{broadcast::error::RecvError, watch};

use crate::isolation::{self, Isolation};

/// Between two looks at the view of the cluster, which is made anew ten times a second; and how many at most.
const VIEW_LOOK: Duration = Duration::from_millis(20);
const VIEW_LOOKS_MAX: u32 = 25;

/// The node's own view of itself. Cheap to clone.
#[derive(Clone)]
pub struct Status(Arc<Inner>);

struct Inner {
    store: Store,
    replication: Arc<Replication>,
    engine: Arc<Engine>,
    replica: watch::Receiver<burgee_replication::Readiness>,
    isolation: Isolation,
    imported: AtomicBool,
    draining: AtomicBool,
}

impl Status {
    /// The status of a node that has just been started.
    #[must_use]
    pub fn new(store: Store, replication: Arc<Replication>, engine: Arc<Engine>) -> Self {
        let (imported, draining) = (AtomicBool::new(false), AtomicBool::new(false));
        let replica = replication.readiness();
        let isolation = Isolation::new(Instant::now());
        Self(Arc::new(Inner { store, replication, engine, replica, isolation, imported, draining }))
    }

    /// The files given at start are loaded, or found not to be needed.
    pub fn set_imported(&self) {
        self.0.imported.store(true, Ordering::Release);
    }

    /// The node was told to stop.
    pub fn set_draining(&self) {
        self.0.draining.store(true, Ordering::Release);
    }

    /// Watches whether this node hears of others; never completes.
    pub async fn watch_isolation(self) {
        loop {
            let status = self.0.replication.status();
            let any = |state| status.nodes.iter().any(|node| node.id != status.own && node.state == state);
            self.0.isolation.look(any(NodeState::Live), any(NodeState::Gone), Instant::now());
            tokio::time::sleep(isolation::LOOK).await;
        }
    }

    /// Waits, but not for ever, until the view of the cluster shows that a node is forgotten: whoever reads it
    /// after the answer must not find the node there.
    async fn shows_forgotten(&self, node: NodeId) {
        for _ in 0..VIEW_LOOKS_MAX {
            let status = self.0.replication.status();
            let found = status.nodes.iter().find(|view| view.id == node);
            if found.is_none_or(|view| view.state == NodeState::Forgotten) {
                return;
            }
            tokio::time::sleep(VIEW_LOOK).await;
        }
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

    fn clock_ahead(&self) -> Option<Millis> {
        self.0.replication.clock_ahead()
    }

    fn isolated_for(&self) -> Option<Duration> {
        self.0.isolation.lasts(Instant::now())
    }

    fn cluster(&self) -> ClusterView {
        let status = self.0.replication.status();
        ClusterView {
            this: self.0.replication.name().to_owned(),
            leader: leader(&status),
            nodes: status.nodes.iter().map(node).collect(),
            stamps_ahead: self.0.store.health().stamps_ahead.iter().map(|(_, count)| count).sum(),
            tombstones: self.0.store.read().counts().tombstones as u64,
            collection_held_by: status.collection_held_by,
            horizon: status.horizon.map(|stamp| stamp.to_string()),
        }
    }

    fn cluster_news(&self) -> ClusterNewsStream {
        // the node's own id may change while it runs, so each event is compared with what it is then
        let (status, events) = (self.clone(), self.0.replication.events());
        Box::pin(stream::unfold((status, events), |(status, mut events)| async move {
            loop {
                let news = match events.recv().await {
                    Ok(event) if event.id == status.0.store.node_id() => continue,
                    Ok(event) => news(event),
                    Err(RecvError::Lagged(_)) => ClusterNews::Missed,
                    Err(RecvError::Closed) => return None,
                };
                return Some((news, (status, events)));
            }
        }))
    }

    fn forget(&self, node: NodeId) -> Forgotten<'_> {
        use burgee_replication::ForgetError as Failed;
        Box::pin(async move {
            let forgotten = self.0.replication.forget(node).await.map_err(|error| match error {
                Failed::Unknown => ForgetError::Unknown,
                Failed::Live => ForgetError::Live,
                Failed::Refused(why) => ForgetError::Refused(why),
            });
            if forgotten.is_ok() {
                self.shows_forgotten(node).await;
            }
            forgotten
        })
    }

    fn figures(&self) -> NodeFigures {
        let status = self.0.replication.status();
        let ahead = i128::from(wall_clock()) - i128::from(self.0.store.now());
        NodeFigures {
            clock_skew_ms: i64::try_from(ahead).unwrap_or_default(),
            clock_sets: status.clock_sets,
            frames_refused: status.frames_refused,
            traffic: status.traffic.iter().flat_map(|(kind, exchanged)| traffic(kind, exchanged)).collect(),
            versions_repaired: status.versions_repaired,
            evaluations: self.0.engine.evaluations(),
            compile_queue: self.0.engine.waiting(),
            compilations: self.0.engine.compilations(),
            code_cache: self.0.engine.cache(),
        }
    }
}

fn traffic(kind: &'static str, exchanged: &Exchanged) -> [Traffic; 2] {
    let (sent, received) = (exchanged.frames_sent, exchanged.frames_received);
    [
        Traffic { kind, direction: "sent", frames: sent, bytes: exchanged.bytes_sent },
        Traffic { kind, direction: "received", frames: received, bytes: exchanged.bytes_received },
    ]
}

fn leader(status: &Replicated) -> Option<String> {
    let eldest = status.leader?;
    status.nodes.iter().find(|node| node.id == eldest)?.name.clone()
}

fn news(event: ClusterEvent) -> ClusterNews {
    let ClusterEvent { joined, id, name, endpoint } = event;
    let member = ClusterMember { name, id: id.to_string(), address: endpoint };
    if joined { ClusterNews::Joined(member) } else { ClusterNews::Left(member) }
}

fn node(view: &NodeView) -> ClusterNode {
    let state = match view.state {
        NodeState::Live => ClusterNodeState::Live,
        NodeState::Gone => ClusterNodeState::Gone,
        NodeState::Forgotten => ClusterNodeState::Forgotten,
    };
    ClusterNode {
        name: view.name.clone().unwrap_or_default(),
        id: view.id.to_string(),
        address: view.endpoint.clone(),
        state,
        ready: view.ready,
        joining: view.joining,
        lag_ms: view.lag_ms,
        skew_ms: view.skew_ms,
        root: view.root.clone(),
        oldest_unacked_stamp: view.oldest_unacked.map(|stamp| stamp.to_string()),
    }
}
