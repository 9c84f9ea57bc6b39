//! A running replication: started, looked at, shut down.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use burgee_model::{Millis, NodeId, TokenId};
use burgee_store::Store;
use tokio::{
    sync::{broadcast, watch},
    task::JoinHandle,
};

use crate::{
    config::{ConfigError, ReplicationConfig},
    core::{Core, Now, SystemWrite},
    driver::{
        Traffic, Views,
        uses::{OwnUses, Uses},
    },
    message::PeerId,
    network::Configured,
    refusals::Refusals,
    status::{ClusterEvent, NodeState, NodeView, Readiness, Status},
    supervisor::{Network, Supervisor},
    timekeeping::{Timekeeping, wall_clock},
    transport::sockets::OpenError,
};

/// How long leaving may take: the driver stops, and the links are closed in order.
const STOP_TIMEOUT: Duration = Duration::from_millis(2_300);

/// How long peers may still say that they reach a node which is gone, and how often it is looked.
const HEARSAY: Duration = Duration::from_secs(4);
const HEARSAY_LOOK: Duration = Duration::from_millis(100);

/// Cluster events that a slow reader may be behind.
const EVENTS_WAITING: usize = 256;

/// Why replication does not start.
#[derive(Debug, thiserror::Error)]
pub enum ReplicationError {
    /// A value of the configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The port is in use, or the transport refuses.
    #[error(transparent)]
    Transport(OpenError),
    /// The system gives no randomness.
    #[error("no randomness: {0}")]
    Randomness(String),
}

impl From<OpenError> for ReplicationError {
    fn from(error: OpenError) -> Self {
        match error {
            // such as a certificate file that holds none: the option is named, not the port
            OpenError::Config(error) => Self::Config(error),
            other => Self::Transport(other),
        }
    }
}

/// Why a node was not forgotten.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForgetError {
    /// No member has the id.
    #[error("no member of the cluster has this id")]
    Unknown,
    /// It is reached now, by this node or by a live peer, or it is this node itself: stop it first.
    #[error("the node is live: stop it before it is forgotten")]
    Live,
    /// This node is not ready, or its disk refuses.
    #[error("{0}")]
    Refused(String),
}

/// A node's part in its cluster.
pub struct Replication {
    store: Store,
    name: String,
    endpoint: Option<String>,
    views: Arc<Views>,
    found: watch::Sender<BTreeSet<String>>,
    /// Why it ended without having been told to.
    ended: watch::Receiver<Option<String>>,
    stop: watch::Sender<bool>,
    running: Mutex<Option<JoinHandle<()>>>,
}

/// Joins the cluster that the configuration names. Binds the port, and returns without waiting for peers;
/// with neither `listen` nor `join` nothing is bound, and the node is ready soon.
///
/// # Errors
/// See [`ReplicationError`]. Peers that are not reached are none.
pub async fn start(
    config: ReplicationConfig,
    store: Store,
    time: Timekeeping,
) -> Result<Replication, ReplicationError> {
    config.validate()?;
    let network = Configured(config.clone());
    enter(network, config, store, time).await
}

/// As [`start`], on any network.
pub(crate) async fn enter<N: Network>(
    network: N,
    config: ReplicationConfig,
    store: Store,
    time: Timekeeping,
) -> Result<Replication, ReplicationError> {
    let name = config.node_name.clone();
    let views = Arc::new(views(&config, &store));
    let (found, finds) = watch::channel(BTreeSet::new());
    let mut supervisor = Supervisor {
        config,
        store: store.clone(),
        time,
        network,
        refusals: Arc::new(Refusals::default()),
        traffic: Arc::new(Traffic::default()),
        views: Arc::clone(&views),
        found: finds,
    };
    let opened = supervisor.open().await?;
    let endpoint = opened.endpoint.clone();
    let (stop, stopped) = watch::channel(false);
    let (end, ended) = watch::channel(None);
    let running = tokio::spawn(async move {
        if let Some(why) = supervisor.run(opened, stopped).await {
            end.send_replace(Some(why));
        }
    });
    Ok(Replication { store, name, endpoint, views, found, ended, stop, running: Mutex::new(Some(running)) })
}

/// What is shown before the first event.
fn views(config: &ReplicationConfig, store: &Store) -> Views {
    let own = PeerId { node: store.node_id(), incarnation: 0 };
    let core = Core::new(crate::core::Settings {
        own,
        name: config.node_name.clone(),
        endpoint: config.advertised_endpoint().ok().flatten().map(|endpoint| endpoint.to_string()),
        protocol: config.protocol_max,
        seeds: config.join.clone(),
        discovers: config.discovers,
        mark: 0,
        resync: store.needs_resync(),
        aside: false,
        trusted: config.trust_own_data,
        started_at: store.now(),
        random_seed: 0,
        max_skew_ms: 0,
        page_bytes: 0,
        snapshot_versions: 0,
        peers: 0,
        periods: crate::core::Periods::default(),
    });
    let now = Now { mono: Duration::ZERO, wall: wall_clock(), cluster: store.now() };
    let status = core.status(&store.read(), now);
    Views {
        readiness: watch::Sender::new(core.readiness().clone()),
        status: watch::Sender::new(status),
        events: broadcast::Sender::new(EVENTS_WAITING),
        uses: Uses::default(),
        clock_ahead: AtomicU64::new(0),
    }
}

impl Replication {
    /// Whether the replica may serve, now and later.
    #[must_use]
    pub fn readiness(&self) -> watch::Receiver<Readiness> {
        self.views.readiness.subscribe()
    }

    /// Where peers reach this node, with the bound port; `None` where it does not listen.
    #[must_use]
    pub fn endpoint(&self) -> Option<String> {
        self.endpoint.clone()
    }

    /// This node's label.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Tells at which endpoints discovery finds nodes now: they are dialled beside those that the node was started with
    /// and those of its roster. Where some were before and are no longer, nobody is dialled any more; who was there stays
    /// a member. At most as many count as peers are remembered; what is no endpoint is never reached.
    pub fn found(&self, endpoints: BTreeSet<String>) {
        self.found.send_if_modified(|found| {
            let is_news = *found != endpoints;
            *found = endpoints;
            is_news
        });
    }

    /// The cluster as this node sees it, as of the last 100 ms.
    #[must_use]
    pub fn status(&self) -> Status {
        self.views.status.borrow().clone()
    }

    /// Who comes and goes from now on. A receiver that is too slow is told how many it missed.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<ClusterEvent> {
        self.views.events.subscribe()
    }

    /// By how much this node's clock is ahead, in milliseconds, where that is a reason to refuse local
    /// writes. Cheap: called for every write.
    #[must_use]
    pub fn clock_ahead(&self) -> Option<Millis> {
        Some(self.views.clock_ahead.load(Ordering::Relaxed)).filter(|ahead| *ahead > 0)
    }

    /// Takes what tells the other nodes when this one last heard of tokens; the first that is given counts.
    pub fn tell_uses(&self, own: OwnUses) {
        self.views.uses.tell(own);
    }

    /// When other live nodes last heard of tokens, by cluster time: the latest of what they say. Asks them, and takes
    /// 300 ms at most; left out are those that do not answer by then and those of releases that do not know the
    /// question. Asks for no more than [`USES_MAX`](crate::message::USES_MAX) tokens, and nobody while too many ask.
    pub async fn uses_elsewhere(&self, tokens: &[TokenId]) -> BTreeMap<TokenId, Millis> {
        self.views.uses.elsewhere(tokens).await
    }

    /// Has a member forgotten that will not return: collection no longer waits for it. Done once that is
    /// durable here; a second time it is done already.
    ///
    /// # Errors
    /// See [`ForgetError`].
    pub async fn forget(&self, node: NodeId) -> Result<(), ForgetError> {
        let view = self.view_of(node).ok_or(ForgetError::Unknown);
        if !self.views.readiness.borrow().ready {
            return view.and(Err(ForgetError::Refused("this node is not ready".to_owned())));
        }
        // Of those that were forgotten long ago the view shows not all.
        if self.store.read().forgotten().any(|(forgotten, ..)| forgotten == node) {
            return Ok(());
        }
        match view?.state {
            NodeState::Live => Err(ForgetError::Live),
            NodeState::Forgotten => Ok(()),
            NodeState::Gone => self.write_forgotten(node, self.gone(node).await?).await,
        }
    }

    fn view_of(&self, node: NodeId) -> Option<NodeView> {
        self.status().nodes.into_iter().find(|view| view.id == node)
    }

    /// The name of a node that nobody reaches. Peers may notice later than this node that it is gone, and say so once a
    /// second: they get the time for that.
    async fn gone(&self, node: NodeId) -> Result<String, ForgetError> {
        let since = tokio::time::Instant::now();
        loop {
            let view = self.view_of(node).ok_or(ForgetError::Unknown)?;
            if !view.reached {
                return Ok(view.name.unwrap_or_default());
            }
            if since.elapsed() >= HEARSAY {
                return Err(ForgetError::Live);
            }
            tokio::time::sleep(HEARSAY_LOOK).await;
        }
    }

    async fn write_forgotten(&self, node: NodeId, name: String) -> Result<(), ForgetError> {
        let (request, draft) = SystemWrite::Forgotten { node, name }.request(self.store.node_id());
        let written = self.store.write(request, |_, _| Ok::<_, Infallible>(draft)).await;
        written.map(drop).map_err(|error| ForgetError::Refused(error.to_string()))
    }

    /// Completes when replication has ended without having been told to: a fault. The text says why.
    pub async fn failed(&self) -> String {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await.map(|why| why.clone()) {
            Ok(why) => why.unwrap_or_default(),
            // It ended without a reason: it was told to, or it broke.
            Err(_) if *self.stop.borrow() => std::future::pending().await,
            Err(_) => "replication: ended without having been told to; see the log".to_owned(),
        }
    }

    /// Leaves the cluster: the peers notice at once. Takes at most about 2.5 s; a second call does nothing.
    pub async fn shutdown(&self) {
        self.stop.send_replace(true);
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(running) = running {
            let _ = tokio::time::timeout(STOP_TIMEOUT, running).await;
        }
    }
}
