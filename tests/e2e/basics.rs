//! Three nodes: every one reads and writes, whatever becomes of the others.

use std::{
    thread,
    time::{Duration, Instant},
};

use harness::{
    cluster::{
        Apart, CONVERGE_BOUND, HEAL_BOUND, VISIBLE_BOUND, all_see, entry, equal, flag, flag_in, keys, put, read, sees,
        trio,
    },
    http::encode,
    proc::Signal,
};
use serde_json::json;

const PLACE: &str = "demo/development";

#[test]
fn check_01_a_write_on_any_node_is_read_on_the_others_within_a_second() {
    let nodes = trio();
    let all: Vec<_> = nodes.iter().collect();
    let mut slowest = Duration::ZERO;
    for round in 0..15 {
        let (key, value) = (format!("from/{}", round % 3), format!("round {round}"));
        put(&nodes[round % 3].client, &key, &value);
        slowest = slowest.max(all_see(&key, VISIBLE_BOUND, &Ok(value), &all, |client| read(client, &key)));
    }
    eprintln!("slowest of 15 writes on all of three nodes after {slowest:?}");
}

#[test]
fn check_02_an_unknown_key_is_not_found_at_once_and_blocks_nobody() {
    let [a, b, c] = trio();
    put(&a.client, "known", "x");
    // nobody else can be asked
    [&b, &c].into_iter().for_each(|node| node.signal(Signal::Stop));
    thread::scope(|scope| {
        let asking = scope.spawn(|| {
            for number in 0..200 {
                let start = Instant::now();
                a.client.get(&entry(&format!("unknown/{number}"))).problem(404, "not_found");
                assert!(start.elapsed() < VISIBLE_BOUND, "{:?}", start.elapsed());
            }
        });
        while !asking.is_finished() {
            assert_eq!(read(&a.client, "known"), Ok("x".to_owned()));
        }
        asking.join().unwrap();
    });
    [&b, &c].into_iter().for_each(|node| node.signal(Signal::Continue));
}

#[test]
fn check_03_values_arrive_byte_for_byte_and_empty_is_not_missing() {
    let [a, b, c] = trio();
    let every_byte: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    let values: [(&str, &str, &[u8]); 4] = [
        ("empty", "text/plain", b""),
        ("null", "application/json", b"null"),
        ("zeros", "application/octet-stream", &[0; 16]),
        ("binary", "application/octet-stream", &every_byte),
    ];
    for (key, kind, value) in values {
        a.client.send("PUT", &entry(key), &[("content-type", kind)], value).check(201);
        let wanted = (200, Some(kind.to_owned()), value.to_vec());
        all_see(key, VISIBLE_BOUND, &wanted, &[&a, &b, &c], |client| {
            let got = client.get(&entry(key));
            (got.status, got.header("content-type"), got.body)
        });
    }
    for node in [&a, &b, &c] {
        assert_eq!(read(&node.client, "missing"), Err(404));
    }
}

#[test]
fn check_04_keys_with_any_characters_agree_after_a_partition() {
    let apart = Apart::with_nodes(2);
    let [a, b] = [0, 1].map(|at| &apart.nodes[at]);
    let odd =
        ["with/slash", "with space", "ключ/🚩/wört", "[brackets]{x}", "a\"quote'", "100%", "q?a=b&c#d", "back\\slash"];
    apart.network.cut(0, 1);
    for (number, key) in odd.iter().enumerate() {
        put(&a.client, &encode(key), "from a");
        put(&b.client, &encode(&format!("{key}/{number}")), "from b");
    }
    apart.network.heal(0, 1);
    equal(&[a, b], HEAL_BOUND);
    assert_eq!(keys(&a.client, "").len(), 2 * odd.len());
    assert_eq!(keys(&a.client, ""), keys(&b.client, ""));
    for key in odd {
        assert_eq!(read(&b.client, &encode(key)), Ok("from a".to_owned()), "{key}");
    }
}

#[test]
fn check_05_the_same_write_on_two_nodes_at_once_is_one_value() {
    let [a, b, c] = trio();
    for round in 0..10 {
        let key = format!("same/{round}");
        thread::scope(|scope| {
            for node in [&a, &b] {
                let key = &key;
                scope.spawn(move || put(&node.client, key, "same"));
            }
        });
        equal(&[&a, &b, &c], CONVERGE_BOUND);
        let stamp = |client: &harness::http::Client| client.get(&entry(&key)).expect(200).header("burgee-stamp");
        let wanted = stamp(&a.client);
        assert!(wanted.is_some());
        assert_eq!((stamp(&b.client), stamp(&c.client)), (wanted.clone(), wanted));
    }
    assert_eq!(keys(&c.client, "same/").len(), 10);
}

#[test]
fn check_06_with_all_peers_dead_the_survivor_reads_and_writes() {
    let [a, b, c] = trio();
    flag(&a.client, "f");
    put(&a.client, "k", "before");
    all_see("it", VISIBLE_BOUND, &Ok("before".to_owned()), &[&c], |client| read(client, "k"));
    sees("the flag", CONVERGE_BOUND, &200, || c.client.ofrep(PLACE, "f", &json!({})).status);
    let _ = (a.kill(), b.kill());
    for number in 0..20 {
        let start = Instant::now();
        put(&c.client, "k", &format!("alone {number}"));
        assert_eq!(read(&c.client, "k"), Ok(format!("alone {number}")));
        c.client.patch(&flag_in("f"), &json!({ "kill": number % 2 == 0 })).check(200);
        assert!(start.elapsed() < VISIBLE_BOUND, "{:?}", start.elapsed());
    }
}

#[test]
fn check_08_after_kill_9_of_all_nodes_values_tombstones_and_flags_are_there() {
    let [a, b, c] = trio();
    flag(&a.client, "f");
    for number in 0..50 {
        put(&a.client, &format!("k/{number:02}"), "kept");
    }
    equal(&[&a, &b, &c], CONVERGE_BOUND);
    (0..10).for_each(|number| b.client.delete(&entry(&format!("k/{number:02}"))).check(204));
    c.client.patch(&flag_in("f"), &json!({ "kill": true })).check(200);
    equal(&[&a, &b, &c], CONVERGE_BOUND);
    // at once: nobody can give back what one lost
    let specs = [a, b, c].map(|node| {
        node.signal(Signal::Kill);
        node.kill()
    });
    let nodes = specs.map(|spec| spec.launch());
    nodes.iter().for_each(harness::node::Node::wait_ready);
    let all: Vec<_> = nodes.iter().collect();
    equal(&all, CONVERGE_BOUND);
    for node in &nodes {
        assert_eq!(keys(&node.client, "k/"), (10..50).map(|n| format!("k/{n:02}")).collect::<Vec<_>>());
        assert_eq!(node.client.ofrep(PLACE, "f", &json!({})).json()["reason"], "DISABLED");
    }
}

#[test]
fn check_29_what_one_node_wrote_another_deletes_everywhere_within_a_second() {
    let [a, b, c] = trio();
    for round in 0..10 {
        let key = format!("k/{round}");
        put(&a.client, &key, "x");
        all_see("it", VISIBLE_BOUND, &Ok("x".to_owned()), &[&b, &c], |client| read(client, &key));
        b.client.delete(&entry(&key)).check(204);
        all_see("its end", VISIBLE_BOUND, &Err(404), &[&a, &b, &c], |client| read(client, &key));
    }
    assert_eq!(keys(&c.client, ""), Vec::<String>::new());
}
