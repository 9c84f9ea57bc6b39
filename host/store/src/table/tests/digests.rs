//! Digests: what a tree says is what a scan of the whole table says.

use std::collections::BTreeSet;

use burgee_model::Address;

use super::{properties::*, *};
use crate::digest::{Branch, LEAF_PLACES, PATH_NIBBLES, Path, Prefix, Realm, Sum, day};

type Places = BTreeMap<Path, (Sum, BTreeSet<Vec<u8>>)>;

/// Every place of a table, found by looking at everything.
fn scan(table: &Table) -> BTreeMap<Realm, Places> {
    let mut realms: BTreeMap<Realm, Places> = BTreeMap::new();
    for version in table.page(None, usize::MAX).versions {
        let id = &version.register;
        let counts = if id.address.keeps_heads() { table.heads(id) } else { table.latest(id).into_iter().collect() };
        let (realm, path) = if counts.contains(&version) {
            (Realm::Current, table.hasher.register(id))
        } else {
            (Realm::History(day(version.stamp)), table.hasher.past(id, version.stamp))
        };
        let place = realms.entry(realm).or_default().entry(path).or_default();
        let bytes = version.encode();
        place.0 += table.hasher.version(&bytes);
        place.1.insert(bytes);
    }
    realms
}

fn assert_digests(table: &Table) {
    let realms = scan(table);
    let nothing = Places::new();
    let current = realms.get(&Realm::Current).unwrap_or(&nothing);
    assert_eq!(table.root(), current.values().map(|(sum, _)| *sum).sum());
    let days: Vec<(u32, Sum)> = realms
        .iter()
        .filter_map(|(realm, places)| match realm {
            Realm::History(day) => Some((*day, places.values().map(|(sum, _)| *sum).sum())),
            Realm::Current => None,
        })
        .collect();
    let held: Vec<_> = table.history_days(0).into_iter().filter(|(_, sum)| *sum != Sum::ZERO).collect();
    assert_eq!(held, days);
    for (realm, places) in &realms {
        let mut found = BTreeMap::new();
        walk(table, *realm, Prefix::ROOT, &mut found);
        let expected: BTreeMap<Path, Sum> = places.iter().map(|(path, (sum, _))| (*path, *sum)).collect();
        assert_eq!(found, expected);
        for (path, (_, versions)) in places {
            let at: BTreeSet<Vec<u8>> = table.at(*realm, *path).iter().map(|version| version.encode()).collect();
            assert_eq!(&at, versions);
        }
    }
}

/// Collects the leaves below a prefix, and checks that each branch is what its parent said.
fn walk(table: &Table, realm: Realm, prefix: Prefix, found: &mut BTreeMap<Path, Sum>) {
    match table.branch(realm, prefix) {
        Branch::Leaf(places) => {
            assert!(places.len() <= LEAF_PLACES || prefix.nibbles == PATH_NIBBLES);
            assert_eq!(table.sum(realm, prefix), places.iter().map(|(_, sum)| *sum).sum());
            assert!(places.iter().all(|(path, _)| prefix.covers(*path)));
            found.extend(places);
        }
        Branch::Inner(children) => {
            assert!((2..=16).contains(&children.len()));
            assert_eq!(table.sum(realm, prefix), children.iter().map(|(_, sum)| *sum).sum());
            for (child, sum) in children {
                assert_eq!(table.sum(realm, child), sum);
                walk(table, realm, child, found);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn the_trees_say_what_a_scan_says(
        (set, _) in any_set_and_order(),
        horizons in prop::collection::vec((any::<prop::sample::Index>(), 1..40u64), 0..3),
        evicted in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        policy in any_policy(),
    ) {
        let mut set = set;
        for (at, time) in horizons {
            set.insert(at.index(set.len() + 1), horizon(time));
        }
        let mut table = Table::new(policy, 7);
        for (n, version) in set.iter().enumerate() {
            table.merge(&Arc::new(version.clone()));
            if n % 4 == 0 {
                assert_digests(&table);
            }
        }
        assert_digests(&table);
        for version in evicted.iter().filter(|_| !set.is_empty()).map(|at| at.get(&set)) {
            let held = table.history(&version.register).any(|held| held.stamp == version.stamp);
            prop_assert_eq!(table.evict(&version.register, version.stamp), held);
            prop_assert!(!table.history(&version.register).any(|held| held.stamp == version.stamp));
            assert_digests(&table);
        }
    }

    #[test]
    fn equal_sets_have_equal_digests_whatever_the_order((set, shuffled) in any_set_and_order()) {
        let (a, b) = (merged(policy(100), &set), merged(policy(100), &shuffled));
        prop_assert_eq!(a.root(), b.root());
        prop_assert_eq!(a.history_days(0), b.history_days(0));
        prop_assert_eq!(a.branch(Realm::Current, Prefix::ROOT), b.branch(Realm::Current, Prefix::ROOT));
    }
}

fn many(count: u64) -> Table {
    let entry = |n| version(config(&format!("k{n}")), n + 1, "v");
    let state = |n: u64| {
        let flag = key(&format!("f{}", n / 3));
        version(RegisterId::flag_in(&key("t"), &flag, &key("e"), FlagInField::State), n + 1, "1")
    };
    table((0..count).flat_map(|n| [entry(n), state(n)]))
}

#[test]
fn many_places_are_found_by_branching_and_one_difference_by_few_steps() {
    let (mut a, b) = (many(2_000), many(2_000));
    assert_digests(&a);
    assert_eq!(a.root(), b.root());
    a.merge(&Arc::new(version(config("k77"), 5_000, "other")));
    let (mut prefix, mut steps) = (Prefix::ROOT, 0);
    let differing = loop {
        steps += 1;
        match (a.branch(Realm::Current, prefix), b.branch(Realm::Current, prefix)) {
            (Branch::Inner(of_a), Branch::Inner(_)) => {
                let differs = |(child, sum): &(Prefix, Sum)| (b.sum(Realm::Current, *child) != *sum).then_some(*child);
                prefix = of_a.iter().find_map(differs).unwrap();
            }
            (Branch::Leaf(of_a), Branch::Leaf(of_b)) => {
                break of_a.into_iter().find(|place| !of_b.contains(place)).unwrap().0;
            }
            other => panic!("{other:?}"),
        }
    };
    assert!(steps <= 4, "{steps}");
    assert_eq!(a.at(Realm::Current, differing), a.latest(&config("k77")).into_iter().collect::<Vec<_>>());
}

#[test]
fn a_purge_takes_all_its_places_away() {
    let mut table = many(300);
    table.merge(&Arc::new(floor(Scope::Config { environment: key("e"), prefix: "".into() }, 9_000)));
    assert_digests(&table);
    table.merge(&Arc::new(floor(Scope::Tenant, 9_001)));
    assert_digests(&table);
    assert_eq!(table.counts(), Counts { floors: 2, versions: 2, ..Counts::default() });
}

#[test]
fn the_key_makes_the_digests() {
    let digests = [1, 2].map(|key| {
        let mut table = Table::new(HistoryPolicy::default(), key);
        table.merge(&Arc::new(version(config("k"), 1, "v")));
        table.root()
    });
    assert_ne!(digests[0], digests[1]);
}

#[test]
fn history_is_compared_from_the_first_whole_day_on() {
    const DAY: u64 = 86_400 << 32;
    let mut table = Table::default();
    assert_eq!(table.history_since(), 0);
    for (since, day) in [(3 * DAY, 3), (3 * DAY + 1, 3), (3 * DAY + (1 << 32), 4), (4 * DAY - 1, 4)] {
        table.keep_history_since(since);
        assert_eq!(table.history_since(), day, "{since}");
    }
}

#[test]
fn pruned_history_leaves_its_day() {
    const DAY: u64 = 86_400 << 32;
    let policy = HistoryPolicy { min_versions: 1, max_versions: 3, since: 0, max_bytes: usize::MAX };
    let mut table = Table::new(policy, 0);
    for day in 1..=5 {
        table.merge(&Arc::new(version(flag(FlagField::Name), day * DAY, "v")));
        assert_digests(&table);
    }
    assert_eq!(table.history_days(0).iter().map(|(day, _)| *day).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(table.history_sum(4), table.history_days(4)[0].1);
    assert!(
        matches!(&table.at(Realm::Current, table.hasher.register(&flag(FlagField::Name)))[..], [one] if one.stamp.time == 5 * DAY)
    );
}

/// A version of the horizon's register.
pub(super) fn horizon(time: u64) -> Version {
    let stamp = Stamp { time, id: burgee_model::NodeId([3; 16]) };
    Version { stamp, change: ChangeId(stamp), ..version(RegisterId::system(Address::Horizon), time, "{}") }
}
