//! Two nodes: what is written on one shows on the other, and a node that was away catches up.

use std::{thread, time::Duration};

use harness::{
    cluster::{CONVERGE_BOUND, VISIBLE_BOUND, all_see, entry, flag, flag_in, pair, place, put, read, sees, trio},
    node::Spec,
    proc::Signal,
};
use serde_json::json;

const PLACE: &str = "demo/development";

#[test]
fn check_53_a_toggle_shows_on_the_other_node_within_a_second() {
    let (a, b) = pair();
    flag(&a.client, "f");
    sees("the flag", CONVERGE_BOUND, &json!(true), || {
        b.client.ofrep(PLACE, "f", &json!({})).json().get("value").cloned().unwrap_or_default()
    });
    let mut slowest = Duration::ZERO;
    for round in 0..20 {
        let (writer, reader) = if round % 2 == 0 { (&a, &b) } else { (&b, &a) };
        let on = round % 3 == 0;
        let variant = if on { "on" } else { "off" };
        writer.client.patch(&flag_in("f"), &json!({ "defaultVariant": variant })).check(200);
        let took = sees("the toggle", VISIBLE_BOUND, &json!(on), || reader.client.value(PLACE, "f"));
        let text = format!("round {round}");
        let put = writer.client.put(&entry("shared"), &text).status;
        assert_eq!(put, if round == 0 { 201 } else { 200 });
        let read = sees("the entry", VISIBLE_BOUND, &Ok(text), || read(&reader.client, "shared"));
        slowest = slowest.max(took).max(read);
    }
    eprintln!("slowest of 40 writes seen on the other node after {slowest:?}");
}

#[test]
fn a_joiner_gets_everything_that_was_there_before() {
    let a = Spec::serve().cluster("a").start();
    place(&a.client);
    flag(&a.client, "f");
    for number in 0..500 {
        a.client.put(&entry(&format!("before/{number:03}")), &format!("value {number}")).check(201);
    }
    a.client.delete(&entry("before/007")).check(204);
    let b = Spec::serve().cluster("b").join(&a).start();
    // at once: it was not ready before it held all of it
    assert_eq!(b.client.value(PLACE, "f"), json!(true));
    for number in (0..500).filter(|n| *n != 7) {
        assert_eq!(read(&b.client, &format!("before/{number:03}")), Ok(format!("value {number}")));
    }
    assert_eq!(read(&b.client, "before/007"), Err(404));
}

#[test]
fn a_node_that_stood_still_sees_what_it_missed_within_a_second() {
    let (a, b) = pair();
    flag(&a.client, "f");
    sees("the flag", CONVERGE_BOUND, &200, || b.client.ofrep(PLACE, "f", &json!({})).status);
    b.signal(Signal::Stop);
    thread::sleep(Duration::from_secs(3));
    a.client.patch(&flag_in("f"), &json!({ "defaultVariant": "off" })).check(200);
    a.client.put(&entry("meanwhile"), "written").check(201);
    thread::sleep(Duration::from_secs(2));
    b.signal(Signal::Continue);
    let took = sees("the toggle", VISIBLE_BOUND, &json!(false), || b.client.value(PLACE, "f"));
    sees("the entry", VISIBLE_BOUND, &Ok("written".to_owned()), || read(&b.client, "meanwhile"));
    eprintln!("seen {took:?} after SIGCONT");
    // and the way back is open too
    b.client.patch(&flag_in("f"), &json!({ "defaultVariant": "on" })).check(200);
    sees("the way back", VISIBLE_BOUND, &json!(true), || a.client.value(PLACE, "f"));
}

#[test]
fn check_63_a_stopped_peer_delays_nobody() {
    let [a, b, c] = trio();
    flag(&a.client, "f");
    all_see("the flag", CONVERGE_BOUND, &200, &[&b, &c], |client| client.ofrep(PLACE, "f", &json!({})).status);
    c.signal(Signal::Stop);
    let start = std::time::Instant::now();
    for number in 0..100 {
        put(&a.client, &format!("n/{number}"), "x");
        let on = number % 2 == 1;
        let variant = if on { "on" } else { "off" };
        a.client.patch(&flag_in("f"), &json!({ "defaultVariant": variant })).check(200);
        sees("the toggle", VISIBLE_BOUND, &json!(on), || b.client.value(PLACE, "f"));
    }
    eprintln!("200 writes, 100 of them seen elsewhere, beside a stopped peer: {:?}", start.elapsed());
    c.signal(Signal::Continue);
    sees("all of them", CONVERGE_BOUND, &Ok("x".to_owned()), || read(&c.client, "n/99"));
}

#[test]
fn either_node_may_be_killed_and_comes_back_with_everything() {
    let (a, b) = pair();
    flag(&a.client, "f");
    sees("the flag", CONVERGE_BOUND, &200, || b.client.ofrep(PLACE, "f", &json!({})).status);
    // the joiner dies, misses a write, returns
    let b = b.kill();
    a.client.patch(&flag_in("f"), &json!({ "defaultVariant": "off" })).check(200);
    a.client.put(&entry("by-a"), "1").check(201);
    let b = b.start();
    sees("what b missed", CONVERGE_BOUND, &json!(false), || b.client.value(PLACE, "f"));
    sees("what b missed", CONVERGE_BOUND, &Ok("1".to_owned()), || read(&b.client, "by-a"));
    // the seed dies, misses a write, returns without being told of anyone
    let a = a.kill();
    b.client.patch(&flag_in("f"), &json!({ "defaultVariant": "on" })).check(200);
    b.client.put(&entry("by-b"), "2").check(201);
    let a = a.start();
    sees("what a missed", CONVERGE_BOUND, &json!(true), || a.client.value(PLACE, "f"));
    sees("what a missed", CONVERGE_BOUND, &Ok("2".to_owned()), || read(&a.client, "by-b"));
    // and both still speak to each other
    a.client.put(&entry("after"), "3").check(201);
    sees("a to b", CONVERGE_BOUND, &Ok("3".to_owned()), || read(&b.client, "after"));
}

#[test]
fn what_only_the_dead_node_had_comes_back_with_it() {
    let (a, b) = pair();
    // in good order, so that what it had from a is on its disk: an empty node would wait for a
    let b = b.stop();
    a.client.put(&entry("only-a"), "kept").check(201);
    let a = a.kill();
    let b = b.option("--ready-timeout", "1s").start();
    assert_eq!(read(&b.client, "only-a"), Err(404));
    b.client.put(&entry("only-b"), "kept too").check(201);
    let a = a.start();
    sees("a's entry on b", CONVERGE_BOUND, &Ok("kept".to_owned()), || read(&b.client, "only-a"));
    sees("b's entry on a", CONVERGE_BOUND, &Ok("kept too".to_owned()), || read(&a.client, "only-b"));
}

#[test]
fn a_third_node_hears_of_all() {
    let (a, b) = pair();
    let c = Spec::serve().cluster("c").join(&b).start();
    for (number, writer) in [&a, &b, &c].into_iter().enumerate() {
        let key = format!("from/{number}");
        writer.client.put(&entry(&key), "hello").check(201);
        for reader in [&a, &b, &c] {
            sees(&key, CONVERGE_BOUND, &Ok("hello".to_owned()), || read(&reader.client, &key));
        }
    }
    for node in [&a, &b, &c] {
        let names = || {
            let cluster = node.client.get("/api/v1/cluster").expect(200).json();
            let nodes = cluster["nodes"].as_array().unwrap();
            let mut names: Vec<String> = nodes.iter().map(|n| n["name"].as_str().unwrap().to_owned()).collect();
            names.sort_unstable();
            names
        };
        sees("all three", CONVERGE_BOUND, &["a", "b", "c"].map(str::to_owned).to_vec(), names);
    }
}

#[test]
fn an_empty_joiner_without_anyone_there_does_not_serve() {
    let gone = Spec::serve().cluster("gone").start();
    let spec = Spec::serve().cluster("b").join(&gone).option("--ready-timeout", "500ms");
    drop(gone);
    let node = spec.launch();
    thread::sleep(Duration::from_secs(2));
    let ready = node.client.get("/readyz").expect(503).json();
    assert!(!ready["reasons"].as_array().unwrap().is_empty(), "{ready}");
    node.client.post("/api/v1/tenants", &json!({ "key": "t" })).problem(503, "not_ready");
}

#[test]
fn a_seed_that_accepts_and_says_nothing_holds_nobody_up() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp/{}", silent.local_addr().unwrap());
    let node = Spec::serve().cluster("b").start();
    place(&node.client);
    node.client.put(&entry("k"), "kept").check(201);
    // with data it serves alone once the time has passed
    let node = node.stop().option("--join", endpoint).option("--ready-timeout", "1s").start();
    assert_eq!(read(&node.client, "k"), Ok("kept".to_owned()));
    node.client.put(&entry("k"), "written alone").check(200);
}
