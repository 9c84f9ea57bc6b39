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
/// Alone and beside in turn, so that other work on the machine falls on both; all windows beside last no longer than it
/// takes until all bad guests are suspended.
const ROUNDS: usize = 4;
const WINDOW: Duration = Duration::from_secs(2);
/// Tenants with each kind of bad guest: enough that none is suspended, as one is after five faults.
const BAD_TENANTS: usize = 45;
/// Calls of bad guests a second. Each may run for 5 ms: half a processor.
const BAD_RATE: u32 = 100;
/// Calls for each upload that is refused.
const UPLOAD_EACH: usize = 25;

pub(crate) fn measure() -> Vec<Row> {
    let node = Spec::serve().start();
    prepare(&node);
    let _warm = p99(&node, WINDOW);
    let calls = AtomicUsize::new(0);
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.push(p99(&node, WINDOW));
        let stop = AtomicBool::new(false);
        beside.push(thread::scope(|scope| {
            scope.spawn(|| misbehave(&node, &stop, &calls));
            let p99 = p99(&node, WINDOW);
            stop.store(true, Ordering::Relaxed);
            p99
        }));
    }
    let faults = metric(&node.client, "burgee_guest_faults_total", &[]);
    assert!(faults > 0.0, "no guest misbehaved");
    let [all_alone, all_beside] = [&mut alone, &mut beside].map(|windows| shown(windows));
    let measured = format!(
        "p99 {all_alone} alone; {all_beside} beside {} calls of bad guests, {faults} of which failed",
        calls.load(Ordering::Relaxed)
    );
    let what = format!("{RATE} ordinary evaluations a second over HTTP, {ROUNDS} windows of {WINDOW:?} each in turn");
    vec![(what, measured, "not doubled")]
}

/// The median of some windows, and the least and the greatest.
fn shown(windows: &mut [Duration]) -> String {
    windows.sort_unstable();
    let (least, greatest) = (windows.first(), windows.last());
    format!("{:.2?} ({:.2?} to {:.2?})", windows[windows.len() / 2], least.unwrap(), greatest.unwrap())
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

/// Calls the bad guests in turn until it is told to stop, and now and then uploads one that asks for what it may not have.
fn misbehave(node: &Node, stop: &AtomicBool, calls: &AtomicUsize) {
    let client = Client::new(&node.http, Some(harness::TOKEN));
    let names: Vec<String> = all_bad().into_iter().map(|(name, _)| name).collect();
    let nosy = guests::module(r#"(module (import "wasi_snapshot_preview1" "fd_write" (func)))"#);
    let mut due = Instant::now();
    for name in names.iter().cycle().skip(calls.load(Ordering::Relaxed) % names.len()) {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        due += Duration::from_secs(1) / BAD_RATE;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        client.ofrep(&format!("{name}/development"), "f", &json!({"targetingKey": "u"})).check(200);
        if calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(UPLOAD_EACH) {
            let wasm = [("content-type", "application/wasm")];
            client.send("PUT", &format!("/api/v1/tenants/{name}/guests/nosy"), &wasm, &nosy).check(422);
        }
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
