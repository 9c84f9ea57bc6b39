//! Four nodes on a network of their own, each in a namespace: what happens to two of them must not be felt
//! by the other two. Needs the rights to make namespaces, and fails without.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test tells what it saw"
)]

mod lab;

use std::time::{Duration, Instant};

use self::lab::{Lab, Node};

/// What the healthy nodes may miss of each other.
const GAP_MAX: Duration = Duration::from_millis(100);
/// How long it may take until a dead link is found.
const DEATH_MAX: Duration = Duration::from_millis(2500);
/// How long it may take until a healed link is there again: dialling takes turns of up to 3.5 s.
const RETURN_MAX: Duration = Duration::from_secs(5);
/// How long two nodes are away each time.
const AWAY: Duration = Duration::from_secs(4);

/// Takes the third and fourth node away and back, and looks at the others meanwhile.
fn cut(nodes: &mut [Node], away: impl Fn(&[Node]), back: impl Fn(&[Node])) {
    let (healthy, victims) = nodes.split_at_mut(2);
    healthy.iter_mut().for_each(|node| drop(node.gaps()));
    let start = Instant::now();
    away(victims);
    for node in healthy.iter_mut() {
        node.waits_for(&["down 3", "down 4"], start + DEATH_MAX);
    }
    let noticed = start.elapsed();
    std::thread::sleep(AWAY.saturating_sub(start.elapsed()));
    let gaps = [healthy[0].gap_of(2), healthy[1].gap_of(1)];
    back(victims);
    let healed = Instant::now();
    for node in healthy.iter_mut() {
        node.waits_for(&["up 3", "up 4"], healed + RETURN_MAX);
    }
    let gaps_after = [healthy[0].gap_of(2), healthy[1].gap_of(1)];
    println!("noticed {noticed:?}, back {:?}, gaps {gaps:?} and {gaps_after:?}", healed.elapsed());
    for gap in gaps.into_iter().chain(gaps_after) {
        assert!(gap <= GAP_MAX, "the healthy nodes heard nothing of each other for {gap:?}");
    }
    // Before the next cut, they are to know it too.
    for victim in victims {
        victim.waits_for(&["up 1", "up 2"], healed + RETURN_MAX);
    }
}

#[test]
fn two_of_four_nodes_vanish_silently_and_the_others_feel_nothing() {
    let (lab, mut nodes) = Lab::with_four_nodes();
    for _ in 0..10 {
        cut(&mut nodes, |victims| lab.unplug(victims), |victims| lab.plug(victims));
    }
    for _ in 0..3 {
        cut(&mut nodes, |victims| lab.signal(victims, "STOP"), |victims| lab.signal(victims, "CONT"));
    }
}
