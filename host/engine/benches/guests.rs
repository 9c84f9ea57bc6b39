//! Guests in process: what a call, a new instance, a compilation and a fault cost.
//!
//! `cargo bench -p burgee-engine --bench guests [-- MODULE.wasm]`; a module that is given is measured too, with
//! a context of ten attributes. Times are wall time, the minimum and the median of many: on a busy machine the
//! minimum is what the code costs.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use burgee_engine::guest::{GuestCall, GuestConfig, GuestFault, Guests, Modules, Prepared};
use burgee_model::{Context, Digest, Key, Limits, Value};
use bytes::Bytes;

const ROUNDS: usize = 2_000;
const COMPILATIONS: usize = 20;
const FAULTS: usize = 50;

#[derive(Default)]
struct Shelf(Mutex<HashMap<Digest, Bytes>>);

impl Modules for Shelf {
    fn module(&self, _: &Key, _: &str, digest: &Digest) -> Option<Bytes> {
        self.0.lock().unwrap().get(digest).cloned()
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
        let prepared = guests.prepare(module).unwrap();
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
            config: &|_| Value::Number(1_000.0),
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
            drop(guests.prepare(module).unwrap());
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

fn main() {
    const GET: &str = r#"(import "burgee:guest/store@0.1.0" "get" (func $get (param i32 i32 i32)))"#;
    let (bench, usual) = (Bench::new(), GuestConfig::default());
    let fresh = GuestConfig { calls_per_instance: 1, ..usual.clone() };
    let null = module("", "(i32.const 1024)");
    let asks = module(GET, "(call $get (i32.const 16) (i32.const 5) (i32.const 1032)) (i32.const 1024)");
    println!("| what | least µs | median µs |\n|---|---|---|");
    bench.calls("call that does nothing, instance reused", usual.clone(), &null);
    bench.calls("the same, a new instance each time", fresh.clone(), &null);
    bench.calls("call that reads a config entry", usual.clone(), &asks);
    bench.compilations("wrap and compile (WAT)", &asks);
    bench.faults("trap", &module("", "(unreachable)"), GuestFault::Trap);
    bench.faults("endless loop", &module("", "(loop (br 0)) (unreachable)"), GuestFault::Timeout);
    bench.faults(
        "endless growth",
        &module("", "(loop (drop (memory.grow (i32.const 16))) (br 0)) (unreachable)"),
        GuestFault::Memory,
    );
    let deep = "(func $d (param i32) (result i32) (i32.add (call $d (local.get 0)) (i32.const 1)))";
    bench.faults("endless recursion", &module(deep, "(call $d (i32.const 0))"), GuestFault::Stack);
    for path in std::env::args().skip(1).filter(|argument| argument.ends_with(".wasm")) {
        let given = std::fs::read(&path).unwrap();
        println!("| {path}: {} bytes | | |", given.len());
        bench.calls("call, instance reused", usual.clone(), &given);
        bench.calls("call, a new instance each time", fresh.clone(), &given);
        bench.compilations("wrap and compile", &given);
    }
}
