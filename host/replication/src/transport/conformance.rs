//! One suite for every transport.

use std::collections::BTreeSet;

use burgee_model::NodeId;
use tokio::time::timeout;

use super::{
    memory::{MemoryNetwork, MemoryTransport},
    zenoh::ZenohTransport,
    *,
};
use crate::config::ReplicationConfig;

/// Longer than anything takes; reached only by a test that fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// One node under test.
struct Node<T> {
    id: PeerId,
    endpoint: String,
    transport: T,
    inbox: Inbox,
    refusals: Arc<Refusals>,
}

/// Starts nodes of one transport.
trait Network {
    type Transport: Transport;

    /// A node that joins another's network at its endpoint, or begins one.
    async fn node(&self, number: u8, seed: Option<&str>, limits: &ReplicationLimits) -> Node<Self::Transport>;
}

fn id(number: u8) -> PeerId {
    PeerId { node: NodeId([number; 16]), incarnation: u64::from(number) + 100 }
}

struct Memory(MemoryNetwork);

impl Network for Memory {
    type Transport = MemoryTransport;

    async fn node(&self, number: u8, seed: Option<&str>, limits: &ReplicationLimits) -> Node<MemoryTransport> {
        let refusals = Arc::new(Refusals::default());
        let (sender, inbox) = inbox(limits, Arc::clone(&refusals));
        let transport = self.0.join(id(number), sender);
        if let Some(seed) = seed {
            transport.dial(seed).await.unwrap();
        }
        Node { id: id(number), endpoint: transport.endpoint().to_owned(), transport, inbox, refusals }
    }
}

struct Zenoh;

impl Network for Zenoh {
    type Transport = ZenohTransport;

    async fn node(&self, number: u8, seed: Option<&str>, limits: &ReplicationLimits) -> Node<ZenohTransport> {
        let config = ReplicationConfig {
            listen: Some("tcp/127.0.0.1:0".into()),
            join: seed.into_iter().map(ToOwned::to_owned).collect(),
            limits: limits.clone(),
            ..ReplicationConfig::default()
        };
        let refusals = Arc::new(Refusals::default());
        let (sender, inbox) = inbox(limits, Arc::clone(&refusals));
        let transport = ZenohTransport::open(&config, id(number), sender, Arc::clone(&refusals)).await.unwrap();
        let endpoint = transport.endpoint().unwrap().to_owned();
        Node { id: id(number), endpoint, transport, inbox, refusals }
    }
}

impl<T: Transport> Node<T> {
    /// Waits until exactly these nodes are reached.
    async fn sees(&mut self, expected: &[PeerId]) {
        let expected: BTreeSet<_> = expected.iter().copied().collect();
        let mut seen = BTreeSet::new();
        while seen != expected {
            match timeout(PATIENCE, self.inbox.membership.recv()).await.expect("a change").unwrap() {
                Membership::Up(peer) => seen.insert(peer),
                Membership::Down(peer) => seen.remove(&peer),
            };
        }
    }

    async fn loses(&mut self, peer: PeerId) {
        while timeout(PATIENCE, self.inbox.membership.recv()).await.expect("a change").unwrap()
            != Membership::Down(peer)
        {}
    }

    async fn receives(&mut self) -> Incoming {
        timeout(PATIENCE, self.inbox.frames.recv()).await.expect("a frame").unwrap()
    }

    async fn publish(&self, text: &'static str) {
        self.transport.publish(Bytes::from_static(text.as_bytes())).await;
    }
}

async fn three<N: Network>(network: &N) -> [Node<N::Transport>; 3] {
    let limits = ReplicationLimits::default();
    let mut a = network.node(1, None, &limits).await;
    let mut b = network.node(2, Some(&a.endpoint), &limits).await;
    let mut c = network.node(3, Some(&a.endpoint), &limits).await;
    a.sees(&[b.id, c.id]).await;
    b.sees(&[a.id, c.id]).await;
    c.sees(&[a.id, b.id]).await;
    [a, b, c]
}

/// Published frames reach all others, in order, and not their author.
async fn publishes_to_all_others(network: impl Network) {
    let [a, mut b, mut c] = three(&network).await;
    for text in ["one", "two", "three"] {
        a.publish(text).await;
    }
    for node in [&mut b, &mut c] {
        for text in ["one", "two", "three"] {
            let incoming = node.receives().await;
            assert_eq!(&incoming.frame[..], text.as_bytes());
            assert!(incoming.responder.is_none());
        }
    }
    b.publish("four").await;
    let mut a = a;
    assert_eq!(&a.receives().await.frame[..], b"four");
}

/// A request reaches the one it is for; a large answer comes back whole.
async fn asks_one_and_gets_its_answer(network: impl Network) {
    let [a, mut b, mut c] = three(&network).await;
    let answer = vec![7u8; 1 << 20];
    let (question, expected, to) = (Bytes::from_static(b"?"), answer.clone(), b.id);
    let serve = async {
        let incoming = b.receives().await;
        assert_eq!(&incoming.frame[..], b"?");
        let responder = incoming.responder.unwrap();
        tokio::task::spawn_blocking(move || responder.answer_blocking(Bytes::from(answer))).await.unwrap();
    };
    let (answered, ()) = tokio::join!(a.transport.request(to, question, PATIENCE), serve);
    assert_eq!(answered.unwrap(), expected);
    assert!(c.inbox.frames.try_recv().is_err());
}

/// Nobody there, nobody answering, or no wish to answer: an error in time, and others are not delayed.
async fn fails_in_time(network: impl Network) {
    let [a, mut b, c] = three(&network).await;
    let short = Duration::from_millis(300);
    let question = || Bytes::from_static(b"?");
    let nobody = timeout(PATIENCE, a.transport.request(id(9), question(), short)).await.unwrap();
    assert!(nobody.is_err());
    let to = b.id;
    let refuse = async { drop(b.receives().await) };
    let (refused, ()) = tokio::join!(a.transport.request(to, question(), PATIENCE), refuse);
    assert_eq!(refused, Err(RequestError::Unreachable));
    let silent = timeout(PATIENCE, a.transport.request(c.id, question(), short)).await.unwrap();
    assert_eq!(silent, Err(RequestError::TimedOut));
}

/// Who closes is missed at once, and a new start of it is seen as such.
async fn notices_who_leaves_and_returns(network: impl Network) {
    let [mut a, mut b, c] = three(&network).await;
    c.transport.close().await;
    a.loses(c.id).await;
    b.loses(c.id).await;
    let d = network.node(4, Some(&a.endpoint), &ReplicationLimits::default()).await;
    a.sees(&[d.id]).await;
    b.sees(&[d.id]).await;
}

/// Who enters anew is lost and found by the others, and they by it.
async fn enters_anew(network: impl Network) {
    let [mut a, b, mut c] = three(&network).await;
    c.transport.renew().await;
    a.loses(c.id).await;
    a.sees(&[c.id]).await;
    c.loses(a.id).await;
    let both = async {
        loop {
            b.publish("hello").await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        () = both => {},
        incoming = c.receives() => assert_eq!(&incoming.frame[..], b"hello"),
    }
}

/// Two networks become one.
async fn dials_at_runtime(network: impl Network) {
    let limits = ReplicationLimits::default();
    let mut a = network.node(1, None, &limits).await;
    let mut b = network.node(2, None, &limits).await;
    a.transport.dial(&b.endpoint).await.unwrap();
    a.sees(&[b.id]).await;
    b.sees(&[a.id]).await;
    a.publish("hello").await;
    assert_eq!(&b.receives().await.frame[..], b"hello");
    assert!(a.transport.dial("nonsense").await.is_err());
}

/// A node that does not read its inbox holds bounded memory and delays nobody; what it loses is counted.
async fn a_reader_that_sleeps_delays_nobody(network: impl Network) {
    let limits = ReplicationLimits::default();
    let small = ReplicationLimits { inbox_frames: 8, ..limits.clone() };
    let mut a = network.node(1, None, &limits).await;
    let mut b = network.node(2, Some(&a.endpoint), &limits).await;
    let sleeper = network.node(3, Some(&a.endpoint), &small).await;
    a.sees(&[b.id, sleeper.id]).await;
    b.sees(&[a.id, sleeper.id]).await;
    let reads = async {
        for _ in 0..100 {
            b.receives().await;
        }
    };
    let publishes = async {
        loop {
            a.publish("news").await;
            tokio::task::yield_now().await;
        }
    };
    let delayed = async {
        tokio::select! {
            () = reads => {},
            () = publishes => {},
        }
    };
    timeout(PATIENCE, delayed).await.expect("nobody is delayed");
    let overflow = async {
        while !sleeper.refusals.totals().contains_key("overflow") {
            a.publish("news").await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, overflow).await.expect("what is lost is counted");
    assert_eq!(sleeper.inbox.frames.len(), 8);
}

macro_rules! conformance {
    ($($case:ident),* $(,)?) => {
        mod memory_transport {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(super::Memory(super::MemoryNetwork::new())).await;
            })*
        }
        mod zenoh_transport {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(super::Zenoh).await;
            })*
        }
    };
}

conformance! {
    publishes_to_all_others,
    asks_one_and_gets_its_answer,
    fails_in_time,
    notices_who_leaves_and_returns,
    enters_anew,
    dials_at_runtime,
    a_reader_that_sleeps_delays_nobody,
}

/// Two clusters that share a network by mistake keep apart, and it is noticed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_cluster_is_noticed_and_kept_apart() {
    let a = Zenoh.node(1, None, &ReplicationLimits::default()).await;
    let config = ReplicationConfig {
        cluster_name: "other".into(),
        join: vec![a.endpoint.clone()],
        ..ReplicationConfig::default()
    };
    let (sender, _inbox) = inbox(&config.limits, Arc::new(Refusals::default()));
    let _b = ZenohTransport::open(&config, id(2), sender, Arc::new(Refusals::default())).await.unwrap();
    let noticed = async {
        while a.refusals.totals().get("cluster") != Some(&1) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, noticed).await.expect("counted");
    assert_eq!(a.inbox.membership.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_in_use_is_a_named_error() {
    let a = Zenoh.node(1, None, &ReplicationLimits::default()).await;
    let config = ReplicationConfig { listen: Some(a.endpoint.clone()), ..ReplicationConfig::default() };
    let (sender, _inbox) = inbox(&config.limits, Arc::new(Refusals::default()));
    let refused = ZenohTransport::open(&config, id(2), sender, Arc::new(Refusals::default())).await;
    let text = refused.err().unwrap().to_string();
    assert!(text.starts_with(&format!("`{}`", a.endpoint)), "{text}");
}
