//! What replication costs while there is nothing to say, and little.

use std::{thread, time::Duration};

use harness::{
    certificates::Authority,
    cluster::{CONVERGE_BOUND, HEAL_BOUND, equal, live, meet, place, put, read, sees},
    disk,
    metrics::metric,
    network::Network,
    node::{Node, Spec},
};

const ENTRIES: usize = 100_000;

/// Bytes of all frames that a node has sent and received so far.
fn bytes(node: &Node) -> f64 {
    metric(&node.client, "burgee_frame_bytes_total", &[])
}

/// Two nodes that hold the same entries, on hosts of their own.
fn full() -> (Network, [Node; 2]) {
    let (network, authority) = (Network::with_hosts(2), Authority::new());
    let a = Spec::serve().cluster("a").on(network.host(0), authority.issue("a")).start();
    place(&a.client);
    let spec = a.stop();
    disk::fill(spec.data_dir(), ENTRIES, 100);
    let a = spec.start();
    let b = Spec::serve().cluster("b").on(network.host(1), authority.issue("b")).join(&a).start();
    meet(&[&a, &b]);
    equal(&[&a, &b], CONVERGE_BOUND);
    (network, [a, b])
}

#[test]
fn check_25_in_sync_an_idle_round_costs_at_most_a_kilobyte_a_peer() {
    const BYTES_BOUND: f64 = 1_024.0;
    /// A round is a second at least: a beat, and now and then a comparison.
    const ROUNDS: u32 = 10;
    let (_network, [a, b]) = full();
    thread::sleep(Duration::from_secs(2));
    let before = bytes(&a);
    thread::sleep(Duration::from_secs(1) * ROUNDS);
    let each = (bytes(&a) - before) / f64::from(ROUNDS);
    eprintln!("{each} bytes a second with one peer, both ways");
    assert!(each > 0.0 && each <= BYTES_BOUND, "{each}");
    equal(&[&a, &b], CONVERGE_BOUND);
}

/// With a hundred thousand entries; `tests/bench` does the same with a million.
#[test]
fn check_26_one_difference_costs_at_most_eight_kilobytes() {
    const BYTES_BOUND: f64 = 8_000.0;
    let (network, [a, b]) = full();
    network.cut(0, 1);
    sees("b is away", CONVERGE_BOUND, &vec!["a".to_owned()], || live(&a.client));
    put(&a.client, "bulk/000054321", "differs");
    let before = bytes(&a);
    network.heal(0, 1);
    sees("the difference", HEAL_BOUND, &Ok("differs".to_owned()), || read(&b.client, "bulk/000054321"));
    equal(&[&a, &b], HEAL_BOUND);
    let spent = bytes(&a) - before;
    eprintln!("{spent} bytes, both ways, beats included");
    assert!(spent <= BYTES_BOUND, "{spent}");
}
