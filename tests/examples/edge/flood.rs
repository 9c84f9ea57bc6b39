//! One tenant's flood beside another tenant's evaluations.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use harness::{
    TOKEN,
    cluster::{flag, place},
    measuring::Row,
    node::{Node, Spec},
};
use serde_json::json;
use tokio::{runtime::Runtime, task::JoinSet, time::MissedTickBehavior};

use crate::{
    connection::{Connection, post},
    quantile,
};

/// Connections that flood, each with one request after the other.
const FLOODING: usize = 400;
/// Between two evaluations of the other tenant, and how many there are.
const PERIOD: Duration = Duration::from_millis(4);
const EVALUATIONS: usize = 2_000;
/// Flags of the tenant that floods: all are evaluated by each of its requests.
const FLAGS: usize = 50;

pub(crate) fn measure() -> Vec<Row> {
    let runtime = Runtime::new().unwrap();
    let row = |what: &str, limit: Option<&str>, flooding: usize| {
        let spec = limit.map_or_else(Spec::serve, |limit| Spec::serve().option("--tenant-requests-per-second", limit));
        let node = filled(&spec);
        let (times, flood, refused) = runtime.block_on(beside(&node, flooding));
        let [half, most] = [0.5, 0.99].map(|share| quantile(&times, share));
        let flood = format!("p50 {half:.1?}, p99 {most:.1?}; the flood: {flood} requests, {refused} refused");
        (format!("one flag every {PERIOD:?}, {what}"), flood, "-")
    };
    vec![
        row("alone", None, 0),
        row(
            &format!("beside {FLOODING} connections of another tenant, 300 requests a second allowed"),
            Some("300"),
            FLOODING,
        ),
        row(&format!("beside {FLOODING} connections of another tenant, without a limit"), None, FLOODING),
    ]
}

fn filled(spec: &Spec) -> Node {
    let node = spec.start();
    place(&node.client);
    flag(&node.client, "f");
    node.client.post("/api/v1/tenants", &json!({ "key": "flood" })).check(201);
    node.client.post("/api/v1/tenants/flood/environments", &json!({ "key": "development" })).check(201);
    let one = json!({ "state": "ENABLED", "variants": { "on": true }, "defaultVariant": "on" });
    let flags: serde_json::Map<_, _> = (0..FLAGS).map(|at| (format!("flag-{at}"), one.clone())).collect();
    let path = "/api/v1/tenants/flood/environments/development/flagd.json";
    let body = json!({ "flags": flags }).to_string();
    node.client.send("PUT", path, &[("content-type", "application/json")], body.as_bytes()).check(200);
    node
}

/// The times of the evaluations, sorted; and of the flood, how many requests were sent, and how many refused.
async fn beside(node: &Node, flooding: usize) -> (Vec<Duration>, u64, u64) {
    let (over, sent, refused) =
        (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut flood = JoinSet::new();
    for _ in 0..flooding {
        let (over, sent, refused) = (over.clone(), sent.clone(), refused.clone());
        let mut connection = Connection::open(&node.http).await;
        flood.spawn(async move {
            let request = post("/e/flood/development/ofrep/v1/evaluate/flags", TOKEN, r#"{"context":{}}"#);
            while !over.load(Ordering::Relaxed) {
                connection.send(&request).await;
                let status = connection.answer().await;
                sent.fetch_add(1, Ordering::Relaxed);
                refused.fetch_add(u64::from(status == 429), Ordering::Relaxed);
            }
        });
    }
    let mut times = evaluate(node).await;
    over.store(true, Ordering::Relaxed);
    flood.join_all().await;
    times.sort_unstable();
    (times, sent.load(Ordering::Relaxed), refused.load(Ordering::Relaxed))
}

async fn evaluate(node: &Node) -> Vec<Duration> {
    let mut connection = Connection::open(&node.http).await;
    let request = post("/e/demo/development/ofrep/v1/evaluate/flags/f", TOKEN, r#"{"context":{"targetingKey":"u"}}"#);
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut times = Vec::with_capacity(EVALUATIONS);
    for _ in 0..EVALUATIONS {
        ticks.tick().await;
        let began = Instant::now();
        connection.send(&request).await;
        assert_eq!(connection.answer().await, 200);
        times.push(began.elapsed());
    }
    times
}
