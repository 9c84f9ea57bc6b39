//! Cluster time, and the verdict on a node's own clock.

use super::world::{World, node_id, settings};
use crate::{
    core::{Now, Settings},
    message::PeerId,
};

const HOUR: i64 = 3_600_000;

fn offsets(world: &World) -> Vec<i64> {
    (0..world.nodes.len()).map(|node| world.offset_ms(node)).collect()
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
    world.rename(1, anew, |node| Settings { own: anew, ..settings(node, &[0]) });
    world.nodes[1].skew_ms = 0;
    world.run(20);
    assert_eq!(offsets(&world), [0, 0, 0]);
}

/// For as long as nobody else can tell, and after: whatever expired by a time that never was would be gone.
#[test]
fn a_leap_of_a_serving_nodes_clock_does_not_move_its_cluster_time() {
    for leap in [3 * HOUR, -3 * HOUR] {
        let mut world = World::new(3);
        world.run(20);
        let before = world.now(1).cluster;
        world.nodes[1].skew_ms = leap;
        assert_eq!(world.now(1).cluster, before, "before the node noticed");
        world.run(5);
        assert_eq!(world.now(1).cluster, before + 5_000);
        world.nodes[1].skew_ms = 0;
        world.run(5);
        assert_eq!(world.now(1).cluster, before + 10_000, "and back");
    }
}

/// A machine that slept: its steady clock did not count that, and its wall clock is right again.
#[test]
fn after_a_sleep_cluster_time_is_taken_from_the_peers() {
    let mut world = World::new(3);
    for node in 0..3 {
        world.nodes[node].skew_ms = -HOUR;
    }
    world.run(20);
    // To the one that slept, the others' clocks leapt together with its own.
    for node in 0..3 {
        world.nodes[node].skew_ms = 0;
    }
    for node in [0, 2] {
        let Now { mono, wall, .. } = world.now(node);
        world.nodes[node].time.set(0, true, wall, mono);
    }
    world.run(5);
    assert_eq!(offsets(&world), [0, 0, 0]);
    assert_eq!(world.nodes[1].core.clock_ahead(), None);
}

#[test]
fn a_node_alone_keeps_its_correction() {
    let mut world = World::new(3);
    world.nodes[1].skew_ms = HOUR;
    world.run(20);
    world.cut(0, 1);
    world.cut(1, 2);
    world.run(200);
    assert_eq!(world.offset_ms(1), -HOUR);
}

/// Nobody had its time but itself; going there at half speed would take as long as it was wrong.
#[test]
fn a_founder_is_set_right_by_the_first_that_it_meets() {
    let mut world = World::new(1);
    world.nodes[0].skew_ms = HOUR;
    world.run(15);
    assert!(world.nodes[0].core.readiness().ready);
    world.join(settings(1, &[0]));
    world.run(3);
    assert_eq!(world.now(0).cluster, world.now(1).cluster);
    assert_eq!(offsets(&world), [-HOUR, 0]);
}

#[test]
fn clocks_that_show_what_no_stamp_can_bear_say_nothing() {
    let mut world = World::new(3);
    world.run(15);
    let before = world.now(0).cluster;
    [1, 2].into_iter().for_each(|node| world.nodes[node].skew_ms = 100 * 365 * 24 * HOUR);
    world.run(5);
    assert!((0..3).all(|node| world.now(node).cluster == before + 5_000));
    assert_eq!(world.nodes[0].core.clock_ahead(), None, "the one that is right is not told otherwise");
}

/// As the nodes that start meanwhile have it: otherwise deadlines would differ for years.
#[test]
fn cluster_time_that_was_wrong_by_years_is_set_back() {
    let mut world = World::new(3);
    world.run(15);
    (0..3).for_each(|node| world.nodes[node].skew_ms = 3 * 365 * 24 * HOUR);
    world.run(3);
    // To a node whose clock leaps together with all others', they show no difference: those of a new start do.
    for node in 0..3 {
        let own = PeerId { node: node_id(node), incarnation: 2 };
        let Now { mono, wall, .. } = world.now(node);
        world.nodes[node].time.set(0, true, wall, mono);
        world.rename(node, own, |node| Settings { own, ..settings(node, if node == 0 { &[] } else { &[0] }) });
    }
    world.run(15);
    (0..3).for_each(|node| world.nodes[node].skew_ms = 0);
    world.run(5);
    let now = world.now(0);
    assert!((0..3).all(|node| world.now(node).cluster == now.wall), "{now:?}");
}

/// A pair cannot tell who is right, so nothing that expired comes back at once.
#[test]
fn one_clock_that_is_years_behind_sets_no_serving_node_back() {
    let mut world = World::new(1);
    world.run(15);
    let before = world.now(0).cluster;
    world.join(settings(1, &[0]));
    world.nodes[1].skew_ms = -6 * 365 * 24 * HOUR;
    world.run(10);
    assert!(world.now(0).cluster >= before + 5_000);
    let mut world = World::new(2);
    world.run(15);
    let before = world.now(0).cluster;
    world.nodes[1].skew_ms = -6 * 365 * 24 * HOUR;
    world.run(10);
    assert!(world.now(0).cluster >= before + 5_000);
}

/// Within a day it waits.
#[test]
fn cluster_time_that_was_wrong_by_hours_goes_on_at_half_speed() {
    let mut world = World::new(3);
    world.run(15);
    for node in 0..3 {
        let Now { mono, wall, .. } = world.now(node);
        world.nodes[node].time.set(3 * HOUR, false, wall, mono);
    }
    let before = world.now(0).cluster;
    world.run(10);
    let passed = world.now(0).cluster - before;
    assert!((5_000..5_200).contains(&passed), "{passed}");
}

#[test]
fn how_far_a_clock_is_ahead_is_told_anew_when_it_changes() {
    let mut world = World::new(3);
    world.nodes[1].skew_ms = HOUR;
    world.run(20);
    let told = |world: &World| world.nodes[1].verdicts.last().copied().flatten().unwrap();
    assert!(told(&world).abs_diff(HOUR.unsigned_abs()) < 2_000, "{}", told(&world));
    let before = world.nodes[1].verdicts.len();
    world.run(20);
    assert_eq!(world.nodes[1].verdicts.len(), before, "it is the same");
    world.nodes[1].skew_ms = 3 * HOUR;
    world.run(20);
    assert!(told(&world).abs_diff(3 * HOUR.unsigned_abs()) < 2_000, "{}", told(&world));
}

/// A leap makes all measures worthless; that it knows nothing does not mean that it is right.
#[test]
fn a_clock_that_is_ahead_and_leaps_is_not_in_line_before_it_is_measured_anew() {
    let mut world = World::new(3);
    world.nodes[1].skew_ms = HOUR;
    world.run(20);
    world.nodes[1].verdicts.clear();
    world.nodes[1].skew_ms = 2 * HOUR;
    world.run(20);
    assert!(!world.nodes[1].verdicts.is_empty() && world.nodes[1].verdicts.iter().all(Option::is_some));
    world.nodes[1].skew_ms = 0;
    world.run(5);
    assert_eq!(world.nodes[1].verdicts.last(), Some(&None));
}

/// With one peer it warns and takes writes; with none as well.
#[test]
fn a_verdict_ends_where_too_few_are_left_to_say_so() {
    let mut world = World::new(3);
    world.nodes[1].skew_ms = HOUR;
    world.run(20);
    assert!(world.nodes[1].core.clock_ahead().is_some());
    world.cut(1, 2);
    world.run(2);
    assert_eq!(world.nodes[1].core.clock_ahead(), None);
}
