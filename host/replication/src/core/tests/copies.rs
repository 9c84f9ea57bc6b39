//! Two processes with one identity.

use burgee_model::Stamp;

use super::world::{START, World, endpoint, node_id, settings};
use crate::{
    core::{Command, Event, Settings},
    message::{News, NodeInfo, PeerId},
};

/// A copy of node 1, started later.
fn copy(number: usize, seeds: &[usize]) -> Settings {
    let own = PeerId { node: node_id(1), incarnation: 2 };
    Settings { own, name: "node-1".to_owned(), endpoint: Some(endpoint(number)), ..settings(number, seeds) }
}

#[test]
fn the_later_start_gives_way_to_the_one_that_it_reaches() {
    let mut world = World::new(2);
    world.run(15);
    world.join(copy(2, &[1]));
    world.run(1);
    assert!(matches!(world.nodes[2].ended, Some(Command::GiveUp(_))), "{:?}", world.nodes[2].ended);
    world.run(10);
    assert_eq!(world.nodes[1].ended, None);
}

#[test]
fn the_later_start_gives_way_where_a_third_hears_both() {
    let mut world = World::new(2);
    world.run(15);
    world.join(copy(2, &[0]));
    world.cut.insert((1, 2));
    world.run(8);
    assert!(matches!(world.nodes[2].ended, Some(Command::GiveUp(_))), "{:?}", world.nodes[2].ended);
    assert_eq!(world.nodes[1].ended, None);
}

/// Node 0 hears a beat of a start of node 1.
fn beat(world: &mut World, from: PeerId) {
    let info = NodeInfo {
        name: "node-1".to_owned(),
        endpoint: Some(endpoint(1)),
        ready: true,
        resync: false,
        versions: 0,
        written: u64::MAX,
        root: world.nodes[1].table.root(),
        horizon: Stamp::ZERO,
        started_at: START,
        reaches: None,
    };
    let news = News::Beat { seq: 0, info, remembers: 0, forgotten: false };
    world.events.push_back((0, Event::News { from, news }));
    world.settle();
}

#[test]
fn what_a_former_start_said_comes_late_without_harm() {
    let mut world = World::new(2);
    world.run(15);
    let [before, after] = [1, 2].map(|incarnation| PeerId { node: node_id(1), incarnation });
    world.rename(1, after, |node| Settings { own: after, ..settings(node, &[0]) });
    world.run(15);
    for seconds in [0, 1] {
        beat(&mut world, before);
        beat(&mut world, before);
        world.run(seconds);
        assert_eq!(world.nodes[1].ended, None);
    }
    world.run(1);
    beat(&mut world, before);
    assert!(matches!(world.nodes[1].ended, Some(Command::GiveUp(_))), "it is still heard");
}
