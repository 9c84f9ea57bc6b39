//! A thousand ordinary evaluations a second over HTTP, alone and beside guests that misbehave.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use harness::{
    guests,
    http::Client,
    metrics::metric,
    node::{Node, Spec},
};
use serde_json::json;

use crate::{Row, document};

/// Ordinary evaluations a second, over so many connections.
const RATE: u32 = 1_000;
const CONNECTIONS: u32 = 4;
const FOR: Duration = Duration::from_secs(8);
/// Tenants with each kind of bad guest: enough that not all are suspended, as one is after five faults.
const BAD_TENANTS: usize = 40;
/// Calls of bad guests a second. Each may run for 5 ms: half a processor.
const BAD_RATE: u32 = 100;

pub(crate) fn measure() -> Vec<Row> {
    let node = Spec::serve().start();
    prepare(&node);
    let _warm = p99(&node, FOR / 4);
    let alone = [p99(&node, FOR), p99(&node, FOR)];
    let (stop, calls) = (AtomicBool::new(false), AtomicUsize::new(0));
    let beside = thread::scope(|scope| {
        scope.spawn(|| misbehave(&node, &stop, &calls));
        let beside = [p99(&node, FOR / 2), p99(&node, FOR / 2)];
        stop.store(true, Ordering::Relaxed);
        beside
    });
    let faults = metric(&node.client, "burgee_guest_faults_total", &[]);
    assert!(faults > 0.0, "no guest misbehaved");
    let measured = format!(
        "p99 {:.2?} and {:.2?} alone; {:.2?} and {:.2?} beside {} calls of bad guests, {faults} of which failed",
        alone[0],
        alone[1],
        beside[0],
        beside[1],
        calls.load(Ordering::Relaxed)
    );
    vec![(format!("{RATE} ordinary evaluations a second over HTTP"), measured, "not doubled")]
}

/// A tenant of ordinary flags, and one each of whose guests is bad in its own way: by tenant, for one that faults too
/// often is suspended.
fn prepare(node: &Node) {
    let json = [("content-type", "application/json")];
    let put = |tenant: &str, document: &serde_json::Value| {
        node.client.post("/api/v1/tenants", &json!({"key": tenant})).check(201);
        node.client.post(&format!("/api/v1/tenants/{tenant}/environments"), &json!({"key": "development"})).check(201);
        let path = format!("/api/v1/tenants/{tenant}/environments/development/flagd.json");
        node.client.send("PUT", &path, &json, document.to_string().as_bytes()).check(200);
    };
    put("good", &document(20, 0));
    for (name, module) in all_bad() {
        let name = name.as_str();
        let rule = json!({"if": [{"==": [{"guest": [name, {"var": "n"}]}, 1]}, "on", "off"]});
        let flag = json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting": rule});
        put(name, &json!({"flags": {"f": flag}}));
        let wasm = [("content-type", "application/wasm")];
        let path = format!("/api/v1/tenants/{name}/guests/{name}");
        node.client.send("PUT", &path, &wasm, &module).check(201);
    }
}

/// The bad guests of all tenants, by the tenant's name.
fn all_bad() -> Vec<(String, Vec<u8>)> {
    let of = |tenant| guests::bad().map(|(name, module)| (format!("{name}-{tenant}"), module));
    (0..BAD_TENANTS).flat_map(of).collect()
}

/// Calls the bad guests in turn until it is told to stop.
fn misbehave(node: &Node, stop: &AtomicBool, calls: &AtomicUsize) {
    let client = Client::new(&node.http, Some(harness::TOKEN));
    let names: Vec<String> = all_bad().into_iter().map(|(name, _)| name).collect();
    let mut due = Instant::now();
    for name in names.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        due += Duration::from_secs(1) / BAD_RATE;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        client.ofrep(&format!("{name}/development"), "f", &json!({"targetingKey": "u"})).check(200);
        calls.fetch_add(1, Ordering::Relaxed);
    }
}

/// The time within which 99 of 100 ordinary evaluations were answered, counted from when each was due.
fn p99(node: &Node, lasting: Duration) -> Duration {
    let each = CONNECTIONS * Duration::from_secs(1) / RATE;
    let start = Instant::now();
    let one = |offset: u32| {
        let client = Client::new(&node.http, Some(harness::TOKEN));
        let context = json!({"targetingKey": "u", "plan": "pro", "country": "de", "age": 30});
        let mut times = Vec::new();
        let mut due = start + each * offset / CONNECTIONS;
        while due < start + lasting {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            client.ofrep("good/development", "flag-00003", &context).check(200);
            times.push(due.elapsed());
            due += each;
        }
        times
    };
    let mut times: Vec<Duration> = thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS).map(|offset| scope.spawn(move || one(offset))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    times.sort_unstable();
    times[times.len() * 99 / 100]
}
