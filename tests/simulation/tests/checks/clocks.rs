//! Clocks that are wrong: who has seen a version can override it, and a corrected clock is not locked out.

use burgee_simulation::{
    Plan,
    clock::true_time,
    schedule::{MS, SECOND},
};

use crate::cluster::{Cluster, THREE_HOURS};

/// Three nodes, of which the first has a clock that is wrong from the start.
fn skewed(skew_ms: i64) -> Cluster {
    let mut cluster = Cluster::idle(Plan::calm(3, 3));
    cluster.skew(0, skew_ms);
    (0..3).for_each(|slot| cluster.start(slot));
    cluster.settle();
    cluster.pass(5 * SECOND);
    cluster
}

#[test]
fn check_13_a_clock_three_hours_ahead_takes_no_writes_and_a_later_write_elsewhere_wins() {
    let mut cluster = Cluster::new(3);
    cluster.isolate(&[0]);
    cluster.pass(5 * SECOND);
    cluster.skew(0, THREE_HOURS);
    // Nobody is there who knows better: its cluster time follows.
    cluster.pass(SECOND);
    let ahead = cluster.put(0, "k", "ahead");
    assert!(ahead.stamp.millis() > true_time(cluster.now) + 2 * 3_600_000);
    cluster.mend();
    cluster.until(10 * SECOND, "its clock is refused", |world| {
        world.slots[0].process.as_ref().is_some_and(|process| process.clock_ahead.is_some())
    });
    assert!(cluster.write(0, burgee_simulation::workload::Action::put("k", "refused")).is_none());
    cluster.agree_within(10 * SECOND);
    cluster.put(1, "k", "later");
    cluster.settle();
    assert_eq!(cluster.everywhere("k").as_deref(), Some("later"));
}

#[test]
fn check_14_a_clock_that_was_three_hours_ahead_and_is_corrected_writes_and_wins() {
    let mut cluster = Cluster::new(3);
    cluster.isolate(&[0]);
    cluster.pass(5 * SECOND);
    cluster.skew(0, THREE_HOURS);
    cluster.pass(SECOND);
    cluster.put(0, "k", "ahead");
    cluster.mend();
    cluster.agree_within(20 * SECOND);
    cluster.skew(0, 0);
    cluster.until(20 * SECOND, "it takes writes again", |world| world.serves(0));
    cluster.put(0, "k", "corrected");
    cluster.put(0, "l", "corrected");
    cluster.settle();
    assert_eq!(cluster.everywhere("k").as_deref(), Some("corrected"));
    cluster.put(1, "l", "later");
    cluster.settle();
    assert_eq!(cluster.everywhere("l").as_deref(), Some("later"));
}

#[test]
fn check_15_a_clock_three_hours_behind_overwrites_and_wins() {
    let mut cluster = skewed(-THREE_HOURS);
    cluster.put(1, "k", "before");
    cluster.agree_within(SECOND);
    cluster.put(0, "k", "after");
    cluster.settle();
    assert_eq!(cluster.everywhere("k").as_deref(), Some("after"));
}

#[test]
fn check_16_a_clock_that_is_set_back_while_its_node_is_down_writes_and_wins() {
    for nodes in [1, 3] {
        let mut cluster = Cluster::new(nodes);
        cluster.put(0, "k", "before");
        cluster.agree_within(SECOND);
        cluster.crash(0);
        cluster.skew(0, -THREE_HOURS);
        cluster.start(0);
        cluster.settle();
        let after = cluster.put(0, "k", "after");
        assert!(!after.parents.is_empty());
        cluster.settle();
        assert_eq!(cluster.everywhere("k").as_deref(), Some("after"));
    }
}

#[test]
fn check_17_two_hundred_thousand_writes_on_a_frozen_clock_keep_their_order() {
    let mut plan = Plan::calm(3, 1);
    plan.disk.commit = (1, 2);
    let mut cluster = Cluster::of(plan);
    let now = cluster.now;
    cluster.slots[0].wall.frozen = Some(true_time(now));
    let mut last = None;
    for n in 0..200 {
        for m in 0..1000 {
            let key = format!("k{}", m % 10);
            assert!(cluster.write(0, burgee_simulation::workload::Action::put(&key, &format!("{n} {m}"))).is_some());
        }
        cluster.pass(10 * MS);
    }
    let mut all: Vec<_> = cluster.oracle.all().filter(|written| written.acknowledged).collect();
    all.sort_by_key(|written| written.version.stamp);
    assert!(all.len() >= 200_000);
    for written in all.iter().filter(|written| !written.is_system()) {
        let text: String = written.version.content.as_ref().unwrap().read().unwrap();
        let mut numbers = text.split(' ').map(|number| number.parse::<u64>().unwrap());
        let place = numbers.next().unwrap() * 1000 + numbers.next().unwrap();
        assert!(last < Some(place), "{text} came after {last:?}");
        last = Some(place);
    }
}
