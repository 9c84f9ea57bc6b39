//! Measures the transport over loopback: latency of news and of questions, throughput, and what they cost.
//!
//! ```text
//! measure tcp
//! CLUSTER_CA=… CLUSTER_CERT=… CLUSTER_KEY=… measure quic
//! ```
//!
//! All nodes are in this process, so that one clock tells one-way latency; CPU time is that of both ends.

#![allow(clippy::print_stdout, reason = "a program to be read by people and tests")]

use std::{
    error::Error,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use burgee_model::NodeId;
use burgee_replication::{
    Refusals, ReplicationConfig,
    message::PeerId,
    transport::{Inbox, Transport, inbox, sockets::SocketsTransport},
};
use bytes::Bytes;
use tokio::time::{MissedTickBehavior, interval, sleep};

type Failure = Box<dyn Error + Send + Sync>;

/// How long each measurement takes.
const TIME: Duration = Duration::from_secs(8);
/// Bytes of small news.
const SMALL: usize = 200;
/// Bytes of large news.
const LARGE: usize = 64 * 1024;

struct Node {
    id: PeerId,
    transport: Arc<SocketsTransport>,
    inbox: Inbox,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let scheme = std::env::args().nth(1).ok_or("usage: measure tcp|quic")?;
    for rate in [100, 1000] {
        one_way(&scheme, rate).await?;
        round_trip(&scheme, rate).await?;
    }
    for receivers in [1, 2] {
        throughput(&scheme, receivers).await?;
    }
    Ok(())
}

async fn node(scheme: &str, number: u8) -> Result<Node, Failure> {
    let file = |name| std::env::var_os(name).map(PathBuf::from);
    let config = ReplicationConfig {
        listen: Some(format!("{scheme}/127.0.0.1:0")),
        ca: file("CLUSTER_CA"),
        cert: file("CLUSTER_CERT"),
        key: file("CLUSTER_KEY"),
        ..ReplicationConfig::default()
    };
    config.validate()?;
    let refusals = Arc::new(Refusals::default());
    let (sender, inbox) = inbox(&config.limits, Arc::clone(&refusals));
    let id = PeerId { node: NodeId([number; 16]), incarnation: 1 };
    let transport = Arc::new(SocketsTransport::open(&config, id, sender, refusals).await?);
    Ok(Node { id, transport, inbox })
}

async fn linked(scheme: &str, receivers: u8) -> Result<(Node, Vec<Node>), Failure> {
    let (sender, mut others) = (node(scheme, 0).await?, Vec::new());
    for number in 1..=receivers {
        let other = node(scheme, number).await?;
        sender.transport.dial(other.transport.endpoint().unwrap_or_default()).await?;
        others.push(other);
    }
    Ok((sender, others))
}

async fn one_way(scheme: &str, rate: u64) -> Result<(), Failure> {
    let (sender, mut others) = linked(scheme, 1).await?;
    let mut receiver = others.pop().ok_or("no receiver")?;
    let (start, cpu, to) = (Instant::now(), cpu_time(), receiver.id);
    let transport = Arc::clone(&sender.transport);
    tokio::spawn(async move {
        let mut ticks = steady(rate);
        while start.elapsed() < TIME {
            ticks.tick().await;
            let mut frame = vec![0; SMALL];
            frame[..8].copy_from_slice(&nanoseconds(start).to_be_bytes());
            transport.send(to, frame.into());
        }
        sleep(Duration::from_millis(100)).await;
        transport.close().await;
    });
    let mut taken = Vec::new();
    while let Ok(Some(incoming)) = tokio::time::timeout(Duration::from_secs(1), receiver.inbox.frames.recv()).await {
        let sent = incoming.frame.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        taken.push(nanoseconds(start).saturating_sub(sent));
    }
    tell(&format!("{scheme} one way {rate}/s"), &mut taken, cpu);
    Ok(())
}

async fn round_trip(scheme: &str, rate: u64) -> Result<(), Failure> {
    let (sender, mut others) = linked(scheme, 1).await?;
    let mut receiver = others.pop().ok_or("no receiver")?;
    let (start, cpu, to) = (Instant::now(), cpu_time(), receiver.id);
    tokio::spawn(async move {
        while let Some(incoming) = receiver.inbox.frames.recv().await {
            if let Some(responder) = incoming.responder {
                responder.answer(incoming.frame);
            }
        }
    });
    let (mut taken, mut ticks) = (Vec::new(), steady(rate));
    while start.elapsed() < TIME {
        ticks.tick().await;
        let asked = Instant::now();
        sender.transport.request(to, vec![0; SMALL].into(), TIME).await?;
        taken.push(nanoseconds(asked));
    }
    tell(&format!("{scheme} round trip {rate}/s"), &mut taken, cpu);
    Ok(())
}

async fn throughput(scheme: &str, receivers: u8) -> Result<(), Failure> {
    let (sender, others) = linked(scheme, receivers).await?;
    let (start, cpu) = (Instant::now(), cpu_time());
    let ids: Vec<PeerId> = others.iter().map(|node| node.id).collect();
    let received = Arc::new(AtomicU64::new(0));
    for other in others {
        tokio::spawn(count(other, Arc::clone(&received)));
    }
    let frame = Bytes::from(vec![7; LARGE]);
    while start.elapsed() < TIME {
        let sent = ids.iter().filter(|id| sender.transport.send(**id, frame.clone())).count();
        if sent == 0 {
            sleep(Duration::from_millis(1)).await;
        }
    }
    let megabytes = received.load(Ordering::Relaxed) / 1_000_000;
    let (wall, cpu) = (start.elapsed().as_secs_f64(), (cpu_time() - cpu).as_secs_f64());
    let rate = f64::from(u32::try_from(megabytes)?) / wall;
    println!("{scheme} 64 KiB to {receivers}: {rate:.0} MB/s in all, CPU {:.0} %", 100.0 * cpu / wall);
    Ok(())
}

async fn count(mut node: Node, received: Arc<AtomicU64>) {
    while let Some(incoming) = node.inbox.frames.recv().await {
        received.fetch_add(u64::try_from(incoming.frame.len()).unwrap_or(0), Ordering::Relaxed);
    }
}

fn steady(rate: u64) -> tokio::time::Interval {
    let mut ticks = interval(Duration::from_micros(1_000_000 / rate));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

fn tell(what: &str, taken: &mut [u64], cpu_before: Duration) {
    taken.sort_unstable();
    let at = |part: usize| taken.get(taken.len() * part / 1000).map_or(0, |ns| ns / 1000);
    let messages = u32::try_from(taken.len().max(1)).unwrap_or(1);
    let cpu = (cpu_time() - cpu_before) / messages;
    println!(
        "{what}: {messages} in all, p50 {} us, p99 {} us, p99.9 {} us, CPU {cpu:?} each",
        at(500),
        at(990),
        at(999)
    );
}

/// CPU time of this process, in steps of 10 ms.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks: u64 = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
