//! A cluster in which one node is of an older release, and another one writes what that does not know.

use std::sync::Arc;

use burgee_model::{Key, RegisterId, Stamp};
use burgee_store::{DraftWrite, Version};

use super::world::{World, entry, node_id, settings, text};
use crate::{
    core::Settings,
    message::{PeerId, Question},
    status::Hold,
};

/// What the older release does not know.
fn guest(number: usize) -> RegisterId {
    RegisterId::guest(&Key::new("tenant").unwrap(), &Key::new(&format!("g{number}")).unwrap())
}

/// Two nodes, the second of an older release, when the first has written a guest and an entry that nobody was told of.
fn unlike() -> World {
    let mut world = World::new(2);
    world.run(15);
    world.older = Some(1);
    let writes = [(guest(0), "{}"), (entry("x"), "1")].map(|(id, value)| DraftWrite::put(id, text(value)));
    world.write(0, writes.into());
    world.run(5);
    world
}

#[test]
fn check_64_an_older_node_gets_all_that_it_knows() {
    let mut world = unlike();
    assert!(world.get(1, "x").is_some() && world.nodes[1].table.latest(&guest(0)).is_none());
    // It gets in line at its start, too.
    let own = PeerId { node: node_id(1), incarnation: 2 };
    world.rename(1, own, |node| Settings { own, ..settings(node, &[0]) });
    world.run(3);
    assert!(world.nodes[1].core.readiness().ready && !world.nodes[1].core.readiness().alone);
    world.put(1, "y", "2");
    assert!(world.get(0, "y").is_some());
}

/// What it left out may be a floor: were it to say that it holds everything, that could be collected, and what lies below
/// it come back from here.
#[test]
fn check_64_an_older_node_does_not_say_that_it_holds_everything() {
    let mut world = unlike();
    world.delete(0, "x");
    world.run(60);
    assert_eq!((world.tombstones(0), world.tombstones(1)), (1, 1));
    assert_eq!(world.held_by(0), [("node-1".to_owned(), Hold::Late)]);
    world.older = None;
    world.run(60);
    assert_eq!((world.tombstones(0), world.tombstones(1)), (0, 0));
    assert!(world.roots_agree());
}

/// They differ for good: what that costs is bounded, on either side.
#[test]
fn what_is_sent_to_an_older_node_in_vain_is_bounded() {
    const GUESTS: usize = 2_000;
    const COPIES_MAX: usize = 12;
    let joiner = Settings { snapshot_versions: 50, ..settings(1, &[0]) };
    let mut world = World::of([settings(0, &[]), joiner].into_iter());
    world.older = Some(1);
    let written = world.write(0, (0..GUESTS).map(|n| DraftWrite::put(guest(n), text("{}"))).collect());
    let copy: usize = written.iter().map(|version| version.encode().len()).sum();
    world.run(30);
    assert!(world.nodes[1].core.readiness().ready);
    let sent = |world: &World, kind| world.bytes.get(&(0, 1, kind)).copied().unwrap_or_default();
    let (pages, repair) = (sent(&world, "snapshot"), sent(&world, "repair"));
    assert!(pages >= copy);
    world.run(60);
    assert_eq!(sent(&world, "snapshot"), pages, "no other snapshot");
    let copies = (sent(&world, "repair") - repair) / copy;
    assert!((1..=COPIES_MAX).contains(&copies), "{copies} in a minute");
}

/// No node that keeps the rules writes such: its stamp lies below what it must have followed.
#[test]
fn what_the_store_leaves_out_counts_as_what_is_not_known() {
    let mut world = World::new(2);
    world.run(15);
    let written = world.write(0, vec![DraftWrite::put(entry("x"), text("1"))]);
    let insane = Version { floor_seen: Some(Stamp { time: u64::MAX, ..Stamp::ZERO }), ..(*written[0]).clone() };
    assert!(!insane.is_sane());
    world.nodes[0].table.merge(&Arc::new(insane));
    world.run(15);
    world.bytes.clear();
    world.run(20);
    // It is asked for again, but not in every exchange.
    let repaired = world.asked.iter().filter(|question| matches!(question, Question::Versions { .. })).count();
    assert!(repaired > 0, "it was never asked for");
    world.asked.clear();
    world.run(60);
    let repaired = world.asked.iter().filter(|question| matches!(question, Question::Versions { .. })).count();
    assert!((1..=12).contains(&repaired), "{repaired} times in a minute");
    // Who left it out does not say that it holds everything.
    world.put(0, "y", "1");
    world.delete(0, "y");
    world.run(60);
    assert!(world.tombstones(0) > 0, "it is collected");
}
