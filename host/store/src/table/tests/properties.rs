//! What merging promises, whatever the set of versions and the order in which they come.

use super::*;

/// How versions are drawn: few registers and few stamps, so that they meet.
pub(super) fn registers() -> Vec<RegisterId> {
    vec![
        RegisterId::tenant(&key("t")),
        environment(),
        flag(FlagField::Exists),
        flag_in(FlagInField::State),
        flag_in(FlagInField::Kill),
        config("a"),
        config("a/b"),
        RegisterId::guest(&key("t"), &key("g")),
        RegisterId::module(&key("t"), &key("g"), Digest([1; 32])),
        token(LASTING),
        token(PASSING),
    ]
}

/// A token without deadline, and one with [`DEADLINE`].
pub(super) const LASTING: u8 = 1;
pub(super) const PASSING: u8 = 2;
pub(super) const DEADLINE: u64 = 25;

pub(super) fn token(byte: u8) -> RegisterId {
    RegisterId::token(&key("t"), TokenId([byte; 16]))
}

/// All versions of a token bear one deadline.
fn deadline(register: &RegisterId, drawn: Option<u64>) -> Option<u64> {
    match register {
        id if *id == token(LASTING) => None,
        id if *id == token(PASSING) => Some(DEADLINE),
        _ => drawn,
    }
}

fn scopes() -> Vec<Scope> {
    let prefix = |text: &str| Scope::Config { environment: key("e"), prefix: text.into() };
    vec![Scope::Tenant, Scope::Environment { environment: key("e") }, of_flag(), prefix(""), prefix("a/")]
}

fn few_stamps(times: std::ops::Range<u64>) -> impl Strategy<Value = Stamp> {
    (times, 1..3u8).prop_map(|(time, id)| Stamp { time, id: NodeId([id; 16]) })
}

fn any_floor() -> impl Strategy<Value = Version> {
    (prop::sample::select(scopes()), few_stamps(1..30)).prop_map(|(scope, stamp)| Version {
        stamp,
        change: ChangeId(stamp),
        ..floor(scope, 1)
    })
}

#[derive(Clone, Debug)]
struct Seed {
    register: RegisterId,
    stamp: Stamp,
    parents: Vec<Stamp>,
    seen: Option<prop::sample::Index>,
    content: Option<u8>,
    expires_at: Option<u64>,
}

prop_compose! {
    fn any_seed()(
        register in prop::sample::select(registers()),
        stamp in few_stamps(1..40),
        parents in prop::collection::vec(few_stamps(1..40), 0..3),
        seen in prop::option::of(any::<prop::sample::Index>()),
        content in prop::option::of(0..3u8),
        expires_at in prop::option::weighted(0.2, 1..50u64),
    ) -> Seed {
        Seed { register, stamp, parents, seen, content, expires_at }
    }
}

impl Seed {
    /// A version that a node holding some of the floors could have written.
    fn version(self, floors: &[Version]) -> Version {
        let over = floors.iter().filter(|floor| match &floor.register.address {
            Address::Floor(scope) => {
                scope.is_container() && scope.covers(&self.register.address) && floor.stamp < self.stamp
            }
            _ => false,
        });
        let over: Vec<Stamp> = over.map(|floor| floor.stamp).collect();
        let floor_seen = self.seen.filter(|_| !over.is_empty()).map(|index| over[index.index(over.len())]);
        let content = self.content.map(|content| content.to_string().repeat(1 + usize::from(content) * 300));
        Version {
            stamp: self.stamp,
            change: ChangeId(self.stamp),
            parents: self.parents.into_iter().filter(|parent| *parent < self.stamp).collect(),
            floor_seen,
            expires_at: deadline(&self.register, self.expires_at),
            content: content.as_deref().map(json),
            ..version(self.register, 1, "")
        }
    }
}

/// A set of versions and floors; every floor that a version has seen is among them.
fn any_set() -> impl Strategy<Value = Vec<Version>> {
    (prop::collection::vec(any_floor(), 0..5), prop::collection::vec(any_seed(), 0..40)).prop_map(|(floors, seeds)| {
        let versions = seeds.into_iter().map(|seed| seed.version(&floors)).collect::<Vec<_>>();
        floors.into_iter().chain(versions).collect()
    })
}

/// The set twice over, once as it is and once in any order.
pub(super) fn any_set_and_order() -> impl Strategy<Value = (Vec<Version>, Vec<Version>)> {
    any_set().prop_flat_map(|set| {
        let twice: Vec<Version> = set.iter().chain(&set).cloned().collect();
        (Just(set), Just(twice).prop_shuffle())
    })
}

pub(super) fn policy(most: usize) -> HistoryPolicy {
    HistoryPolicy { min_versions: 2, max_versions: most, since: 0, max_bytes: usize::MAX }
}

/// Policies by which each bound drops something.
pub(super) fn any_policy() -> impl Strategy<Value = HistoryPolicy> {
    (1..4usize, 1..7usize, 0..30u64, 0..4_000usize).prop_map(|(min_versions, max_versions, since, max_bytes)| {
        HistoryPolicy { min_versions, max_versions, since, max_bytes }
    })
}

pub(super) fn merged(policy: HistoryPolicy, versions: &[Version]) -> Table {
    let mut table = Table::new(policy, 0);
    for version in versions {
        assert!(version.is_sane());
        table.merge(&Arc::new(version.clone()));
    }
    table
}

fn paged(table: &Table, max_bytes: usize) -> Vec<Version> {
    let mut versions = Vec::new();
    let mut cursor = None;
    loop {
        let page = table.page(cursor.as_ref(), max_bytes);
        versions.extend(page.versions.iter().map(|version| (**version).clone()));
        cursor = page.next;
        if cursor.is_none() {
            return versions;
        }
    }
}

/// Whether a version is dead by the definition, given all floors that there are.
fn is_dead(version: &Version, set: &[Version]) -> bool {
    set.iter().any(|floor| match &floor.register.address {
        Address::Floor(scope) if scope.covers(&version.register.address) => {
            version.stamp <= floor.stamp || (scope.is_container() && version.floor_seen < Some(floor.stamp))
        }
        _ => false,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn order_and_repetition_do_not_matter((set, shuffled) in any_set_and_order()) {
        let (a, b) = (merged(policy(100), &set), merged(policy(100), &shuffled));
        prop_assert_eq!(&a, &b);
        prop_assert_eq!(a.counts(), b.counts());
        prop_assert_eq!(a.next_deadline(), b.next_deadline());
        for id in registers() {
            prop_assert_eq!(a.conflicts(&id), b.conflicts(&id));
            prop_assert_eq!(a.heads(&id), b.heads(&id));
        }
    }

    #[test]
    fn pruning_does_not_make_order_or_repetition_matter(
        (set, shuffled) in any_set_and_order(),
        policy in any_policy(),
        again in any::<prop::sample::Index>(),
    ) {
        let (a, mut b) = (merged(policy, &set), merged(policy, &shuffled));
        prop_assert_eq!(&a, &b);
        prop_assert_eq!(a.counts(), b.counts());
        prop_assert_eq!(a.heads(&flag_in(FlagInField::Kill)), b.heads(&flag_in(FlagInField::Kill)));
        if !set.is_empty() {
            b.merge(&Arc::new(again.get(&set).clone()));
            prop_assert_eq!(&a, &b);
        }
    }

    #[test]
    fn two_tables_exchange_their_pages_and_are_equal(
        (set, _) in any_set_and_order(),
        cut in any::<prop::sample::Index>(),
        max_bytes in 1..2_000usize,
        policy in prop_oneof![Just(policy(100)), any_policy()],
    ) {
        let cut = cut.index(set.len() + 1);
        let (mut a, mut b) = (merged(policy, &set[..cut]), merged(policy, &set[cut..]));
        let (of_a, of_b) = (paged(&a, max_bytes), paged(&b, max_bytes));
        of_b.into_iter().for_each(|version| { a.merge(&Arc::new(version)); });
        of_a.into_iter().for_each(|version| { b.merge(&Arc::new(version)); });
        prop_assert_eq!(&a, &b);
        prop_assert_eq!(&a, &merged(policy, &set));
    }

    #[test]
    fn the_current_version_is_the_greatest_that_is_not_dead((set, shuffled) in any_set_and_order()) {
        let table = merged(policy(3), &shuffled);
        for id in registers() {
            let alive = set.iter().filter(|v| v.register == id && !is_dead(v, &set));
            let revoked = |v: &Version| v.content.is_none() && matches!(id.address, Address::Token { .. });
            let expected = alive.max_by_key(|v| (revoked(v), v.stamp, v.encode()));
            let found = table.latest(&id);
            prop_assert_eq!(found.as_deref(), expected);
        }
    }

    #[test]
    fn all_heads_of_a_kill_survive((set, shuffled) in any_set_and_order()) {
        let id = flag_in(FlagInField::Kill);
        let table = merged(policy(100), &shuffled);
        let alive: Vec<&Version> = set.iter().filter(|v| v.register == id && !is_dead(v, &set)).collect();
        for version in &alive {
            let named = alive.iter().any(|other| other.parents.contains(&version.stamp));
            let head = table.heads(&id).iter().any(|head| **head == **version);
            prop_assert_eq!(head, !named);
        }
    }

    #[test]
    fn what_merging_says_is_what_it_did((set, shuffled) in any_set_and_order()) {
        let mut table = Table::new(policy(100), 0);
        for version in &shuffled {
            let before = table.clone();
            match table.merge(&Arc::new(version.clone())) {
                Outcome::Applied(applied) => {
                    prop_assert!(table != before);
                    let held = table.history(&version.register).any(|v| *v == *version);
                    prop_assert!(held);
                    let counting = if version.register.address.keeps_heads() {
                        table.heads(&version.register)
                    } else {
                        table.latest(&version.register).into_iter().collect()
                    };
                    prop_assert_eq!(applied.current, counting.iter().any(|v| **v == *version));
                    for id in &applied.died {
                        prop_assert!(before.latest(id).is_some() && table.latest(id).is_none());
                    }
                }
                _ => prop_assert_eq!(&table, &before),
            }
        }
        prop_assert_eq!(table.counts().versions, paged(&table, usize::MAX).len());
        prop_assert!(set.len() >= table.counts().versions);
    }

    #[test]
    fn pages_give_each_version_once_and_floors_first((set, _) in any_set_and_order(), max_bytes in 1..2_000usize) {
        let table = merged(policy(100), &set);
        let versions = paged(&table, max_bytes);
        let mut unique = versions.clone();
        unique.sort_by_key(Version::encode);
        unique.dedup();
        prop_assert_eq!(unique.len(), versions.len());
        prop_assert_eq!(&merged(policy(100), &versions), &table);
        prop_assert!(versions.is_sorted_by_key(|version| !version.is_floor()));
    }
}
