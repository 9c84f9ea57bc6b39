//! What is deleted stays deleted, also after its tombstone is collected.

use burgee_model::{FlagInField, Scope};
use burgee_simulation::{
    Plan,
    schedule::{MS, Micros, SECOND},
    workload::{Action, entry, environment, flag_in, tenant},
};

use crate::cluster::{Cluster, latest};

/// Within this, a node has noted on its disk what others have of its writes: of younger ones it would take itself for the
/// only one that ever had them, and write them again.
const NOTED: Micros = 6 * SECOND;

fn tombstones(cluster: &Cluster, slot: usize) -> usize {
    cluster.table(slot).unwrap().counts().tombstones
}

#[test]
fn check_30_a_delete_during_a_partition_lasts() {
    let mut cluster = Cluster::new(3);
    cluster.put(2, "k", "v");
    cluster.agree_within(SECOND);
    cluster.isolate(&[2]);
    cluster.pass(5 * SECOND);
    cluster.delete(0, "k");
    cluster.pass(20 * SECOND);
    assert_eq!(cluster.value(2, "k").as_deref(), Some("v"));
    cluster.mend();
    cluster.settle();
    cluster.pass(60 * SECOND);
    assert_eq!(cluster.everywhere("k"), None);
}

#[test]
fn check_31_of_a_delete_and_a_concurrent_put_the_greater_stamp_wins() {
    for (first, second, seed) in [(0, 1, 1), (1, 0, 2)] {
        for delete_last in [true, false] {
            let mut cluster = Cluster::of(Plan::calm(seed, 3));
            cluster.put(0, "k", "before");
            cluster.agree_within(SECOND);
            cluster.isolate(&[0]);
            let actions = [Action::Delete(entry("k")), Action::put("k", "after")];
            let [delete, put] = actions;
            let (early, late) = if delete_last { (put, delete) } else { (delete, put) };
            cluster.act(first, early);
            cluster.pass(100 * MS);
            cluster.act(second, late);
            cluster.pass(3 * SECOND);
            cluster.mend();
            cluster.settle();
            let expected = if delete_last { None } else { Some("after") };
            assert_eq!(cluster.everywhere("k").as_deref(), expected);
        }
    }
}

#[test]
fn check_32_a_later_delete_reaches_what_its_author_never_saw() {
    let mut cluster = Cluster::new(3);
    cluster.isolate(&[2]);
    cluster.pass(5 * SECOND);
    cluster.put(2, "k", "v");
    cluster.act(0, Action::DeleteUnseen(entry("k")));
    cluster.mend();
    cluster.settle();
    assert_eq!(cluster.everywhere("k"), None);
}

#[test]
fn check_33_what_was_deleted_beyond_the_grace_of_an_absent_node_never_returns() {
    let mut cluster = Cluster::new(3);
    cluster.put(2, "k", "v");
    cluster.agree_within(SECOND);
    cluster.pass(SECOND);
    cluster.crash(2);
    cluster.delete(0, "k");
    cluster.pass(90 * SECOND);
    assert!(tombstones(&cluster, 0) > 0, "an absent member holds collection back");
    cluster.start(2);
    cluster.settle();
    assert_eq!(cluster.everywhere("k"), None);
    cluster.until(60 * SECOND, "the tombstone goes", |world| {
        world.processes().all(|(_, process)| process.table.counts().tombstones == 0)
    });
    cluster.pass(20 * SECOND);
    assert_eq!(cluster.everywhere("k"), None);
}

#[test]
fn check_34_a_forgotten_node_that_returns_with_its_old_disk_resynchronises_before_it_serves() {
    let mut cluster = Cluster::new(3);
    cluster.put(2, "k", "v");
    cluster.agree_within(SECOND);
    cluster.pass(NOTED);
    cluster.crash(2);
    cluster.pass(5 * SECOND);
    cluster.delete(0, "k");
    assert!(cluster.forget(2));
    cluster.until(60 * SECOND, "the tombstone goes", |world| {
        world.processes().all(|(_, process)| process.table.counts().tombstones == 0)
    });
    let before = cluster.slots[2].disk.as_ref().unwrap().node;
    cluster.start(2);
    cluster.until(20 * SECOND, "it is ready", |world| world.is_ready(2));
    assert!(latest(&cluster, 2, &entry("k")).is_none(), "it was ready before it had resynchronised");
    assert_ne!(cluster.slots[2].disk.as_ref().unwrap().node, before);
    cluster.settle();
    assert_eq!(cluster.everywhere("k"), None);
}

/// Two nodes, of which the second holds a value that was deleted while it was away, and was forgotten.
fn forgotten(seed: u64) -> Cluster {
    let mut plan = Plan::calm(seed, 2);
    (plan.network.delay, plan.disk.behind) = ((20 * MS, 150 * MS), (5 * MS, 2 * SECOND));
    let mut cluster = Cluster::of(plan);
    cluster.put(1, "k", "v");
    cluster.agree_within(2 * SECOND);
    cluster.pass(NOTED);
    cluster.crash(1);
    cluster.pass(5 * SECOND);
    assert!(cluster.forget(1));
    cluster.delete(0, "k");
    cluster
}

#[test]
fn what_is_collected_while_a_forgotten_node_gets_in_line_does_not_return() {
    for step in 0..100 {
        let mut cluster = forgotten(step);
        cluster.pass(7 * SECOND + step * 100 * MS);
        cluster.start(1);
        cluster.settle();
        cluster.pass(20 * SECOND);
        assert_eq!(cluster.everywhere("k"), None, "started {step} tenths of a second later");
    }
}

/// Else the others would collect over its head.
#[test]
fn a_node_of_whose_new_id_nobody_knows_does_not_go_on_alone() {
    let mut cluster = forgotten(1);
    let before = cluster.slots[1].disk.as_ref().unwrap().node;
    cluster.start(1);
    cluster.until(20 * SECOND, "it is in line", |world| {
        world.slots[1].process.as_ref().is_some_and(|process| process.id.node != before && !process.resync)
    });
    cluster.isolate(&[1]);
    cluster.pass(60 * SECOND);
    assert!(!cluster.is_ready(1) && cluster.is_ready(0));
    cluster.mend();
    cluster.settle();
    assert_eq!(cluster.everywhere("k"), None);
}

/// Three nodes, of which the last is cut off, writes, and is forgotten; then the others collect beyond that.
fn forgotten_with_news(write: impl FnOnce(&mut Cluster)) -> Cluster {
    let mut cluster = Cluster::new(3);
    ["k", "p/1", "p/2"].into_iter().for_each(|key| drop(cluster.put(0, key, "old")));
    cluster.put(2, "told", "v");
    cluster.agree_within(SECOND);
    cluster.pass(5 * SECOND);
    cluster.isolate(&[2]);
    cluster.pass(5 * SECOND);
    write(&mut cluster);
    cluster.crash(2);
    cluster.mend();
    assert!(cluster.forget(2));
    cluster.pass(SECOND);
    cluster.put(0, "p/2", "new");
    cluster.delete(0, "told");
    cluster.until(60 * SECOND, "the tombstone goes", |world| {
        world.processes().all(|(_, process)| process.table.counts().tombstones == 0)
    });
    cluster.pass(20 * SECOND);
    cluster
}

#[test]
fn what_a_forgotten_node_acknowledged_alone_stands_once_it_is_back() {
    let prefix = Scope::Config { environment: environment(), prefix: "p/".into() };
    let mut cluster = forgotten_with_news(|cluster| {
        cluster.delete(2, "k");
        cluster.act(2, Action::Floor(tenant(), prefix));
        cluster.put(2, "mine", "v");
    });
    cluster.start(2);
    cluster.settle();
    let values = ["k", "p/1", "p/2", "mine", "told"].map(|key| cluster.everywhere(key));
    let [k, first, second, mine, told] = values.each_ref().map(Option::as_deref);
    assert_eq!((k, first, second, mine, told), (None, None, Some("new"), Some("v"), None));
    assert!(cluster.slots[2].disk.as_ref().unwrap().aside.is_none(), "once");
}

/// It is killed again and again on its way back, and ends with all that it had to write again.
#[test]
fn a_kill_on_its_way_back_takes_nothing_from_a_forgotten_node() {
    for step in 1..40 {
        let mut cluster = forgotten_with_news(|cluster| {
            cluster.delete(2, "k");
            cluster.put(2, "mine", "v");
        });
        for _ in 0..3 {
            cluster.start(2);
            cluster.pass(step * 50 * MS);
            cluster.crash(2);
        }
        cluster.start(2);
        cluster.settle();
        let values = [cluster.everywhere("k"), cluster.everywhere("mine"), cluster.everywhere("told")];
        assert_eq!(values, [None, Some("v".to_owned()), None], "killed after {step} twentieths of a second");
    }
}

#[test]
fn check_35_tombstones_go_once_all_members_have_them() {
    let mut cluster = Cluster::new(3);
    for n in 0..20 {
        cluster.put(n % 3, &format!("k{n}"), "v");
    }
    cluster.agree_within(SECOND);
    for n in 0..20 {
        cluster.delete((n + 1) % 3, &format!("k{n}"));
    }
    cluster.act(1, Action::Floor(tenant(), Scope::Config { environment: environment(), prefix: "k".into() }));
    cluster.agree_within(SECOND);
    cluster.until(90 * SECOND, "nothing collectable is left", |world| {
        world.processes().all(|(_, process)| {
            let counts = process.table.counts();
            counts.tombstones == 0 && counts.floors == 0
        })
    });
    cluster.settle();
}

#[test]
fn check_46_a_purge_during_a_partition_lasts() {
    let mut cluster = Cluster::new(3);
    for n in 0..20 {
        cluster.put(n % 3, &format!("k{n}"), "v");
    }
    cluster.agree_within(SECOND);
    cluster.isolate(&[2]);
    cluster.pass(5 * SECOND);
    cluster.put(2, "k0", "unseen");
    cluster.act(0, Action::Floor(tenant(), Scope::Config { environment: environment(), prefix: "".into() }));
    cluster.pass(5 * SECOND);
    cluster.mend();
    cluster.settle();
    assert!((0..20).all(|n| cluster.everywhere(&format!("k{n}")).is_none()));
    cluster.pass(60 * SECOND);
    assert!((0..20).all(|n| cluster.everywhere(&format!("k{n}")).is_none()));
}

#[test]
fn a_flag_that_is_deleted_while_its_fields_are_edited_leaves_nothing() {
    let mut cluster = Cluster::new(3);
    let flag = burgee_model::Key::new("f").unwrap();
    cluster.act(0, Action::CreateFlag(tenant(), flag.clone()));
    cluster.agree_within(SECOND);
    cluster.isolate(&[2]);
    cluster.act(2, Action::Set(flag_in("f", FlagInField::State), "ENABLED".to_owned()));
    cluster.act(0, Action::Floor(tenant(), Scope::Flag { flag }));
    cluster.act(2, Action::Set(flag_in("f", FlagInField::State), "DISABLED".to_owned()));
    cluster.pass(3 * SECOND);
    cluster.mend();
    cluster.settle();
    assert!((0..3).all(|slot| latest(&cluster, slot, &flag_in("f", FlagInField::State)).is_none()));
}

#[test]
fn a_kill_wins_over_a_concurrent_release_and_edit() {
    let mut cluster = Cluster::new(3);
    let kill = flag_in("f", FlagInField::Kill);
    cluster.act(0, Action::Kill(kill.clone()));
    cluster.agree_within(SECOND);
    cluster.isolate(&[2]);
    cluster.act(2, Action::Kill(kill.clone()));
    cluster.pass(100 * MS);
    cluster.act(0, Action::Release(kill.clone()));
    cluster.act(0, Action::Set(flag_in("f", FlagInField::State), "ENABLED".to_owned()));
    cluster.pass(3 * SECOND);
    cluster.mend();
    cluster.settle();
    let killed = |cluster: &Cluster| {
        (0..3).all(|slot| burgee_simulation::invariants::kill::counts_as_killed(cluster.table(slot).unwrap(), &kill))
    };
    assert!(killed(&cluster));
    cluster.act(1, Action::Release(kill.clone()));
    cluster.settle();
    assert!(!killed(&cluster));
}
