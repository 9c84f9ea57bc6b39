//! Collection, forgetting and returning.

use burgee_model::{Address, MemberMeta, NodeId, RegisterId, Stamp};
use burgee_store::{Missed, Table};

use super::world::{World, entry, kill, node_id, settings};
use crate::{
    core::{Command, Settings, SystemWrite},
    message::PeerId,
    status::Hold,
};

#[test]
fn what_all_hold_is_collected_after_the_grace_period_and_not_before() {
    let mut world = World::new(3);
    world.run(15);
    world.put(0, "x", "1");
    world.delete(1, "x");
    world.run(4);
    assert_eq!(world.tombstones(0), 1);
    world.run(20);
    for node in 0..3 {
        assert_eq!(world.tombstones(node), 0);
        assert!(world.nodes[node].table.horizon() > Stamp::ZERO);
    }
    assert!(world.roots_agree());
}

/// It was alone, and its clock three hours ahead: what it collected then it said it holds, and all that is written since
/// is stamped above that, also once its clock is right.
#[test]
fn one_whose_clock_was_ahead_holds_collection_back_and_is_named() {
    const AHEAD_S: u64 = 3 * 3_600;
    let mut world = World::new(1);
    world.nodes[0].skew_ms = i64::try_from(AHEAD_S * 1_000).unwrap();
    world.run(15);
    world.put(0, "x", "1");
    world.delete(0, "x");
    world.run(20);
    assert_eq!((world.tombstones(0), world.held_by(0).len()), (0, 0), "collected");
    // It starts anew with the right time.
    let own = PeerId { node: node_id(0), incarnation: 2 };
    world.nodes[0].skew_ms = 0;
    world.nodes[0].time = crate::ClusterClock::default();
    world.rename(0, own, |node| Settings { own, ..settings(node, &[]) });
    world.run(15);
    world.put(0, "y", "1");
    world.delete(0, "y");
    world.run(60);
    assert_eq!(world.tombstones(0), 1);
    assert_eq!(world.held_by(0), [("node-0".to_owned(), Hold::ClockAhead)]);
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
    assert_eq!((world.tombstones(0), world.tombstones(1)), (1, 1));
    assert_eq!(world.held_by(0), [("node-2".to_owned(), Hold::Away)]);
    let forget = SystemWrite::Forgotten { node: node_id(2), name: "node-2".to_owned() };
    world.command(0, Command::Write(forget));
    world.run(20);
    assert_eq!((world.tombstones(0), world.tombstones(1)), (0, 0));
    // The forgotten one comes back with the value: it learns that it is forgotten before anybody takes it.
    world.heal();
    world.run(5);
    assert_eq!(world.nodes[2].ended, Some(Command::Reidentify(Missed::Forgotten)));
    assert_eq!((world.get(0, "x"), world.get(1, "x")), (None, None));
    // Under its new identity it gets in line, and drops what the cluster has collected.
    let own = PeerId { node: node_id(9), incarnation: 2 };
    world.rename(2, own, |node| Settings { own, resync: true, ..settings(node, &[0]) });
    world.run(10);
    assert!(world.nodes[2].resynchronised && world.nodes[2].evicted > 0);
    assert!(world.nodes[2].core.readiness().ready && world.roots_agree());
    assert_eq!((world.get(0, "x"), world.get(2, "x")), (None, None));
}

/// What it wrote since hides from its peers that it forgot what it wrote before.
#[test]
fn an_old_disk_that_wrote_before_it_met_anybody_is_outdated() {
    let mut world = World::new(2);
    world.run(15);
    world.put(0, "x", "1");
    let backup = world.nodes[1].table.clone();
    world.delete(0, "x");
    world.run(20);
    assert_eq!((world.tombstones(0), world.tombstones(1)), (0, 0), "collected");
    world.cut(0, 1);
    world.nodes[1].table = backup;
    let (own, now) = (PeerId { node: node_id(1), incarnation: 2 }, world.now(1).cluster);
    world.rename(1, own, |node| Settings { own, mark: 0, started_at: now, ..settings(node, &[0]) });
    world.run(15);
    world.put(1, "y", "1");
    world.heal();
    world.run(5);
    assert_eq!(world.nodes[1].ended, Some(Command::Reidentify(Missed::Restored)));
    assert_eq!((world.get(0, "x"), world.get(0, "y")), (None, None), "nothing of it is taken before");
}

/// Whatever said that it is a member went with some disks, so nobody waited for it.
#[test]
fn one_that_nobody_knows_any_more_brings_nothing_back() {
    let mut world = World::new(3);
    world.run(15);
    world.put(0, "x", "1");
    world.cut(0, 2);
    world.cut(1, 2);
    let entry = RegisterId::system(Address::Member { node: node_id(2) });
    let forget = |world: &mut World, node: usize| {
        while let Some(stamp) = world.nodes[node].table.latest(&entry).map(|version| version.stamp) {
            world.nodes[node].table.evict(&entry, stamp);
        }
    };
    (0..2).for_each(|node| forget(&mut world, node));
    world.run(5);
    world.delete(0, "x");
    world.run(20);
    forget(&mut world, 2);
    assert_eq!((world.tombstones(0), world.tombstones(1)), (0, 0), "collected");
    let own = PeerId { node: node_id(2), incarnation: 2 };
    world.rename(2, own, |node| Settings { own, ..settings(node, &[0]) });
    world.heal();
    world.run(10);
    assert!(world.nodes[2].core.readiness().ready && world.roots_agree());
    assert_eq!((world.get(0, "x"), world.get(2, "x")), (None, None));
}

/// The operator forgot the one by which it joined while they were out of reach: who joined by it is forgotten too.
#[test]
fn one_that_joined_by_a_forgotten_node_is_outdated() {
    let mut world = World::new(3);
    world.run(15);
    world.put(0, "x", "1");
    world.run(2);
    [(0, 2), (1, 2)].into_iter().for_each(|(a, b)| world.cut(a, b));
    world.join(settings(3, &[2]));
    [(0, 3), (1, 3)].into_iter().for_each(|(a, b)| world.cut(a, b));
    world.command(0, Command::Write(SystemWrite::Forgotten { node: node_id(2), name: "node-2".to_owned() }));
    world.run(10);
    assert!(world.nodes[3].core.readiness().ready);
    world.delete(0, "x");
    world.run(30);
    assert_eq!((world.tombstones(0), world.tombstones(1)), (0, 0), "collected");
    world.cut(2, 3);
    world.heal();
    world.run(5);
    assert_eq!(world.nodes[3].ended, Some(Command::Reidentify(Missed::Forgotten)));
    assert_eq!((world.get(0, "x"), world.get(1, "x")), (None, None));
}

/// Kills are never collected: that nobody else holds it says that nobody else ever saw it.
#[test]
fn a_kill_that_a_forgotten_node_alone_has_counts_once_it_is_back() {
    let mut world = World::new(3);
    world.run(15);
    world.cut(0, 2);
    world.cut(1, 2);
    world.kill(2, "flag");
    world.put(0, "x", "1");
    world.delete(0, "x");
    world.command(0, Command::Write(SystemWrite::Forgotten { node: node_id(2), name: "node-2".to_owned() }));
    world.run(20);
    assert!(world.nodes[0].table.horizon() > world.nodes[2].table.latest(&kill("flag")).unwrap().stamp);
    world.heal();
    world.run(5);
    let own = PeerId { node: node_id(9), incarnation: 2 };
    world.rename(2, own, |node| Settings { own, resync: true, ..settings(node, &[0]) });
    world.run(20);
    assert!(world.roots_agree());
    assert!((0..3).all(|node| world.nodes[node].table.latest(&kill("flag")).is_some()));
}

#[test]
fn a_node_whose_stamps_a_peer_knows_better_is_outdated() {
    let mut world = World::new(2);
    world.run(15);
    world.put(1, "x", "1");
    // Its disk is replaced by one from before it wrote.
    let own = PeerId { node: node_id(1), incarnation: 2 };
    world.cut(0, 1);
    let now = world.now(1).cluster;
    world.nodes[1].table = burgee_store::Table::default();
    world.rename(1, own, |node| Settings { own, mark: 0, started_at: now + 1, ..settings(node, &[0]) });
    world.heal();
    world.run(3);
    assert_eq!(world.nodes[1].ended, Some(Command::Reidentify(Missed::Restored)));
}

/// It heard of the horizon while it resynchronised, from whom alone it was told, who then lost its disk: nobody takes
/// anything from it, so nobody else ever hears of it.
#[test]
fn a_node_that_resynchronises_goes_by_those_who_have_collected_less() {
    let mut world = World::new(3);
    world.run(15);
    world.put(0, "x", "1");
    world.run(2);
    let own = PeerId { node: node_id(9), incarnation: 2 };
    world.cut(0, 2);
    world.cut(1, 2);
    let written = world.nodes[0].table.latest(&entry("x")).unwrap().stamp;
    world.command(2, Command::Write(SystemWrite::Horizon(written)));
    world.rename(2, own, |node| Settings { own, resync: true, ..settings(node, &[0]) });
    world.heal();
    world.run(8);
    assert!(!world.nodes[2].core.readiness().ready && world.nodes[2].table.horizon() > Stamp::ZERO);
    world.run(12);
    assert!(world.nodes[2].core.readiness().ready && world.roots_agree());
    assert!((0..3).all(|node| world.get(node, "x").is_some()));
}

/// The one that it goes by has not heard yet that what it still holds was purged, and that was collected.
#[test]
fn going_by_those_who_have_collected_less_brings_nothing_back() {
    let mut world = World::new(3);
    world.run(15);
    world.put(0, "x", "1");
    world.run(2);
    world.cut(0, 2);
    world.cut(1, 2);
    let floor = world.purge(0);
    world.events.push_back((0, crate::core::Event::Written(floor.clone())));
    world.run(2);
    assert_eq!((world.get(0, "x"), world.get(1, "x")), (None, None));
    world.command(2, Command::Write(SystemWrite::Horizon(floor[0].stamp)));
    let own = PeerId { node: node_id(9), incarnation: 2 };
    world.rename(2, own, |node| Settings { own, resync: true, ..settings(node, &[0]) });
    world.heal();
    world.run(30);
    assert!(world.nodes[2].core.readiness().ready && world.roots_agree());
    assert!((0..3).all(|node| world.get(node, "x").is_none()));
}

/// As before, and those who are left are all new: whoever collected more is gone, or was replaced.
#[test]
fn a_node_that_resynchronises_goes_by_newcomers_where_nobody_is_missing() {
    let mut world = World::new(2);
    world.run(15);
    world.cut(0, 1);
    let promise = world.nodes[1].table.members().map(|(_, _, promise)| promise).min().unwrap();
    world.command(1, Command::Write(SystemWrite::Horizon(promise)));
    let own = PeerId { node: node_id(9), incarnation: 2 };
    world.rename(1, own, |node| Settings { own, resync: true, ..settings(node, &[0]) });
    let new = PeerId { node: node_id(8), incarnation: 2 };
    world.nodes[0].table = Table::default();
    world.rename(0, new, |node| Settings { own: new, ..settings(node, &[]) });
    world.heal();
    world.run(40);
    assert!(world.nodes.iter().all(|node| node.core.readiness().ready) && world.roots_agree());
}

/// Its disk was an old one, of before anything was on it.
#[test]
fn one_that_is_to_get_in_line_and_holds_nothing_is_as_good_as_new() {
    let mut world = World::of((0..2).map(|node| Settings { resync: node == 0, ..settings(node, &[1 - node]) }));
    world.run(15);
    assert!(world.nodes.iter().all(|node| node.core.readiness().ready) && world.nodes[0].resynchronised);
}

/// One waits to get in line with somebody ready, the other one is new: only an operator can say who is right.
#[test]
fn where_each_waits_for_another_an_operator_decides() {
    let waiting = |node| Settings { resync: node == 0, ..settings(node, &[1 - node]) };
    let mut world = World::of((0..2).map(waiting));
    world.put(0, "x", "1");
    world.run(120);
    let reasons = |world: &World, node: usize| world.nodes[node].core.readiness().reasons.clone();
    assert_eq!(reasons(&world, 0), ["resynchronising", "operator_decides"]);
    assert_eq!(reasons(&world, 1), ["no_peer"], "it holds nothing that could be trusted");
    let own = PeerId { node: node_id(0), incarnation: 2 };
    world.rename(0, own, |node| Settings { own, trusted: true, resync: true, ..settings(node, &[1]) });
    world.run(5);
    assert!(world.nodes.iter().all(|node| node.core.readiness().ready) && world.nodes[0].resynchronised);
    assert!(world.get(1, "x").is_some());
}

/// Three nodes, the last of which is cut off; the others forget it, and collect.
fn parted(before: impl FnOnce(&mut World), apart: impl FnOnce(&mut World)) -> World {
    let mut world = World::new(3);
    world.run(15);
    before(&mut world);
    world.run(5);
    world.cut(0, 2);
    world.cut(1, 2);
    apart(&mut world);
    world.put(0, "garbage", "1");
    world.delete(0, "garbage");
    world.command(0, Command::Write(SystemWrite::Forgotten { node: node_id(2), name: "node-2".to_owned() }));
    world.run(30);
    assert_eq!((world.tombstones(0), world.tombstones(1)), (0, 0), "collected");
    world
}

/// The forgotten one comes back.
fn returns(world: &mut World) {
    world.heal();
    world.run(3);
    world.return_as(2, PeerId { node: node_id(9), incarnation: 2 }, 0);
    world.run(30);
    assert!(world.nodes[2].core.readiness().ready && world.roots_agree());
}

#[test]
fn what_a_forgotten_node_deleted_and_told_nobody_stays_deleted() {
    let put = |world: &mut World| ["k", "p/1", "p/2"].into_iter().for_each(|key| world.put(0, key, "1"));
    let mut world = parted(put, |world| {
        world.delete(2, "k");
        world.purge(2);
        world.run(1);
        world.put(0, "p/2", "newer");
    });
    assert!(world.get(0, "k").is_some() && world.nodes[2].table.counts().floors > 0);
    returns(&mut world);
    for node in 0..3 {
        assert_eq!((world.get(node, "k"), world.get(node, "p/1")), (None, None));
        assert_eq!(world.get(node, "p/2").as_deref(), Some(&b"newer"[..]), "of after the purge");
    }
}

#[test]
fn what_a_forgotten_node_wrote_and_told_nobody_stays_and_what_it_had_told_may_go() {
    let mut world = parted(
        |world| ["told", "changed", "gone"].into_iter().for_each(|key| world.put(2, key, "1")),
        |world| {
            world.put(2, "new", "1");
            world.put(2, "changed", "2");
            world.delete(0, "told");
            world.delete(0, "gone");
            world.run(1);
            world.put(2, "gone", "2");
        },
    );
    returns(&mut world);
    for node in 0..3 {
        let value = |key| world.get(node, key).map(|value| String::from_utf8(value).unwrap());
        assert_eq!((value("new").as_deref(), value("changed").as_deref()), (Some("1"), Some("2")));
        assert_eq!((value("told"), value("gone").as_deref()), (None, Some("2")));
    }
}

#[test]
fn a_returning_node_is_not_ready_before_it_wrote_again_what_the_others_lack() {
    let mut world = parted(|world| world.put(0, "k", "1"), |world| world.delete(2, "k"));
    world.heal();
    world.run(3);
    let aside = world.nodes[2].aside.clone();
    world.return_as(2, PeerId { node: node_id(9), incarnation: 2 }, 0);
    world.nodes[2].aside = None;
    world.run(20);
    assert!(!world.nodes[2].core.readiness().ready && world.nodes[2].resynchronised);
    world.nodes[2].aside = aside;
    world.command(2, Command::Repeat);
    world.run(2);
    assert!(world.nodes[2].core.readiness().ready && world.get(0, "k").is_none());
}

/// It brings a deletion that is older than what another one has said that it holds, and whose disk takes nothing now: what
/// was deleted would be back after a restart of that one.
#[test]
fn a_returning_node_lets_nothing_be_collected_before_all_have_what_it_brings() {
    let mut world = parted(|world| world.put(0, "k", "1"), |world| world.delete(2, "k"));
    world.put(0, "more", "1");
    world.delete(0, "more");
    world.nodes[1].full = true;
    world.heal();
    world.run(3);
    world.return_as(2, PeerId { node: node_id(9), incarnation: 2 }, 0);
    world.run(60);
    let own = RegisterId::system(Address::Member { node: node_id(9) });
    let said = |world: &World| world.nodes[0].table.latest(&own)?.content.as_ref()?.read::<MemberMeta>()?.acked;
    assert!(world.nodes[2].core.readiness().ready && world.get(1, "k").is_none());
    assert_eq!((said(&world), world.tombstones(0) > 0), (None, true));
    world.nodes[1].full = false;
    let again = PeerId { node: node_id(1), incarnation: 2 };
    world.rename(1, again, |node| Settings { own: again, ..settings(node, &[0]) });
    world.run(30);
    assert!(said(&world).is_some() && world.tombstones(0) == 0 && world.roots_agree());
}

/// All of them are known for good, and none is shown for ever.
#[test]
fn of_the_forgotten_those_are_shown_that_were_forgotten_last() {
    let mut world = World::new(1);
    world.run(15);
    let ids: Vec<NodeId> = (0..100_u8).map(|number| NodeId([100 + number; 16])).rev().collect();
    for node in &ids {
        world.command(0, Command::Write(SystemWrite::Forgotten { node: *node, name: "gone".to_owned() }));
    }
    world.run(1);
    let status = world.nodes[0].core.status(&world.nodes[0].table, world.now(0));
    let shown: Vec<NodeId> = status.nodes.iter().map(|view| view.id).filter(|id| ids.contains(id)).collect();
    assert_eq!(shown.len(), 64);
    assert!(ids[36..].iter().all(|id| shown.contains(id)), "the last");
    assert_eq!(world.nodes[0].table.forgotten().count(), 100);
}
