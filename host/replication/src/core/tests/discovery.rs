//! Whom discovery finds is reached, whom it finds no longer is left.

use std::collections::BTreeSet;

use super::world::{World, endpoint, node_id, settings};
use crate::{
    core::{Event, Settings},
    status::NodeState,
};

/// Nodes that know of no other one until they are told.
fn world(count: usize) -> World {
    World::of((0..count).map(|node| Settings { discovers: true, ..settings(node, &[]) }))
}

fn find(world: &mut World, node: usize, nodes: &[usize]) {
    let endpoints: BTreeSet<String> = nodes.iter().map(|node| endpoint(*node)).collect();
    world.events.push_back((node, Event::Found(endpoints)));
    world.settle();
}

fn dials(world: &mut World, seconds: u64, node: usize, other: usize) -> bool {
    world.dialled.clear();
    world.run(seconds);
    world.dialled.contains(&(node, endpoint(other)))
}

fn all_ready(world: &World) -> bool {
    world.nodes.iter().all(|node| node.core.readiness().ready)
}

/// Three, all of them met and ready.
fn met() -> World {
    let mut world = world(3);
    (0..3).for_each(|node| find(&mut world, node, &[0, 1, 2]));
    world.run(20);
    assert!(all_ready(&world));
    world
}

/// How node 0 sees node 2.
fn state(world: &World) -> Option<NodeState> {
    let status = world.nodes[0].core.status(&world.nodes[0].table, world.now(0));
    status.nodes.iter().find(|view| view.id == node_id(2)).map(|view| view.state)
}

#[test]
fn who_looks_for_others_waits_for_them_and_reaches_whom_it_finds() {
    let mut world = world(3);
    world.run(30);
    assert!(world.nodes.iter().all(|node| node.core.readiness().reasons == ["no_peer"]), "nobody is the cluster");
    find(&mut world, 1, &[0, 1]);
    world.run(20);
    assert!(world.nodes[0].core.readiness().ready && world.nodes[1].core.readiness().ready);
    assert!(!world.nodes[2].core.readiness().ready);
    find(&mut world, 1, &[0, 1, 2]);
    world.run(20);
    assert!(all_ready(&world) && world.roots_agree());
    assert!(!world.dialled.contains(&(1, endpoint(1))), "nobody dials itself");
}

#[test]
fn who_is_found_no_longer_is_not_dialled_but_stays_a_member() {
    let mut world = met();
    find(&mut world, 0, &[0, 1]);
    world.run(5);
    assert_eq!(state(&world), Some(NodeState::Live), "a link that stands is left alone");
    find(&mut world, 1, &[0, 1]);
    world.cut(0, 2);
    world.cut(1, 2);
    world.run(5);
    assert!(!dials(&mut world, 60, 0, 2));
    assert_eq!(state(&world), Some(NodeState::Gone), "a member all the same");
    find(&mut world, 0, &[0, 1, 2]);
    assert!(dials(&mut world, 5, 0, 2), "found again");
}

#[test]
fn what_was_never_found_is_dialled_as_the_roster_says() {
    let mut world = met();
    world.cut(0, 2);
    world.cut(1, 2);
    world.run(5);
    assert!(dials(&mut world, 10, 0, 2), "it is found, and away");
    let seeds = Settings { seeds: vec![endpoint(2)], ..settings(0, &[]) };
    world.rename(0, seeds.own, |_| seeds);
    find(&mut world, 0, &[1, 2]);
    find(&mut world, 0, &[1]);
    assert!(dials(&mut world, 10, 0, 2), "whoever is named at the start is dialled whatever discovery says");
}

#[test]
fn who_is_found_no_longer_is_dialled_where_a_peer_reaches_it() {
    let mut world = met();
    find(&mut world, 0, &[0, 1]);
    world.cut(0, 2);
    world.run(5);
    assert!(dials(&mut world, 10, 0, 2));
}

#[test]
fn no_more_are_dialled_than_peers_are_remembered() {
    let few = Settings { discovers: true, peers: 4, ..settings(0, &[]) };
    let mut world = World::of([few].into_iter());
    let many: Vec<usize> = (1..50).collect();
    find(&mut world, 0, &many);
    find(&mut world, 0, &[]);
    find(&mut world, 0, &many);
    world.run(60);
    assert_eq!(world.dialled.len(), 4, "{:?}", world.dialled);
}
