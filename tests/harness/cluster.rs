//! Two nodes that replicate to each other.

use std::time::Duration;

use serde_json::json;

use crate::{
    http::Client,
    node::{Node, Spec},
    wait,
};

/// Replication is allowed this long by the tests that state no bound of their own.
pub const CONVERGE_BOUND: Duration = Duration::from_secs(20);

/// The bound that the product promises for a change to show on another node.
pub const VISIBLE_BOUND: Duration = Duration::from_secs(1);

/// Two ready nodes, `b` joined to `a`, with tenant `demo` and environment `development`.
#[must_use]
pub fn pair() -> (Node, Node) {
    let a = Spec::serve().cluster("a").start();
    place(&a.client);
    let b = Spec::serve().cluster("b").join(&a).start();
    (a, b)
}

/// Creates tenant `demo` with environment `development`.
pub fn place(client: &Client) {
    client.post("/api/v1/tenants", &json!({ "key": "demo" })).check(201);
    client.post("/api/v1/tenants/demo/environments", &json!({ "key": "development" })).check(201);
}

/// Creates a boolean flag that is on in `development`.
pub fn flag(client: &Client, key: &str) {
    let body = json!({ "key": key, "variants": { "on": true, "off": false } });
    client.post("/api/v1/tenants/demo/flags", &body).check(201);
    client.patch(&flag_in(key), &json!({ "state": "ENABLED", "defaultVariant": "on" })).check(200);
}

/// The path of a flag in `development`.
#[must_use]
pub fn flag_in(key: &str) -> String {
    format!("/api/v1/tenants/demo/flags/{}/environments/development", crate::http::encode(key))
}

/// The path of a config entry in `development`.
#[must_use]
pub fn entry(key: &str) -> String {
    format!("/api/v1/tenants/demo/environments/development/config/{key}")
}

/// Waits until a question about a node has this answer; gives the time that it took.
pub fn sees<T: PartialEq + std::fmt::Debug>(
    what: &str,
    bound: Duration,
    wanted: &T,
    mut ask: impl FnMut() -> T,
) -> Duration {
    let mut last = None;
    let start = std::time::Instant::now();
    loop {
        let answer = ask();
        if answer == *wanted {
            return start.elapsed();
        }
        last = Some(answer).or(last);
        assert!(start.elapsed() < bound, "{what}: still {last:?} instead of {wanted:?} after {bound:?}");
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// The text of a config entry, or the status where it is not 200.
pub fn read(client: &Client, key: &str) -> Result<String, u16> {
    let answer = client.get(&entry(key));
    if answer.status == 200 { Ok(answer.text()) } else { Err(answer.status) }
}

/// Waits until both nodes give the same, non-error answer for a path.
pub fn converge(a: &Node, b: &Node, path: &str) -> String {
    let (same, _) = wait::until(&format!("{path} converges"), CONVERGE_BOUND, || {
        let (left, right) = (a.client.get(path), b.client.get(path));
        (left.status == 200 && right.status == 200 && left.body == right.body).then(|| left.text())
    });
    same
}
