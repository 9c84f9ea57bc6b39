//! Measures, in one process over TCP on loopback: how long a joiner takes until it is ready, and what hints
//! to a third node take meanwhile and in peace. Arguments: entries (100,000), bytes of each value (100).

#![allow(clippy::print_stdout)]

use std::{
    convert::Infallible,
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use burgee_model::{Blob, Key, Media, NodeId, RegisterId, Stamp};
use burgee_replication::{Replication, ReplicationConfig, Timekeeping, start};
use burgee_store::{
    ChangeId, Draft, DraftWrite, FeedEvent, Request, Stamping, Store, StoreConfig, Version, WriteScope,
};
use tokio::time::sleep;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn Error>;

async fn node(name: &str, join: &[String]) -> Result<(Store, Replication), Failure> {
    let time = Timekeeping::start();
    let read = time.clone();
    let store = Store::open(StoreConfig::default(), Arc::new(move || read.now()))?;
    let config = ReplicationConfig {
        node_name: name.to_owned(),
        listen: Some("tcp/127.0.0.1:0".to_owned()),
        join: join.to_vec(),
        ready_timeout: Duration::from_secs(1),
        ..ReplicationConfig::default()
    };
    let replication = start(config, store.clone(), time).await?;
    Ok((store, replication))
}

async fn ready(replication: &Replication) -> Result<(), Failure> {
    replication.readiness().wait_for(|readiness| readiness.ready).await?;
    Ok(())
}

fn fill(store: &Store, entries: usize, bytes: usize) -> Result<(), Failure> {
    let [tenant, environment] = [Key::new("acme")?, Key::new("production")?];
    let author = NodeId([42; 16]);
    for begin in (0..entries).step_by(1_000) {
        let versions = (begin..entries.min(begin + 1_000)).map(|n| {
            let key = Key::new(&format!("service/{}/setting/{n}", n % 97))?;
            let stamp = Stamp { time: (1_700_000_000 << 32) + n as u64, id: author };
            Ok(Arc::new(Version {
                register: RegisterId::config(&tenant, &environment, &key),
                stamp,
                parents: Box::default(),
                floor_seen: None,
                content: Some(Blob { media: Media::Octets, bytes: vec![b'x'; bytes].into() }),
                expires_at: None,
                actor: Arc::from("somebody"),
                change: ChangeId(stamp),
                note: None,
            }))
        });
        store.merge(versions.collect::<Result<_, Failure>>()?, author)?;
    }
    Ok(())
}

/// From a write's acknowledgement at one node until another one feeds it.
async fn hints(from: &Store, to: &Store, count: usize) -> Result<Vec<Duration>, Failure> {
    let [tenant, environment, key] = [Key::new("acme")?, Key::new("production")?, Key::new("toggle")?];
    let id = RegisterId::config(&tenant, &environment, &key);
    let mut reader = to.feed().subscribe(None);
    let mut latencies = Vec::new();
    for n in 0..count {
        let request =
            Request { scope: WriteScope::Everything, actor: Arc::from("me"), note: None, stamping: Stamping::Local };
        let content = Blob { media: Media::Text, bytes: n.to_string().into() };
        let draft = Draft::of(vec![DraftWrite::put(id.clone(), content)]);
        let receipt = from.write(request, |_, _| Ok::<_, Infallible>(draft)).await?;
        let written = Instant::now();
        loop {
            let event = reader.next().await;
            if matches!(&event, FeedEvent::Change(entry) if entry.version.stamp == receipt.versions[0].stamp) {
                break;
            }
        }
        latencies.push(written.elapsed());
        sleep(Duration::from_millis(5)).await;
    }
    latencies.sort_unstable();
    Ok(latencies)
}

fn show(what: &str, latencies: &[Duration]) {
    let at = |share: usize| latencies[(latencies.len() - 1) * share / 100];
    println!("{what}: {} hints, p50 {:?}, p99 {:?}, max {:?}", latencies.len(), at(50), at(99), at(100));
}

fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or("VmRSS unknown").to_owned()
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let entries = arguments.next().transpose()?.unwrap_or(100_000);
    let bytes = arguments.next().transpose()?.unwrap_or(100);
    let (a_store, a) = node("a", &[]).await?;
    ready(&a).await?;
    let join = vec![a.endpoint().unwrap_or_default()];
    let (b_store, b) = node("b", &join).await?;
    ready(&b).await?;
    fill(&a_store, entries, bytes)?;
    let begun = Instant::now();
    while a_store.read().root() != b_store.read().root() {
        sleep(Duration::from_millis(10)).await;
    }
    println!("{entries} entries repaired into b after {:?}; {}", begun.elapsed(), resident());
    show("in peace", &hints(&a_store, &b_store, 300).await?);
    let begun = Instant::now();
    let (c_store, c) = node("c", &join).await?;
    let (joined, latencies) = tokio::join!(ready(&c), hints(&a_store, &b_store, 100));
    joined?;
    show("while c joins", &latencies?);
    println!("c ready, at the latest, after {:?}; {}", begun.elapsed(), resident());
    let (d_store, d) = node("d", &join).await?;
    let begun = Instant::now();
    ready(&d).await?;
    println!("d ready after {:?}; {}", begun.elapsed(), resident());
    for (name, node) in [("a", &a), ("c", &c), ("d", &d)] {
        println!("{name}: {:?}", node.status().traffic);
    }
    drop((c_store, d_store));
    Ok(())
}
