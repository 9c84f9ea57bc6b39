//! A node that hears of no other one: what it does about tokens that may have been revoked.

use std::time::Duration;

use harness::{
    cluster::{CONVERGE_BOUND, flag, place, sees, stays},
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
