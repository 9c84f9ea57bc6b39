//! Walking over all registers: each once, in the order of their ids, though they lie in different places.

use super::*;

/// A tenant with a register of every place: before, among and after config entries and floors.
fn of_every_place() -> Vec<Version> {
    let in_tenant = |tenant: &str, address| RegisterId::new(&key(tenant), address);
    let guest = |tenant, name: &str| in_tenant(tenant, Address::Guest { guest: key(name) });
    let module = |tenant, byte| in_tenant(tenant, Address::Module { guest: key("g"), digest: Digest([byte; 32]) });
    let ids = ["t", "u"].into_iter().flat_map(|tenant| {
        [
            RegisterId::tenant(&key(tenant)),
            RegisterId::environment(&key(tenant), &key("e")),
            RegisterId::flag(&key(tenant), &key("f"), FlagField::Exists),
            RegisterId::config(&key(tenant), &key("e"), &key("a")),
            RegisterId::config(&key(tenant), &key("e"), &key("b")),
            RegisterId::floor(&key(tenant), Scope::Environment { environment: key("gone") }),
            RegisterId::floor(&key(tenant), Scope::Flag { flag: key("gone") }),
            guest(tenant, "g"),
            guest(tenant, "h"),
            module(tenant, 1),
            module(tenant, 0xff),
        ]
    });
    ids.zip(100..).map(|(id, time)| version(id, time, "{}")).collect()
}

#[test]
fn a_sweep_comes_to_every_register_once_and_in_order() {
    let all = of_every_place();
    let table = table(all.clone());
    for most in 1..=all.len() {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let (retained, last) = table.retained_after(after.as_ref(), most);
            found.extend(retained.into_iter().flat_map(|retained| retained.versions));
            match last {
                Some(last) => {
                    assert!(after.as_ref().is_none_or(|after| *after < last), "{last:?} after {after:?}");
                    after = Some(last);
                }
                None => break,
            }
            assert!(found.len() <= all.len(), "it begins again");
        }
        let mut expected: Vec<_> = all.iter().map(|v| (v.register.clone(), v.stamp, v.encode())).collect();
        expected.sort_unstable();
        let expected: Vec<_> = expected.into_iter().map(|(_, stamp, bytes)| (stamp, bytes)).collect();
        assert_eq!(found, expected, "{most} at a time");
    }
}

#[test]
fn pages_hold_every_version_once() {
    let all = of_every_place();
    let table = table(all.clone());
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = table.page(cursor.as_ref(), 1);
        found.extend(page.versions.iter().map(|version| version.stamp));
        assert!(found.len() <= all.len(), "it begins again");
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    found.sort_unstable();
    assert_eq!(found, all.iter().map(|version| version.stamp).collect::<Vec<_>>());
}

#[test]
fn guests_and_modules_are_listed() {
    let mut table = table(of_every_place());
    let (t, g) = (key("t"), key("g"));
    let names = |table: &Table, after: Option<&Key>| -> Vec<String> {
        table.guests(&t, 1, after).map(ToString::to_string).collect()
    };
    assert_eq!((names(&table, None), names(&table, Some(&g))), (vec!["g".into(), "h".into()], vec!["h".to_owned()]));
    assert_eq!(table.modules(&t, &g).collect::<Vec<_>>(), [Digest([1; 32]), Digest([0xff; 32])]);
    assert_eq!(table.modules(&t, &key("h")).count(), 0);
    for id in [RegisterId::guest(&t, &g), RegisterId::module(&t, &g, Digest([1; 32]))] {
        table.merge(&Arc::new(Version { content: None, ..version(id, 900, "") }));
    }
    assert_eq!(names(&table, None), ["h"]);
    assert_eq!(table.modules(&t, &g).collect::<Vec<_>>(), [Digest([0xff; 32])]);
    table.merge(&Arc::new(floor(Scope::Tenant, 950)));
    assert!(names(&table, None).is_empty() && table.modules(&t, &g).next().is_none(), "they go with their tenant");
}
