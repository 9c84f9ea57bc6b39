//! Strangers are refused and counted, and cost the others nothing.

use std::time::Instant;

use tokio::io::AsyncWriteExt;

use super::{
    networks::open,
    strangers::{Stranger, chunk, hello},
    *,
};
use crate::{
    config::ReplicationConfig,
    wire::{PROTOCOL, PROTOCOL_MIN, Refusal},
};

const OURS: [u8; 2] = [PROTOCOL, PROTOCOL];

/// What a stranger says, and why it is refused.
fn cases() -> Vec<(&'static str, Vec<u8>)> {
    let friend = hello(id(7), OURS, "burgee");
    let after = |bytes: Vec<u8>| [&friend[..], &bytes].concat();
    vec![
        ("garbage", b"GET / HTTP/1.1\r\nHost: burgee\r\n\r\n".to_vec()),
        ("garbage", friend[..friend.len() - 1].to_vec()),
        ("garbage", friend[..3].to_vec()),
        ("oversized", [&friend[..8], &[0xff, 0xff]].concat()),
        ("version", hello(id(7), [0, PROTOCOL_MIN - 1], "burgee")),
        ("version", hello(id(7), [PROTOCOL + 1, 255], "burgee")),
        ("version", hello(id(7), [255, 0], "burgee")),
        ("cluster", hello(id(7), OURS, "another")),
        ("garbage", after(chunk(0x40, 0, b""))),
        ("oversized", after(chunk(1, 1 << 17, b""))),
        ("garbage", after([chunk(0x81, 1, b"a"), chunk(2, 1, b"b")].concat())),
        ("truncated", after(chunk(1, 5, b"abc"))),
        ("truncated", after(chunk(0x81, 3, b"abc"))),
        ("truncated", after(chunk(1, 5, b"")[..7].to_vec())),
    ]
}

async fn strangers_are_counted(network: Sockets) {
    let [a, mut b] = two(&network).await;
    for (number, (reason, words)) in cases().into_iter().enumerate() {
        let before = a.refusals.totals().get(reason).copied().unwrap_or(0);
        let mut stranger = Stranger::of(&network, &a.endpoint).await;
        stranger.say(&words).await;
        stranger.writer.shutdown().await.unwrap();
        a.refuses(reason, before + 1).await;
        let heard = stranger.hears().await;
        if ["version", "cluster"].contains(&reason) {
            assert!(heard.windows(16).any(|bytes| bytes == a.id.node.0), "case {number}: it is told who we are");
        }
        assert!(a.tell(b.id, "still here"));
        assert_eq!(&b.receives().await.frame[..], b"still here");
    }
    let total: u64 = a.refusals.totals().values().sum();
    assert_eq!(total, u64::try_from(cases().len()).unwrap());
    assert!(b.inbox.membership.try_recv().is_err());
}

/// A frame that is too large is skipped; the link goes on. A newer release that still speaks our version is
/// welcome.
async fn what_is_too_large_is_skipped(network: Sockets) {
    let limits = ReplicationLimits { frame_bytes: 100_000, ..ReplicationLimits::default() };
    let mut a = network.node(1, &limits).await;
    let mut newer = Stranger::of(&network, &a.endpoint).await;
    newer.say(&hello(id(7), [PROTOCOL, PROTOCOL + 1], "burgee")).await;
    let piece = vec![1; 60_000];
    newer.say(&[chunk(0x81, 60_000, &piece), chunk(0x81, 60_000, &piece), chunk(1, 60_000, &piece)].concat()).await;
    newer.say(&chunk(1, 2, b"ok")).await;
    let incoming = a.receives().await;
    assert_eq!((incoming.from, &incoming.frame[..]), (id(7), &b"ok"[..]));
    a.refuses("oversized", 1).await;
    assert_eq!(a.change().await, Membership::Up(id(7)));
    assert!(a.inbox.membership.try_recv().is_err());
}

/// Somebody who says nothing is dropped; many of them leave room for those who have something to say.
async fn silent_ones_are_dropped(network: Sockets) {
    let [a, mut b] = two(&network).await;
    let mut silent = Vec::new();
    for _ in 0..70 {
        if let Ok(mut stranger) = Stranger::try_of(&network, &a.endpoint).await {
            // QUIC has no stream before its first byte.
            stranger.say(b"\xff").await;
            silent.push(stranger);
        }
    }
    a.refuses("overflow", 54).await;
    assert!(a.tell(b.id, "still here"));
    assert_eq!(&b.receives().await.frame[..], b"still here");
    a.refuses("garbage", 16).await;
    let mut friend = Stranger::of(&network, &a.endpoint).await;
    friend.say(&hello(id(7), OURS, "burgee")).await;
    assert!(!friend.hears().await.is_empty());
}

/// Who does not read fills its own queue, delays nobody, and is missed once it does not speak either.
async fn who_does_not_read_is_bounded_and_missed(network: Sockets) {
    let limits = ReplicationLimits { link_bytes: 1 << 20, ..ReplicationLimits::default() };
    let mut a = network.node(1, &limits).await;
    let mut b = network.node(2, &limits).await;
    b.transport.dial(&a.endpoint).await.unwrap();
    let mut deaf = Stranger::of(&network, &a.endpoint).await;
    deaf.say(&hello(id(7), OURS, "burgee")).await;
    a.sees(&[b.id, id(7)]).await;
    let speaking = async {
        for _ in 0..6 {
            deaf.say(&chunk(5, 0, b"")).await;
            sleep(Duration::from_millis(500)).await;
        }
        Instant::now()
    };
    let big = Bytes::from(vec![0; 50_000]);
    let sending = async {
        let (mut longest, mut taken) = (Duration::ZERO, 0);
        for _ in 0..500 {
            taken += usize::from(a.transport.send(id(7), big.clone()));
            let sent = Instant::now();
            assert!(a.tell(b.id, "news"));
            b.receives().await;
            longest = longest.max(sent.elapsed());
            sleep(Duration::from_millis(2)).await;
        }
        (longest, taken)
    };
    let (silent_since, (longest, taken)) = tokio::join!(speaking, sending);
    assert!(longest < Duration::from_millis(500), "{longest:?}");
    assert!(taken < 400, "{taken} frames of 50 kB were taken for a link that holds 1 MiB");
    assert_eq!(a.change().await, Membership::Down(id(7)));
    let missed = silent_since.elapsed();
    assert!(missed < Duration::from_millis(2500), "{missed:?}");
}

/// An answer may take long, as long as it keeps coming; who does not answer is not waited for, be it otherwise alive.
async fn an_answer_that_keeps_coming_is_waited_for(network: Sockets) {
    const WITHIN: Duration = Duration::from_millis(400);
    let mut a = network.node(1, &ReplicationLimits::default()).await;
    let mut slow = Stranger::of(&network, &a.endpoint).await;
    slow.say(&hello(id(7), OURS, "burgee")).await;
    a.sees(&[id(7)]).await;
    let question = || a.transport.request(id(7), Bytes::from_static(b"?"), WITHIN);
    let answering = async {
        for _ in 0..8 {
            slow.say(&chunk(0x83, 1_000, &[1; 1_000])).await;
            sleep(WITHIN / 2).await;
        }
        slow.say(&chunk(3, 1, &[1])).await;
    };
    let (answer, ()) = tokio::join!(question(), answering);
    assert_eq!(answer.unwrap().len(), 8_001);
    sleep(WITHIN).await;
    let chatting = async {
        for _ in 0..8 {
            slow.say(&chunk(1, 4, b"news")).await;
            sleep(WITHIN / 2).await;
        }
    };
    let asked = Instant::now();
    let (answer, ()) = tokio::join!(async { (question().await, asked.elapsed()) }, chatting);
    assert_eq!(answer.0, Err(RequestError::TimedOut));
    assert!(answer.1 < WITHIN * 3, "{:?}", answer.1);
}

async fn another_cluster_is_noticed_on_both_sides(network: Sockets) {
    let mut a = network.node(1, &ReplicationLimits::default()).await;
    let config = network.config(2, &ReplicationLimits::default());
    let b = open(2, &ReplicationConfig { cluster_name: "other".into(), ..config }).await.unwrap();
    assert_eq!(b.transport.dial(&a.endpoint).await, Err(DialError::Refused(Refusal::Cluster)));
    a.refuses("cluster", 1).await;
    b.refuses("cluster", 1).await;
    assert!(a.inbox.membership.try_recv().is_err());
}

async fn a_port_in_use_is_a_named_error(network: Sockets) {
    let a = network.node(1, &ReplicationLimits::default()).await;
    let config = network.config(2, &ReplicationLimits::default());
    let refused = open(2, &ReplicationConfig { listen: Some(a.endpoint.clone()), ..config }).await;
    let text = refused.err().unwrap().to_string();
    assert!(text.starts_with(&format!("`{}`: ", a.endpoint)), "{text}");
}

async fn what_is_told_is_where_it_is_reached(network: Sockets) {
    let config = network.config(2, &ReplicationLimits::default());
    let advertise = Some("localhost:0".to_owned());
    let mut b = open(2, &ReplicationConfig { advertise, ..config }).await.unwrap();
    let bound = b.transport.bound().unwrap().rsplit_once(':').unwrap().1.to_owned();
    assert!(b.endpoint.ends_with(&format!("/localhost:{bound}")), "{}", b.endpoint);
    let mut a = network.node(1, &ReplicationLimits::default()).await;
    a.transport.dial(&b.endpoint).await.unwrap();
    a.sees(&[b.id]).await;
    b.sees(&[a.id]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_listen_on_every_address_are_reached_by_what_they_tell() {
    let network = Sockets::quic();
    let everywhere = |number| ReplicationConfig {
        listen: Some("quic/0.0.0.0:0".to_owned()),
        ..network.config(number, &ReplicationLimits::default())
    };
    let untold = open(1, &everywhere(1)).await.err().unwrap();
    assert!(untold.to_string().starts_with("cluster-advertise: "), "{untold}");
    let told = |number: u8| ReplicationConfig { advertise: Some(format!("127.0.0.{number}:0")), ..everywhere(number) };
    let (mut a, mut b) = (open(1, &told(1)).await.unwrap(), open(2, &told(2)).await.unwrap());
    assert!(a.endpoint.starts_with("quic/127.0.0.1:") && b.endpoint.starts_with("quic/127.0.0.2:"));
    assert_eq!(a.transport.dial(&b.endpoint).await, Ok(b.id));
    a.sees(&[b.id]).await;
    b.sees(&[a.id]).await;
}

/// Dead ends of dialling: nobody listens, or who listens says nothing.
async fn dialling_nobody_ends_in_time(network: Sockets) {
    let a = network.node(1, &ReplicationLimits::default()).await;
    let scheme = a.endpoint.split_once('/').unwrap().0;
    let udp = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    for port in [1, udp.local_addr().unwrap().port(), tcp.local_addr().unwrap().port()] {
        let dial = async { a.transport.dial(&format!("{scheme}/127.0.0.1:{port}")).await };
        let dialled = timeout(Duration::from_millis(3500), dial).await.expect("in time");
        assert!(matches!(dialled, Err(DialError::Unreachable(_))), "{dialled:?}");
    }
}

macro_rules! over_both {
    ($($case:ident),* $(,)?) => {
        mod tcp {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(super::Sockets::tcp()).await;
            })*
        }
        mod quic {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(super::Sockets::quic()).await;
            })*
        }
    };
}

over_both! {
    strangers_are_counted,
    what_is_too_large_is_skipped,
    silent_ones_are_dropped,
    who_does_not_read_is_bounded_and_missed,
    an_answer_that_keeps_coming_is_waited_for,
    another_cluster_is_noticed_on_both_sides,
    a_port_in_use_is_a_named_error,
    dialling_nobody_ends_in_time,
    what_is_told_is_where_it_is_reached,
}
