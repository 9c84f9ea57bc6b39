//! A thousand tenants of twenty flags each, in memory, beside an empty node.

use harness::{
    http::Client,
    node::{Node, Spec},
    proc::resident_mib,
};
use serde_json::json;

use crate::{Row, compiled, document};

const TENANTS: usize = 1_000;
const FLAGS: usize = 20;

pub(crate) fn measure() -> Vec<Row> {
    let empty = Spec::serve().start();
    let floor = resident_mib(empty.pid());
    let node = Spec::serve().start();
    for tenant in 0..TENANTS {
        fill(&node.client, tenant);
    }
    compiled(&node, 1.0);
    let filled = resident_mib(node.pid());
    let node = node.stop().start();
    compiled(&node, 1.0);
    let restarted = resident_mib(node.pid());
    evaluate_all(&node);
    let used = resident_mib(node.pid());
    let what = format!("{TENANTS} tenants of {FLAGS} flags, above an empty node of {floor} MiB");
    let above = |mib: u64| mib.saturating_sub(floor);
    let measured = format!(
        "{} MiB started, {} MiB once all were evaluated, {} MiB after they were written",
        above(restarted),
        above(used),
        above(filled)
    );
    vec![(what, measured, "150 MB")]
}

/// Rules of one shape with constants of each tenant's own, and every fourth tenant's with others in number too.
fn fill(client: &Client, tenant: usize) {
    let key = format!("tenant-{tenant:04}");
    client.post("/api/v1/tenants", &json!({"key": key})).check(201);
    client.post(&format!("/api/v1/tenants/{key}/environments"), &json!({"key": "production"})).check(201);
    let flags = FLAGS - tenant % 4;
    let body = document(flags, tenant * FLAGS).to_string();
    let json = [("content-type", "application/json")];
    let path = format!("/api/v1/tenants/{key}/environments/production/flagd.json");
    client.send("PUT", &path, &json, body.as_bytes()).check(200);
}

/// Has every environment evaluated, often enough that every thread of the node makes its own instances.
fn evaluate_all(node: &Node) {
    for tenant in (0..TENANTS).chain(0..TENANTS) {
        let path = format!("/e/tenant-{tenant:04}/production/ofrep/v1/evaluate/flags");
        node.client.post(&path, &json!({"context": {"targetingKey": "u", "plan": "pro", "age": 40}})).check(200);
    }
}
