//! Cluster time, and the verdict on a node's own clock.

use super::world::{World, node_id, settings};
use crate::{core::Settings, message::PeerId};

const HOUR: i64 = 3_600_000;

fn offsets(world: &World) -> Vec<i64> {
    world.nodes.iter().map(|node| node.offset_ms).collect()
}

#[test]
fn the_lower_median_is_cluster_time() {
    let mut world = World::new(3);
    world.nodes[1].skew_ms = HOUR;
    world.run(20);
    assert_eq!(offsets(&world), [0, -HOUR, 0]);
    assert!(world.nodes[1].core.clock_ahead().is_some_and(|ahead| ahead.abs_diff(HOUR.unsigned_abs()) < 100));
    assert_eq!(world.nodes[0].core.clock_ahead(), None);
}

#[test]
fn with_two_nodes_the_lesser_clock_counts_and_nobody_is_locked_out() {
    let mut world = World::new(2);
    world.nodes[0].skew_ms = HOUR;
    world.run(20);
    assert_eq!(offsets(&world), [-HOUR, 0]);
    assert!(world.nodes.iter().all(|node| node.core.clock_ahead().is_none()));
}

#[test]
fn a_corrected_clock_is_taken_back_at_once() {
    let mut world = World::new(3);
    world.nodes[1].skew_ms = HOUR;
    world.run(20);
    world.nodes[1].skew_ms = 0;
    world.run(5);
    assert_eq!(offsets(&world), [0, 0, 0]);
    assert_eq!(world.nodes[1].core.clock_ahead(), None);
}

/// A new identity has no measures, but the correction of the old one.
#[test]
fn a_correction_is_taken_back_by_who_began_anew_under_it() {
    let mut world = World::new(3);
    world.nodes[1].skew_ms = HOUR;
    world.run(20);
    let anew = PeerId { node: node_id(9), incarnation: 2 };
    world.rename(1, anew, |node| Settings { own: anew, offset_ms: -HOUR, ..settings(node, &[0]) });
    world.nodes[1].skew_ms = 0;
    world.run(20);
    assert_eq!(offsets(&world), [0, 0, 0]);
}

#[test]
fn a_node_alone_keeps_its_correction() {
    let mut world = World::new(3);
    world.nodes[1].skew_ms = HOUR;
    world.run(20);
    world.cut(0, 1);
    world.cut(1, 2);
    world.run(200);
    assert_eq!(world.nodes[1].offset_ms, -HOUR);
}
