//! Collection, forgetting and returning.

use burgee_model::{Address, RegisterId, Stamp};

use super::world::{World, node_id, settings};
use crate::core::{Command, SystemWrite};

fn tombstones(world: &World, node: usize) -> usize {
    world.nodes[node].table.counts().tombstones
}

#[test]
fn what_all_hold_is_collected_after_the_grace_period_and_not_before() {
    let mut world = World::new(3);
    world.run(15);
    world.put(0, "x", "1");
    world.delete(1, "x");
    world.run(4);
    assert_eq!(tombstones(&world, 0), 1);
    world.run(20);
    for node in 0..3 {
        assert_eq!(tombstones(&world, node), 0);
        assert!(world.nodes[node].table.horizon() > Stamp::ZERO);
    }
    assert!(world.roots_agree());
}

#[test]
fn nothing_is_written_while_there_is_nothing_to_collect() {
    let mut world = World::new(3);
    world.put(0, "x", "1");
    world.run(15);
    let stamp = |world: &World| {
        let id = RegisterId::system(Address::Member { node: node_id(0) });
        world.nodes[1].table.latest(&id).unwrap().stamp
    };
    let before = stamp(&world);
    world.run(60);
    assert_eq!(stamp(&world), before);
}

#[test]
fn an_absent_member_holds_it_back_until_it_is_forgotten() {
    let mut world = World::new(3);
    world.run(15);
    world.put(0, "x", "1");
    world.cut(0, 2);
    world.cut(1, 2);
    world.delete(0, "x");
    world.run(60);
    assert_eq!((tombstones(&world, 0), tombstones(&world, 1)), (1, 1));
    let status = world.nodes[0].core.status(&world.nodes[0].table, world.now(0));
    assert_eq!(status.collection_held_by, ["node-2"]);
    let forget = SystemWrite::Forgotten { node: node_id(2), name: "node-2".to_owned() };
    world.command(0, Command::Write(forget));
    world.run(20);
    assert_eq!((tombstones(&world, 0), tombstones(&world, 1)), (0, 0));
    // The forgotten one comes back with the value: it learns that it is forgotten before anybody takes it.
    world.heal();
    world.run(5);
    assert_eq!(world.nodes[2].ended, Some(Command::Reidentify));
    assert_eq!((world.get(0, "x"), world.get(1, "x")), (None, None));
    // Under its new identity it gets in line, and drops what the cluster has collected.
    let own = crate::message::PeerId { node: node_id(9), incarnation: 2 };
    world.rename(2, own, |node| crate::core::Settings { own, resync: true, ..settings(node, &[0]) });
    world.run(10);
    assert!(world.nodes[2].resynchronised && world.nodes[2].evicted > 0);
    assert!(world.nodes[2].core.readiness().ready && world.roots_agree());
    assert_eq!((world.get(0, "x"), world.get(2, "x")), (None, None));
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

#[test]
fn a_node_whose_stamps_a_peer_knows_better_is_outdated() {
    let mut world = World::new(2);
    world.run(15);
    world.put(1, "x", "1");
    // Its disk is replaced by one from before it wrote.
    let own = crate::message::PeerId { node: node_id(1), incarnation: 2 };
    world.cut(0, 1);
    let now = world.now(1).cluster;
    world.nodes[1].table = burgee_store::Table::default();
    world.rename(1, own, |node| crate::core::Settings { own, mark: 0, started_at: now + 1, ..settings(node, &[0]) });
    world.heal();
    world.run(3);
    assert_eq!(world.nodes[1].ended, Some(Command::Reidentify));
}
