//! Whole nodes over the network in memory: real stores, real time.

use std::{convert::Infallible, future::Future};

use burgee_model::{Blob, Key, NodeId, RegisterId};
use burgee_store::{Draft, DraftWrite, Request, Stamping, StoreConfig, WriteScope};

use super::*;
use crate::{
    replication::views,
    transport::{
        inbox,
        memory::{MemoryNetwork, MemoryTransport},
    },
};

/// Longer than anything takes; reached only by a test that fails.
const PATIENCE: Duration = Duration::from_secs(30);

struct Node {
    id: PeerId,
    store: Store,
    transport: Arc<MemoryTransport>,
    readiness: watch::Receiver<Readiness>,
    status: watch::Receiver<Status>,
    _stop: oneshot::Sender<()>,
}

fn open_store() -> Store {
    let clock = Arc::new(|| 1_760_000_000_000);
    Store::open(StoreConfig::default(), clock).unwrap()
}

impl Node {
    /// A node that looks for others where `has_seeds`, and reaches nobody yet.
    fn start(network: &MemoryNetwork, store: Store, has_seeds: bool, limits: &ReplicationLimits) -> Self {
        let id = PeerId { node: store.node_id(), incarnation: 1 };
        let refusals = Arc::new(Refusals::default());
        let (sender, inbox) = inbox(limits, Arc::clone(&refusals));
        let transport = Arc::new(network.join(id, sender));
        let holds_data = !store.page(None, 1).versions.is_empty();
        let settings = Settings { has_seeds, holds_data, ..Settings::new(id, format!("node {id:?}")) };
        let (views, readiness, status) = views(&settings);
        let (stop, stopped) = oneshot::channel();
        let parts = Parts {
            settings,
            limits: limits.clone(),
            store: store.clone(),
            transport: Arc::clone(&transport),
            inbox,
            codec: Codec::new("test", limits.frame_bytes),
            refusals,
        };
        tokio::spawn(Driver::run(parts, views, stopped));
        Self { id, store, transport, readiness, status, _stop: stop }
    }

    async fn join(&self, other: &Self) {
        self.transport.dial(other.transport.endpoint()).await.unwrap();
    }

    async fn put(&self, key: &str, value: &str) {
        put(&self.store, key, value).await;
    }

    fn get(&self, key: &str) -> Option<String> {
        let version = self.store.read().current(&entry(key), self.store.now())?;
        Some(String::from_utf8(version.content.as_ref()?.bytes.to_vec()).unwrap())
    }

    async fn shows(&self, key: &str, value: &str) {
        eventually(async || self.get(key).as_deref() == Some(value)).await;
    }

    async fn is_ready(&mut self) {
        tokio::time::timeout(PATIENCE, self.readiness.wait_for(|readiness| readiness.ready)).await.unwrap().unwrap();
    }
}

async fn put(store: &Store, key: &str, value: &str) {
    let request =
        Request { scope: WriteScope::Everything, actor: Arc::from("test"), note: None, stamping: Stamping::Local };
    let write = DraftWrite::put(entry(key), Blob::json(&serde_json::Value::from(value)));
    let draft = Draft { writes: vec![write], floors: Vec::new() };
    store.write(request, move |_, _| Ok::<_, Infallible>(draft)).await.unwrap();
}

fn entry(key: &str) -> RegisterId {
    let t = Key::new("t").unwrap();
    RegisterId::config(&t, &t, &Key::new(key).unwrap())
}

async fn eventually<F: Future<Output = bool>>(mut condition: impl FnMut() -> F) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("the condition comes true");
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

async fn pair(network: &MemoryNetwork) -> (Node, Node) {
    let limits = ReplicationLimits::default();
    let a = Node::start(network, open_store(), false, &limits);
    let mut b = Node::start(network, open_store(), true, &limits);
    b.join(&a).await;
    b.is_ready().await;
    (a, b)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_joiner_holds_everything_when_it_is_ready() {
    let network = MemoryNetwork::new();
    let limits = ReplicationLimits { page_bytes: 1000, ..ReplicationLimits::default() };
    let a = Node::start(&network, open_store(), false, &limits);
    for n in 0..100 {
        a.put(&format!("k{n}"), "v").await;
    }
    let mut b = Node::start(&network, open_store(), true, &limits);
    assert_eq!(b.readiness.borrow().reasons, ["no_peer"]);
    b.join(&a).await;
    b.is_ready().await;
    for n in 0..100 {
        assert_eq!(b.get(&format!("k{n}")), Some(quoted("v")), "k{n}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_on_any_node_reach_all_others() {
    let network = MemoryNetwork::new();
    let (a, b) = pair(&network).await;
    let c = Node::start(&network, open_store(), true, &ReplicationLimits::default());
    c.join(&b).await;
    for (n, node) in [&a, &b, &c].into_iter().enumerate() {
        node.put(&format!("from{n}"), "v").await;
    }
    for node in [&a, &b, &c] {
        for n in 0..3 {
            node.shows(&format!("from{n}"), &quoted("v")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_hint_is_repaired_at_the_next_one_or_by_a_heartbeat() {
    let network = MemoryNetwork::new();
    let (a, b) = pair(&network).await;
    a.put("heard", "v").await;
    b.shows("heard", &quoted("v")).await;
    network.lose(1);
    a.put("lost", "v").await;
    b.shows("lost", &quoted("v")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_apart_is_on_both_sides_after_the_cut() {
    let network = MemoryNetwork::new();
    let (a, b) = pair(&network).await;
    network.cut(b.id);
    a.put("left", "v").await;
    b.put("right", "v").await;
    a.put("both", "a").await;
    b.put("both", "b").await;
    network.heal(b.id);
    b.shows("left", &quoted("v")).await;
    a.shows("right", &quoted("v")).await;
    eventually(async || a.get("both") == b.get("both")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_beyond_what_the_feed_remembers_arrives_whole() {
    let network = MemoryNetwork::new();
    let limits = burgee_store::StoreLimits { feed_entries: 4, ..burgee_store::StoreLimits::default() };
    let store = Store::open(StoreConfig { dir: None, limits }, Arc::new(|| 1_760_000_000_000)).unwrap();
    let a = Node::start(&network, store, false, &ReplicationLimits::default());
    let mut b = Node::start(&network, open_store(), true, &ReplicationLimits::default());
    b.join(&a).await;
    b.is_ready().await;
    let writes: Vec<_> = (0..500).map(|n| DraftWrite::put(entry(&format!("k{n}")), Blob::json(&n.into()))).collect();
    let request =
        Request { scope: WriteScope::Everything, actor: Arc::from("test"), note: None, stamping: Stamping::Local };
    let draft = Draft { writes, floors: Vec::new() };
    a.store.write(request, move |_, _| Ok::<_, Infallible>(draft)).await.unwrap();
    eventually(async || (0..500).all(|n| b.get(&format!("k{n}")) == Some(n.to_string()))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_frames_are_counted_and_change_nothing() {
    let network = MemoryNetwork::new();
    let (a, b) = pair(&network).await;
    let stranger = PeerId { node: NodeId([1; 16]), incarnation: 1 };
    let (sender, _inbox) = inbox(&ReplicationLimits::default(), Arc::default());
    let transport = network.join(stranger, sender);
    transport.dial(a.transport.endpoint()).await.unwrap();
    let request = Message::PageRequest(PageRequest { cursor: None });
    let other_cluster = Codec::new("other", 1 << 20).encode(stranger, &request);
    let mut newer = Codec::new("test", 1 << 20).encode(stranger, &request);
    newer[0] = 99;
    for frame in [vec![], vec![1, 2, 3], other_cluster, newer] {
        transport.publish(Bytes::from(frame)).await;
    }
    eventually(async || b.status.borrow().frames_refused.values().sum::<u64>() == 4).await;
    let expected = [("cluster", 1), ("garbage", 2), ("version", 1)];
    assert_eq!(b.status.borrow().frames_refused, expected.into_iter().collect());
    a.put("still", "v").await;
    b.shows("still", &quoted("v")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_names_the_peers() {
    let network = MemoryNetwork::new();
    let (a, b) = pair(&network).await;
    eventually(async || {
        let status = a.status.borrow().clone();
        status.peers.iter().any(|peer| peer.id == b.id.node && peer.live && peer.ready && peer.name.is_some())
    })
    .await;
    network.cut(b.id);
    eventually(async || a.status.borrow().peers.iter().all(|peer| !peer.live)).await;
}
