//! Writing, and who wins.

use std::sync::Arc;

use burgee_model::Stamp;
use burgee_simulation::{
    Plan, disk,
    rng::Rng,
    schedule::{MS, SECOND},
    workload::entry,
};
use burgee_store::{HistoryPolicy, Outcome, Version};

use crate::cluster::{Cluster, latest};

#[test]
fn check_05_the_same_put_on_two_nodes_is_one_value() {
    let mut cluster = Cluster::new(3);
    cluster.put(0, "k", "v");
    cluster.put(1, "k", "v");
    cluster.settle();
    assert_eq!(cluster.everywhere("k").as_deref(), Some("v"));
}

#[test]
fn check_06_a_survivor_reads_and_writes() {
    let mut cluster = Cluster::new(3);
    cluster.put(1, "k", "v");
    cluster.agree_within(SECOND);
    (1..3).for_each(|slot| cluster.crash(slot));
    assert_eq!(cluster.value(0, "k").as_deref(), Some("v"));
    cluster.put(0, "k", "w");
    cluster.pass(20 * SECOND);
    cluster.put(0, "l", "x");
    assert_eq!((cluster.value(0, "k").as_deref(), cluster.value(0, "l").as_deref()), (Some("w"), Some("x")));
}

#[test]
fn check_09_writes_of_the_same_millisecond_have_one_winner_in_either_order() {
    let mut winners = Vec::new();
    for seed in 0..20 {
        let mut cluster = Cluster::of(Plan::calm(seed, 2));
        cluster.isolate(&[0]);
        let both =
            [0, 1].map(|slot| cluster.write(slot, burgee_simulation::workload::Action::put("k", &slot.to_string())));
        cluster.pass(10 * MS);
        assert!(both.iter().all(|write| cluster.acknowledged(write.unwrap()).is_some()));
        cluster.pass(3 * SECOND);
        cluster.mend();
        cluster.settle();
        winners.push(cluster.everywhere("k").unwrap());
    }
    assert!(winners.contains(&"0".to_owned()) && winners.contains(&"1".to_owned()), "{winners:?}");
}

#[test]
fn check_10_who_has_read_a_value_overrides_it_however_slow_its_clock() {
    let mut cluster = Cluster::idle(Plan::calm(1, 2));
    cluster.skew(1, -200);
    (0..2).for_each(|slot| cluster.start(slot));
    cluster.settle();
    let first = cluster.put(0, "k", "a");
    cluster.until(SECOND, "the value arrives", |world| latest(world, 1, &entry("k")).is_some());
    let second = cluster.put(1, "k", "b");
    assert!(second.stamp > first.stamp && second.parents.contains(&first.stamp));
    for _ in 0..100 {
        assert_eq!(cluster.value(1, "k").as_deref(), Some("b"));
        cluster.pass(50 * MS);
    }
    assert_eq!(cluster.everywhere("k").as_deref(), Some("b"));
}

#[test]
fn check_11_versions_that_come_five_times_and_shuffled_give_equal_digests() {
    let mut cluster = Cluster::new(2);
    (0..40).for_each(|n| {
        cluster.put(n % 2, &format!("k{}", n % 7), &n.to_string());
    });
    cluster.settle();
    let known: Vec<Arc<Version>> = cluster.oracle.all().map(|written| written.version.clone()).collect();
    for seed in 0..20 {
        let mut many: Vec<_> = (0..5).flat_map(|_| known.iter()).collect();
        Rng::new(seed).shuffle(&mut many);
        let mut table = disk::table(HistoryPolicy::default());
        many.into_iter().for_each(|version| {
            table.merge(version);
        });
        let held = cluster.table(0).unwrap();
        assert!(table.root() == held.root() && table == *held);
    }
    let mut plan = Plan::calm(1, 3);
    (plan.network.duplicates, plan.network.reorder, plan.network.delay) = (900, true, (MS, 30 * MS));
    let mut cluster = Cluster::of(plan);
    (0..60).for_each(|n| {
        cluster.put(n % 3, &format!("k{}", n % 7), &n.to_string());
    });
    cluster.settle();
}

#[test]
fn check_12_an_old_version_that_comes_again_is_ignored() {
    let mut cluster = Cluster::new(2);
    let old = cluster.put(0, "k", "old");
    cluster.agree_within(SECOND);
    cluster.put(1, "k", "new");
    cluster.agree_within(SECOND);
    cluster.inject(0, std::slice::from_ref(&old));
    assert_eq!(cluster.everywhere("k").as_deref(), Some("new"));
    let mut table = cluster.table(0).unwrap().clone();
    assert_eq!(table.merge(&old), Outcome::Superseded);
}

#[test]
fn check_19_of_equal_stamps_all_choose_the_same() {
    let mut cluster = Cluster::new(3);
    let one = cluster.put(0, "k", "one");
    cluster.agree_within(SECOND);
    let stamp = Stamp { time: one.stamp.time + 5, id: one.stamp.id };
    let twins: Vec<Arc<Version>> = ["a", "b"]
        .map(|text| {
            let mut twin = Version { stamp, change: burgee_store::ChangeId(stamp), ..(*one).clone() };
            twin.content.as_mut().unwrap().bytes = format!("\"{text}\"").into_bytes().into();
            Arc::new(twin)
        })
        .into();
    cluster.inject(0, &twins);
    cluster.inject(1, &[twins[1].clone(), twins[0].clone()]);
    cluster.inject(2, &twins[..1]);
    cluster.agree_within(5 * SECOND);
    assert_eq!(cluster.everywhere("k").as_deref(), Some("b"));
}
