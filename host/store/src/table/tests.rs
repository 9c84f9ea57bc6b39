//! Merging, as properties of generated sets of versions; and each rule by itself.

use burgee_model::{Blob, Digest, FlagField, FlagInField, Kill, NodeId, Scope, TokenId, materialise};
use proptest::prelude::*;

use super::*;
use crate::{
    ChangeId,
    testing::{config, flag_in, floor, json, key, stamp, version},
};

mod collection;
mod digests;
mod order;
mod properties;
mod tokens;

fn table(versions: impl IntoIterator<Item = Version>) -> Table {
    let mut table = Table::default();
    versions.into_iter().for_each(|version| {
        table.merge(&Arc::new(version));
    });
    table
}

fn flag(field: FlagField) -> RegisterId {
    RegisterId::flag(&key("t"), &key("f"), field)
}

fn environment() -> RegisterId {
    RegisterId::environment(&key("t"), &key("e"))
}

fn with_parents(version: Version, parents: &[u64]) -> Version {
    Version { parents: parents.iter().map(|time| stamp(*time)).collect(), ..version }
}

fn seen(version: Version, floor: u64) -> Version {
    Version { floor_seen: Some(stamp(floor)), ..version }
}

fn value(table: &Table, id: &RegisterId) -> Option<String> {
    value_at(table, id, 0)
}

fn value_at(table: &Table, id: &RegisterId, now: Millis) -> Option<String> {
    let version = table.current(id, now)?;
    Some(String::from_utf8(version.content.as_ref()?.bytes.to_vec()).unwrap())
}

fn of_flag() -> Scope {
    Scope::Flag { flag: key("f") }
}

#[test]
fn the_greatest_stamp_wins_and_equal_ones_go_by_bytes() {
    for id in [config("k"), flag(FlagField::Name)] {
        let versions = [version(id.clone(), 2, "b"), version(id.clone(), 3, "a"), version(id.clone(), 3, "c")];
        assert_eq!(value(&table(versions.clone()), &id).as_deref(), Some("c"));
        assert_eq!(value(&table(versions.into_iter().rev()), &id).as_deref(), Some("c"));
    }
}

#[test]
fn registers_with_history_keep_it_newest_first_and_entries_do_not() {
    let times = |id: &RegisterId| {
        let table = table([2, 3, 1].map(|time| version(id.clone(), time, "v")));
        table.history(id).map(|v| v.stamp.time).collect::<Vec<_>>()
    };
    assert_eq!(times(&flag(FlagField::Name)), [3, 2, 1]);
    assert_eq!(times(&config("k")), [3]);
}

#[test]
fn history_keeps_the_newest_few_however_old_and_the_young_up_to_the_most() {
    let id = flag(FlagField::Name);
    let kept = |since, count| {
        let mut table =
            Table::new(HistoryPolicy { min_versions: 3, max_versions: 6, since, ..HistoryPolicy::default() }, 0);
        (1..=count).for_each(|time| {
            table.merge(&Arc::new(version(id.clone(), time, "v")));
        });
        table.history(&id).map(|v| v.stamp.time).collect::<Vec<_>>()
    };
    assert_eq!(kept(100, 9), [9, 8, 7]);
    assert_eq!(kept(6, 9), [9, 8, 7, 6]);
    assert_eq!(kept(0, 9), [9, 8, 7, 6, 5, 4]);
}

#[test]
fn a_version_older_than_the_history_kept_is_superseded() {
    let id = flag(FlagField::Name);
    let mut table = Table::new(HistoryPolicy { min_versions: 2, max_versions: 2, ..HistoryPolicy::default() }, 0);
    for time in [5, 6] {
        table.merge(&Arc::new(version(id.clone(), time, "v")));
    }
    assert_eq!(table.merge(&Arc::new(version(id.clone(), 4, "v"))), Outcome::Superseded);
    assert_eq!(table.merge(&Arc::new(version(id, 5, "v"))), Outcome::Known);
}

#[test]
fn history_beyond_the_fewest_is_bounded_in_bytes() {
    let id = flag(FlagField::Name);
    let small = version(id.clone(), 1, "v").weight();
    let kept = |max_bytes| {
        let mut table = Table::new(HistoryPolicy { min_versions: 2, max_versions: 9, since: 0, max_bytes }, 0);
        for time in 1..=9 {
            // The fourth newest is large.
            let content = if time == 6 { "v".repeat(10_000) } else { "v".to_owned() };
            table.merge(&Arc::new(version(id.clone(), time, &content)));
        }
        table.history(&id).map(|v| v.stamp.time).collect::<Vec<_>>()
    };
    assert_eq!(kept(0), [9, 8]);
    assert_eq!(kept(small), [9, 8, 7]);
    assert_eq!(kept(small + 1), [9, 8, 7, 6]);
    assert_eq!(kept(small * 2 + 9_999), [9, 8, 7, 6], "the large one is the last");
    assert_eq!(kept(small * 2 + 10_000), [9, 8, 7, 6, 5]);
}

/// A kill and its releases, each naming the one before.
fn kill_chain(times: std::ops::RangeInclusive<u64>) -> Vec<Version> {
    let next = |time| match time {
        1 => version(flag_in(FlagInField::Kill), 1, r#"{"killed":true}"#),
        _ => with_parents(version(flag_in(FlagInField::Kill), time, r#"{"killed":false}"#), &[time - 1]),
    };
    times.map(next).collect()
}

#[test]
fn the_heads_among_the_newest_of_a_kill_are_never_lost_and_all_count() {
    let id = flag_in(FlagInField::Kill);
    // Neither age nor size takes a version of a kill.
    let policy = HistoryPolicy { min_versions: 1, max_versions: 4, since: 1_000, max_bytes: 0 };
    let times = |versions: Vec<Arc<Version>>| versions.iter().map(|v| v.stamp.time).collect::<Vec<_>>();
    let mut table = Table::new(policy, 0);
    table.merge(&Arc::new(version(id.clone(), 1, r#"{"killed":true}"#)));
    for release in [2, 3, 4] {
        let parents: &[u64] = if release == 2 { &[] } else { &[release - 1] };
        table.merge(&Arc::new(with_parents(version(id.clone(), release, r#"{"killed":false}"#), parents)));
        assert_eq!(times(table.heads(&id)), [release, 1]);
    }
    table.merge(&Arc::new(with_parents(version(id.clone(), 5, r#"{"killed":false}"#), &[4])));
    assert_eq!(times(table.heads(&id)), [5], "beyond the newest, a head is forgotten");
    assert_eq!(table.history(&id).count(), 4);
}

#[test]
fn a_kill_released_before_the_history_kept_stays_released() {
    let id = flag_in(FlagInField::Kill);
    let chain = kill_chain(1..=5);
    let mut table = Table::new(HistoryPolicy { min_versions: 2, max_versions: 3, ..HistoryPolicy::default() }, 0);
    for version in chain.iter().rev().chain(&chain) {
        table.merge(&Arc::new(version.clone()));
    }
    assert_eq!(table.heads(&id).iter().map(|v| v.stamp.time).collect::<Vec<_>>(), [5]);
    assert_eq!(table.history(&id).map(|v| v.stamp.time).collect::<Vec<_>>(), [5, 4, 3]);
    assert_eq!(table.merge(&Arc::new(chain[0].clone())), Outcome::Superseded);
}

#[test]
fn conflicts_are_what_nobody_named() {
    let id = flag(FlagField::Name);
    let concurrent = [version(id.clone(), 1, "a"), with_parents(version(id.clone(), 2, "b"), &[1])];
    let late = with_parents(version(id.clone(), 3, "c"), &[1]);
    let table_with = |more: Vec<Version>| table(concurrent.iter().cloned().chain([late.clone()]).chain(more));
    let conflicts = |table: &Table| table.conflicts(&id).iter().map(|v| v.stamp.time).collect::<Vec<_>>();
    assert_eq!(conflicts(&table_with(vec![])), [2]);
    assert_eq!(table_with(vec![]).all_conflicts(&key("t")).count(), 1);
    let settled = table_with(vec![with_parents(version(id.clone(), 4, "c"), &[3, 2])]);
    assert_eq!(conflicts(&settled), Vec::<u64>::new());
    assert_eq!(settled.all_conflicts(&key("t")).count(), 0);
}

#[test]
fn the_floor_of_a_container_kills_what_is_not_newer_or_has_not_seen_it() {
    let name = flag(FlagField::Name);
    let mut table = table([version(flag(FlagField::Exists), 1, "{}"), version(name.clone(), 2, "n")]);
    let died = match table.merge(&Arc::new(floor(of_flag(), 5))) {
        Outcome::Applied(applied) => applied.died,
        other => panic!("{other:?}"),
    };
    assert_eq!(died, [flag(FlagField::Exists), name.clone()]);
    for dead in
        [version(name.clone(), 4, "x"), version(name.clone(), 9, "unseen"), seen(version(name.clone(), 9, "y"), 4)]
    {
        assert_eq!(table.merge(&Arc::new(dead)), Outcome::Dead);
    }
    assert!(matches!(table.merge(&Arc::new(seen(version(name.clone(), 6, "new"), 5))), Outcome::Applied(_)));
    assert_eq!(value(&table, &name).as_deref(), Some("new"));
}

#[test]
fn the_floor_of_a_prefix_kills_only_what_is_not_newer() {
    let scope = Scope::Config { environment: key("e"), prefix: "a/".into() };
    let table = table([
        version(config("a/1"), 1, "x"),
        version(config("a/2"), 9, "newer"),
        version(config("b"), 1, "elsewhere"),
        floor(scope, 5),
    ]);
    let listed: Vec<String> = table.config(&key("t"), &key("e"), "", None, 0).map(|(key, _)| key.to_string()).collect();
    assert_eq!(listed, ["a/2", "b"]);
}

#[test]
fn a_version_that_has_seen_a_floor_proves_it_to_those_that_come_without() {
    // The floor itself is still on its way; without this, the newcomer with the greater stamp would push
    // the living version out, and then die when the floor comes.
    for id in [config("k"), flag(FlagField::Name)] {
        let living = seen(version(id.clone(), 12, "living"), 10);
        let unseen = version(id.clone(), 20, "unseen");
        for order in [[&living, &unseen], [&unseen, &living]] {
            let mut table = table(order.into_iter().cloned());
            table.merge(&Arc::new(floor(Scope::Tenant, 10)));
            assert_eq!(value(&table, &id).as_deref(), Some("living"));
        }
    }
}

#[test]
fn deadlines_hide_at_their_instant_and_are_told_once() {
    let id = config("k");
    let mut table = table([Version { expires_at: Some(100), ..version(id.clone(), 1, "v") }]);
    assert_eq!(value_at(&table, &id, 99).as_deref(), Some("v"));
    assert_eq!(value_at(&table, &id, 100), None);
    assert_eq!((table.next_deadline(), table.lapse(99)), (Some(100), None));
    assert_eq!(table.counts(), Counts { registers: 1, config_entries: 1, versions: 1, ..Counts::default() });
    assert_eq!(table.lapse(100).map(|v| v.stamp.time), Some(1));
    assert_eq!((table.lapse(100), table.next_deadline()), (None, None));
    assert_eq!(table.counts(), Counts { registers: 1, tombstones: 1, versions: 1, ..Counts::default() });
    assert!(table.latest(&id).is_some());
    table.merge(&Arc::new(version(id.clone(), 2, "again")));
    assert_eq!(value_at(&table, &id, 100).as_deref(), Some("again"));
    assert_eq!(table.counts(), Counts { registers: 1, config_entries: 1, versions: 1, ..Counts::default() });
}

#[test]
fn a_later_write_takes_the_deadline_away() {
    let id = config("k");
    let mut table = table([Version { expires_at: Some(100), ..version(id.clone(), 1, "v") }, version(id, 2, "v")]);
    assert_eq!((table.next_deadline(), table.lapse(1_000)), (None, None));
}

#[test]
fn an_older_version_that_comes_late_does_not_tell_a_deadline_again() {
    let id = flag(FlagField::Name);
    let mut table = table([Version { expires_at: Some(100), ..version(id.clone(), 5, "v") }]);
    assert!(table.lapse(100).is_some());
    table.merge(&Arc::new(version(id, 4, "older")));
    assert_eq!(table.lapse(100), None);
}

#[test]
fn counts_follow_what_is_held() {
    let mut table = table([
        version(config("a"), 1, "x"),
        Version { content: None, ..version(config("b"), 1, "x") },
        version(flag(FlagField::Name), 1, "x"),
        version(flag(FlagField::Name), 2, "y"),
    ]);
    assert_eq!(table.counts(), Counts { registers: 3, tombstones: 1, floors: 0, config_entries: 1, versions: 4 });
    table.merge(&Arc::new(floor(Scope::Tenant, 9)));
    assert_eq!(table.counts(), Counts { floors: 1, versions: 1, ..Counts::default() });
}

#[test]
fn a_flag_exists_by_its_container_and_reads_only_existing_environments() {
    let elsewhere = RegisterId::flag_in(&key("t"), &key("f"), &key("gone"), FlagInField::State);
    let mut table = table([
        version(flag(FlagField::Variants), 1, r#"{"on":true}"#),
        version(environment(), 1, "{}"),
        version(flag_in(FlagInField::State), 1, r#""ENABLED""#),
        version(elsewhere, 1, r#""ENABLED""#),
    ]);
    assert!(table.flag(&key("t"), &key("f"), 0).is_none());
    assert_eq!(table.flags(&key("t"), 0, None).count(), 0);
    table.merge(&Arc::new(version(flag(FlagField::Exists), 1, "{}")));
    assert_eq!(table.flags(&key("t"), 0, None).collect::<Vec<_>>(), [&key("f")]);
    let read = table.flag(&key("t"), &key("f"), 0).unwrap();
    assert_eq!(read.registers.environments.keys().collect::<Vec<_>>(), [&&key("e")]);
    let ids: Vec<RegisterId> = read.stamps.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(ids, [flag(FlagField::Exists), flag(FlagField::Variants), flag_in(FlagInField::State)]);
}

#[test]
fn a_concurrent_on_never_undoes_a_kill() {
    let kill = flag_in(FlagInField::Kill);
    let blob = |killed| String::from_utf8(Blob::of(&Kill { killed, reason: None }).unwrap().bytes.to_vec()).unwrap();
    let table = table([
        version(flag(FlagField::Exists), 1, "{}"),
        version(environment(), 1, "{}"),
        version(kill.clone(), 2, &blob(true)),
        version(kill, 3, &blob(false)),
    ]);
    let read = table.flag(&key("t"), &key("f"), 0).unwrap();
    let (flag, _) = materialise::materialise(&key("f"), &read.registers);
    assert!(flag.environments[&key("e")].kill.killed);
    assert_eq!(read.stamps.len(), 3);
}

#[test]
fn lists_are_ordered_and_go_on_after_a_key() {
    let tenant = |name: &str| version(RegisterId::tenant(&key(name)), 1, r#"{"name":"N"}"#);
    let in_tenant = |address| RegisterId::new(&key("t"), address);
    let exists = |name: &str| version(RegisterId::flag(&key("t"), &key(name), FlagField::Exists), 1, "{}");
    let mut table = table([tenant("b"), tenant("t"), tenant("a"), version(environment(), 1, r#"{"protected":true}"#)]);
    for name in ["z", "a", "m"] {
        table.merge(&Arc::new(exists(name)));
    }
    table.merge(&Arc::new(version(in_tenant(Address::FlagSet { environment: key("e") }), 1, r#"{"x":1}"#)));
    let tenants: Vec<&str> = table.tenants(0, Some(&key("a"))).map(|(key, ..)| key.as_str()).collect();
    assert_eq!(tenants, ["b", "t"]);
    assert!(table.environments(&key("t"), 0).all(|(_, meta, _)| meta.protected));
    assert_eq!(table.environments(&key("t"), 0).count(), 1);
    let flags: Vec<&str> = table.flags(&key("t"), 0, Some(&key("a"))).map(Key::as_str).collect();
    assert_eq!(flags, ["m", "z"]);
    assert_eq!(table.flag_set(&key("t"), &key("e"), 0), Some(&br#"{"x":1}"#[..]));
}

#[test]
fn config_lists_a_prefix_after_a_key() {
    let names = ["a", "b", "b/1", "b/2", "c"];
    let table = table(names.map(|name| version(config(name), 1, "v")));
    let list = |prefix: &'static str, after: Option<&str>| {
        let after = after.map(key);
        let entries = table.config(&key("t"), &key("e"), prefix, after.as_ref(), 0);
        entries.map(|(key, _)| key.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(list("", None), names);
    assert_eq!(list("b", None), ["b", "b/1", "b/2"]);
    assert_eq!(list("b", Some("b/1")), ["b/2"]);
    assert_eq!(list("b", Some("a")), ["b", "b/1", "b/2"]);
    assert_eq!(list("x", Some("z")), Vec::<String>::new());
}

#[test]
fn an_environments_own_segment_wins_and_null_is_none() {
    let shared = |name: &str| RegisterId::new(&key("t"), Address::Segment { segment: key(name) });
    let own = |name: &str| RegisterId::new(&key("t"), Address::SegmentIn { segment: key(name), environment: key("e") });
    let table = table([
        version(shared("a"), 1, "1"),
        version(shared("b"), 1, "2"),
        version(own("b"), 1, "3"),
        version(shared("c"), 1, "4"),
        version(own("c"), 1, "null"),
        version(shared("d"), 1, "null"),
    ]);
    let read = |environment: &str| {
        let segments = table.segments(&key("t"), &key(environment), 0);
        segments.into_iter().map(|(key, rule)| format!("{key}={rule}")).collect::<Vec<_>>()
    };
    assert_eq!(read("e"), ["a=1", "b=3", "c=4"]);
    assert_eq!(read("other"), ["a=1", "b=2", "c=4"]);
}

#[test]
fn an_environment_is_remembered_by_its_tombstone_or_a_floor() {
    let known = |table: &Table| table.ever_existed(&key("t"), &key("e"));
    let scope = Scope::Environment { environment: key("e") };
    assert!(!known(&table([version(config("k"), 1, "v")])));
    assert!(known(&table([Version { content: None, ..version(environment(), 1, "x") }])));
    assert!(known(&table([floor(scope, 1)])));
    assert!(known(&table([floor(Scope::Tenant, 1)])));
}
