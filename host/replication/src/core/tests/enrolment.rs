//! Entries in the roster that nodes offer of themselves, and what is said to be on disk with them.

use std::{sync::Arc, time::Duration};

use burgee_model::{Address, MemberMeta, NodeId, RegisterId, Stamp};
use burgee_store::{DraftWrite, Version};

use super::world::{World, node_id, settings};
use crate::message::Answer;

fn register(node: NodeId) -> RegisterId {
    RegisterId::system(Address::Member { node })
}

/// A node's own entry.
fn entry(world: &World, node: usize) -> Arc<Version> {
    world.nodes[node].table.latest(&register(world.nodes[node].id.node)).unwrap()
}

fn acked(world: &World, node: usize) -> Option<Stamp> {
    entry(world, node).content.as_ref()?.read::<MemberMeta>()?.acked
}

/// Writes a node's entry again, and tells nobody.
fn rewrite(world: &mut World, node: usize) -> Arc<Version> {
    let content = entry(world, node).content.clone().unwrap();
    let own = register(world.nodes[node].id.node);
    world.write(node, vec![DraftWrite::put(own, content)]);
    entry(world, node)
}

/// One that holds something, and one that has joined it.
fn joined() -> World {
    let mut world = World::new(1);
    world.put(0, "x", "1");
    world.run(5);
    world.join(settings(1, &[0]));
    world.run(5);
    assert!(world.nodes[1].core.readiness().ready);
    world
}

/// A disk that takes longer than anybody waits for an answer keeps nobody out, nor collection.
#[test]
fn a_slow_disk_is_waited_for() {
    let mut world = World::new(1);
    world.put(0, "x", "1");
    world.run(5);
    world.nodes[0].lag = world.nodes[0].core.settings.periods.request * 4;
    world.join(settings(1, &[0]));
    world.run(30);
    assert!(world.nodes[1].core.readiness().ready && world.get(1, "x").is_some());
    world.delete(0, "x");
    world.run(90);
    assert!((0..2).all(|node| world.tombstones(node) == 0 && world.nodes[node].table.horizon() > Stamp::ZERO));
}

#[test]
fn a_later_entry_is_flushed_by_itself() {
    let mut world = joined();
    world.nodes[0].lag = Duration::from_secs(1);
    let first = entry(&world, 1);
    let refused = world.offer(1, 0, first);
    world.nodes[0].lag = Duration::from_millis(1_900);
    let later = rewrite(&mut world, 1);
    let ticket = world.offer(1, 0, Arc::clone(&later));
    world.run(1);
    assert_eq!((world.answered.get(&refused), world.answered.get(&ticket)), (Some(&Answer::Taken(false)), None));
    world.run(1);
    assert_eq!(world.answered.get(&ticket), Some(&Answer::Taken(true)));
    let again = world.offer(1, 0, later);
    assert_eq!(world.answered.get(&again), Some(&Answer::Taken(true)), "which needs no other flush");
}

/// An entry that is written again and again takes no flush away that is under way.
#[test]
fn the_first_flush_comes_to_its_end() {
    let mut world = joined();
    world.nodes[0].lag = Duration::from_secs(9);
    let first = entry(&world, 1);
    world.offer(1, 0, Arc::clone(&first));
    for _ in 0..4 {
        world.run(2);
        let later = rewrite(&mut world, 1);
        world.offer(1, 0, later);
    }
    world.run(2);
    let ticket = world.offer(1, 0, first);
    assert_eq!(world.answered.get(&ticket), Some(&Answer::Taken(true)));
}

/// Else an older disk of it would be taken for what it is now, and bring back what was collected.
#[test]
fn who_says_that_it_keeps_an_entry_has_written_its_own() {
    let mut world = joined();
    let (before, offered) = (entry(&world, 0).stamp, entry(&world, 1));
    let later = rewrite(&mut world, 1);
    assert!(offered.stamp < later.stamp);
    let ticket = world.offer(1, 0, later);
    assert_eq!(world.answered.get(&ticket), Some(&Answer::Taken(true)));
    assert!(entry(&world, 0).stamp > before);
    let seen = world.nodes[1].table.latest(&register(node_id(0))).unwrap();
    assert_eq!(seen.stamp, entry(&world, 0).stamp, "and told so");
}

/// What is on a disk when a newcomer's entry is need not be all that it brings.
#[test]
fn a_newcomer_lets_nothing_be_collected_that_a_peer_has_in_memory_alone() {
    let mut world = joined();
    world.nodes[0].slow = true;
    world.delete(1, "x");
    world.run(60);
    assert_eq!((acked(&world, 1), world.tombstones(1)), (None, 1));
    world.nodes[0].slow = false;
    world.run(60);
    assert_eq!((acked(&world, 1).is_some(), world.tombstones(1)), (true, 0));
}

/// Who joined by a peer before that had all that a newcomer brought lacks some of it, and is heard of in an exchange of
/// after that.
#[test]
fn a_newcomer_acknowledges_by_a_sweep_of_after_all_kept_what_it_brought() {
    let mut world = joined();
    world.nodes[1].slow = true;
    world.delete(1, "x");
    world.run(20);
    world.cut(0, 1);
    world.nodes[1].slow = false;
    world.run(30);
    assert_eq!(acked(&world, 1), None);
    world.heal();
    world.run(30);
    assert!(acked(&world, 1).is_some());
}
