//! Guests that misbehave: each is contained, and another tenant's answers rightly right after.

use std::time::{Duration, Instant};

use burgee_engine::guest::{Entry, GuestConfig, GuestFault};
use burgee_model::Value;

use super::{support::Node, wat};

/// Generous, for machines that do other things too; what a fault costs is the benchmark's.
const BOUND: Duration = Duration::from_secs(2);

fn contained(module: &[u8], fault: GuestFault) {
    let node = Node::new();
    let (bad, good) = (node.put("bad", "g", module), node.put("good", "g", &wat::seven()));
    for round in 1..=3 {
        let began = Instant::now();
        assert_eq!(node.call(&bad), Err(fault));
        assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
        assert_eq!(node.call(&good), Ok(Value::Number(7.0)));
        assert_eq!(node.faults(fault), round);
    }
}

#[test]
fn an_endless_loop_is_stopped() {
    contained(&wat::endless(), GuestFault::Timeout);
    contained(&wat::endless_start(), GuestFault::Timeout);
}

#[test]
fn instructions_that_take_long_are_counted_by_the_clock() {
    let patient = GuestConfig {
        time_limit: Duration::from_secs(60),
        wall_limit: Duration::from_secs(60),
        ..GuestConfig::default()
    };
    let node = Node::with(patient.clone());
    let [few, many] = [("few", 18), ("many", 2_000)].map(|(name, times)| node.put("t", name, &wat::fills(times)));
    assert_eq!(node.call(&few), Ok(Value::Null));
    // that many take seconds, yet are not a hundredth of the ticks that a call may see in a minute
    let strict = node.restarted(GuestConfig { wall_limit: Duration::from_millis(1), ..patient });
    assert_eq!(strict.call(&many), Err(GuestFault::Timeout));
}

#[test]
fn config_entries_that_a_call_reads_are_bounded_in_number_and_bytes() {
    let node = Node::with(GuestConfig { lookups: 3, lookup_bytes: 100, ..GuestConfig::default() });
    let reads = node.put("t", "reads", &wat::reads());
    let entry = |bytes| move |_: &str| Entry { value: Value::Bool(true), bytes };
    let ask = |times: usize, bytes| node.ask_entries(&reads, "{}", &format!("{:?}", vec![0; times]), &entry(bytes));
    assert_eq!(ask(3, 33), Ok(Value::Bool(true)), "neither is exceeded, and each call begins anew");
    assert_eq!(ask(3, 33), Ok(Value::Bool(true)));
    assert_eq!(ask(4, 0), Err(GuestFault::Lookups));
    assert_eq!(ask(3, 34), Err(GuestFault::Lookups));
    assert_eq!(node.faults(GuestFault::Lookups), 2);
}

#[test]
fn growing_memory_is_refused() {
    contained(&wat::greedy(), GuestFault::Memory);
    contained(&wat::born_greedy(), GuestFault::Memory);
    contained(&wat::tabular(), GuestFault::Memory);
}

#[test]
fn endless_recursion_is_stopped() {
    contained(&wat::deep(), GuestFault::Stack);
}

#[test]
fn a_trap_is_a_fault() {
    contained(&wat::traps(), GuestFault::Trap);
}

#[test]
fn rubbish_is_no_answer() {
    let node = Node::new();
    let good = node.put("good", "g", &wat::seven());
    for (what, module) in wat::rubbish() {
        let bad = node.put("bad", "g", &module);
        let answer = node.call(&bad);
        // wasmtime calls an address beyond the memory a trap, which is right too
        assert!(matches!(answer, Err(GuestFault::BadResult | GuestFault::Trap)), "{what}: {answer:?}");
        assert_eq!(node.call(&good), Ok(Value::Number(7.0)), "{what}");
    }
}

#[test]
fn a_trapped_instance_is_never_used_again() {
    let node = Node::with(GuestConfig { threads: 1, ..GuestConfig::default() });
    let counter = node.put("t", "counter", &wat::counter());
    let count = |arguments| node.ask(&counter, "{}", arguments);
    assert_eq!([count("[]"), count("[]")], [1.0, 2.0].map(|n| Ok(Value::Number(n))), "the instance is reused");
    assert_eq!(count("[1]"), Err(GuestFault::Trap));
    assert_eq!(count("[]"), Ok(Value::Number(1.0)), "nothing of the poisoned one is left");
}

#[test]
fn who_fails_too_often_is_suspended_and_others_are_not() {
    let config = GuestConfig { suspension: Duration::from_millis(300), ..GuestConfig::default() };
    let node = Node::with(config);
    let (bad, same_tenant) = (node.put("t", "bad", &wat::traps()), node.put("t", "good", &wat::seven()));
    let same_name = node.put("other", "bad", &wat::traps());
    for _ in 0..5 {
        assert_eq!(node.call(&bad), Err(GuestFault::Trap));
    }
    let suspended = Instant::now();
    assert_eq!(node.call(&bad), Err(GuestFault::Suspended));
    assert_eq!(node.call(&same_tenant), Ok(Value::Number(7.0)));
    assert_eq!(node.call(&same_name), Err(GuestFault::Trap));
    let mended = node.put("t", "bad", &wat::seven());
    assert_eq!(node.call(&mended), Ok(Value::Number(7.0)), "another version has done nothing");
    while node.call(&bad) == Err(GuestFault::Suspended) {
        assert!(suspended.elapsed() < BOUND);
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(suspended.elapsed() >= Duration::from_millis(250));
}
