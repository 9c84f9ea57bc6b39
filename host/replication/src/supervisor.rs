//! Runs one driver after another: a node that takes a new identity begins anew, on the same endpoint.

use std::{collections::BTreeSet, future::Future, sync::Arc, time::Duration};

use burgee_model::{Millis, NodeId};
use burgee_store::{Missed, Store};
use tokio::sync::watch;

use crate::{
    config::ReplicationConfig,
    core::{Periods, Settings},
    driver::{Driver, End, Parts, Traffic, Views},
    message::PeerId,
    refusals::Refusals,
    replication::ReplicationError,
    timekeeping::Timekeeping,
    transport::{Inbox, InboxSender, Transport, inbox},
    wire::{PROTOCOL, PROTOCOL_MIN},
};

/// Between two attempts to begin anew.
const RETRY: Duration = Duration::from_millis(200);

/// How long a driver may wait for the network to be closed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// See [`Settings::snapshot_versions`].
const SNAPSHOT_VERSIONS: u64 = 5_000;

/// A network that nodes can enter.
pub(crate) trait Network: Send + Sync + 'static {
    /// A node's end of it.
    type Transport: Transport;

    /// Enters it under an identity. Says where the node is reached.
    fn open(
        &self,
        own: PeerId,
        inbox: InboxSender,
        refusals: Arc<Refusals>,
    ) -> impl Future<Output = Result<(Self::Transport, Option<String>), ReplicationError>> + Send;

    /// From now on the node listens exactly where this end of it does.
    fn keep_endpoint(&mut self, transport: &Self::Transport);
}

/// What stays when a node begins anew.
pub(crate) struct Supervisor<N> {
    pub(crate) config: ReplicationConfig,
    pub(crate) store: Store,
    pub(crate) time: Timekeeping,
    pub(crate) network: N,
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) views: Arc<Views>,
    /// Where discovery finds nodes.
    pub(crate) found: watch::Receiver<BTreeSet<String>>,
}

/// A node on the network, before its driver runs.
pub(crate) struct Opened<T> {
    own: PeerId,
    transport: Arc<T>,
    inbox: Inbox,
    pub(crate) endpoint: Option<String>,
}

impl<N: Network> Supervisor<N> {
    /// Enters the network.
    pub(crate) async fn open(&mut self) -> Result<Opened<N::Transport>, ReplicationError> {
        let own = PeerId { node: self.store.node_id(), incarnation: incarnation(self.store.now(), random()?) };
        let (sender, inbox) = inbox(&self.config.limits, Arc::clone(&self.refusals));
        let (transport, endpoint) = self.network.open(own, sender, Arc::clone(&self.refusals)).await?;
        self.network.keep_endpoint(&transport);
        Ok(Opened { own, transport: Arc::new(transport), inbox, endpoint })
    }

    /// What a core begins with.
    pub(crate) fn settings(&self, own: PeerId, endpoint: Option<String>) -> Result<Settings, ReplicationError> {
        let config = &self.config;
        Ok(Settings {
            own,
            name: config.node_name.clone(),
            endpoint,
            protocol: config.protocol_max.clamp(PROTOCOL_MIN, PROTOCOL),
            seeds: config.join.clone(),
            discovers: config.discovers,
            mark: self.store.mark(),
            resync: self.store.needs_resync(),
            aside: self.store.has_set_aside(),
            trusted: config.trust_own_data,
            started_at: self.store.now(),
            random_seed: random()?,
            max_skew_ms: u64::try_from(config.max_skew.as_millis()).unwrap_or(u64::MAX),
            snapshot_versions: SNAPSHOT_VERSIONS,
            page_bytes: config.limits.page_bytes,
            peers: config.limits.peers,
            periods: Periods {
                ready_timeout: config.ready_timeout,
                request: config.limits.request_timeout,
                collect: config.collect_period,
                grace: config.collect_grace,
                ..Periods::default()
            },
        })
    }

    /// Runs until told to stop; otherwise the text says why it ended.
    pub(crate) async fn run(mut self, first: Opened<N::Transport>, stop: watch::Receiver<bool>) -> Option<String> {
        let mut opened = first;
        loop {
            let transport = Arc::clone(&opened.transport);
            let end = match self.parts(opened) {
                Ok(parts) => Driver::run(parts, stop.clone()).await,
                Err(error) => End::Failed(error.to_string()),
            };
            // What it takes beyond that is left to the peers, which notice silence too.
            let _ = tokio::time::timeout(CLOSE_TIMEOUT, transport.close()).await;
            drop(transport);
            let missed = match end {
                End::Stopped => return None,
                End::Failed(text) => return Some(text),
                End::Reidentify(missed) => missed,
            };
            opened = match self.begin_anew(missed, stop.clone()).await {
                Some(opened) => opened,
                None => return None,
            };
        }
    }

    fn parts(&self, opened: Opened<N::Transport>) -> Result<Parts<N::Transport>, ReplicationError> {
        Ok(Parts {
            settings: self.settings(opened.own, opened.endpoint)?,
            limits: self.config.limits.clone(),
            protocol_max: self.config.protocol_max,
            store: self.store.clone(),
            time: self.time.clone(),
            transport: opened.transport,
            inbox: opened.inbox,
            refusals: Arc::clone(&self.refusals),
            traffic: Arc::clone(&self.traffic),
            views: Arc::clone(&self.views),
            found: self.found.clone(),
        })
    }

    /// Takes a new identity and enters the network under it; none where the node was stopped meanwhile.
    async fn begin_anew(&mut self, missed: Missed, mut stop: watch::Receiver<bool>) -> Option<Opened<N::Transport>> {
        let anew = async {
            while let Err(error) = self.reidentify(missed).await {
                tracing::error!(%error, "no new identity yet");
                tokio::time::sleep(RETRY).await;
            }
            loop {
                match self.open().await {
                    Ok(opened) => return opened,
                    Err(error) => tracing::error!(%error, "the network is not entered yet"),
                }
                tokio::time::sleep(RETRY).await;
            }
        };
        tokio::select! {
            opened = anew => Some(opened),
            _ = stop.wait_for(|stop| *stop) => None,
        }
    }

    async fn reidentify(&self, missed: Missed) -> Result<NodeId, String> {
        let node = self.store.reidentify(missed).await.map_err(|error| error.to_string())?;
        tracing::warn!(%node, "this node has a new identity");
        Ok(node)
    }
}

/// Starts are in the order of their milliseconds; the rest is chance.
fn incarnation(now: Millis, random: u64) -> u64 {
    const CHANCE_BITS: u32 = 16;
    now << CHANCE_BITS | random >> (u64::BITS - CHANCE_BITS)
}

fn random() -> Result<u64, ReplicationError> {
    getrandom::u64().map_err(|e| ReplicationError::Randomness(e.to_string()))
}
