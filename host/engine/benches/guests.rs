//! Guests in process: what a call, a new instance, a compilation and a fault cost.
//!
//! `cargo bench -p burgee-engine --bench guests [-- MODULE.wasm]`; a module that is given is measured too, with
//! a context of ten attributes. Times are wall time, the minimum and the median of many: on a busy machine the
//! minimum is what the code costs.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use burgee_engine::{
    Engine, EngineConfig, EnvironmentSource, FlagSource, Snapshot,
    guest::{Entry, GuestCall, GuestConfig, GuestFault, Guests, Modules, Prepared},
};
use burgee_model::{Bucketing, Context, Digest, FlagIn, Key, Limits, State, Value};
use bytes::Bytes;
use serde_json::{Map, json};

const ROUNDS: usize = 2_000;
const COMPILATIONS: usize = 20;
const FAULTS: usize = 50;
const EVALUATIONS: usize = 5_000;

#[derive(Default)]
struct Shelf(Mutex<HashMap<Digest, Bytes>>);

impl Modules for Shelf {
    fn module(&self, _: &Key, _: &str, digest: &Digest) -> Option<Bytes> {
        self.0.lock().unwrap().get(digest).cloned()
    }

    fn config(&self, _: &Key, _: &Key, _: &str) -> Entry {
        Entry::default()
    }
}

fn guests(config: GuestConfig, shelf: &Arc<Shelf>) -> Arc<Guests> {
    Guests::new(config, shelf.clone()).unwrap()
}

struct Bench {
    shelf: Arc<Shelf>,
    tenant: Key,
    context: Context,
}

impl Bench {
    fn new() -> Self {
        let attributes: Vec<String> = (0..8).map(|n| format!(r#""attribute{n}":"value {n}""#)).collect();
        let context = format!(r#"{{"targetingKey":"user","spent":700,{}}}"#, attributes.join(","));
        let context = Context::new(serde_json::from_str(&context).unwrap(), &Limits::default()).unwrap();
        Self { shelf: Arc::default(), tenant: Key::new("t").unwrap(), context }
    }

    fn prepare(&self, guests: &Guests, module: &[u8]) -> Prepared {
        let prepared = guests.prepare(&self.tenant, "g", module).unwrap();
        self.shelf.0.lock().unwrap().insert(prepared.digest, prepared.component.clone());
        prepared
    }

    fn call(&self, guests: &Guests, prepared: &Prepared) -> Result<Value, GuestFault> {
        guests.call(&GuestCall {
            tenant: &self.tenant,
            guest: "g",
            digest: prepared.digest.0,
            flag: "flag",
            timestamp_seconds: 1_700_000_000,
            context: &self.context,
            arguments: &[],
            config: &|_| Value::Number(1_000.0).into(),
        })
    }

    fn calls(&self, what: &str, config: GuestConfig, module: &[u8]) {
        let guests = guests(config, &self.shelf);
        let prepared = self.prepare(&guests, module);
        self.call(&guests, &prepared).unwrap();
        print(what, ROUNDS, || drop(self.call(&guests, &prepared).unwrap()));
    }

    fn faults(&self, what: &str, module: &[u8], fault: GuestFault) {
        let guests = guests(GuestConfig { faults: usize::MAX, ..GuestConfig::default() }, &self.shelf);
        let prepared = self.prepare(&guests, module);
        print(what, FAULTS, || assert_eq!(self.call(&guests, &prepared), Err(fault)));
    }

    /// With a compile thread that has kept nothing.
    fn compilations(&self, what: &str, module: &[u8]) {
        let mut times = Vec::new();
        for _ in 0..COMPILATIONS {
            let guests = guests(GuestConfig::default(), &self.shelf);
            let began = Instant::now();
            drop(guests.prepare(&self.tenant, "g", module).unwrap());
            times.push(began.elapsed());
        }
        show(what, times);
    }
}

fn print(what: &str, rounds: usize, mut work: impl FnMut()) {
    let times = (0..rounds).map(|_| {
        let began = Instant::now();
        work();
        began.elapsed()
    });
    show(what, times.collect());
}

fn show(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    println!("| {what} | {:.1} | {:.1} |", micros(times[0]), micros(times[times.len() / 2]));
}

fn module(get: &str, body: &str) -> Vec<u8> {
    let text = format!(
        r#"(module {get} (memory (export "memory") 1) (data (i32.const 16) "limit")
            (global $free (mut i32) (i32.const 4096))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (local $at i32)
                (local.set $at (i32.and
                    (i32.add (global.get $free) (i32.sub (local.get 2) (i32.const 1)))
                    (i32.sub (i32.const 0) (local.get 2))))
                (global.set $free (i32.add (local.get $at) (local.get 3)))
                (local.get $at))
            (func (export "evaluate") (param i32 i32 i64 i32 i32 i32 i32 i32 i32 i32) (result i32)
                (global.set $free (i32.const 4096)) {body}))"#
    );
    wat::parse_str(text).unwrap()
}

fn endless() -> Vec<u8> {
    module("", "(loop (br 0)) (unreachable)")
}

fn greedy() -> Vec<u8> {
    module("", "(loop (drop (memory.grow (i32.const 16))) (br 0)) (unreachable)")
}

fn deep() -> Vec<u8> {
    let dive = "(func $d (param i32) (result i32) (i32.add (call $d (local.get 0)) (i32.const 1)))";
    module(dive, "(call $d (i32.const 0))")
}

fn trap() -> Vec<u8> {
    module("", "(unreachable)")
}

/// Ordinary evaluations, a thousand a second, beside a thread that calls guests that misbehave, a round of four
/// and a millisecond's pause.
fn beside(what: &str, bench: &Bench, flags: &Snapshot, config: GuestConfig) {
    let guests = guests(config, &bench.shelf);
    let bad: Vec<Prepared> =
        [endless(), greedy(), deep(), trap()].iter().map(|module| bench.prepare(&guests, module)).collect();
    let over = AtomicBool::new(false);
    let (times, calls) = std::thread::scope(|scope| {
        let caller = scope.spawn(|| {
            let mut calls = 0u64;
            while !over.load(Ordering::Relaxed) {
                bad.iter().for_each(|prepared| drop(bench.call(&guests, prepared)));
                calls += bad.len() as u64;
                std::thread::sleep(Duration::from_millis(1));
            }
            calls
        });
        let times = latencies(bench, flags);
        over.store(true, Ordering::Relaxed);
        (times, caller.join().unwrap())
    });
    show_latencies(what, times);
    let faults: Vec<String> =
        guests.faults().iter().filter(|f| f.count > 0).map(|f| format!("{} {}", f.count, f.kind)).collect();
    println!("| meanwhile {calls} calls of guests: {} | | |", faults.join(", "));
}

fn ordinary() -> Arc<Snapshot> {
    let engine = Engine::new(EngineConfig::default()).unwrap();
    let rule = json!({"if": [{"in": [{"var": "attribute1"}, ["value 0", "value 1"]]}, "on", "off"]});
    let variants = json!({"on": true, "off": false}).as_object().unwrap().clone();
    let flag = FlagIn { state: State::Enabled, targeting: Some(rule), variants, ..FlagIn::default() };
    let source = EnvironmentSource {
        bucketing: Bucketing::default(),
        tenant: Key::new("other").unwrap(),
        environment: Key::new("e").unwrap(),
        flags: [(Key::new("flag").unwrap(), Arc::new(FlagSource::from(&flag)))].into(),
        segments: BTreeMap::new(),
        guests: BTreeMap::new(),
        set: Map::new(),
    };
    let snapshot = engine.build(None, source, &|_| None);
    engine.quiesce();
    snapshot
}

fn latencies(bench: &Bench, flags: &Snapshot) -> Vec<Duration> {
    (0..EVALUATIONS)
        .map(|_| {
            let began = Instant::now();
            drop(flags.evaluate("flag", &bench.context, 1_700_000_000_000));
            let took = began.elapsed();
            std::thread::sleep(Duration::from_millis(1).saturating_sub(took));
            took
        })
        .collect()
}

fn show_latencies(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let micros = |at: usize| times[at].as_secs_f64() * 1e6;
    let (p50, p99) = (micros(times.len() / 2), micros(times.len() * 99 / 100));
    println!("| {what} | {p50:.1} (p50) | {p99:.1} (p99) |");
}

fn main() {
    const GET: &str = r#"(import "burgee:guest/store@0.1.0" "get" (func $get (param i32 i32 i32)))"#;
    let (bench, usual) = (Bench::new(), GuestConfig::default());
    let fresh = GuestConfig { calls_per_instance: 1, ..GuestConfig::default() };
    let null = module("", "(i32.const 1024)");
    let asks = module(GET, "(call $get (i32.const 16) (i32.const 5) (i32.const 1032)) (i32.const 1024)");
    println!("| what | least µs | median µs |\n|---|---|---|");
    bench.calls("call that does nothing, instance reused", usual.clone(), &null);
    bench.calls("the same, a new instance each time", fresh.clone(), &null);
    bench.calls("call that reads a config entry", usual.clone(), &asks);
    bench.compilations("wrap and compile (WAT)", &asks);
    bench.faults("trap", &trap(), GuestFault::Trap);
    bench.faults("endless loop", &endless(), GuestFault::Timeout);
    bench.faults("endless growth", &greedy(), GuestFault::Memory);
    bench.faults("endless recursion", &deep(), GuestFault::Stack);
    for path in std::env::args().skip(1).filter(|argument| argument.ends_with(".wasm")) {
        let given = std::fs::read(&path).unwrap();
        println!("| {path}: {} bytes | | |", given.len());
        bench.calls("call, instance reused", usual.clone(), &given);
        bench.calls("call, a new instance each time", fresh.clone(), &given);
        bench.compilations("wrap and compile", &given);
    }
    let flags = ordinary();
    show_latencies("ordinary evaluation, alone", latencies(&bench, &flags));
    beside("the same, beside guests that misbehave", &bench, &flags, usual.clone());
    let never = GuestConfig { faults: usize::MAX, ..usual };
    beside("the same, were they never suspended", &bench, &flags, never);
}
