//! Nodes of one process, their stores in memory or in a folder of the test's.

use std::{
    convert::Infallible,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use burgee_model::{Blob, Key, Media, NodeId, RegisterId};
use burgee_store::{Draft, DraftWrite, Request, Stamping, Store, StoreConfig, WriteScope};
use tokio::time::{Instant, sleep};

use crate::{
    Refusals, Replication, ReplicationConfig, Timekeeping,
    message::PeerId,
    replication::{ReplicationError, enter},
    supervisor::Network,
    transport::{
        InboxSender,
        memory::{MemoryNetwork, MemoryTransport},
    },
};

/// Longer than anything takes; reached only by a test that fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A network in memory that remembers who entered it.
struct Watched {
    network: MemoryNetwork,
    entered: Arc<Mutex<Option<PeerId>>>,
}

impl Network for Watched {
    type Transport = MemoryTransport;

    async fn open(
        &self,
        own: PeerId,
        inbox: InboxSender,
        _: Arc<Refusals>,
    ) -> Result<(MemoryTransport, Option<String>), ReplicationError> {
        *self.entered.lock().unwrap() = Some(own);
        let transport = self.network.join(own, inbox);
        let endpoint = transport.endpoint().to_owned();
        Ok((transport, Some(endpoint)))
    }

    fn keep_endpoint(&mut self, _: &MemoryTransport) {}
}

/// A running node.
pub(super) struct Node {
    pub(super) store: Store,
    pub(super) replication: Replication,
    entered: Arc<Mutex<Option<PeerId>>>,
}

/// A store in a folder, or in memory.
pub(super) fn store(dir: Option<&Path>) -> (Store, Timekeeping) {
    let time = Timekeeping::start();
    let read = time.clone();
    let config = StoreConfig { dir: dir.map(Into::into), ..StoreConfig::default() };
    let store = Store::open(config, Arc::new(move || read.now())).unwrap();
    (store, time)
}

/// Short waits, as tests want them.
pub(super) fn config(name: &str, join: &[String]) -> ReplicationConfig {
    ReplicationConfig {
        node_name: name.to_owned(),
        join: join.to_vec(),
        ready_timeout: Duration::from_secs(1),
        collect_period: Duration::from_millis(100),
        collect_grace: Duration::from_millis(200),
        ..ReplicationConfig::default()
    }
}

impl Node {
    pub(super) async fn start(network: &MemoryNetwork, name: &str, join: &[&Self]) -> Self {
        Self::open(network, name, None, join).await
    }

    pub(super) async fn open(network: &MemoryNetwork, name: &str, dir: Option<&Path>, join: &[&Self]) -> Self {
        let join: Vec<String> = join.iter().map(|node| node.endpoint()).collect();
        Self::configured(network, config(name, &join), dir).await
    }

    pub(super) async fn configured(network: &MemoryNetwork, config: ReplicationConfig, dir: Option<&Path>) -> Self {
        let (store, clock) = store(dir);
        let entered = Arc::default();
        let watched = Watched { network: network.clone(), entered: Arc::clone(&entered) };
        let replication = enter(watched, config, store.clone(), clock).await.unwrap();
        Self { store, replication, entered }
    }

    pub(super) fn endpoint(&self) -> String {
        self.replication.endpoint().unwrap()
    }

    pub(super) fn id(&self) -> NodeId {
        self.store.node_id()
    }

    /// Which start of the node this is.
    pub(super) fn peer(&self) -> PeerId {
        self.entered.lock().unwrap().unwrap()
    }

    pub(super) async fn put(&self, key: &str, value: &str) {
        let content = Blob { media: Media::Text, bytes: value.to_owned().into() };
        self.write(DraftWrite::put(entry(key), content)).await;
    }

    pub(super) async fn delete(&self, key: &str) {
        self.write(DraftWrite::delete(entry(key))).await;
    }

    pub(super) async fn write(&self, write: DraftWrite) {
        let request =
            Request { scope: WriteScope::Everything, actor: Arc::from("test"), note: None, stamping: Stamping::Local };
        let draft = Draft::of(vec![write]);
        self.store.write(request, |_, _| Ok::<_, Infallible>(draft)).await.unwrap();
    }

    pub(super) fn get(&self, key: &str) -> Option<String> {
        let version = self.store.read().current(&entry(key), self.store.now())?;
        let blob = version.content.as_ref()?;
        Some(String::from_utf8(blob.bytes.to_vec()).unwrap())
    }

    pub(super) async fn ready(&self) {
        eventually("ready", || self.replication.readiness().borrow().ready).await;
    }

    pub(super) async fn shows(&self, key: &str, value: Option<&str>) {
        eventually(&format!("{key} = {value:?}"), || self.get(key).as_deref() == value).await;
    }

    /// Leaves and closes everything.
    pub(super) async fn stop(self) {
        self.replication.shutdown().await;
        self.store.close().await;
    }
}

pub(super) fn entry(key: &str) -> RegisterId {
    RegisterId::config(&Key::new("t").unwrap(), &Key::new("e").unwrap(), &Key::new(key).unwrap())
}

pub(super) async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Three nodes that know each other.
pub(super) async fn three(network: &MemoryNetwork) -> [Node; 3] {
    let a = Node::start(network, "a", &[]).await;
    a.ready().await;
    let b = Node::start(network, "b", &[&a]).await;
    let c = Node::start(network, "c", &[&a]).await;
    b.ready().await;
    c.ready().await;
    for node in [&a, &b, &c] {
        eventually("all live", || node.replication.status().nodes.iter().filter(|n| n.ready).count() == 3).await;
    }
    [a, b, c]
}
