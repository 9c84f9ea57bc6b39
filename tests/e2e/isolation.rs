//! A node that hears of no other one: what it does about tokens that may have been revoked.

use std::time::Duration;

use harness::{
    cluster::{CONVERGE_BOUND, entry, flag, meet, place, sees, stays},
    node::Spec,
    proc::Signal,
};
use serde_json::json;

#[test]
fn a_node_that_is_isolated_for_too_long_serves_applications_alone() {
    let isolated = |spec: Spec| spec.option("--max-isolation", "2s");
    let a = isolated(Spec::serve().cluster("a")).start();
    place(&a.client);
    flag(&a.client, "f");
    let token = |kind: &str| {
        let body = json!({ "name": "n", "kind": kind, "environments": ["development"] });
        let created = a.client.post("/api/v1/tenants/demo/tokens", &body).expect(201).json();
        created["token"].as_str().unwrap().to_owned()
    };
    let (viewer, server) = (token("viewer"), token("server"));
    let reads = || a.client.with_token(Some(&viewer)).get("/api/v1/tenants/demo").status;
    let evaluates = || a.client.with_token(Some(&server)).post("/ofrep/v1/evaluate/flags/f", &json!({})).status;
    // without a cluster there is nobody to hear of
    stays("known", Duration::from_secs(3), &200, &[&a], |_| reads());
    let b = isolated(Spec::serve().cluster("b").join(&a)).start();
    b.signal(Signal::Stop);
    sees("isolation", CONVERGE_BOUND, &503, reads);
    let refused = a.client.with_token(Some(&viewer)).get("/api/v1/tenants/demo");
    assert!(refused.problem(503, "not_ready")["detail"].as_str().unwrap().contains("isolated"));
    assert_eq!(evaluates(), 200);
    a.client.get("/api/v1/tenants/demo").check(200);
    b.signal(Signal::Continue);
    sees("company", CONVERGE_BOUND, &200, reads);
}

#[test]
fn a_restart_does_not_end_isolation() {
    let isolated = |spec: Spec| spec.option("--max-isolation", "30s").option("--ready-timeout", "2s");
    let a = isolated(Spec::serve().cluster("a")).start();
    place(&a.client);
    let b = isolated(Spec::serve().cluster("b").join(&a)).start();
    meet(&[&a, &b]);
    let body = json!({ "name": "n", "kind": "viewer" });
    let viewer = a.client.post("/api/v1/tenants/demo/tokens", &body).expect(201).json()["token"].clone();
    let (b, a) = (b.kill(), a.kill().start());
    let reads = || a.client.with_token(viewer.as_str()).get("/api/v1/tenants/demo");
    assert!(reads().problem(503, "not_ready")["detail"].as_str().unwrap().contains("isolated"));
    a.client.get("/api/v1/tenants/demo").check(200);
    let _b = b.start();
    sees("company", CONVERGE_BOUND, &200, || reads().status);
}

#[test]
fn who_slept_takes_nothing_from_a_token_that_was_revoked_meanwhile() {
    let a = Spec::serve().cluster("a").start();
    place(&a.client);
    let b = Spec::serve().cluster("b").join(&a).start();
    meet(&[&a, &b]);
    let body = json!({ "name": "n", "kind": "editor" });
    let created = a.client.post("/api/v1/tenants/demo/tokens", &body).expect(201).json();
    let editor = created["token"].as_str().unwrap();
    let write = |node: &harness::node::Node| {
        let client = harness::http::Client::new(&node.http, Some(editor));
        client.put(&entry("k"), "v").status
    };
    sees("the token", CONVERGE_BOUND, &true, || matches!(write(&b), 200 | 201));
    for asleep in [3, 8] {
        let body = json!({ "name": "n", "kind": "editor" });
        let created = b.client.post("/api/v1/tenants/demo/tokens", &body).expect(201).json();
        let (token, id) = (created["token"].as_str().unwrap(), created["id"].as_str().unwrap());
        let write = || harness::http::Client::new(&a.http, Some(token)).put(&entry("k"), "v").status;
        sees("the token", CONVERGE_BOUND, &true, || matches!(write(), 200 | 201));
        a.signal(Signal::Stop);
        b.client.delete(&format!("/api/v1/tenants/demo/tokens/{id}")).check(204);
        std::thread::sleep(Duration::from_secs(asleep));
        a.signal(Signal::Continue);
        sees("the revocation", CONVERGE_BOUND, &401, || {
            let status = write();
            assert!(matches!(status, 401 | 503), "{status} after {asleep} s of sleep");
            status
        });
    }
    // others are honoured again
    sees("the token", CONVERGE_BOUND, &true, || matches!(write(&a), 200 | 201));
}
