//! Lists, existence and the change stream, with several writers.

use std::{collections::BTreeSet, thread, time::Duration};

use harness::{
    TOKEN,
    cluster::{CONFIG, CONVERGE_BOUND, entry, equal, put, sees, trio},
    http::encode,
    node::Node,
    stream::Stream,
};

fn watch(node: &Node, query: &str, after: Option<&str>) -> Stream {
    let url = format!("{}/api/v1/tenants/demo/environments/development/watch{query}", node.client.base);
    Stream::open(&url, TOKEN, after)
}

#[test]
fn check_43_a_key_written_on_two_nodes_is_listed_once_and_a_deleted_one_not_at_all() {
    let [a, b, c] = trio();
    thread::scope(|scope| {
        for node in [&a, &b] {
            scope.spawn(move || (0..120).for_each(|number| put(&node.client, &format!("k/{number:03}"), "x")));
        }
    });
    equal(&[&a, &b, &c], CONVERGE_BOUND);
    (0..20).for_each(|number| c.client.delete(&entry(&format!("k/{number:03}"))).check(204));
    a.client.put(&format!("{}?ttl=1ms", entry("k/020")), "x").check(200);
    equal(&[&a, &b, &c], CONVERGE_BOUND);
    for node in [&a, &b, &c] {
        let (mut listed, mut pages, mut cursor) = (Vec::new(), 0, String::new());
        loop {
            let page = node.client.get(&format!("{CONFIG}?limit=30{cursor}")).expect(200).json();
            let items = page["items"].as_array().unwrap();
            listed.extend(items.iter().map(|item| item["key"].as_str().unwrap().to_owned()));
            pages += 1;
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={}", encode(next)),
                None => break,
            }
        }
        assert_eq!(listed, (21..120).map(|n| format!("k/{n:03}")).collect::<Vec<_>>());
        assert!(pages >= 4, "{pages}");
    }
}

#[test]
fn check_44_head_says_what_get_would_on_every_node() {
    let [a, b, c] = trio();
    put(&a.client, "there", "x");
    put(&b.client, "deleted", "x");
    a.client.put(&format!("{}?ttl=1ms", entry("expired")), "x").check(201);
    equal(&[&a, &b, &c], CONVERGE_BOUND);
    c.client.delete(&entry("deleted")).check(204);
    equal(&[&a, &b, &c], CONVERGE_BOUND);
    for node in [&a, &b, &c] {
        for (key, status) in [("there", 200), ("deleted", 404), ("expired", 404), ("never", 404)] {
            let (head, get) = (node.client.send("HEAD", &entry(key), &[], b""), node.client.get(&entry(key)));
            assert_eq!((head.status, get.status), (status, status), "{key}");
            assert!(head.body.is_empty());
            assert_eq!(head.header("etag"), get.header("etag"), "{key}");
        }
    }
}

#[test]
fn check_45_a_watcher_that_returns_misses_nothing_and_hears_only_what_it_asked_for() {
    let [a, b, c] = trio();
    let stream = watch(&c, "?kind=config&prefix=mine%2F", None);
    let quiet = watch(&c, "?kind=config&prefix=missing", None);
    put(&a.client, "mine/first", "x");
    let seen = stream.wait_for("the first", CONVERGE_BOUND, |event| event.data["register"]["key"] == "mine/first");
    drop(stream);
    // written by three, while nobody listens
    let mut wanted = BTreeSet::new();
    for number in 0..30 {
        for (name, node) in [("a", &a), ("b", &b), ("c", &c)] {
            let key = format!("mine/{name}/{number}");
            put(&node.client, &key, "x");
            put(&node.client, &format!("others/{name}/{number}"), "x");
            wanted.insert(key);
        }
    }
    let resumed = watch(&c, "?kind=config&prefix=mine%2F", seen.id.as_deref());
    while !wanted.is_empty() {
        let event = resumed.next(CONVERGE_BOUND).unwrap_or_else(|| panic!("never told of {wanted:?}"));
        assert_eq!(event.name, "change", "{event:?}");
        let key = event.data["register"]["key"].as_str().unwrap();
        assert!(wanted.remove(key), "{key} twice, or not asked for");
    }
    assert_eq!(quiet.next(Duration::from_millis(300)), None, "a missing key is not told of others");
    sees("a last one", CONVERGE_BOUND, &true, || {
        put(&b.client, "missing", "now");
        quiet.next(Duration::from_millis(500)).is_some_and(|event| event.data["register"]["key"] == "missing")
    });
}
