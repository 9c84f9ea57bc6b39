//! Joining: what a newcomer is waited for, when it serves, and what it comes back with.

use burgee_model::{Address, RegisterId, Stamp};

use super::world::{World, entry, node_id, settings};
use crate::{
    core::Settings,
    message::{PeerId, Question},
};

#[test]
fn one_that_joins_after_something_was_collected_is_not_taken_for_an_old_one() {
    let mut world = World::new(2);
    world.run(15);
    world.put(0, "x", "1");
    world.delete(0, "x");
    world.run(20);
    assert!(world.nodes[0].table.horizon() > Stamp::ZERO);
    world.join(settings(2, &[0]));
    world.run(30);
    assert!(world.nodes.iter().all(|node| node.ended.is_none() && node.core.readiness().ready));
    world.put(0, "y", "1");
    world.delete(0, "y");
    world.run(30);
    assert!(world.nodes.iter().all(|node| node.ended.is_none()), "and it takes part in collecting");
    assert_eq!(world.tombstones(2), 0);
}

/// Nothing would wait for it with collecting.
#[test]
fn nothing_is_pulled_from_whom_has_no_entry_of_the_newcomer_on_disk() {
    let mut world = World::new(2);
    world.put(0, "x", "1");
    world.nodes[0].full = true;
    world.run(15);
    assert_eq!(world.get(1, "x"), None);
    assert!(!world.nodes[1].core.readiness().ready);
    world.nodes[0].full = false;
    world.run(5);
    assert!(world.nodes[1].core.readiness().ready && world.roots_agree());
}

/// Two that got what one had before they were cut off from it, and go on without it, delete; it collects
/// nothing before it has their deletions, and they collect nothing before it has them.
#[test]
fn newcomers_that_go_on_by_themselves_are_waited_for() {
    let mut world = World::new(3);
    world.put(0, "x", "1");
    world.lost = |question| matches!(question, Question::Days { .. });
    world.run(5);
    assert!((1..3).all(|node| world.get(node, "x").is_some() && !world.nodes[node].core.readiness().ready));
    world.cut(0, 1);
    world.cut(0, 2);
    world.cut(1, 2);
    world.lost = |_| false;
    // Nobody gives up what was lost here: they ask anew when they meet again.
    world.cut.remove(&(1, 2));
    world.run(20);
    assert!(!world.nodes[1].core.readiness().ready, "node-0 may be ready, and out of reach");
    world.run(60);
    assert!((1..3).all(|node| world.nodes[node].core.readiness().ready));
    world.delete(1, "x");
    world.put(0, "y", "1");
    world.delete(0, "y");
    world.run(30);
    assert!((0..3).all(|node| world.nodes[node].table.horizon() == Stamp::ZERO && world.tombstones(node) == 1));
    world.heal();
    world.run(30);
    assert!(world.roots_agree() && world.nodes.iter().all(|node| node.table.horizon() > Stamp::ZERO));
    assert!((0..3).all(|node| world.get(node, "x").is_none() && world.tombstones(node) == 0));
}

/// The one that had all lost its disk, and is back under its name: nobody is left to be waited for.
#[test]
fn newcomers_go_on_soon_where_nobody_is_missing() {
    let mut world = World::new(3);
    world.put(0, "x", "1");
    world.lost = |question| matches!(question, Question::Days { .. });
    world.run(5);
    world.lost = |_| false;
    world.nodes[0].table = burgee_store::Table::default();
    let own = PeerId { node: node_id(9), incarnation: 2 };
    world.rename(0, own, |node| Settings { own, ..settings(node, &[1, 2]) });
    world.run(15);
    assert!(world.nodes.iter().all(|node| node.core.readiness().ready) && world.roots_agree());
    assert!((0..3).all(|node| world.get(node, "x").is_some()));
}

/// Nodes that met while all of them waited, and start in two halves.
#[test]
fn halves_that_met_before_they_started_wait_for_each_other() {
    let mut world = World::of((0..4).map(|node| settings(node, &[(node + 1) % 4, (node + 2) % 4])));
    world.run(5);
    [(0, 2), (0, 3), (1, 2), (1, 3)].into_iter().for_each(|(a, b)| world.cut(a, b));
    world.run(10);
    assert!(world.nodes.iter().all(|node| node.core.readiness().ready));
    world.put(0, "x", "1");
    world.put(2, "x", "2");
    world.delete(2, "x");
    world.run(30);
    assert!(world.nodes.iter().all(|node| node.table.horizon() == Stamp::ZERO));
    world.heal();
    world.run(30);
    assert!(world.roots_agree() && world.nodes.iter().all(|node| node.table.horizon() > Stamp::ZERO));
    assert_eq!(world.get(0, "x"), None);
}

/// Its disk is full, so it never says that it has the newcomer's entry, and stays ready.
#[test]
fn one_peer_that_cannot_take_a_newcomers_entry_keeps_nobody_from_joining() {
    let mut world = World::of((0..2).map(|node| settings(node, if node == 0 { &[] } else { &[0] })));
    world.run(15);
    world.nodes[0].full = true;
    world.join(settings(2, &[0]));
    world.run(15);
    assert!(world.nodes[2].core.readiness().ready);
}

#[test]
fn a_newcomer_counts_before_it_serves() {
    let mut world = World::new(2);
    world.run(5);
    world.run(10);
    assert!(world.nodes[1].core.readiness().ready);
    let id = RegisterId::system(Address::Member { node: node_id(1) });
    assert!(world.nodes[0].table.latest(&id).is_some());
}

/// Part of it is more than nothing, where nobody who has all of it comes for long.
#[test]
fn a_joiner_with_part_of_what_it_pulled_goes_on_alone_after_long() {
    let mut world = World::new(1);
    world.put(0, "x", "1");
    world.run(2);
    world.join(settings(1, &[0]));
    world.nodes[1].slow = true;
    world.run(5);
    world.cut(0, 1);
    let own = PeerId { node: node_id(1), incarnation: 2 };
    world.rename(1, own, |node| Settings { own, ..settings(node, &[0]) });
    world.run(30);
    assert!(!world.nodes[1].core.readiness().ready);
    world.run(60);
    assert!(world.nodes[1].core.readiness().ready && world.nodes[1].core.readiness().alone);
}

/// A crash between being ready, in memory, and being durable leaves part of what it pulled: alone with that it would
/// answer that the rest is not there.
#[test]
fn a_joiner_that_comes_back_with_part_of_what_it_pulled_waits_for_a_peer() {
    let mut world = World::new(1);
    world.put(0, "x", "1");
    world.put(0, "y", "1");
    world.run(2);
    world.join(settings(1, &[0]));
    world.nodes[1].slow = true;
    world.run(5);
    let is_partial = |world: &World| world.nodes[1].core.roster.member(node_id(1)).is_some_and(|entry| entry.partial);
    assert!(world.nodes[1].core.readiness().ready && is_partial(&world));
    let x = world.nodes[1].table.latest(&entry("x")).unwrap().stamp;
    world.nodes[1].table.evict(&entry("x"), x);
    world.cut(0, 1);
    let own = PeerId { node: node_id(1), incarnation: 2 };
    world.rename(1, own, |node| Settings { own, ..settings(node, &[0]) });
    world.nodes[1].slow = false;
    world.run(20);
    assert!(!world.nodes[1].core.readiness().ready);
    world.heal();
    world.run(5);
    assert!(world.nodes[1].core.readiness().ready && !is_partial(&world) && world.get(1, "x").is_some());
}

/// What it acknowledged before that, it would come back without being known as a member.
#[test]
fn a_newcomer_serves_once_its_own_disk_says_that_it_is_a_member() {
    let mut world = World::new(2);
    world.put(0, "x", "1");
    world.lost = |question| matches!(question, Question::Days { .. });
    world.run(5);
    world.nodes[1].full = true;
    world.lost = |_| false;
    world.cut(0, 1);
    world.heal();
    world.run(10);
    assert!(world.nodes[1].core.accepted && !world.nodes[1].core.readiness().ready);
    world.nodes[1].full = false;
    world.run(3);
    assert!(world.nodes[1].core.readiness().ready);
    let entry = world.nodes[1].table.members().find(|(node, ..)| *node == node_id(1));
    assert!(entry.is_some_and(|(_, meta, _)| !meta.joining));
}

/// The one that it joined by had said before what it holds: what was collected passes nobody by.
#[test]
fn one_that_starts_again_soon_after_it_joined_keeps_its_identity() {
    let mut world = World::new(2);
    world.run(15);
    world.put(0, "x", "1");
    world.delete(0, "x");
    world.run(30);
    assert!(world.nodes[1].table.horizon() > Stamp::ZERO);
    world.cut(0, 1);
    world.join(settings(2, &[0]));
    world.cut(1, 2);
    world.run(5);
    assert!(world.nodes[2].core.readiness().ready);
    world.cut(0, 2);
    let own = PeerId { node: node_id(2), incarnation: 2 };
    world.rename(2, own, |node| Settings { own, ..settings(node, &[1]) });
    world.run(1);
    let (met, back) = (world.nodes[1].table.horizon(), &world.nodes[2]);
    assert!(!back.core.is_outside() && !back.core.is_passed_by(met, &back.table));
    world.cut.remove(&(1, 2));
    world.run(15);
    assert_eq!(world.nodes[2].ended, None, "the peer that it meets had not heard of it");
    assert!(world.nodes[2].core.readiness().ready);
}

/// It holds what that one held, and what passes that one by rightly passes it by too.
#[test]
fn one_that_joins_by_one_that_has_just_joined_is_not_taken_for_an_old_one() {
    let mut world = World::new(2);
    world.run(15);
    world.put(0, "x", "1");
    world.delete(0, "x");
    world.run(30);
    world.join(settings(2, &[0]));
    world.run(3);
    world.join(settings(3, &[2]));
    for other in [0, 1] {
        world.cut(other, 3);
    }
    world.run(3);
    assert!(world.nodes[3].core.readiness().ready);
    let joined_at = |node: usize| world.nodes[node].core.joined_at;
    assert!(joined_at(2) > Some(world.nodes[0].table.horizon()) && joined_at(3) == joined_at(2));
}

/// Two new machines beside the only one that still has data, which waits to get in line: they would answer that nothing
/// is there, and have all of it dropped.
#[test]
fn newcomers_do_not_start_empty_beside_the_last_one_that_has_data() {
    let mut world = World::of((0..3).map(|node| Settings { resync: node == 0, ..settings(node, &[0, 1, 2]) }));
    world.put(0, "x", "1");
    world.run(90);
    assert!(world.nodes.iter().all(|node| !node.core.readiness().ready));
}

/// The one that has everything was met, and is gone for now.
#[test]
fn newcomers_do_not_start_empty_once_they_met_one_that_has_data() {
    let mut world = World::of((0..3).map(|node| settings(node, if node == 0 { &[] } else { &[0, 1, 2] })));
    world.put(0, "x", "1");
    world.nodes[0].full = true;
    world.run(2);
    world.cut(0, 1);
    world.cut(0, 2);
    world.run(90);
    assert!(world.nodes[1..].iter().all(|node| !node.core.readiness().ready));
    world.nodes[0].full = false;
    world.heal();
    world.run(15);
    assert!((0..3).all(|node| world.nodes[node].core.readiness().ready && world.get(node, "x").is_some()));
}
