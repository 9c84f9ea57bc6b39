//! Whether this node serves, and why not.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use burgee_api::{
    ClusterDiscovery, ClusterMember, ClusterNews, ClusterNewsStream, ClusterNode, ClusterNodeState, ClusterView,
    ForgetError, Forgotten, NodeFigures, NodeStatus, OwnUses, Readiness, StampsAhead, Traffic, UsesElsewhere,
};
use burgee_discovery::{DiscoveryView, ProviderStatus};
use burgee_engine::Engine;
use burgee_model::{Millis, NodeId, TokenId};
use burgee_replication::status::Traffic as Exchanged;
use burgee_replication::{ClusterEvent, Holder, NodeState, NodeView, Replication, Status as Replicated, wall_clock};
use burgee_store::Store;
use futures_util::stream;
use tokio::sync::{broadcast::error::RecvError, watch};

use crate::{
    isolation::{self, Isolation, Moment, Seen},
    serving::Door,
};

/// Between two looks at the view of the cluster, which is made anew ten times a second; and how many at most.
const VIEW_LOOK: Duration = Duration::from_millis(20);
const VIEW_LOOKS_MAX: u32 = 25;

/// The node's own view of itself. Cheap to clone.
#[derive(Clone)]
pub struct Status(Arc<Inner>);

struct Inner {
    store: Store,
    replication: Arc<Replication>,
    discovery: DiscoveryView,
    engine: Arc<Engine>,
    door: Arc<Door>,
    replica: watch::Receiver<burgee_replication::Readiness>,
    isolation: Isolation,
    imported: AtomicBool,
    draining: AtomicBool,
}

impl Status {
    /// The status of a node that has just been started.
    #[must_use]
    pub(crate) fn new(
        store: Store,
        replication: Arc<Replication>,
        discovery: DiscoveryView,
        engine: Arc<Engine>,
        door: Arc<Door>,
    ) -> Self {
        let (imported, draining) = (AtomicBool::new(false), AtomicBool::new(false));
        let replica = replication.readiness();
        let isolation = Isolation::new(moment(), others(&store).next().is_some());
        Self(Arc::new(Inner { store, replication, discovery, engine, door, replica, isolation, imported, draining }))
    }

    /// The files given at start are loaded, or found not to be needed.
    pub fn set_imported(&self) {
        self.0.imported.store(true, Ordering::Release);
    }

    /// The node was told to stop.
    pub fn set_draining(&self) {
        self.0.draining.store(true, Ordering::Release);
    }

    /// Watches whether this node sleeps; never completes. In a task of its own, for it must wait for nothing.
    pub async fn watch_sleep(self) {
        loop {
            self.0.isolation.tick(moment());
            tokio::time::sleep(isolation::LOOK).await;
        }
    }

    /// Watches whether this node hears of others; never completes.
    pub async fn watch_isolation(self) {
        loop {
            self.0.isolation.look(&self.seen(), moment());
            tokio::time::sleep(isolation::LOOK).await;
        }
    }

    /// What is seen of the others. Who the members are says the replica: the view of the cluster may not know yet.
    fn seen(&self) -> Seen {
        let status = self.0.replication.status();
        let live = status.nodes.iter().filter(|node| node.id != status.own && node.state == NodeState::Live);
        let live: BTreeMap<NodeId, (u64, bool)> =
            live.map(|node| (node.id, (node.beats, node.lag_ms == Some(0)))).collect();
        let missed = others(&self.0.store).any(|node| !live.contains_key(&node));
        Seen { live, missed }
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
            let mut reasons: Vec<String> = replica.reasons.iter().map(ToString::to_string).collect();
            if self.0.discovery.is_failing() {
                reasons.push("discovery_failing".to_owned());
            }
            return Readiness { ready: false, reasons };
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
        self.0.isolation.lasts(moment())
    }

    fn waking(&self) -> bool {
        self.0.isolation.is_waking(moment())
    }

    fn cluster(&self) -> ClusterView {
        let status = self.0.replication.status();
        let why = |view: &NodeView| status.collection_held_by.iter().find(|holder| holder.id == view.id);
        let nodes = status.nodes.iter().map(|view| node(view, why(view))).collect();
        let ahead = self.0.store.health().stamps_ahead;
        ClusterView {
            this: self.0.replication.name().to_owned(),
            leader: leader(&status),
            nodes,
            stamps_ahead: Some(ahead.iter().map(|(_, count)| count).sum()),
            stamps_ahead_by: Some(ahead.iter().map(|(id, count)| stamps_ahead(&status, *id, *count)).collect()),
            tombstones: Some(self.0.store.read().counts().tombstones as u64),
            collection_held_by: status.collection_held_by.into_iter().map(|holder| holder.name).collect(),
            horizon: status.horizon.map(|stamp| stamp.to_string()),
            versions_unknown: Some(status.versions_unknown),
            versions_invalid: Some(status.versions_invalid),
            discovery: self.0.discovery.status().into_iter().map(provider).collect(),
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

    fn tell_uses(&self, own: OwnUses) {
        self.0.replication.tell_uses(own);
    }

    fn uses_elsewhere(&self, tokens: Vec<TokenId>) -> UsesElsewhere<'_> {
        Box::pin(async move { self.0.replication.uses_elsewhere(&tokens).await })
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
            connections: self.0.door.open(),
            connections_shed: self.0.door.shed_totals(),
        }
    }
}

fn moment() -> Moment {
    Moment { steady: Instant::now(), wall: wall_clock() }
}

/// The members of the cluster but this node.
fn others(store: &Store) -> impl Iterator<Item = NodeId> {
    let (table, own) = (store.read(), store.node_id());
    let forgotten: BTreeSet<NodeId> = table.forgotten().map(|(node, ..)| node).collect();
    let members = table.members().map(|(node, ..)| node);
    members.filter(|node| *node != own && !forgotten.contains(node)).collect::<Vec<_>>().into_iter()
}

fn traffic(kind: &'static str, exchanged: &Exchanged) -> [Traffic; 2] {
    let (sent, received) = (exchanged.frames_sent, exchanged.frames_received);
    [
        Traffic { kind, direction: "sent", frames: sent, bytes: exchanged.bytes_sent },
        Traffic { kind, direction: "received", frames: received, bytes: exchanged.bytes_received },
    ]
}

fn provider(status: ProviderStatus) -> ClusterDiscovery {
    let ProviderStatus { provider, endpoints, failing, failures } = status;
    ClusterDiscovery { provider, endpoints: endpoints.into_iter().collect(), failing, failures }
}

fn leader(status: &Replicated) -> Option<String> {
    let eldest = status.leader?;
    status.nodes.iter().find(|node| node.id == eldest)?.name.clone()
}

fn stamps_ahead(status: &Replicated, id: NodeId, stamps: u64) -> StampsAhead {
    let view = status.nodes.iter().find(|view| view.id == id);
    StampsAhead { name: view.and_then(|view| view.name.clone()), id: id.to_string(), stamps }
}

fn news(event: ClusterEvent) -> ClusterNews {
    let ClusterEvent { joined, id, name, endpoint } = event;
    let member = ClusterMember { name, id: id.to_string(), address: endpoint };
    if joined { ClusterNews::Joined(member) } else { ClusterNews::Left(member) }
}

fn node(view: &NodeView, holder: Option<&Holder>) -> ClusterNode {
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
        holds_collection: holder.map(|holder| holder.why.name()),
    }
}
