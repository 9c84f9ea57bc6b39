//! Values that expire: on every node at the same time, told once, and never early.

use burgee_simulation::{
    Plan,
    schedule::{MS, SECOND},
    workload::entry,
};

use crate::cluster::{Cluster, THREE_HOURS, value};

#[test]
fn check_36_a_value_expires_without_its_author() {
    let mut cluster = Cluster::new(3);
    cluster.put_for(0, "k", "v", 60_000);
    cluster.agree_within(SECOND);
    cluster.crash(0);
    cluster.pass(58 * SECOND);
    assert!((1..3).all(|slot| cluster.value(slot, "k").is_some()));
    let left = cluster.until(3 * SECOND, "it is gone", |world| (1..3).all(|slot| value(world, slot, "k").is_none()));
    assert!(left <= 2 * SECOND + 100 * MS, "{left}");
}

#[test]
fn check_37_a_new_deadline_replaces_the_old_one() {
    let mut cluster = Cluster::new(2);
    cluster.put_for(0, "k", "v", 2_000);
    cluster.pass(SECOND);
    cluster.put_for(1, "k", "w", 60_000);
    cluster.pass(5 * SECOND);
    assert_eq!(cluster.everywhere("k").as_deref(), Some("w"));
}

#[test]
fn check_38_what_has_not_expired_stays_and_what_has_is_removed() {
    let mut cluster = Cluster::new(3);
    cluster.put_for(0, "long", "v", 3_600_000);
    cluster.put_for(1, "short", "v", 1_000);
    cluster.agree_within(SECOND);
    cluster.until(60 * SECOND, "the expired version is removed", |world| {
        world.processes().all(|(_, process)| process.table.latest(&entry("short")).is_none())
    });
    assert_eq!(cluster.everywhere("long").as_deref(), Some("v"));
}

#[test]
fn check_39_a_value_without_deadline_replaces_one_with_it_for_good() {
    let mut cluster = Cluster::new(2);
    cluster.put_for(0, "k", "v", 1_000);
    cluster.agree_within(SECOND);
    cluster.put(1, "k", "w");
    cluster.pass(60 * SECOND);
    assert_eq!(cluster.everywhere("k").as_deref(), Some("w"));
}

#[test]
fn check_40_a_newer_value_survives_the_expiry_of_an_older_one() {
    let mut cluster = Cluster::new(2);
    cluster.put_for(0, "k", "v", 3_000);
    cluster.agree_within(SECOND);
    cluster.isolate(&[0]);
    cluster.put(1, "k", "w");
    cluster.pass(10 * SECOND);
    assert_eq!((cluster.value(0, "k"), cluster.value(1, "k").as_deref()), (None, Some("w")));
    cluster.mend();
    cluster.settle();
    cluster.pass(60 * SECOND);
    assert_eq!(cluster.everywhere("k").as_deref(), Some("w"));
}

#[test]
fn check_41_a_clock_three_hours_ahead_reports_its_skew_and_lets_nothing_expire_early() {
    let mut cluster = Cluster::idle(Plan::calm(3, 3));
    cluster.skew(1, THREE_HOURS);
    (0..3).for_each(|slot| cluster.start(slot));
    cluster.settle();
    cluster.put_for(0, "k", "v", 30_000);
    cluster.pass(28 * SECOND);
    assert_eq!(cluster.everywhere("k").as_deref(), Some("v"));
    cluster.pass(3 * SECOND);
    assert_eq!(cluster.everywhere("k"), None);
    let process = cluster.slots[0].process.as_ref().unwrap();
    let time = process.time(cluster.slots[0].wall, cluster.now);
    let status = process.core.status(&process.table, time);
    let skewed = status.nodes.iter().find(|node| node.name.as_deref() == Some("n1")).unwrap();
    assert!(skewed.skew_ms.is_some_and(|skew| (skew - THREE_HOURS).abs() < 1_000), "{:?}", skewed.skew_ms);
}

#[test]
fn check_42_an_expiry_is_told_once_on_every_node() {
    let mut cluster = Cluster::new(3);
    cluster.put_for(0, "k", "v", 2_000);
    cluster.pass(60 * SECOND);
    assert_eq!(cluster.counts.lapsed, 3);
}
