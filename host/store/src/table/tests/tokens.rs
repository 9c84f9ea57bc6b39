//! Tokens: a revocation beats any value, in whatever order they come, and outlasts collection.

use super::{digests::horizon, properties::*, *};

fn revocation(id: &RegisterId, time: u64) -> Version {
    Version { content: None, ..version(id.clone(), time, "") }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn what_was_revoked_stays_so((_, shuffled) in any_set_and_order(), times in prop::collection::vec(1..40u64, 0..3)) {
        let mut table = Table::new(policy(100), 0);
        let mut revoked = None;
        let collecting = times.iter().map(|time| horizon(*time));
        for version in shuffled.iter().cloned().chain(collecting).chain(shuffled.iter().cloned()) {
            table.merge(&Arc::new(version));
            let latest = table.latest(&token(LASTING));
            let (seen, gone) = (latest.as_ref().and_then(|v| v.floor_seen), latest.is_none_or(|v| v.content.is_none()));
            // only who has seen a later end of the tenant writes of it anew
            prop_assert!(gone || revoked.is_none_or(|revoked| seen > revoked));
            revoked = if gone { revoked.max(table.latest(&token(LASTING)).map(|v| v.floor_seen)) } else { revoked };
        }
    }
}

#[test]
fn a_revocation_by_a_slow_clock_counts() {
    let id = token(LASTING);
    let (value, revoked) = (version(id.clone(), 9, "v"), revocation(&id, 3));
    let orders = [[value.clone(), revoked.clone()], [revoked, value]];
    let [a, b] = orders.map(table);
    assert_eq!(a, b);
    assert!(a.latest(&id).unwrap().content.is_none() && a.current(&id, 0).is_none());
}

#[test]
fn a_revocation_outlasts_collection_until_the_deadline_of_what_it_revoked() {
    for (id, deadline) in [(token(LASTING), None), (token(PASSING), Some(20_000))] {
        let value = Version { expires_at: deadline, ..version(id.clone(), 1, "v") };
        let mut table = table([value.clone(), Version { expires_at: deadline, ..revocation(&id, 2) }]);
        table.merge(&Arc::new(horizon(5)));
        table.merge(&Arc::new(value.clone()));
        assert!(table.current(&id, 0).is_none(), "{id:?}");
        assert_eq!(table.counts().tombstones, 1);
        let late = burgee_model::stamp::millis_to_ntp64(20_000);
        table.merge(&Arc::new(horizon(late)));
        assert_eq!(table.latest(&id).is_some(), deadline.is_none());
        table.merge(&Arc::new(value));
        assert!(table.current(&id, 20_000).is_none(), "{id:?}");
    }
}

#[test]
fn tokens_go_with_their_tenant_and_changes_of_access_are_counted() {
    let id = token(LASTING);
    let mut table = table([version(id.clone(), 1, "v")]);
    let before = table.access_changes();
    table.merge(&Arc::new(version(config("a"), 2, "v")));
    assert_eq!((table.access_changes(), table.all_tokens().count()), (before, 1));
    table.merge(&Arc::new(floor(Scope::Tenant, 5)));
    assert!(table.access_changes() > before && table.all_tokens().count() == 0);
    table.merge(&Arc::new(version(id.clone(), 9, "v")));
    assert!(table.latest(&id).is_none(), "its author had not seen the end of the tenant");
}
