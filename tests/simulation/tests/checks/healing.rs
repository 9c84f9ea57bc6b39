//! Joining, partitions, loss, and what an idle cluster costs.

use burgee_simulation::{
    Plan,
    schedule::{MS, SECOND},
    workload::{Action, entry},
};

use crate::cluster::{Cluster, latest, value};

#[test]
fn check_20_an_empty_node_joins_a_hundred_thousand_entries_within_five_seconds() {
    let mut plan = Plan::calm(1, 2);
    plan.disk.commit = (1, 2);
    let mut cluster = Cluster::idle(plan);
    cluster.slots[0].seeds.clear();
    cluster.start(0);
    cluster.settle();
    for n in 0..100_000 {
        cluster.write(0, Action::put(&format!("k{n}"), "a value of some length, as they are")).unwrap();
        if n % 1000 == 0 {
            cluster.pass(2 * MS);
        }
    }
    cluster.pass(SECOND);
    let root = cluster.table(0).unwrap().root();
    cluster.start(1);
    let took = cluster.until(5 * SECOND, "it is ready", |world| world.is_ready(1));
    assert_eq!(cluster.table(1).unwrap().counts().config_entries, 100_000);
    assert!(took <= 5 * SECOND && root != Default::default());
    cluster.agree_within(2 * SECOND);
}

#[test]
fn check_21_both_sides_of_a_split_write_and_are_equal_within_five_seconds() {
    for seed in 0..10 {
        let mut cluster = Cluster::of(Plan::calm(seed, 3));
        cluster.isolate(&[0]);
        (0..30).for_each(|n| {
            cluster.put(n % 3, &format!("k{}", n % 5), &n.to_string());
            cluster.pass(200 * MS);
        });
        cluster.mend();
        cluster.agree_within(5 * SECOND);
        cluster.settle();
    }
}

#[test]
fn check_22_a_write_reaches_a_node_through_a_third_one() {
    let mut cluster = Cluster::new(3);
    cluster.network.separate(0, 1);
    cluster.pass(10 * SECOND);
    cluster.put(0, "k", "v");
    let took = cluster.until(SECOND, "it arrives", |world| value(world, 1, "k").is_some());
    assert!(took <= 100 * MS, "hints are passed on at once, this took {took} us");
}

#[test]
fn check_23_a_node_that_returns_empty_gets_its_writes_back() {
    let mut cluster = Cluster::new(3);
    (0..20).for_each(|n| {
        cluster.put(0, &format!("k{n}"), "v");
    });
    cluster.agree_within(SECOND);
    cluster.wipe(0);
    cluster.pass(5 * SECOND);
    cluster.start(0);
    cluster.until(10 * SECOND, "it is ready", |world| world.is_ready(0));
    assert!((0..20).all(|n| cluster.value(0, &format!("k{n}")).as_deref() == Some("v")));
    cluster.settle();
    assert!((0..20).all(|n| cluster.everywhere(&format!("k{n}")).is_some()));
}

#[test]
fn check_24_what_a_node_wrote_that_is_gone_for_good_is_there_once_and_can_be_deleted() {
    let mut cluster = Cluster::new(3);
    cluster.put(0, "k", "v");
    cluster.agree_within(SECOND);
    cluster.wipe(0);
    cluster.pass(10 * SECOND);
    let process = cluster.slots[1].process.as_ref().unwrap();
    let (tenant, environment) = (burgee_simulation::workload::tenant(), burgee_simulation::workload::environment());
    let listed = process.table.config(&tenant, &environment, "", None, 0).count();
    assert_eq!(listed, 1);
    cluster.delete(2, "k");
    cluster.agree_within(SECOND);
    assert_eq!(cluster.everywhere("k"), None);
}

#[test]
fn check_27_a_thousand_writes_under_loss_converge_within_two_seconds() {
    let mut plan = Plan::calm(5, 3);
    plan.network.loss = 10;
    let mut cluster = Cluster::of(plan);
    for n in 0..1000 {
        cluster.write(n % 3, Action::put(&format!("k{n}"), "v")).unwrap();
        cluster.pass(2 * MS);
    }
    let took = cluster.agree_within(2 * SECOND);
    assert!(took <= 2 * SECOND);
}

#[test]
fn check_28_ten_returns_leave_the_idle_traffic_as_it_was() {
    let mut cluster = Cluster::new(3);
    cluster.put(0, "k", "v");
    let idle = |cluster: &mut Cluster| {
        cluster.pass(15 * SECOND);
        let before = cluster.counts.frames;
        cluster.pass(20 * SECOND);
        cluster.counts.frames - before
    };
    let before = idle(&mut cluster);
    for _ in 0..10 {
        cluster.stop(2);
        cluster.pass(SECOND);
        cluster.start(2);
        cluster.settle();
    }
    let after = idle(&mut cluster);
    assert!(after * 100 <= before * 120, "{before} frames before, {after} after");
}

#[test]
fn check_63_a_black_holed_or_stopped_peer_stalls_nobody() {
    for stopped in [true, false] {
        let mut cluster = Cluster::new(4);
        if stopped {
            cluster.pause(3);
        } else {
            cluster.isolate(&[3]);
        }
        for n in 0..200 {
            let key = format!("k{n}");
            cluster.put(0, &key, "v");
            let took = cluster.until(SECOND, "it arrives", |world| {
                [1, 2].iter().all(|slot| latest(world, *slot, &entry(&key)).is_some())
            });
            assert!(took <= 20 * MS, "{took} us");
            cluster.pass(50 * MS);
        }
        cluster.resume(3);
        cluster.mend();
        cluster.settle();
    }
}

#[test]
fn a_node_whose_ready_peer_is_gone_for_a_moment_does_not_go_on_alone() {
    let mut cluster = Cluster::new(2);
    cluster.stop(1);
    cluster.put(0, "k", "what it missed");
    // It finds its peer, and does not get in line with it for longer than it would look for one.
    cluster.plan.refused_merges = 1_000;
    cluster.start(1);
    cluster.pass(12 * SECOND);
    assert!(!cluster.is_ready(1));
    cluster.flap(0, 1);
    cluster.pass(500 * MS);
    assert!(!cluster.is_ready(1));
    cluster.plan.refused_merges = 0;
    cluster.agree_within(5 * SECOND);
}
