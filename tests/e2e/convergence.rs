//! Concurrent writes on both nodes end in one value, the same on both.

use std::thread;

use harness::{
    cluster::{CONVERGE_BOUND, VISIBLE_BOUND, converge, entry, flag, flag_in, pair, sees},
    http::Client,
    node::Node,
};
use serde_json::json;

const PLACE: &str = "demo/development";
const WRITES: usize = 60;

fn both(a: &Node, b: &Node, write: impl Fn(&Client, &str, usize) + Sync) {
    thread::scope(|scope| {
        for (name, node) in [("a", a), ("b", b)] {
            let write = &write;
            scope.spawn(move || (0..WRITES).for_each(|number| write(&node.client, name, number)));
        }
    });
}

#[test]
fn concurrent_writes_of_one_entry_converge() {
    let (a, b) = pair();
    both(&a, &b, |client, name, number| {
        let status = client.put(&entry("contested"), &format!("{name} {number}")).status;
        assert!(matches!(status, 200 | 201), "{status}");
    });
    let value = converge(&a, &b, &entry("contested"));
    let last = format!(" {}", WRITES - 1);
    assert!(value.ends_with(&last), "the last write of one of them wins: {value}");
    let stamp = |node: &Node| node.client.get(&entry("contested")).header("burgee-stamp");
    assert!(stamp(&a).is_some());
    assert_eq!(stamp(&a), stamp(&b));
}

#[test]
fn concurrent_toggles_converge() {
    let (a, b) = pair();
    flag(&a.client, "f");
    sees("the flag", CONVERGE_BOUND, &200, || b.client.ofrep(PLACE, "f", &json!({})).status);
    both(&a, &b, |client, name, number| {
        let variant = if (number % 2 == 0) == (name == "a") { "on" } else { "off" };
        client.patch(&flag_in("f"), &json!({ "defaultVariant": variant })).check(200);
    });
    converge(&a, &b, &flag_in("f"));
    // what was merged is evaluated a moment later
    sees("one answer", VISIBLE_BOUND, &true, || a.client.value(PLACE, "f") == b.client.value(PLACE, "f"));
}

#[test]
fn writes_of_different_fields_do_not_undo_each_other() {
    let (a, b) = pair();
    flag(&a.client, "f");
    sees("the flag", CONVERGE_BOUND, &200, || b.client.ofrep(PLACE, "f", &json!({})).status);
    both(&a, &b, |client, name, number| {
        let body = match name {
            "a" => json!({ "state": if number == WRITES - 1 || number % 2 == 0 { "ENABLED" } else { "DISABLED" } }),
            _ => json!({ "defaultVariant": if number == WRITES - 1 { "off" } else { "on" } }),
        };
        client.patch(&flag_in("f"), &body).check(200);
    });
    converge(&a, &b, &flag_in("f"));
    let settings = a.client.get(&flag_in("f")).expect(200).json();
    assert_eq!((&settings["state"], &settings["defaultVariant"]), (&json!("ENABLED"), &json!("off")), "{settings}");
}

#[test]
fn concurrent_creation_of_the_same_places_merges() {
    let (a, b) = pair();
    both(&a, &b, |client, name, number| {
        let key = format!("e{number}");
        let status = client.post("/api/v1/tenants/demo/environments", &json!({ "key": key })).status;
        assert!(matches!(status, 201 | 409), "{status}");
        let key = format!("{name}/{number}");
        client.put(&format!("/api/v1/tenants/demo/environments/e{number}/config/{key}"), name).check(201);
    });
    for number in 0..WRITES {
        let list = converge(&a, &b, &format!("/api/v1/tenants/demo/environments/e{number}/config"));
        assert!(list.contains(&format!("\"a/{number}\"")) && list.contains(&format!("\"b/{number}\"")), "{list}");
    }
}

#[test]
fn a_delete_wins_over_what_it_had_seen_and_stays_won() {
    let (a, b) = pair();
    flag(&a.client, "f");
    sees("the flag", CONVERGE_BOUND, &200, || b.client.ofrep(PLACE, "f", &json!({})).status);
    b.client.delete("/api/v1/tenants/demo/flags/f").check(204);
    sees("the delete", CONVERGE_BOUND, &404, || a.client.ofrep(PLACE, "f", &json!({})).status);
    // made anew, nothing of its earlier life shows
    a.client.post("/api/v1/tenants/demo/flags", &json!({ "key": "f", "variants": { "x": "y" } })).check(201);
    let settings = converge(&a, &b, &flag_in("f"));
    assert!(settings.contains("\"DISABLED\""), "{settings}");
}
