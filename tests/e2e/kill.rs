//! The kill switch: any node takes it, nothing undoes it but a release whose author had seen it.

use std::{thread, time::Duration};

use harness::{
    cluster::{CONVERGE_BOUND, VISIBLE_BOUND, converge, flag, flag_in, pair, place, sees},
    http::Client,
    node::Spec,
};
use serde_json::{Value as Json, json};

const PLACE: &str = "demo/development";

fn reason(client: &Client) -> Json {
    client.ofrep(PLACE, "f", &json!({})).json()["reason"].clone()
}

fn set(client: &Client, body: &Json) {
    client.patch(&flag_in("f"), body).check(200);
}

#[test]
fn a_killed_flag_is_disabled_whatever_else_is_written() {
    let node = Spec::serve().start();
    place(&node.client);
    flag(&node.client, "f");
    set(&node.client, &json!({ "kill": true, "reason": "it broke the checkout" }));
    let answer = node.client.ofrep(PLACE, "f", &json!({})).expect(200).json();
    assert_eq!((answer["reason"].as_str(), answer.get("value")), (Some("DISABLED"), None), "{answer}");
    let settings = node.client.get(&flag_in("f")).expect(200).json();
    assert_eq!(settings["kill"], true, "{settings}");
    assert_eq!(settings["reason"], "it broke the checkout", "{settings}");
    set(&node.client, &json!({ "state": "ENABLED", "defaultVariant": "on" }));
    assert_eq!(reason(&node.client), "DISABLED");
    // an import does not touch it either
    let path = "/api/v1/tenants/demo/environments/development/flagd.json";
    let document = json!({ "flags": { "f": { "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "on" } } });
    node.client.send("PUT", path, &[("content-type", "application/json")], document.to_string().as_bytes()).check(200);
    assert_eq!(reason(&node.client), "DISABLED");
    set(&node.client, &json!({ "kill": false }));
    assert_eq!(reason(&node.client), "STATIC");
}

#[test]
fn a_kill_survives_kill_9() {
    let node = Spec::serve().start();
    place(&node.client);
    flag(&node.client, "f");
    set(&node.client, &json!({ "kill": true }));
    let node = node.kill().start();
    assert_eq!(reason(&node.client), "DISABLED");
}

#[test]
fn a_kill_beats_turning_on_at_the_same_time() {
    let (a, b) = pair();
    flag(&a.client, "f");
    sees("the flag", CONVERGE_BOUND, &200, || b.client.ofrep(PLACE, "f", &json!({})).status);
    for round in 0..10 {
        thread::scope(|scope| {
            scope.spawn(|| set(&a.client, &json!({ "kill": true })));
            scope.spawn(|| set(&b.client, &json!({ "state": "ENABLED", "defaultVariant": "on" })));
        });
        for node in [&a, &b] {
            sees("the kill", VISIBLE_BOUND, &json!("DISABLED"), || reason(&node.client));
        }
        converge(&a, &b, &flag_in("f"));
        // released on the other node, by somebody who has seen it
        set(&b.client, &json!({ "kill": false }));
        for node in [&a, &b] {
            sees(&format!("the release of round {round}"), CONVERGE_BOUND, &json!("STATIC"), || reason(&node.client));
        }
    }
}

/// Two nodes that cannot see each other, one killing, one releasing later: neither had seen the other.
#[test]
fn a_later_release_that_had_not_seen_the_kill_does_not_undo_it() {
    let (a, b) = pair();
    flag(&a.client, "f");
    set(&a.client, &json!({ "kill": true, "reason": "first" }));
    sees("the first kill", CONVERGE_BOUND, &json!("DISABLED"), || reason(&b.client));
    // apart: b kills once more, with a reason of its own
    let a = a.stop();
    set(&b.client, &json!({ "kill": true, "reason": "second" }));
    let b = b.stop();
    // a releases the first kill, later, and knows nothing of the second
    let a = a.option("--ready-timeout", "1s").start();
    set(&a.client, &json!({ "kill": false }));
    assert_eq!(reason(&a.client), "STATIC");
    // together again: killed wins among what was written concurrently
    let b = b.start();
    for node in [&a, &b] {
        sees("the second kill", CONVERGE_BOUND, &json!("DISABLED"), || reason(&node.client));
    }
    thread::sleep(Duration::from_millis(300));
    assert_eq!((reason(&a.client), reason(&b.client)), (json!("DISABLED"), json!("DISABLED")));
    // whoever has seen both may release both
    set(&a.client, &json!({ "kill": false }));
    for node in [&a, &b] {
        sees("the release of both", CONVERGE_BOUND, &json!("STATIC"), || reason(&node.client));
    }
}
