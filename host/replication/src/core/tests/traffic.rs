//! What idling and repairing cost.

use burgee_store::{DraftWrite, digest::Prefix};

use super::world::{World, entry, text};

/// A beat, and the comparison that comes with it, in both directions.
#[test]
fn an_idle_second_costs_at_most_a_kilobyte_for_each_peer() {
    let mut world = World::new(5);
    world.put(0, "some", "value");
    world.run(20);
    assert!(world.nodes.iter().all(|node| node.core.readiness().ready) && world.roots_agree());
    world.bytes.clear();
    let seconds = 60;
    world.run(seconds);
    let pairs = 5 * 4 / 2;
    let bytes = world.bytes_sent() / (pairs * usize::try_from(seconds).unwrap());
    println!("{bytes} bytes a second and pair: {:?}", world.bytes);
    assert!(bytes <= 1_024, "{bytes} bytes a second and pair");
}

fn key(n: usize) -> String {
    format!("service/{}/setting/{n}", n % 97)
}

/// Two nodes that hold the same entries.
fn filled(entries: usize) -> World {
    let mut world = World::new(2);
    let value = "x".repeat(100);
    for first in (0..entries).step_by(5_000) {
        let batch = first..entries.min(first + 5_000);
        let writes = batch.map(|n| DraftWrite::put(entry(&key(n)), text(&value)));
        for version in world.write(0, writes.collect()) {
            world.nodes[1].table.merge(&version);
        }
    }
    world.run(15);
    assert!(world.nodes.iter().all(|node| node.core.readiness().ready) && world.roots_agree());
    world
}

/// All frames, beats too.
#[test]
fn check_26_one_difference_in_a_million_costs_at_most_eight_kilobytes() {
    let mut world = filled(1_000_000);
    // Nobody hears of it.
    world.write(1, vec![DraftWrite::put(entry(&key(123_456)), text("differs"))]);
    assert!(!world.roots_agree());
    world.bytes.clear();
    world.run(3);
    assert!(world.roots_agree());
    println!("{} bytes: {:?}", world.bytes_sent(), world.bytes);
    assert!(world.bytes_sent() <= 8_000, "{:?}", world.bytes);
}

/// Ten of many differ, five on each side.
#[test]
fn few_differences_among_many_cost_little() {
    let many = std::env::var("BURGEE_MANY").ok().and_then(|text| text.parse().ok()).unwrap_or(200_000);
    let mut world = filled(many);
    for n in 0..10 {
        // Nobody hears of it.
        world.write(n % 2, vec![DraftWrite::put(entry(&key(n * (many / 10))), text("new"))]);
    }
    assert!(!world.roots_agree());
    world.bytes.clear();
    world.run(3);
    assert!(world.roots_agree());
    let repair: usize = world.bytes.iter().filter(|((.., kind), _)| *kind == "repair").map(|(_, bytes)| bytes).sum();
    println!("{many} entries, 10 differ: {repair} bytes; {:?}", world.bytes);
    assert!(repair <= 16 * 1_024, "{repair} bytes");
    assert_eq!(Prefix::ROOT.nibbles, 0);
}

/// A joiner gets a snapshot, and nobody pushes the same at it.
#[test]
fn a_joiner_gets_everything_once() {
    let mut world = World::new(2);
    let value = "x".repeat(100);
    for batch in (0..20_000).collect::<Vec<_>>().chunks(1_000) {
        let writes = batch.iter().map(|n| DraftWrite::put(entry(&format!("key/{n}")), text(&value)));
        world.write(0, writes.collect());
    }
    let content: usize = 20_000 * 100;
    world.run(15);
    assert!(world.nodes[1].core.readiness().ready && world.roots_agree());
    let bytes = world.bytes_sent();
    println!("{bytes} bytes for {content} bytes of values: {:?}", world.bytes);
    assert!(bytes < 5 * content / 2);
}
