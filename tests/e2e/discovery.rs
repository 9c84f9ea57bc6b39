//! How nodes find each other: one cluster by each provider; who comes later is reached, who is gone is left, and a
//! provider that is away keeps nobody from starting.

mod dns;
mod fixed;
mod kubernetes;
mod nats;

use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpListener},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use harness::{
    cli::Cli,
    cluster::{CONVERGE_BOUND, cluster, live, meet, place, put, read, sees, stays},
    metrics::metric,
    node::{Node, Spec},
    wait,
};
use serde_json::Value as Json;

/// Longer than any pause between two dials: whoever is dialled still is dialled within it.
const SILENCE: Duration = Duration::from_secs(5);

/// Nodes of one cluster that look for each other, and often.
struct Seekers {
    cluster: String,
    options: Vec<(&'static str, String)>,
}

impl Seekers {
    fn by(provider: &str) -> Self {
        Self::every("200ms", provider)
    }

    fn every(interval: &str, provider: &str) -> Self {
        static CLUSTERS: AtomicU32 = AtomicU32::new(0);
        let number = CLUSTERS.fetch_add(1, Ordering::Relaxed);
        let options = [("--discovery", provider), ("--discovery-interval", interval), ("--ready-timeout", "1s")];
        Self {
            cluster: format!("found-{}-{number}", std::process::id()),
            options: options.map(|(name, value)| (name, value.to_owned())).into(),
        }
    }

    fn option(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.options.push((name, value.into()));
        self
    }

    /// A node that is not started yet.
    fn node(&self, name: &str) -> Spec {
        let spec = Spec::serve().cluster(name).cluster_named(&self.cluster);
        self.options.iter().fold(spec, |spec, (name, value)| spec.option(name, value))
    }
}

/// What a node says of its one provider.
fn provider(node: &Node) -> Json {
    cluster(&node.client)["discovery"][0].clone()
}

fn endpoints(node: &Node) -> Vec<String> {
    let provider = provider(node);
    provider["endpoints"].as_array().unwrap().iter().map(|endpoint| endpoint.as_str().unwrap().to_owned()).collect()
}

/// Waits until a node finds exactly the endpoints of these.
fn finds(node: &Node, others: &[&Node]) {
    let mut wanted: Vec<String> = others.iter().map(|other| other.cluster.clone().unwrap()).collect();
    wanted.sort();
    sees("what is found", CONVERGE_BOUND, &wanted, || endpoints(node));
}

/// The nodes become ready together, and what is written on one is read on the others.
fn form_a_cluster(nodes: &[&Node]) {
    nodes.iter().for_each(|node| node.wait_ready());
    meet(nodes);
    place(&nodes[0].client);
    put(&nodes[0].client, "k", "v");
    for node in nodes {
        sees("the entry", CONVERGE_BOUND, &Ok("v".to_owned()), || read(&node.client, "k"));
        assert_eq!(provider(node)["failing"], Json::Null, "{}", provider(node));
    }
}

/// The node runs, waits, and says by name what keeps it: the text is of its provider.
fn says_that_it_fails(node: &Node, name: &str) -> String {
    let failing = || provider(node)["failing"].as_str().map(str::to_owned);
    let (text, _) = wait::until("the provider fails", CONVERGE_BOUND, failing);
    let readiness = node.client.get("/readyz").expect(503).json();
    let reasons = readiness["reasons"].as_array().unwrap();
    assert!(reasons.contains(&"discovery_failing".into()) && reasons.contains(&"no_peer".into()), "{readiness}");
    let labels = [format!("provider=\"{name}\"")];
    let labels = [labels[0].as_str()];
    assert!(metric(&node.client, "burgee_discovery_failures_total", &labels) >= 1.0);
    assert_eq!(metric(&node.client, "burgee_discovery_failing", &labels), 1.0);
    let (_, log) = node.output();
    assert!(log.iter().any(|line| line.contains("WARN") && line.contains(&text)), "{text}: {log:?}");
    text
}

/// Somebody else at the place of a node that is away: hears who dials there.
struct Ear(TcpListener);

impl Ear {
    fn at(endpoint: &str) -> Self {
        let address: SocketAddr = endpoint.strip_prefix("tcp/").unwrap().parse().unwrap();
        let listener = wait::until("the port is free", CONVERGE_BOUND, || TcpListener::bind(address).ok()).0;
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn is_dialled(&self) -> bool {
        match self.0.accept() {
            Ok(_) => true,
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// Whoever found the place no longer dials it: what is under way may still come.
    fn falls_silent(&self) {
        let start = Instant::now();
        let mut last = Instant::now();
        while last.elapsed() < SILENCE {
            if self.is_dialled() {
                last = Instant::now();
            }
            assert!(start.elapsed() < CONVERGE_BOUND, "it is still dialled");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// `c` goes for good: the others, that find it no longer, leave it, and it stays a member. `away` has the provider say
/// so, `back` the contrary.
fn whoever_is_gone_is_left(nodes: [Node; 3], away: impl FnOnce(), back: impl FnOnce(&Node)) {
    let [a, b, c] = nodes;
    let endpoint = c.cluster.clone().unwrap();
    let c = c.kill();
    let ear = Ear::at(&endpoint);
    wait::until_true("it is dialled while it is found", CONVERGE_BOUND, || ear.is_dialled());
    away();
    [&a, &b].into_iter().for_each(|node| finds(node, &[&a, &b]));
    ear.falls_silent();
    for node in [&a, &b] {
        let nodes = cluster(&node.client)["nodes"].clone();
        let gone = nodes.as_array().unwrap().iter().find(|view| view["name"] == "c").expect("a member all the same");
        assert_eq!(gone["state"], "gone");
    }
    drop(ear);
    let c = c.launch();
    back(&c);
    c.wait_ready();
    meet(&[&a, &b, &c]);
    [&a, &b].into_iter().for_each(|node| finds(node, &[&a, &b, &c]));
}

/// Links stand while the provider is away, and what it found counts.
fn goes_on_without(nodes: &[&Node]) {
    let before = endpoints(nodes[0]);
    let failing = || provider(nodes[0])["failing"].is_string();
    wait::until_true("the provider fails", CONVERGE_BOUND, failing);
    let names: Vec<String> = live(&nodes[0].client);
    stays("all of them", Duration::from_secs(2), &names, nodes, live);
    assert_eq!((endpoints(nodes[0]), names.len()), (before, nodes.len()));
    let status = Cli::of(nodes[0]).run(&["cluster", "status"]);
    assert!(status.out.contains("failing ("), "{status:?}");
}
