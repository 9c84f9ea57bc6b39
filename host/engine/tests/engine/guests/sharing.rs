//! Many callers at once: threads are shared, and no tenant has more than its part.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use burgee_engine::guest::{GuestConfig, GuestFault};
use burgee_model::Value;

use super::{support::Node, wat};

#[test]
fn a_tenant_has_two_calls_at_once_and_others_have_the_rest() {
    let config = GuestConfig { threads: 3, time_limit: Duration::from_millis(200), ..GuestConfig::default() };
    let node = Node::with(config);
    let (limit, other) = (node.put("t", "limit", &wat::limit()), node.put("other", "seven", &wat::seven()));
    let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let slow = |_: &str| {
        most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(20));
        running.fetch_sub(1, Ordering::SeqCst);
        Value::Null
    };
    thread::scope(|scope| {
        let callers: Vec<_> = (0..4).map(|_| scope.spawn(|| node.ask_with(&limit, "{}", "[]", &slow))).collect();
        assert_eq!(node.call(&other), Ok(Value::Number(7.0)));
        for caller in callers {
            assert!(matches!(caller.join().unwrap(), Ok(Value::Null)));
        }
    });
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[test]
fn who_waits_for_too_long_is_told_so() {
    let config = GuestConfig { threads: 1, time_limit: Duration::from_millis(20), ..GuestConfig::default() };
    let node = Node::with(config);
    let limit = node.put("t", "limit", &wat::limit());
    thread::scope(|scope| {
        let (entered, inside) = std::sync::mpsc::channel();
        let first = scope.spawn({
            let (node, limit) = (&node, &limit);
            move || {
                let slow = move |_: &str| {
                    entered.send(()).unwrap();
                    thread::sleep(Duration::from_millis(500));
                    Value::Null
                };
                node.ask_with(limit, "{}", "[]", &slow)
            }
        });
        inside.recv().unwrap();
        assert_eq!(node.call(&limit), Err(GuestFault::Busy));
        assert_eq!(first.join().unwrap(), Ok(Value::Null), "waiting for the host is not held against a guest");
    });
    assert_eq!(node.ask_with(&limit, "{}", "[]", &|_| Value::Null), Ok(Value::Null));
}

#[test]
fn guests_of_two_tenants_that_run_to_the_limit_fail_no_call_of_a_third() {
    let config = GuestConfig { threads: 2, faults: usize::MAX, ..GuestConfig::default() };
    let node = Node::with(GuestConfig { wall_limit: Duration::from_secs(60), ..config });
    let bad = ["bad", "worse"].map(|tenant| node.put(tenant, "endless", &wat::endless()));
    let good = node.put("good", "seven", &wat::seven());
    let over = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        for guest in bad.iter().cycle().take(12) {
            let (node, over) = (&node, &over);
            scope.spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    let failed = node.call(guest).unwrap_err();
                    assert!(matches!(failed, GuestFault::Timeout | GuestFault::Busy), "{failed:?}");
                }
            });
        }
        let answers: Vec<_> = (0..50).map(|_| node.call(&good)).collect();
        over.store(true, Ordering::SeqCst);
        assert_eq!(answers, vec![Ok(Value::Number(7.0)); 50]);
    });
    assert!(node.faults(GuestFault::Timeout) > 0);
}

#[test]
fn instances_are_replaced_after_so_many_calls_and_with_each_version() {
    let node = Node::with(GuestConfig { threads: 1, calls_per_instance: 3, ..GuestConfig::default() });
    let counter = node.put("t", "g", &wat::counter());
    let counted: Vec<_> = (0..5).map(|_| node.call(&counter)).collect();
    assert_eq!(counted, [1.0, 2.0, 3.0, 1.0, 2.0].map(|n| Ok(Value::Number(n))));
    let seven = node.put("t", "g", &wat::seven());
    assert_eq!(node.call(&seven), Ok(Value::Number(7.0)));
    assert_eq!(node.call(&counter), Ok(Value::Number(1.0)), "the other version took its place");
}

#[test]
fn instances_of_one_module_are_each_tenants_own() {
    let node = Node::with(GuestConfig { threads: 1, ..GuestConfig::default() });
    let (a, b) = (node.put("a", "g", &wat::counter()), node.put("b", "g", &wat::counter()));
    let counted = [node.call(&a), node.call(&a), node.call(&b), node.call(&a)];
    assert_eq!(counted, [1.0, 2.0, 1.0, 3.0].map(|n| Ok(Value::Number(n))));
}

#[test]
fn beyond_so_many_evaluations_of_a_tenant_calls_fail_at_once() {
    let config = GuestConfig { callers_per_tenant: 2, threads: 4, calls_per_tenant: 4, ..GuestConfig::default() };
    let node = Node::with(GuestConfig { wall_limit: Duration::from_secs(60), ..config });
    let (limit, other) = (node.put("t", "limit", &wat::limit()), node.put("other", "seven", &wat::seven()));
    let (entered, inside) = std::sync::mpsc::channel();
    let (leave, left) = std::sync::mpsc::channel::<()>();
    let left = std::sync::Mutex::new(left);
    let waits = |_: &str| {
        entered.send(()).unwrap();
        left.lock().unwrap().recv().unwrap();
        Value::Null
    };
    thread::scope(|scope| {
        let callers: Vec<_> = (0..2).map(|_| scope.spawn(|| node.ask_with(&limit, "{}", "[]", &waits))).collect();
        (0..2).for_each(|_| inside.recv().unwrap());
        assert_eq!(node.call(&limit), Err(GuestFault::Crowded));
        assert_eq!(node.faults(GuestFault::Crowded), 1);
        assert_eq!(node.call(&other), Ok(Value::Number(7.0)));
        (0..2).for_each(|_| leave.send(()).unwrap());
        for caller in callers {
            assert_eq!(caller.join().unwrap(), Ok(Value::Null));
        }
    });
    assert_eq!(node.ask_with(&limit, "{}", "[]", &|_| Value::Null), Ok(Value::Null), "both have left");
}
