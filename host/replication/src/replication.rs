//! A running replication: started, looked at, shut down.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use burgee_store::Store;
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
};

use crate::{
    config::{ConfigError, ReplicationConfig},
    core::{Core, Settings},
    driver::{Driver, Parts, Views, first_status},
    message::PeerId,
    refusals::Refusals,
    status::{PeerStatus, Readiness, SelfStatus, Status},
    transport::{
        Transport, inbox,
        zenoh::{OpenError, ZenohTransport},
    },
    wire::Codec,
};

/// How long the driver may take to notice that it is to stop.
const STOP_TIMEOUT: Duration = Duration::from_millis(500);

/// Why replication does not start.
#[derive(Debug, thiserror::Error)]
pub enum ReplicationError {
    /// A value of the configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The port is in use, or the transport refuses.
    #[error(transparent)]
    Transport(#[from] OpenError),
    /// The system gives no randomness.
    #[error("no randomness: {0}")]
    Randomness(String),
}

/// A node's part in its cluster.
pub struct Replication {
    readiness: watch::Receiver<Readiness>,
    status: watch::Receiver<Status>,
    running: Option<Running>,
}

struct Running {
    transport: Arc<ZenohTransport>,
    stop: Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
}

/// Joins the cluster that the configuration names. Binds the port, and returns without waiting for peers;
/// with neither `listen` nor `join` nothing is bound and the node is ready at once.
///
/// # Errors
/// See [`ReplicationError`]. Peers that are not reached are none.
pub async fn start(config: ReplicationConfig, store: Store) -> Result<Replication, ReplicationError> {
    config.validate()?;
    if !config.is_on() {
        return Ok(Replication::off(&config, &store));
    }
    let own = PeerId { node: store.node_id(), incarnation: incarnation()? };
    let refusals = Arc::new(Refusals::default());
    let (inbox_sender, inbox) = inbox(&config.limits, Arc::clone(&refusals));
    let transport = Arc::new(ZenohTransport::open(&config, own, inbox_sender, Arc::clone(&refusals)).await?);
    let settings = settings(&config, own, &store, transport.endpoint());
    let codec = Codec::new(&config.cluster_name, config.limits.frame_bytes);
    let (views, readiness, status) = views(&settings);
    let (stop, stopped) = oneshot::channel();
    let parts =
        Parts { settings, limits: config.limits, store, transport: Arc::clone(&transport), inbox, codec, refusals };
    let driver = tokio::spawn(Driver::run(parts, views, stopped));
    let running = Running { transport, stop: Mutex::new(Some((stop, driver))) };
    Ok(Replication { readiness, status, running: Some(running) })
}

fn incarnation() -> Result<u64, ReplicationError> {
    getrandom::u64().map_err(|e| ReplicationError::Randomness(e.to_string()))
}

fn settings(config: &ReplicationConfig, own: PeerId, store: &Store, endpoint: Option<&str>) -> Settings {
    Settings {
        endpoint: endpoint.map(ToOwned::to_owned),
        has_seeds: !config.join.is_empty(),
        holds_data: !store.page(None, 1).versions.is_empty(),
        ready_timeout: config.ready_timeout,
        request_timeout: config.limits.request_timeout,
        peers: config.limits.peers,
        ..Settings::new(own, config.node_name.clone())
    }
}

/// What a core with these settings shows before its first event.
pub(crate) fn views(settings: &Settings) -> (Views, watch::Receiver<Readiness>, watch::Receiver<Status>) {
    let first = Core::new(settings.clone()).readiness().clone();
    let own = SelfStatus {
        id: settings.own.node,
        name: settings.name.clone(),
        endpoint: settings.endpoint.clone(),
        ready: first.ready,
    };
    let (readiness, readiness_view) = watch::channel(first);
    let (status, status_view) = watch::channel(first_status(own));
    (Views { readiness, status }, readiness_view, status_view)
}

impl Replication {
    fn off(config: &ReplicationConfig, store: &Store) -> Self {
        let own = PeerId { node: store.node_id(), incarnation: 0 };
        let (_, readiness, status) = views(&Settings::new(own, config.node_name.clone()));
        Self { readiness, status, running: None }
    }

    /// Whether the replica may serve, now and later.
    #[must_use]
    pub fn readiness(&self) -> watch::Receiver<Readiness> {
        self.readiness.clone()
    }

    /// Where peers reach this node, with the bound port; `None` where it does not listen.
    #[must_use]
    pub fn endpoint(&self) -> Option<String> {
        self.running.as_ref().and_then(|running| running.transport.endpoint().map(ToOwned::to_owned))
    }

    /// This node and the peers it has met, as of the last 100 ms.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// The peers it has met, as of the last 100 ms.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerStatus> {
        self.status().peers
    }

    /// Completes when replication has ended without having been told to: a fault. Never where it is off.
    pub async fn failed(&self) {
        let Some(running) = &self.running else { return std::future::pending().await };
        let mut readiness = self.readiness.clone();
        // the driver holds the other end until it is gone
        while readiness.changed().await.is_ok() {}
        if running.stop.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            std::future::pending::<()>().await;
        }
    }

    /// Leaves the cluster: the peers notice at once. Takes at most about 2.5 s; a second call does nothing.
    pub async fn shutdown(&self) {
        let Some(running) = &self.running else { return };
        let stop = running.stop.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((stop, driver)) = stop {
            // The driver may have ended on its own.
            let _ = stop.send(());
            let _ = tokio::time::timeout(STOP_TIMEOUT, driver).await;
            running.transport.close().await;
        }
    }
}
