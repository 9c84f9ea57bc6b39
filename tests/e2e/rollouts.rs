//! Rollouts of configuration on several nodes: who names itself comes to the next value, everywhere alike.

use std::{collections::HashMap, time::Duration};

use harness::{
    cli::{Cli, Said},
    cluster::{
        Apart, CLOCK_ERROR, CONVERGE_BOUND, HEAL_BOUND, VISIBLE_BOUND, all_see, entry, equal, flag_in, live, place,
        put, read, sees, trio,
    },
    http::{Client, encode},
    node::{Node, Spec},
};
use serde_json::{Value as Json, json};

/// Before a pause counts, so that all nodes have heard of it by then.
const PAUSE_LEAD: Duration = Duration::from_secs(2);

fn rollout(key: &str) -> String {
    format!("/api/v1/tenants/demo/environments/development/rollouts/{key}")
}

fn start(client: &Client, key: &str, query: &str) {
    client.put(&format!("{}?{query}", rollout(key)), "next").check(201);
}

fn act(client: &Client, key: &str, action: &str) {
    client.post(&rollout(key), &json!({ "action": action })).check(200);
}

fn read_as(client: &Client, key: &str, reader: &str) -> String {
    client.get(&format!("{}?as={}", entry(key), encode(reader))).expect(200).text()
}

fn state(client: &Client, key: &str) -> Result<Json, u16> {
    let answer = client.get(&rollout(key));
    if answer.status == 200 { Ok(answer.json()["state"].clone()) } else { Err(answer.status) }
}

fn readers() -> Vec<String> {
    (0..40).map(|number| format!("web-{number}")).collect()
}

/// What each reader gets, in order.
fn given(client: &Client, key: &str) -> Vec<String> {
    readers().iter().map(|reader| read_as(client, key, reader)).collect()
}

#[test]
fn readers_come_to_the_next_value_on_every_node_and_never_go_back() {
    let [a, b, c] = trio();
    put(&a.client, "k", "present");
    equal(&[&a, &b, &c], CONVERGE_BOUND);
    start(&a.client, "k", "during=6s");
    let mut had: HashMap<(usize, String), bool> = HashMap::new();
    let mut rounds = 0;
    while !(had.len() == 120 && had.values().all(|has| *has)) {
        for (at, node) in [&a, &b, &c].into_iter().enumerate() {
            for reader in readers() {
                let has = read_as(&node.client, "k", &reader) == "next";
                let before = had.insert((at, reader.clone()), has);
                assert!(has || before != Some(true), "{reader} went back on node {at}");
            }
            assert_eq!(read(&node.client, "k"), Ok("present".to_owned()), "who does not name itself waits");
        }
        rounds += 1;
        assert!(rounds < 1_000, "{had:?}");
    }
    all_see("its end", CONVERGE_BOUND, &Ok(json!("whole")), &[&a, &b, &c], |client| state(client, "k"));
    act(&b.client, "k", "finish");
    all_see("the next value", VISIBLE_BOUND, &Ok("next".to_owned()), &[&a, &b, &c], |client| read(client, "k"));
    for node in [&a, &b, &c] {
        assert_eq!((state(&node.client, "k"), read_as(&node.client, "k", "web-1")), (Err(404), "next".to_owned()));
    }
}

#[test]
fn a_paused_rollout_gives_the_same_readers_the_same_on_every_node_also_after_kill_9() {
    let [a, b, c] = trio();
    put(&a.client, "k", "present");
    start(&a.client, "k", "during=12s");
    std::thread::sleep(Duration::from_secs(3));
    act(&b.client, "k", "pause");
    all_see("the pause", VISIBLE_BOUND, &Ok(json!("paused")), &[&a, &b, &c], |client| state(client, "k"));
    std::thread::sleep(PAUSE_LEAD + CLOCK_ERROR);
    let wanted = given(&a.client, "k");
    let next = wanted.iter().filter(|value| *value == "next").count();
    assert!((1..40).contains(&next), "{next} of 40");
    equal(&[&a, &b, &c], CONVERGE_BOUND);
    let c = c.kill().start();
    for node in [&a, &b, &c] {
        assert_eq!(given(&node.client, "k"), wanted);
    }
    act(&c.client, "k", "resume");
    for node in [&a, &b, &c] {
        sees("it goes on", CONVERGE_BOUND, &Ok(json!("whole")), || state(&node.client, "k"));
        assert!(given(&node.client, "k").iter().all(|value| value == "next"));
    }
    act(&a.client, "k", "abort");
    all_see("the present value", VISIBLE_BOUND, &"present".to_owned(), &[&a, &b, &c], |client| {
        read_as(client, "k", "web-1")
    });
}

#[test]
fn a_put_on_the_other_side_of_a_split_outlives_the_rollout() {
    let apart = Apart::with_nodes(2);
    let [a, b] = [0, 1].map(|at| &apart.nodes[at]);
    put(&a.client, "k", "present");
    equal(&[a, b], CONVERGE_BOUND);
    apart.network.isolate(0);
    sees("b is alone", CONVERGE_BOUND, &vec!["b".to_owned()], || live(&b.client));
    put(&a.client, "k", "put");
    // later by any clock, and yet it undoes nothing
    std::thread::sleep(Duration::from_millis(250));
    start(&b.client, "k", "ramp=%7B%22from%22%3A100%2C%22steps%22%3A%5B%5B0%2C100%5D%5D%7D");
    assert_eq!(read_as(&b.client, "k", "web-1"), "next");
    apart.network.rejoin(0);
    equal(&[a, b], HEAL_BOUND);
    for node in [a, b] {
        assert_eq!(read_as(&node.client, "k", "web-1"), "put");
        assert_eq!((read(&node.client, "k"), state(&node.client, "k")), (Ok("put".to_owned()), Err(404)));
    }
    start(&a.client, "k", "during=1h");
}

#[test]
fn rules_read_the_present_value_until_a_rollout_is_finished() {
    let [a, b, c] = trio();
    let body = json!({ "key": "f", "variants": { "on": true, "off": false } });
    a.client.post("/api/v1/tenants/demo/flags", &body).check(201);
    let rule = json!({ "if": [{ "==": [{ "config": ["k", "none"] }, "next"] }, "on", "off"] });
    let settings = json!({ "state": "ENABLED", "defaultVariant": "off", "targeting": rule });
    a.client.patch(&flag_in("f"), &settings).check(200);
    put(&a.client, "k", "present");
    equal(&[&a, &b, &c], CONVERGE_BOUND);
    start(&a.client, "k", "during=1ms");
    all_see("all readers have it", CONVERGE_BOUND, &Ok(json!("whole")), &[&a, &b, &c], |client| state(client, "k"));
    let value = |client: &Client| client.value("demo/development", "f");
    for node in [&a, &b, &c] {
        assert_eq!(value(&node.client), json!(false));
    }
    act(&c.client, "k", "finish");
    assert_eq!(value(&c.client), json!(true), "who finished it reads its own write");
    all_see("the next value", VISIBLE_BOUND, &json!(true), &[&a, &b, &c], value);
}

#[test]
fn a_member_of_an_older_release_holds_rollouts_and_idempotency_keys_up() {
    let a = Spec::serve().cluster("a").start();
    place(&a.client);
    put(&a.client, "k", "present");
    let b = Spec::serve().cluster("b").join(&a).env("BURGEE_PROTOCOL_MAX", "3").start();
    sees("both", CONVERGE_BOUND, &vec!["a".to_owned(), "b".to_owned()], || live(&a.client));
    let begin = |client: &Client| client.put(&format!("{}?during=1h", rollout("k")), "next");
    for node in [&a, &b] {
        let problem = begin(&node.client).problem(503, "not_ready");
        assert_eq!(problem["errors"][0]["code"], "upgrading", "{problem}");
        let keyed = [("idempotency-key", "one")];
        node.client.send("PUT", &entry("k"), &keyed, b"x").problem(503, "not_ready");
    }
    let b = b.stop().env("BURGEE_PROTOCOL_MAX", "4").start();
    for node in [&a, &b] {
        sees("the upgrade", CONVERGE_BOUND, &true, || matches!(begin(&node.client).status, 201 | 409));
    }
}

fn said(code: i32, out: &str, err: &str) -> Said {
    Said { code: Some(code), out: out.into(), err: err.into() }
}

fn node() -> (Node, Cli) {
    let node = Spec::serve().start();
    place(&node.client);
    let cli = Cli::of(&node);
    (node, cli)
}

#[test]
fn the_command_line_rolls_out() {
    let (_node, cli) = node();
    let none = said(1, "", "not_found: there is no rollout of `a/b`\n");
    let _ = cli.run(&["put", "a/b", "present"]);
    assert_eq!(cli.run(&["rollout", "pause", "a/b"]), none);
    assert_eq!(cli.run(&["rollout", "status"]), said(0, "", ""));
    let begun = cli.run(&["rollout", "start", "a/b", "next", "--during", "10h", "--note", "slowly"]);
    assert_eq!(begun, said(0, "Rollout started.\n", ""));
    let again = cli.run(&["rollout", "start", "a/b", "next", "--during", "10h"]);
    assert_eq!(again, said(1, "", "already_exists: there is a rollout of `a/b` already\n"));
    assert_eq!(cli.run(&["get", "a/b", "--as", "web-1"]), said(0, "present", ""));
    assert_eq!(cli.run(&["rollout", "pause", "a/b"]), said(0, "Rollout paused.\n", ""));
    let status = cli.run(&["rollout", "status", "a/b", "--as", "web-1"]);
    for line in [
        "state            paused\n",
        "share            0.0 %\n",
        "started by       admin\n",
        "web-1 gets       present",
    ] {
        assert!(status.out.contains(line), "{line}: {status:?}");
    }
    let list = cli.run(&["rollout", "status"]);
    assert_eq!(list.out.split_whitespace().collect::<Vec<_>>(), ["a/b", "paused", "0.0", "%", "-", "admin"]);
    assert_eq!(cli.run(&["rollout", "resume", "a/b"]), said(0, "Rollout resumed.\n", ""));
    assert_eq!(cli.run(&["rollout", "finish", "a/b"]), said(0, "Rollout finished.\n", ""));
    assert_eq!(cli.run(&["get", "a/b"]), said(0, "next", ""));
    let step = r#"{"steps": [["2020-01-01", 100]]}"#;
    let begun = cli.run_with(&["rollout", "start", "a/b", "--file", "-", "--ramp", step, "--by", "group"], b"\xff\x00");
    assert_eq!(begun, said(0, "Rollout started.\n", ""));
    assert_eq!(cli.run(&["get", "a/b"]), said(0, "next", ""));
    let json = cli.run(&["rollout", "status", "a/b", "--as", "eu/1", "--output", "json"]);
    let json: Json = serde_json::from_str(&json.out).unwrap();
    assert_eq!((&json["state"], &json["as"]["gets"], &json["by"]), (&json!("whole"), &json!("next"), &json!("group")));
    assert_eq!(cli.run(&["rollout", "abort", "a/b"]), said(0, "Rollout aborted.\n", ""));
    assert_eq!(cli.run(&["get", "a/b", "--as", "eu/1"]), said(0, "next", ""));
    for wrong in [
        &["rollout", "start", "a/b", "x"][..],
        &["rollout", "start", "a/b", "x", "--during", "1h", "--ramp", "{}"],
        &["rollout", "start", "a/b", "x", "--during", "1h", "--by", "zone"],
        &["rollout", "status", "--as", "web-1"],
        &["get", "a/b", "--as", ""],
        &["put", "a/b", "x", "--idempotency-key", ""],
    ] {
        assert_eq!(cli.run(wrong).code, Some(2), "{wrong:?}");
    }
    let falls = cli.run(&["rollout", "start", "a/b", "x", "--ramp", r#"{"start": 2, "end": 1}"#]);
    assert_eq!((falls.code, falls.err.contains("/ramp/end")), (Some(1), true), "{falls:?}");
}
