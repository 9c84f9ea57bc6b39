//! A node that was cut off, took writes that nobody else heard of, and was forgotten: once it is back, all that it
//! acknowledged stands, and nothing that the others deleted does.

use std::time::Duration;

use harness::{
    cluster::{
        Apart, CONFIG, CONVERGE_BOUND, all_see, cluster, entry, equal, flag, id_of, keys, live, put, read, sees, views,
    },
    http::Client,
    metrics::metric,
    node::Node,
};
use serde_json::json;

/// Until a silent link is known to be dead.
const NOTICED_BOUND: Duration = Duration::from_secs(6);

fn status(client: &Client, path: &str) -> u16 {
    client.get(path).status
}

fn segment(key: &str) -> String {
    format!("/api/v1/tenants/demo/segments/{key}")
}

const RULE: &str = r#"{"==":[{"var":"plan"},"pro"]}"#;

/// What all three hold before the cut.
fn before(client: &Client) {
    ["deleted-by-c", "overridden-later", "purged/1", "purged/2", "deleted-by-a"]
        .iter()
        .for_each(|key| put(client, key, "old"));
    ["f-by-c", "f-by-a"].iter().for_each(|key| flag(client, key));
    let rule: serde_json::Value = serde_json::from_str(RULE).unwrap();
    client.post("/api/v1/tenants/demo/segments", &json!({ "key": "s-by-c", "rule": rule })).check(201);
}

/// What the one that is cut off acknowledges.
fn by_c(client: &Client) {
    client.delete(&entry("deleted-by-c")).check(204);
    client.delete(&entry("overridden-later")).check(204);
    client.delete(&format!("{CONFIG}?prefix=purged%2F")).check(204);
    client.delete("/api/v1/tenants/demo/flags/f-by-c").check(204);
    client.delete(&segment("s-by-c")).check(204);
    put(client, "new-by-c", "c");
    client.post("/api/v1/tenants/demo/environments", &json!({ "key": "of-c" })).check(201);
}

fn forget_c(a: &Node, b: &Node) {
    for node in [a, b] {
        sees("c is gone", NOTICED_BOUND, &vec!["a".to_owned(), "b".to_owned()], || live(&node.client));
    }
    let id = views(&a.client, "c")[0]["id"].as_str().unwrap().to_owned();
    a.client.delete(&format!("/api/v1/cluster/nodes/{id}")).check(204);
}

/// Waits until the others have collected what they deleted, and a horizon lies over all that was written until now.
fn collected(nodes: [&Node; 2]) {
    for node in nodes {
        sees("no tombstones", CONVERGE_BOUND, &0.0, || metric(&node.client, "burgee_tombstones", &[]));
        sees("a horizon", CONVERGE_BOUND, &true, || cluster(&node.client)["horizon"].is_string());
    }
}

#[test]
fn all_that_a_forgotten_node_acknowledged_alone_stands_once_it_is_back() {
    let short = |spec: harness::node::Spec| spec.option("--collect-grace", "2s").option("--collect-period", "500ms");
    let mut apart = Apart::with_spec(3, short);
    before(&apart.nodes[0].client);
    equal(&apart.nodes.iter().collect::<Vec<_>>(), CONVERGE_BOUND);
    let id = id_of(&apart.nodes[2]);
    // (What the others have of it is noted a moment later.)
    std::thread::sleep(Duration::from_secs(4));
    apart.network.isolate(2);
    by_c(&apart.nodes[2].client);
    forget_c(&apart.nodes[0], &apart.nodes[1]);
    let a = &apart.nodes[0].client;
    a.delete(&entry("deleted-by-a")).check(204);
    a.delete("/api/v1/tenants/demo/flags/f-by-a").check(204);
    std::thread::sleep(Duration::from_secs(3));
    put(a, "overridden-later", "by a, after c had deleted it");
    put(a, "garbage", "x");
    a.delete(&entry("garbage")).check(204);
    collected([&apart.nodes[0], &apart.nodes[1]]);
    // it has to know all that from its disk
    let c = apart.nodes.pop().unwrap().kill();
    apart.network.rejoin(2);
    apart.nodes.push(c.start());
    let all: Vec<&Node> = apart.nodes.iter().collect();
    equal(&all, CONVERGE_BOUND);
    assert_ne!(id_of(all[2]), id, "a new identity");
    all_see("c's writes", CONVERGE_BOUND, &Ok("c".to_owned()), &all, |client| read(client, "new-by-c"));
    for node in all {
        let client = &node.client;
        assert_eq!(keys(client, ""), ["new-by-c", "overridden-later"]);
        assert_eq!(read(client, "overridden-later"), Ok("by a, after c had deleted it".to_owned()));
        let flags = ["f-by-c", "f-by-a"].map(|key| status(client, &format!("/api/v1/tenants/demo/flags/{key}")));
        assert_eq!((flags, status(client, &segment("s-by-c"))), ([404, 404], 404));
        assert_eq!(status(client, "/api/v1/tenants/demo/environments/of-c"), 200);
    }
}
