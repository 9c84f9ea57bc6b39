//! Nodes whose wall clocks are wrong. The one that is wrong is told so; nobody else is harmed by it.

use std::time::Duration;

use harness::{
    clock::FakeClock,
    cluster::{
        CLOCK_ERROR, CONVERGE_BOUND, VISIBLE_BOUND, all_see, cluster, entry, flag, flag_in, meet, place, put, read,
        sees, stays, views,
    },
    metrics::metric,
    node::{Node, Spec},
};
use serde_json::json;

const PLACE: &str = "demo/development";
const HOURS_3: f64 = 10_800.0;

/// `a` with this clock, joined to `b` and `c` whose clocks are right.
fn trio_with_clock(clock: &FakeClock) -> [Node; 3] {
    let b = Spec::serve().cluster("b").start();
    place(&b.client);
    let c = Spec::serve().cluster("c").join(&b).start();
    let a = Spec::serve().cluster("a").join(&b).clock(clock).start();
    meet(&[&a, &b, &c]);
    [a, b, c]
}

fn write(node: &Node, key: &str, value: &str) -> u16 {
    node.client.put(&entry(key), value).status
}

#[test]
fn check_10_whoever_has_read_a_value_overwrites_it_with_a_clock_that_is_behind() {
    let a = Spec::serve().cluster("a").start();
    place(&a.client);
    let b = Spec::serve().cluster("b").join(&a).clock(&FakeClock::new("-0.2")).start();
    for round in 0..10 {
        let (key, later) = (format!("k/{round}"), format!("b {round}"));
        put(&a.client, &key, "a");
        sees("a's value", VISIBLE_BOUND, &Ok("a".to_owned()), || read(&b.client, &key));
        put(&b.client, &key, &later);
        assert_eq!(read(&b.client, &key), Ok(later.clone()));
        sees("b's value", VISIBLE_BOUND, &Ok(later.clone()), || read(&a.client, &key));
        stays("b's value", Duration::from_millis(100), &Ok(later), &[&a, &b], |client| read(client, &key));
    }
}

#[test]
fn check_13_a_clock_three_hours_ahead_is_refused_by_name_and_metric() {
    let [a, b, c] = trio_with_clock(&FakeClock::new("+3h"));
    flag(&b.client, "f");
    put(&b.client, "k", "before");
    all_see("it", CONVERGE_BOUND, &Ok("before".to_owned()), &[&a, &b, &c], |client| read(client, "k"));
    sees("the flag", CONVERGE_BOUND, &200, || a.client.ofrep(PLACE, "f", &json!({})).status);
    sees("the refusal", CONVERGE_BOUND, &503, || write(&a, "k", "ahead"));
    let problem = a.client.put(&entry("k"), "ahead").problem(503, "clock_ahead");
    assert!(problem["detail"].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
    a.client.patch(&flag_in("f"), &json!({ "kill": true })).problem(503, "clock_ahead");
    let skew = metric(&a.client, "burgee_clock_skew_seconds", &[]);
    assert!((HOURS_3 - 60.0..HOURS_3 + 60.0).contains(&skew), "{skew}");
    // reads and evaluations go on, and so does everybody else
    assert_eq!(a.client.value(PLACE, "f"), json!(true));
    put(&b.client, "k", "later");
    all_see("b's later write", VISIBLE_BOUND, &Ok("later".to_owned()), &[&a, &b, &c], |client| read(client, "k"));
    stays("it", Duration::from_millis(300), &Ok("later".to_owned()), &[&a, &b, &c], |client| read(client, "k"));
}

#[test]
fn check_14_a_corrected_clock_is_not_locked_out() {
    let clock = FakeClock::new("+3h");
    let [a, b, c] = trio_with_clock(&clock);
    put(&b.client, "k", "before");
    sees("the refusal", CONVERGE_BOUND, &503, || write(&a, "k", "ahead"));
    clock.set("+0");
    sees("the acceptance", CONVERGE_BOUND, &true, || matches!(write(&a, "k", "corrected"), 200 | 201));
    all_see("it wins", VISIBLE_BOUND, &Ok("corrected".to_owned()), &[&a, &b, &c], |client| read(client, "k"));
    put(&b.client, "k", "and b after it");
    all_see("b", VISIBLE_BOUND, &Ok("and b after it".to_owned()), &[&a, &b, &c], |client| read(client, "k"));
    assert!(metric(&a.client, "burgee_clock_skew_seconds", &[]).abs() < 60.0);
}

#[test]
fn check_14_of_two_nodes_one_ahead_writes_on_and_is_not_locked_out_after_correction() {
    let clock = FakeClock::new("+3h");
    let a = Spec::serve().cluster("a").clock(&clock).start();
    place(&a.client);
    put(&a.client, "k", "three hours ahead");
    let b = Spec::serve().cluster("b").join(&a).start();
    // whoever has seen a version can override it at once, however wrong its author's clock was
    put(&b.client, "k", "right time");
    sees("b's value", VISIBLE_BOUND, &Ok("right time".to_owned()), || read(&a.client, "k"));
    put(&a.client, "k", "ahead again");
    sees("a's value", VISIBLE_BOUND, &Ok("ahead again".to_owned()), || read(&b.client, "k"));
    clock.set("+0");
    let a = a.stop().start();
    put(&a.client, "k", "corrected");
    all_see("it wins", VISIBLE_BOUND, &Ok("corrected".to_owned()), &[&a, &b], |client| read(client, "k"));
    put(&b.client, "k", "and b after it");
    all_see("b", VISIBLE_BOUND, &Ok("and b after it".to_owned()), &[&a, &b], |client| read(client, "k"));
}

#[test]
fn check_15_a_clock_three_hours_behind_writes_and_wins() {
    let [a, b, c] = trio_with_clock(&FakeClock::new("-3h"));
    put(&b.client, "k", "b");
    sees("b's value", VISIBLE_BOUND, &Ok("b".to_owned()), || read(&a.client, "k"));
    put(&a.client, "k", "a");
    all_see("a's value", VISIBLE_BOUND, &Ok("a".to_owned()), &[&a, &b, &c], |client| read(client, "k"));
    stays("it", Duration::from_millis(500), &Ok("a".to_owned()), &[&a, &b, &c], |client| read(client, "k"));
}

#[test]
fn check_16_a_clock_set_back_while_the_node_was_down_still_wins() {
    let clock = FakeClock::new("+0");
    let [a, b, c] = trio_with_clock(&clock);
    put(&a.client, "k", "first");
    put(&a.client, "own", "first");
    all_see("it", VISIBLE_BOUND, &Ok("first".to_owned()), &[&b, &c], |client| read(client, "k"));
    let a = a.stop();
    clock.set("-2h");
    let a = a.start();
    put(&a.client, "k", "second");
    put(&a.client, "own", "second");
    all_see("it", VISIBLE_BOUND, &Ok("second".to_owned()), &[&a, &b, &c], |client| read(client, "k"));
    stays("it", Duration::from_millis(500), &Ok("second".to_owned()), &[&a, &b, &c], |client| read(client, "own"));
}

#[test]
fn check_16_alone_too_a_clock_set_back_keeps_the_order_of_writes() {
    let clock = FakeClock::new("+0");
    let node = Spec::serve().clock(&clock).start();
    place(&node.client);
    put(&node.client, "k", "first");
    let stamp = |node: &Node| node.client.get(&entry("k")).header("burgee-stamp").unwrap();
    let first = stamp(&node);
    let spec = node.kill();
    clock.set("-2h");
    let node = spec.start();
    put(&node.client, "k", "second");
    assert_eq!(read(&node.client, "k"), Ok("second".to_owned()));
    assert!(stamp(&node) > first);
}

#[test]
fn check_17_on_a_clock_that_stands_still_writes_keep_their_order() {
    let node = Spec::serve().clock(&FakeClock::new("2026-06-01 12:00:00")).start();
    place(&node.client);
    let mut last = String::new();
    for number in 0..2_000 {
        let put = node.client.put(&entry("k"), &number.to_string());
        let stamp = put.etag();
        assert!(stamp > last, "{stamp} after {last}");
        last = stamp;
    }
    assert_eq!(read(&node.client, "k"), Ok("1999".to_owned()));
}

#[test]
fn check_41_a_skewed_reader_tells_its_skew_and_ends_nothing_early() {
    const TTL: Duration = Duration::from_secs(2);
    const LATE: Duration = Duration::from_secs(1);
    let [a, b, c] = trio_with_clock(&FakeClock::new("+3h"));
    b.client.put(&format!("{}?ttl=1h", entry("long")), "x").check(201);
    let before = std::time::Instant::now();
    b.client.put(&format!("{}?ttl=2s", entry("short")), "x").check(201);
    all_see("both", VISIBLE_BOUND, &Ok("x".to_owned()), &[&a, &c], |client| read(client, "short"));
    // most clocks are right, so that cluster time goes as this test's clock does
    for node in [&a, &b, &c] {
        sees("the end of the short one", TTL + LATE, &Err(404), || {
            let seen = read(&node.client, "short");
            let age = before.elapsed();
            assert!(seen.is_ok() || age + CLOCK_ERROR >= TTL, "early: {age:?}");
            assert!(seen.is_err() || age < TTL + LATE, "late: {age:?}");
            seen
        });
    }
    stays("the long one", Duration::from_millis(300), &Ok("x".to_owned()), &[&a, &b, &c], |client| {
        read(client, "long")
    });
    let skew = |reader: &Node, name: &str| {
        let view = views(&reader.client, name).into_iter().next().unwrap_or_default();
        view["skewMs"].as_f64().unwrap_or(0.0).abs() / 1_000.0
    };
    sees("the skew", CONVERGE_BOUND, &true, || (HOURS_3 - 60.0..HOURS_3 + 60.0).contains(&skew(&b, "a")));
    assert!(cluster(&b.client)["nodes"].as_array().unwrap().len() == 3);
}

#[test]
fn a_clock_after_the_year_2099_refuses_writes_and_works_again_once_it_is_corrected() {
    let clock = FakeClock::new("+0");
    let node = Spec::serve().clock(&clock).start();
    place(&node.client);
    flag(&node.client, "f");
    put(&node.client, "k", "before");
    node.client.put(&format!("{}?ttl=1h", entry("short")), "x").check(201);
    let stamp = |node: &Node| node.client.get(&entry("k")).header("burgee-stamp").unwrap();
    let before = stamp(&node);
    // seconds since 1970 fill 32 bits in February 2106
    for wrong in ["2100-01-01 00:00:01", "2106-02-07 06:28:20", "2150-01-01 00:00:00"] {
        clock.set(wrong);
        sees("the refusal", CONVERGE_BOUND, &503, || write(&node, "k", "out of range"));
        let problem = node.client.put(&entry("k"), "out of range").problem(503, "clock_ahead");
        assert!(problem["detail"].as_str().is_some_and(|text| text.contains("clock")), "{problem}");
        node.client.patch(&flag_in("f"), &json!({ "kill": true })).problem(503, "clock_ahead");
        assert_eq!(read(&node.client, "k"), Ok("before".to_owned()));
        assert_eq!(node.client.value(PLACE, "f"), json!(true));
    }
    clock.set("+0");
    sees("the acceptance", CONVERGE_BOUND, &true, || write(&node, "k", "after") == 200);
    assert_eq!(read(&node.client, "k"), Ok("after".to_owned()));
    assert_eq!(read(&node.client, "short"), Ok("x".to_owned()), "its hour has not passed");
    let after = stamp(&node);
    assert!(after > before && after[..7] == before[..7], "{after} follows {before} within an hour");
    let node = node.stop().start();
    put(&node.client, "k", "after a restart");
    assert!(stamp(&node) > after);
}

#[test]
fn a_node_that_starts_after_the_year_2099_serves_once_its_clock_is_corrected() {
    let clock = FakeClock::new("+0");
    let node = Spec::serve().clock(&clock).start();
    place(&node.client);
    put(&node.client, "k", "before");
    let spec = node.stop();
    clock.set("2150-01-01 00:00:00");
    let node = spec.start();
    assert_eq!(read(&node.client, "k"), Ok("before".to_owned()));
    node.client.put(&entry("k"), "out of range").problem(503, "clock_ahead");
    clock.set("+0");
    sees("the acceptance", CONVERGE_BOUND, &true, || write(&node, "k", "after") == 200);
    assert_eq!(read(&node.client, "k"), Ok("after".to_owned()));
}

#[test]
fn one_of_three_with_a_clock_after_the_year_2099_goes_by_the_clocks_of_the_others() {
    let clock = FakeClock::new("2150-01-01 00:00:00");
    let [a, b, c] = trio_with_clock(&clock);
    put(&b.client, "k", "b");
    all_see("b's value", VISIBLE_BOUND, &Ok("b".to_owned()), &[&a, &b, &c], |client| read(client, "k"));
    sees("the refusal", CONVERGE_BOUND, &503, || write(&a, "k", "out of range"));
    clock.set("+0");
    sees("the acceptance", CONVERGE_BOUND, &true, || write(&a, "k", "corrected") == 200);
    all_see("it wins", VISIBLE_BOUND, &Ok("corrected".to_owned()), &[&a, &b, &c], |client| read(client, "k"));
}
