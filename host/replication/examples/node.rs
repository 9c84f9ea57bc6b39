//! A bare node for experiments: a store and its replication, commanded on stdin.
//!
//! ```text
//! node DIR LISTEN [JOIN...]
//! ```
//!
//! Commands, each answered with one line: `put KEY VALUE`, `get KEY`, `peers`, `ready`, `quit`. The first
//! line on stdout is the bound endpoint. For QUIC, `CLUSTER_CA`, `CLUSTER_CERT` and `CLUSTER_KEY` name the
//! certificates' files.

#![allow(clippy::print_stdout)]

use std::{
    convert::Infallible,
    error::Error,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use burgee_model::{Blob, Key, RegisterId};
use burgee_replication::{Replication, ReplicationConfig, start};
use burgee_store::{Draft, DraftWrite, Request, Stamping, Store, StoreConfig, WriteScope};
use tokio::sync::mpsc;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter()).init();
    let mut arguments = std::env::args().skip(1);
    let (Some(dir), Some(listen)) = (arguments.next(), arguments.next()) else {
        return Err("usage: node DIR LISTEN [JOIN...]".into());
    };
    let store = Store::open(StoreConfig { dir: Some(dir.into()), ..StoreConfig::default() }, Arc::new(wall_clock))?;
    let config = ReplicationConfig {
        listen: Some(listen),
        join: arguments.collect(),
        ca: file("CLUSTER_CA"),
        cert: file("CLUSTER_CERT"),
        key: file("CLUSTER_KEY"),
        ready_timeout: Duration::from_secs(5),
        ..ReplicationConfig::default()
    };
    let replication = start(config, store.clone()).await?;
    println!("{}", replication.endpoint().unwrap_or_default());
    let mut lines = commands();
    while let Some(line) = lines.recv().await {
        match answer(&line, &store, &replication).await {
            Some(answer) => println!("{answer}"),
            None => break,
        }
    }
    replication.shutdown().await;
    store.close().await;
    Ok(())
}

fn file(variable: &str) -> Option<std::path::PathBuf> {
    std::env::var_os(variable).map(Into::into)
}

fn commands() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    lines
}

fn filter() -> tracing_subscriber::EnvFilter {
    tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into())
}

async fn answer(line: &str, store: &Store, replication: &Replication) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    Some(match words.as_slice() {
        ["put", key, value] => put(store, key, value).await.unwrap_or_else(|error| format!("error {error}")),
        ["get", key] => get(store, key).unwrap_or_else(|| "-".to_owned()),
        ["peers"] => format!("{:?}", replication.peers()),
        ["ready"] => format!("{:?}", replication.readiness().borrow().clone()),
        ["quit"] => return None,
        _ => "?".to_owned(),
    })
}

async fn put(store: &Store, key: &str, value: &str) -> Result<String, Failure> {
    let write = DraftWrite::put(entry(key)?, Blob::json(&value.into()));
    let draft = Draft { writes: vec![write], floors: Vec::new() };
    let request =
        Request { scope: WriteScope::Everything, actor: Arc::from("node"), note: None, stamping: Stamping::Local };
    store.write(request, move |_, _| Ok::<_, Infallible>(draft)).await?;
    Ok("ok".to_owned())
}

fn get(store: &Store, key: &str) -> Option<String> {
    let version = store.read().current(&entry(key).ok()?, store.now())?;
    version.content.as_ref()?.read()
}

fn entry(key: &str) -> Result<RegisterId, Failure> {
    let fixed = Key::new("example")?;
    Ok(RegisterId::config(&fixed, &fixed, &Key::new(key)?))
}

fn wall_clock() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
