//! Certificates: who is refused for them, and how they change while nodes run.

use std::{fs, time::Instant};

use tokio::sync::mpsc::error::TryRecvError;

use super::{
    certificates::{Authority, Certificate},
    networks::open,
    strangers::connect,
    *,
};
use crate::{config::ReplicationConfig, wire::Refusal};

/// Between two looks at the files, in these tests.
const POLL: Duration = Duration::from_millis(100);

fn polling() -> ReplicationLimits {
    ReplicationLimits { certificate_poll: POLL, ..ReplicationLimits::default() }
}

fn put(config: &ReplicationConfig, ca: &str, certificate: &Certificate) {
    fs::write(config.ca.as_ref().unwrap(), ca).unwrap();
    certificate.write(config.cert.as_ref().unwrap(), config.key.as_ref().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_signed_by_our_authority_is_refused() {
    let (network, foreign) = (Sockets::quic(), Authority::new("foreign"));
    let a = network.node(1, &ReplicationLimits::default()).await;
    let both = network.authority.pem() + &foreign.pem();
    let cases = [
        (both.clone(), foreign.issue(), "it knows us, we do not know it"),
        (foreign.pem(), foreign.issue(), "neither knows the other"),
        (both, network.authority.issue_expired(), "its time is over"),
    ];
    for (count, (ca, certificate, why)) in (1..).zip(cases) {
        let config = network.config(2, &ReplicationLimits::default());
        put(&config, &ca, &certificate);
        let b = open(2, &config).await.unwrap();
        assert_eq!(b.transport.dial(&a.endpoint).await, Err(DialError::Refused(Refusal::Certificate)), "{why}");
        a.refuses("certificate", 2 * count - 1).await;
        b.refuses("certificate", 1).await;
        let back = a.transport.dial(&b.endpoint).await;
        assert_eq!(back, Err(DialError::Refused(Refusal::Certificate)), "{why}");
        b.refuses("certificate", 2).await;
        a.refuses("certificate", 2 * count).await;
    }
}

/// A refusal may come before the first word is written, or while it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_speaks_after_it_was_refused_learns_why() {
    let (network, foreign) = (Sockets::quic(), Authority::new("foreign"));
    let a = network.node(1, &ReplicationLimits::default()).await;
    let config = network.config(2, &ReplicationLimits::default());
    put(&config, &(network.authority.pem() + &foreign.pem()), &foreign.issue());
    let b = open(2, &config).await.unwrap();
    let address = a.endpoint.trim_start_matches("quic/").parse().unwrap();
    let dialled = timeout(PATIENCE, b.transport.dial_slowly(address)).await.expect("closed");
    assert_eq!(dialled, Err(DialError::Refused(Refusal::Certificate)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_no_certificate_or_one_for_servers_only_is_refused() {
    let network = Sockets::quic();
    let a = network.node(1, &ReplicationLimits::default()).await;
    let address = a.endpoint.trim_start_matches("quic/").parse().unwrap();
    for (count, certificate) in (1..).zip([None, Some(network.authority.issue_for_servers())]) {
        // The client is done before the server has looked at it.
        if let Ok(connection) = connect(&network, address, certificate).await {
            timeout(PATIENCE, connection.closed()).await.expect("closed");
        }
        a.refuses("certificate", count).await;
    }
}

#[tokio::test]
async fn what_the_files_lack_is_named() {
    let (network, foreign) = (Sockets::quic(), Authority::new("foreign"));
    let ours = network.authority.issue();
    let mixed = Certificate { cert: ours.cert.clone(), key: network.authority.issue().key };
    let empty = Certificate { cert: String::new(), key: ours.key.clone() };
    let cases = [
        ("cluster-ca: holds no certificate", "nonsense".to_owned(), &ours),
        ("cluster-cert: holds no certificate", network.authority.pem(), &empty),
        ("cluster-cert: is not accepted by cluster-ca: ", foreign.pem(), &ours),
        (
            "cluster-cert: is not accepted by cluster-ca: ",
            network.authority.pem(),
            &network.authority.issue_for_servers(),
        ),
        ("cluster-key: is not the key of cluster-cert", network.authority.pem(), &mixed),
        (
            "cluster-key: holds no private key",
            network.authority.pem(),
            &Certificate { cert: ours.cert.clone(), key: String::new() },
        ),
    ];
    for (text, ca, certificate) in cases {
        let config = network.config(1, &ReplicationLimits::default());
        put(&config, &ca, certificate);
        let refused = open(1, &config).await.err().unwrap().to_string();
        assert!(refused.starts_with(text), "{refused} should begin with {text}");
    }
}

/// Three nodes that tell each other something every few milliseconds, and how long nothing came.
struct Traffic {
    nodes: Vec<Node>,
    heard: Vec<Vec<Instant>>,
    longest: Duration,
}

impl Traffic {
    fn new(nodes: Vec<Node>) -> Self {
        let heard = vec![vec![Instant::now(); nodes.len()]; nodes.len()];
        Self { nodes, heard, longest: Duration::ZERO }
    }

    async fn run(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.step();
            sleep(Duration::from_millis(5)).await;
        }
    }

    fn step(&mut self) {
        for from in &self.nodes {
            for to in self.nodes.iter().filter(|to| to.id != from.id) {
                from.tell(to.id, "tick");
            }
        }
        for (node, heard) in self.nodes.iter_mut().zip(&mut self.heard) {
            while let Ok(incoming) = node.inbox.frames.try_recv() {
                let since = &mut heard[usize::from(incoming.from.node.0[0]) - 1];
                self.longest = self.longest.max(since.elapsed());
                *since = Instant::now();
            }
        }
    }

    fn nobody_vanished(&mut self) {
        for node in &mut self.nodes {
            assert_eq!(node.inbox.membership.try_recv(), Err(TryRecvError::Empty), "{}", node.id.node);
        }
    }
}

/// The authority is replaced: both, new certificates, the new one alone. Nobody vanishes, and traffic flows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authority_is_replaced_without_a_gap() {
    let (network, new) = (Sockets::quic(), Authority::new("new"));
    let configs: Vec<_> = (1..=3).map(|number| network.config(number, &polling())).collect();
    let mut nodes = Vec::new();
    for (number, config) in (1..).zip(&configs) {
        nodes.push(open(number, config).await.unwrap());
    }
    nodes[0].transport.dial(&nodes[1].endpoint).await.unwrap();
    nodes[2].transport.dial(&nodes[0].endpoint).await.unwrap();
    nodes[1].transport.dial(&nodes[2].endpoint).await.unwrap();
    let ids = [id(1), id(2), id(3)];
    for node in &mut nodes {
        let others: Vec<_> = ids.into_iter().filter(|other| *other != node.id).collect();
        node.sees(&others).await;
    }
    let mut traffic = Traffic::new(nodes);
    let both = network.authority.pem() + &new.pem();
    for config in &configs {
        fs::write(config.ca.as_ref().unwrap(), &both).unwrap();
        traffic.run(POLL * 2).await;
    }
    for config in &configs {
        put(config, &both, &new.issue());
        traffic.run(POLL * 3).await;
    }
    for config in &configs {
        fs::write(config.ca.as_ref().unwrap(), new.pem()).unwrap();
        traffic.run(POLL * 4).await;
    }
    traffic.run(Duration::from_millis(500)).await;
    traffic.nobody_vanished();
    // Shorter than a link takes to be found dead: the figure itself is for benchmarks, machines may be busy.
    assert!(traffic.longest < Duration::from_secs(2), "{:?}", traffic.longest);
    let late = open(4, &network.config(4, &polling())).await.unwrap();
    let refused = late.transport.dial(&traffic.nodes[0].endpoint).await;
    assert_eq!(refused, Err(DialError::Refused(Refusal::Certificate)), "the old authority counts no more");
}

/// A peer that is no longer accepted is cut off; broken files change nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_no_longer_accepted_is_cut_off() {
    let (network, new) = (Sockets::quic(), Authority::new("new"));
    let config = network.config(1, &polling());
    let mut a = open(1, &config).await.unwrap();
    let mut b = network.node(2, &polling()).await;
    a.transport.dial(&b.endpoint).await.unwrap();
    assert_eq!(a.change().await, Membership::Up(b.id));
    assert_eq!(b.change().await, Membership::Up(a.id));
    let good = new.issue();
    put(&config, &new.pem(), &Certificate { cert: good.cert[..100].to_owned(), key: good.key.clone() });
    sleep(POLL * 4).await;
    assert!(a.tell(b.id, "still here"));
    assert_eq!(&b.receives().await.frame[..], b"still here");
    assert!(a.inbox.membership.try_recv().is_err());
    put(&config, &new.pem(), &good);
    assert_eq!(a.change().await, Membership::Down(b.id));
    assert_eq!(b.change().await, Membership::Down(a.id));
    assert!(a.refusals.totals()["certificate"] >= 1);
}
