//! A bare node of the transport, for tests over real networks: it dials, ticks to all peers that it reaches,
//! and tells how long it heard nothing.
//!
//! ```text
//! link NUMBER LISTEN [DIAL...]
//! ```
//!
//! `CLUSTER_CA`, `CLUSTER_CERT` and `CLUSTER_KEY` name the files of the certificates. On stdout: `listening
//! ENDPOINT`, then `up N` and `down N` as peers come and go; each line on stdin is answered with `gaps`, and
//! `N=MILLISECONDS` for every peer: the longest silence since the last line.

#![allow(clippy::print_stdout, reason = "a program to be read by people and tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fmt::Write,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use burgee_model::NodeId;
use burgee_replication::{
    Refusals, ReplicationConfig,
    message::PeerId,
    transport::{Membership, Transport, inbox, sockets::SocketsTransport},
};
use bytes::Bytes;
use tokio::sync::mpsc;

type Failure = Box<dyn Error + Send + Sync>;

/// Between two ticks to each peer.
const TICK: Duration = Duration::from_millis(5);
/// Between two attempts to reach who is not reached.
const REDIAL: Duration = Duration::from_millis(500);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some(number), Some(listen)) = (arguments.next(), arguments.next()) else {
        return Err("usage: link NUMBER LISTEN [DIAL...]".into());
    };
    let file = |name| std::env::var_os(name).map(PathBuf::from);
    let config = ReplicationConfig {
        listen: Some(listen),
        ca: file("CLUSTER_CA"),
        cert: file("CLUSTER_CERT"),
        key: file("CLUSTER_KEY"),
        ..ReplicationConfig::default()
    };
    config.validate()?;
    run(number.parse()?, &config, arguments.collect()).await
}

fn id(number: u8) -> PeerId {
    PeerId { node: NodeId([number; 16]), incarnation: 1 }
}

async fn run(number: u8, config: &ReplicationConfig, dial: Vec<String>) -> Result<(), Failure> {
    let refusals = Arc::new(Refusals::default());
    let (sender, mut inbox) = inbox(&config.limits, Arc::clone(&refusals));
    let transport = Arc::new(SocketsTransport::open(config, id(number), sender, refusals).await?);
    println!("listening {}", transport.endpoint().unwrap_or_default());
    for endpoint in dial {
        tokio::spawn(keep_dialling(Arc::clone(&transport), endpoint));
    }
    let (mut peers, mut silences) = (BTreeSet::new(), Silences::default());
    let mut lines = read_lines();
    let mut ticks = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                for peer in &peers {
                    transport.send(*peer, Bytes::from_static(b"tick"));
                }
            }
            Some(change) = inbox.membership.recv() => match change {
                Membership::Up(peer) => {
                    peers.insert(peer);
                    println!("up {}", peer.node.0[0]);
                }
                Membership::Down(peer) => {
                    peers.remove(&peer);
                    println!("down {}", peer.node.0[0]);
                }
            },
            Some(incoming) = inbox.frames.recv() => silences.heard(incoming.from.node.0[0]),
            line = lines.recv() => match line {
                Some(()) => println!("gaps{}", silences.take()),
                None => break,
            },
        }
    }
    transport.close().await;
    Ok(())
}

/// Something for each line on stdin, until its end.
fn read_lines() -> mpsc::Receiver<()> {
    let (sender, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        std::io::stdin().lines().map_while(Result::ok).try_for_each(|_| sender.blocking_send(()))
    });
    lines
}

/// What is reached already is not dialled again.
async fn keep_dialling(transport: Arc<SocketsTransport>, endpoint: String) {
    loop {
        let _ = transport.dial(&endpoint).await;
        tokio::time::sleep(REDIAL).await;
    }
}

/// When each peer was last heard, and the longest silence.
#[derive(Default)]
struct Silences(BTreeMap<u8, (Instant, Duration)>);

impl Silences {
    fn heard(&mut self, peer: u8) {
        let now = Instant::now();
        let (since, longest) = self.0.entry(peer).or_insert((now, Duration::ZERO));
        *longest = (*longest).max(now - *since);
        *since = now;
    }

    fn take(&mut self) -> String {
        let mut text = String::new();
        for (peer, (since, longest)) in &mut self.0 {
            let longest = std::mem::take(longest).max(since.elapsed());
            let _ = write!(text, " {peer}={}", longest.as_millis());
        }
        text
    }
}
