//! Nodes that cannot reach each other, on a network of their own: they go on, and are equal again soon after.

use std::{
    thread,
    time::{Duration, Instant},
};

use harness::{
    cluster::{
        Apart, CONVERGE_BOUND, HEAL_BOUND, VISIBLE_BOUND, all_see, entry, equal, flag, flag_in, keys, live, put, read,
        sees, stays,
    },
    http::Client,
    node::Node,
    proc::resident_mib,
};
use serde_json::{Value as Json, json};

const PLACE: &str = "demo/development";

/// Until a silent link is known to be dead: the lease, and a little.
const NOTICED_BOUND: Duration = Duration::from_secs(5);

fn three(apart: &Apart) -> [&Node; 3] {
    [0, 1, 2].map(|at| &apart.nodes[at])
}

fn reason(client: &Client) -> Json {
    client.ofrep(PLACE, "f", &json!({})).json()["reason"].clone()
}

#[test]
fn check_21_both_sides_of_a_split_write_and_are_equal_within_five_seconds() {
    let apart = Apart::with_nodes(3);
    let [a, b, c] = three(&apart);
    flag(&a.client, "f");
    put(&a.client, "shared", "before");
    equal(&[a, b, c], CONVERGE_BOUND);
    apart.network.isolate(0);
    for number in 0..50 {
        put(&a.client, &format!("a/{number}"), "from a");
        put(&b.client, &format!("b/{number}"), "from b");
        put(&c.client, &format!("c/{number}"), "from c");
    }
    a.client.patch(&flag_in("f"), &json!({ "state": "DISABLED" })).check(200);
    put(&a.client, "shared", "from a");
    // later by any of their clocks, which a busy machine measures to some tens of milliseconds
    thread::sleep(Duration::from_millis(250));
    put(&b.client, "shared", "from b, later");
    sees("the other side is away", NOTICED_BOUND, &vec!["a".to_owned()], || live(&a.client));
    assert_eq!(read(&c.client, "a/0"), Err(404));
    apart.network.rejoin(0);
    let took = equal(&[a, b, c], HEAL_BOUND);
    eprintln!("equal {took:?} after the cut was healed");
    for node in [a, b, c] {
        assert_eq!(keys(&node.client, "").len(), 151);
        assert_eq!(read(&node.client, "shared"), Ok("from b, later".to_owned()));
        assert_eq!(reason(&node.client), "DISABLED");
    }
}

#[test]
fn check_22_what_two_nodes_cannot_tell_each_other_a_third_one_does() {
    let apart = Apart::with_nodes(3);
    let [a, b, c] = three(&apart);
    apart.network.cut(0, 1);
    sees("a sees b no more", NOTICED_BOUND, &vec!["a".to_owned(), "c".to_owned()], || live(&a.client));
    sees("b sees a no more", NOTICED_BOUND, &vec!["b".to_owned(), "c".to_owned()], || live(&b.client));
    let mut slowest = Duration::ZERO;
    for number in 0..20 {
        let (writer, reader) = if number % 2 == 0 { (a, b) } else { (b, a) };
        let key = format!("through-c/{number}");
        put(&writer.client, &key, "x");
        slowest = slowest.max(sees(&key, HEAL_BOUND, &Ok("x".to_owned()), || read(&reader.client, &key)));
    }
    eprintln!("slowest of 20 relayed writes: {slowest:?}");
    equal(&[a, b, c], HEAL_BOUND);
}

#[test]
fn check_22_a_link_that_works_one_way_only_still_converges() {
    let apart = Apart::with_nodes(3);
    let [a, b, c] = three(&apart);
    apart.network.cut_one_way(0, 1);
    for number in 0..10 {
        put(&a.client, &format!("a/{number}"), "x");
        put(&b.client, &format!("b/{number}"), "x");
        thread::sleep(Duration::from_millis(100));
    }
    all_see("a's last", HEAL_BOUND, &Ok("x".to_owned()), &[b, c], |client| read(client, "a/9"));
    all_see("b's last", HEAL_BOUND, &Ok("x".to_owned()), &[a, c], |client| read(client, "b/9"));
    apart.network.heal_one_way(0, 1);
    equal(&[a, b, c], HEAL_BOUND);
}

#[test]
fn check_30_a_delete_holds_when_one_who_missed_it_returns() {
    let apart = Apart::with_nodes(3);
    let [a, b, c] = three(&apart);
    put(&a.client, "k", "x");
    equal(&[a, b, c], CONVERGE_BOUND);
    apart.network.isolate(2);
    b.client.delete(&entry("k")).check(204);
    sees("the delete", VISIBLE_BOUND, &Err(404), || read(&a.client, "k"));
    assert_eq!(read(&c.client, "k"), Ok("x".to_owned()));
    apart.network.rejoin(2);
    equal(&[a, b, c], HEAL_BOUND);
    stays("the delete", Duration::from_secs(1), &Err(404), &[a, b, c], |client| read(client, "k"));
}

#[test]
fn check_40_what_expired_on_one_side_gives_way_to_a_newer_value_of_the_other() {
    let apart = Apart::with_nodes(2);
    let [a, b] = [0, 1].map(|at| &apart.nodes[at]);
    a.client.put(&format!("{}?ttl=2s", entry("k")), "short").check(201);
    sees("it", VISIBLE_BOUND, &Ok("short".to_owned()), || read(&b.client, "k"));
    apart.network.cut(0, 1);
    b.client.put(&entry("k"), "newer").check(200);
    sees("its end", Duration::from_secs(4), &Err(404), || read(&a.client, "k"));
    apart.network.heal(0, 1);
    sees("the newer value", HEAL_BOUND, &Ok("newer".to_owned()), || read(&a.client, "k"));
    equal(&[a, b], HEAL_BOUND);
    stays("it", Duration::from_millis(500), &Ok("newer".to_owned()), &[a, b], |client| read(client, "k"));
}

#[test]
fn check_46_a_purge_of_all_during_a_partition_holds() {
    let apart = Apart::with_nodes(3);
    let [a, b, c] = three(&apart);
    (0..30).for_each(|number| put(&b.client, &format!("old/{number}"), "x"));
    equal(&[a, b, c], CONVERGE_BOUND);
    apart.network.isolate(0);
    // never seen by whoever purges
    put(&b.client, "old/unseen", "x");
    sees("the unseen one", VISIBLE_BOUND, &Ok("x".to_owned()), || read(&c.client, "old/unseen"));
    thread::sleep(Duration::from_millis(20));
    a.client.delete(&format!("{}?prefix=", harness::cluster::CONFIG)).check(204);
    assert_eq!(keys(&a.client, ""), Vec::<String>::new());
    put(&a.client, "new", "x");
    apart.network.rejoin(0);
    equal(&[a, b, c], HEAL_BOUND);
    stays("only the new one", Duration::from_secs(1), &vec!["new".to_owned()], &[a, b, c], |client| keys(client, ""));
}

#[test]
fn check_63_a_black_holed_peer_delays_no_write_and_fills_no_memory() {
    /// Bytes of a value, and how many are written while the peer is silent: 250 MiB in all.
    const VALUE: usize = 256 << 10;
    const WRITES: usize = 1_000;
    /// The most that memory may grow beside the values themselves, in MiB.
    const MEMORY_BOUND: u64 = 150;
    let apart = Apart::with_nodes(3);
    let [a, b, c] = three(&apart);
    let value = "v".repeat(VALUE);
    // what the allocator and the disk's cache take anyway
    (0..100).for_each(|number| put(&a.client, &format!("k/{number:03}"), &value));
    equal(&[a, b, c], CONVERGE_BOUND);
    let before = resident_mib(a.pid());
    apart.network.isolate(2);
    let mut times: Vec<Duration> = Vec::new();
    for number in 0..WRITES {
        let (start, key) = (Instant::now(), format!("k/{:03}", number % 100));
        put(&a.client, &key, &value);
        times.push(start.elapsed());
        if number % 50 == 0 {
            let text = format!("{number}");
            put(&a.client, "mark", &text);
            sees("the mark", VISIBLE_BOUND, &Ok(text), || read(&b.client, "mark"));
        }
    }
    times.sort_unstable();
    let (median, longest) = (times[WRITES / 2], times[WRITES - 1]);
    let after = resident_mib(a.pid());
    eprintln!("{WRITES} writes beside a silent peer: median {median:?}, longest {longest:?}; {before} -> {after} MiB");
    assert!(longest < VISIBLE_BOUND, "{longest:?}");
    assert!(after < before + MEMORY_BOUND, "{before} MiB before, {after} MiB after");
    apart.network.rejoin(2);
    equal(&[a, b, c], HEAL_BOUND);
}

#[test]
fn a_healed_link_carries_writes_within_five_seconds() {
    let apart = Apart::with_nodes(2);
    let [a, b] = [0, 1].map(|at| &apart.nodes[at]);
    let mut slowest = Duration::ZERO;
    for round in 0..3 {
        apart.network.cut(0, 1);
        let text = format!("round {round}");
        put(&a.client, "k", &text);
        sees("b is away", NOTICED_BOUND, &vec!["a".to_owned()], || live(&a.client));
        apart.network.heal(0, 1);
        slowest = slowest.max(sees("the write", HEAL_BOUND, &Ok(text), || read(&b.client, "k")));
    }
    eprintln!("slowest of 3 healed links: {slowest:?}");
}

#[test]
fn a_kill_in_a_minority_wins_over_turning_on_in_the_majority() {
    let apart = Apart::with_nodes(3);
    let [a, b, c] = three(&apart);
    flag(&a.client, "f");
    equal(&[a, b, c], CONVERGE_BOUND);
    apart.network.isolate(0);
    a.client.patch(&flag_in("f"), &json!({ "kill": true, "reason": "on fire" })).check(200);
    assert_eq!(reason(&a.client), "DISABLED", "at once, alone");
    // later than the kill, and of the kill register itself too
    for _ in 0..3 {
        b.client.patch(&flag_in("f"), &json!({ "state": "ENABLED", "defaultVariant": "on" })).check(200);
        c.client.patch(&flag_in("f"), &json!({ "kill": false })).check(200);
    }
    apart.network.rejoin(0);
    all_see("the kill", HEAL_BOUND, &json!("DISABLED"), &[a, b, c], reason);
    equal(&[a, b, c], HEAL_BOUND);
    stays("the kill", Duration::from_millis(500), &json!("DISABLED"), &[a, b, c], reason);
    b.client.patch(&flag_in("f"), &json!({ "kill": false })).check(200);
    all_see("the release by one who saw it", VISIBLE_BOUND, &json!("STATIC"), &[a, b, c], reason);
}

#[test]
fn a_flag_deleted_while_its_fields_are_edited_elsewhere_leaves_no_parts() {
    let apart = Apart::with_nodes(2);
    let [a, b] = [0, 1].map(|at| &apart.nodes[at]);
    flag(&a.client, "f");
    equal(&[a, b], CONVERGE_BOUND);
    apart.network.cut(0, 1);
    a.client.delete("/api/v1/tenants/demo/flags/f").check(204);
    for variant in ["off", "on", "off"] {
        b.client.patch(&flag_in("f"), &json!({ "defaultVariant": variant, "kill": true })).check(200);
    }
    b.client.patch("/api/v1/tenants/demo/flags/f", &json!({ "description": "edited too late" })).check(200);
    apart.network.heal(0, 1);
    equal(&[a, b], HEAL_BOUND);
    for node in [a, b] {
        node.client.get("/api/v1/tenants/demo/flags/f").problem(404, "not_found");
        node.client.get(&flag_in("f")).problem(404, "not_found");
        assert_eq!(node.client.ofrep(PLACE, "f", &json!({})).status, 404);
    }
    // made anew it shows nothing of what was edited
    a.client.post("/api/v1/tenants/demo/flags", &json!({ "key": "f", "variants": { "x": "y" } })).check(201);
    equal(&[a, b], HEAL_BOUND);
    for node in [a, b] {
        let settings = node.client.get(&flag_in("f")).expect(200).json();
        let seen = (&settings["state"], &settings["kill"], &settings["defaultVariant"]);
        assert_eq!(seen, (&json!("DISABLED"), &json!(false), &Json::Null), "{settings}");
        assert!(node.client.get("/api/v1/tenants/demo/flags/f").json().get("description").is_none());
    }
}

#[test]
fn an_environment_deleted_while_written_elsewhere_stays_deleted() {
    let apart = Apart::with_nodes(2);
    let [a, b] = [0, 1].map(|at| &apart.nodes[at]);
    flag(&a.client, "f");
    put(&a.client, "k", "x");
    equal(&[a, b], CONVERGE_BOUND);
    apart.network.cut(0, 1);
    a.client.delete("/api/v1/tenants/demo/environments/development").check(204);
    put(&b.client, "k", "written too late");
    put(&b.client, "l", "written too late");
    b.client.patch(&flag_in("f"), &json!({ "defaultVariant": "off" })).check(200);
    apart.network.heal(0, 1);
    equal(&[a, b], HEAL_BOUND);
    for node in [a, b] {
        node.client.get(harness::cluster::CONFIG).problem(404, "not_found");
        node.client.get(&entry("l")).problem(404, "not_found");
    }
    b.client.post("/api/v1/tenants/demo/environments", &json!({ "key": "development" })).check(201);
    equal(&[a, b], HEAL_BOUND);
    for node in [a, b] {
        assert_eq!(keys(&node.client, ""), Vec::<String>::new());
        assert_eq!(node.client.get(&flag_in("f")).expect(200).json()["state"], "DISABLED");
    }
}
