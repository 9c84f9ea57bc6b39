//! Two processes with one identity.

use std::time::Duration;

use burgee_model::Stamp;

use super::world::{START, World, endpoint, node_id, settings};
use crate::{
    core::{Command, Event, Note, Periods, Settings},
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
    assert_eq!(world.nodes[2].ended, None, "a greeting proves nothing");
    world.run(3);
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

/// A node hears a beat of a start of node 1, or of itself.
fn beat(world: &mut World, to: usize, from: PeerId) {
    let info = NodeInfo {
        name: "node-1".to_owned(),
        endpoint: Some(endpoint(1)),
        ready: true,
        resync: false,
        versions: 0,
        written: u64::MAX,
        root: world.nodes[0].table.root(),
        horizon: Stamp::ZERO,
        started_at: START,
        reaches: None,
    };
    let news = News::Beat { seq: 0, info, remembers: 0, forgotten: false };
    world.events.push_back((to, Event::News { from, news }));
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
        beat(&mut world, 0, before);
        beat(&mut world, 0, before);
        world.run(seconds);
        assert_eq!(world.nodes[1].ended, None);
    }
    world.run(1);
    beat(&mut world, 0, before);
    assert!(matches!(world.nodes[1].ended, Some(Command::GiveUp(_))), "it is still heard");
}

/// Node 0 is told that somebody bears its own identity, and started earlier.
fn greeted(world: &mut World) -> PeerId {
    let claimed = PeerId { node: node_id(0), incarnation: 0 };
    world.events.push_back((0, Event::Up(claimed)));
    world.settle();
    claimed
}

#[test]
fn a_greeting_under_a_nodes_own_identity_is_counted_and_ends_nobody() {
    let mut world = World::new(2);
    world.run(15);
    let claimed = greeted(&mut world);
    world.run(10);
    assert_eq!(world.nodes[0].ended, None);
    assert!(world.nodes[0].notes.contains(&Note::IdentityClaimed(claimed)));
    assert!(!world.nodes[0].notes.contains(&Note::IdentityInUse(claimed)));
    // Nor does one that comes again and again, and says each time that it lives, but never stays.
    for _ in 0..5 {
        greeted(&mut world);
        beat(&mut world, 0, claimed);
        world.events.push_back((0, Event::Down(claimed)));
        world.run(1);
    }
    assert_eq!(world.nodes[0].ended, None);
    world.put(0, "x", "1");
    assert!(world.get(1, "x").is_some());
}

#[test]
fn who_greets_under_a_nodes_own_identity_and_falls_silent_is_cut_off() {
    let mut world = World::new(1);
    world.run(15);
    let claimed = greeted(&mut world);
    world.run(2);
    assert!(!world.nodes[0].hung_up.contains(&claimed));
    world.run(3);
    assert!(world.nodes[0].hung_up.contains(&claimed));
    // There is room for few at once.
    let many: Vec<PeerId> = (100..200).map(|incarnation| PeerId { incarnation, ..claimed }).collect();
    world.events.extend(many.iter().map(|id| (0, Event::Up(*id))));
    world.settle();
    assert!(many.iter().filter(|id| world.nodes[0].hung_up.contains(id)).count() > 90);
}

/// What it acknowledged meanwhile, nobody would ever hear of.
#[test]
fn a_copy_serves_nothing_while_it_hears_of_the_original() {
    let mut world = World::new(2);
    world.run(15);
    // The world is older than the copy: this is a second from now.
    let hasty = Periods { ready_timeout: Duration::from_secs(16), ..settings(2, &[]).periods };
    world.join(Settings { periods: hasty, ..copy(2, &[1]) });
    for version in world.nodes[1].table.page(None, usize::MAX).versions {
        world.nodes[2].table.merge(&version);
    }
    world.cut.insert((0, 2));
    while world.nodes[2].ended.is_none() {
        world.run(1);
        assert!(!world.nodes[2].core.readiness().ready);
        assert!(world.mono < Duration::from_secs(20), "it goes on");
    }
}
