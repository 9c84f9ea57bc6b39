//! How many versions a second two receivers apply, of one that writes as fast as it can: three stores and three
//! replications in this process, over TCP on loopback. The writer keeps everything in memory, the receivers have
//! disks.
//!
//! `cargo run --release -p burgee-replication --example apply -- [VERSIONS] [VALUE_BYTES]`
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement reads the clock and prints what it found"
)]

use std::{
    convert::Infallible,
    error::Error,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use burgee_model::{Blob, Key, Media, RegisterId};
use burgee_replication::{Replication, ReplicationConfig, Timekeeping};
use burgee_store::{Draft, DraftWrite, Request, Stamping, Store, StoreConfig, StoreLimits, WriteScope};

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Versions of one change.
const CHANGE: usize = 500;

/// How long anything may take.
const BOUND: Duration = Duration::from_secs(300);

/// A store and its part in the cluster.
struct Node {
    store: Store,
    replication: Replication,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let versions: usize = arguments.next().map_or(Ok(500_000), |text| text.parse())?;
    let value_bytes: usize = arguments.next().map_or(Ok(100), |text| text.parse())?;
    let (one, other) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let writer = start("a", None, Vec::new()).await?;
    let seed: Vec<String> = writer.replication.endpoint().into_iter().collect();
    let receivers = [start("b", Some(one.path()), seed.clone()).await?, start("c", Some(other.path()), seed).await?];
    for node in &receivers {
        node.replication.readiness().wait_for(|readiness| readiness.ready).await?;
    }
    let began = Instant::now();
    write(&writer.store, versions, value_bytes).await?;
    report("written", versions, began);
    for node in &receivers {
        wait(|| node.store.read().counts().config_entries >= versions).await?;
    }
    report("applied in memory by both", versions, began);
    for node in &receivers {
        wait(|| node.store.health().backlog_bytes == 0).await?;
    }
    report("durable on both", versions, began);
    for node in receivers.iter().chain([&writer]) {
        node.replication.shutdown().await;
    }
    Ok(())
}

fn report(what: &str, versions: usize, began: Instant) {
    let (took, used) = (began.elapsed(), process_time());
    println!(
        "{versions} {what} after {took:?}: {:.0} a second; processor time so far {used:?}",
        versions as f64 / took.as_secs_f64()
    );
}

/// Processor time of this process so far, which a busy machine does not stretch; 0 where the kernel does not say.
fn process_time() -> Duration {
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    TICK * fields.filter_map(|ticks| ticks.parse::<u32>().ok()).sum()
}

async fn start(name: &str, dir: Option<&Path>, join: Vec<String>) -> Result<Node, Box<dyn Error>> {
    let config = ReplicationConfig {
        node_name: name.to_owned(),
        listen: Some("tcp/127.0.0.1:0".to_owned()),
        join,
        ..ReplicationConfig::default()
    };
    let time = Timekeeping::start();
    let shared = time.clone();
    let clock = Arc::new(move || shared.now());
    let store =
        StoreConfig { dir: dir.map(Path::to_owned), limits: StoreLimits::default(), digest_key: config.digest_key() };
    let store = Store::open(store, clock)?;
    let replication = burgee_replication::start(config, store.clone(), time).await?;
    Ok(Node { store, replication })
}

async fn write(store: &Store, versions: usize, value_bytes: usize) -> Result<(), Box<dyn Error>> {
    for first in (0..versions).step_by(CHANGE) {
        let writes: Result<Vec<DraftWrite>, Box<dyn Error>> =
            (first..versions.min(first + CHANGE)).map(|number| put(number, value_bytes)).collect();
        let draft = Draft::of(writes?);
        let request =
            Request { scope: WriteScope::Everything, actor: "test".into(), note: None, stamping: Stamping::Local };
        store.write(request, move |_, _| Ok::<_, Infallible>(draft)).await?;
    }
    Ok(())
}

fn put(number: usize, value_bytes: usize) -> Result<DraftWrite, Box<dyn Error>> {
    let (tenant, environment, key) =
        (Key::new("demo")?, Key::new("production")?, Key::new(&format!("entry/{number:09}"))?);
    let value = Blob { media: Media::Octets, bytes: vec![b'x'; value_bytes].into() };
    Ok(DraftWrite::put(RegisterId::config(&tenant, &environment, &key), value))
}

async fn wait(mut done: impl FnMut() -> bool) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    while !done() {
        if began.elapsed() > BOUND {
            return Err("it takes too long".into());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}
