//! Collection: what it drops, what it never touches, and that the order of arrival does not matter.

use super::{digests::horizon, properties::*, *};
use crate::facts::ripe;

fn tombstone(id: &RegisterId, time: u64) -> Version {
    Version { content: None, ..version(id.clone(), time, "") }
}

fn times(table: &Table, id: &RegisterId) -> Vec<u64> {
    let versions = table.page(None, usize::MAX).versions;
    versions.iter().filter(|version| version.register == *id).map(|version| version.stamp.time).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    /// A horizon comes when every node has everything up to it, or to one that has nothing yet. Floors
    /// that are collected are no part of this: before they are, they kill, and after it they do not.
    #[test]
    fn the_order_does_not_matter((set, shuffled) in any_set_and_order(), time in 1..40u64, again in 1..40u64) {
        let passing = |v: &Version| v.is_floor() && ripe(v).is_some();
        let passing: Vec<Stamp> = set.iter().filter(|v| passing(v)).map(|v| v.stamp).collect();
        let lasting = |v: &&Version| !passing.contains(&v.stamp) && v.floor_seen.is_none_or(|seen| !passing.contains(&seen));
        let set: Vec<Version> = set.iter().filter(lasting).cloned().collect();
        let shuffled: Vec<Version> = shuffled.iter().filter(lasting).cloned().collect();
        let (a, b) = (time.min(again), time.max(again));
        let first = [vec![horizon(a), horizon(b)], shuffled.clone()].concat();
        let last = [set, vec![horizon(b)]].concat();
        let among = |from: u64, to: u64| {
            let among = shuffled.iter().filter(move |v| v.stamp > horizon(from).stamp && v.stamp <= horizon(to).stamp);
            among.cloned().collect::<Vec<_>>()
        };
        let between = [among(0, a), vec![horizon(a)], among(a, b), vec![horizon(b)], among(b, 99)].concat();
        let tables = [last, first, between].map(|versions| merged(policy(100), &versions));
        for table in &tables[1..] {
            prop_assert_eq!(table, &tables[0]);
            prop_assert_eq!(table.root(), tables[0].root());
            prop_assert_eq!(table.history_days(0), tables[0].history_days(0));
            prop_assert_eq!(table.oldest_collectable(), tables[0].oldest_collectable());
            for id in registers() {
                prop_assert_eq!(table.conflicts(&id), tables[0].conflicts(&id));
            }
        }
    }

    #[test]
    fn live_values_are_never_touched((set, _) in any_set_and_order(), time in 1..40u64) {
        let mut table = merged(policy(100), &set);
        let now = burgee_model::stamp::ntp64_to_millis(time);
        let before: Vec<_> = registers().iter().map(|id| table.current(id, now)).collect();
        let kills: Vec<_> = table.heads(&flag_in(FlagInField::Kill));
        table.merge(&Arc::new(horizon(time)));
        let after: Vec<_> = registers().iter().map(|id| table.current(id, now)).collect();
        prop_assert_eq!(before, after);
        prop_assert_eq!(table.heads(&flag_in(FlagInField::Kill)), kills);
    }

    #[test]
    fn conflicts_are_listed_as_a_scan_finds_them((_, shuffled) in any_set_and_order(), policy in any_policy(), time in 1..40u64) {
        let mut table = merged(policy, &shuffled);
        for _ in 0..2 {
            let listed: Vec<RegisterId> = table.all_conflicts(&key("t")).map(|(id, _)| id).collect();
            let found: Vec<RegisterId> =
                registers().into_iter().filter(|id| !table.conflicts(id).is_empty()).collect();
            prop_assert_eq!(table.conflict_count(), found.len());
            prop_assert_eq!(listed, found);
            table.merge(&Arc::new(horizon(time)));
        }
    }
}

#[test]
fn tombstones_go_with_all_below_them_and_what_is_newer_stays() {
    let id = flag(FlagField::Name);
    let mut table = table([version(id.clone(), 1, "a"), tombstone(&id, 2), version(id.clone(), 3, "b")]);
    let (gone, kept) = (config("gone"), config("kept"));
    table.merge(&Arc::new(tombstone(&gone, 4)));
    table.merge(&Arc::new(tombstone(&kept, 6)));
    assert_eq!(table.oldest_collectable().map(|stamp| stamp.time), Some(2));
    table.merge(&Arc::new(horizon(5)));
    assert_eq!((times(&table, &id), times(&table, &gone), times(&table, &kept)), (vec![3], vec![], vec![6]));
    assert_eq!((table.horizon().time, table.oldest_collectable().map(|stamp| stamp.time)), (5, Some(6)));
    assert_eq!(table.counts(), Counts { registers: 3, tombstones: 1, versions: 3, ..Counts::default() });
}

#[test]
fn a_lesser_horizon_changes_nothing() {
    let mut table = table([horizon(9), horizon(5)]);
    assert_eq!((table.horizon().time, table.counts().versions), (9, 1));
    assert_eq!(table.merge(&Arc::new(horizon(7))), Outcome::Superseded);
}

#[test]
fn what_expired_goes_once_the_horizon_has_passed_its_deadline_too() {
    let second = |n: u64| n << 32;
    let expires = |time: u64, deadline| Version {
        expires_at: Some(deadline),
        ..version(config(&format!("k{time}")), second(time), "v")
    };
    let mut table = table([expires(1, 3_000), expires(2, 60_000)]);
    table.merge(&Arc::new(horizon(second(2))));
    assert_eq!(table.counts().registers, 3);
    table.merge(&Arc::new(horizon(second(3))));
    assert_eq!((times(&table, &config("k1")).len(), times(&table, &config("k2")).len()), (0, 1));
    assert_eq!(table.next_deadline(), Some(60_000));
}

#[test]
fn floors_of_config_entries_go_and_are_refused_and_those_of_containers_stay() {
    let prefix = Scope::Config { environment: key("e"), prefix: "a/".into() };
    let scopes = [Scope::Tenant, Scope::Environment { environment: key("e") }, of_flag(), prefix];
    let floors = |time| scopes.clone().map(|scope| floor(scope, time));
    let mut table = table(floors(3));
    table.merge(&Arc::new(horizon(5)));
    assert_eq!(table.counts().floors, 3);
    let outcomes = floors(4).map(|floor| table.merge(&Arc::new(floor)));
    assert!(outcomes[..3].iter().all(|outcome| matches!(outcome, Outcome::Applied(_))));
    assert_eq!(outcomes[3..], [Outcome::Collected]);
}

#[test]
fn a_tombstone_that_comes_late_still_ends_what_it_deleted() {
    let id = flag(FlagField::Name);
    let mut late = table([horizon(5), version(id.clone(), 1, "a")]);
    let root = late.root();
    assert!(matches!(late.merge(&Arc::new(tombstone(&id, 2))), Outcome::Applied(_)));
    assert_eq!((value(&late, &id), times(&late, &id).len()), (None, 0));
    assert_ne!(late.root(), root);
    assert_eq!(late.merge(&Arc::new(version(id, 1, "a"))), Outcome::Superseded);
    assert_eq!(late.root(), table([horizon(5)]).root());
    late.merge(&Arc::new(horizon(6)));
    assert_eq!(late.counts().registers, 1, "the horizon's own");
}

/// It came from a node that has not collected yet, to one whose clock is behind: readers see it until its deadline.
#[test]
fn what_comes_late_is_told_when_it_expires() {
    for id in [config("k"), flag(FlagField::Name)] {
        let mut table = table([]);
        let late = Version { expires_at: Some(100), ..version(id.clone(), 1, "v") };
        table.merge(&Arc::new(horizon(u64::MAX >> 8)));
        assert!(matches!(table.merge(&Arc::new(late)), Outcome::Applied(_)));
        assert_eq!(value_at(&table, &id, 99).as_deref(), Some("v"));
        assert_eq!(table.lapse(100).map(|v| v.stamp.time), Some(1));
    }
}
