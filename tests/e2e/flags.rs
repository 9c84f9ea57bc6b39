//! Flags, tenants and environments over HTTP: created, read, changed, listed, deleted.

use harness::{
    cluster::{flag, flag_in, place},
    node::{Node, Spec},
};
use serde_json::{Value as Json, json};

const FLAGS: &str = "/api/v1/tenants/demo/flags";

fn node() -> Node {
    let node = Spec::serve().start();
    place(&node.client);
    node
}

fn keys(list: &Json) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["key"].as_str().unwrap()).collect()
}

#[test]
fn a_flag_is_what_was_written() {
    let node = node();
    let body = json!({
        "key": "shop/new checkout", "name": "New checkout", "description": "One page", "tags": ["checkout"],
        "metadata": { "owner": "shop", "order": 2, "live": true }, "variants": { "on": true, "off": false },
    });
    let created = node.client.post(FLAGS, &body).expect(201);
    let location = created.header("location").unwrap();
    assert!(location.ends_with("/api/v1/tenants/demo/flags/shop%2Fnew%20checkout"), "{location}");
    let flag = node.client.get("/api/v1/tenants/demo/flags/shop%2Fnew%20checkout").expect(200);
    let (tag, flag) = (flag.etag(), flag.json());
    assert_eq!(created.etag(), tag, "a write answers with the tag of what it wrote");
    for (member, value) in body.as_object().unwrap() {
        assert_eq!(&flag[member], value, "{member}");
    }
    assert_eq!(flag["problems"], json!([]));
    assert_eq!(flag["environments"]["development"]["state"], "DISABLED", "never configured: {flag}");
    node.client.post(FLAGS, &body).problem(409, "already_exists");
    node.client.delete("/api/v1/tenants/demo/flags/shop%2Fnew%20checkout").check(204);
    node.client.get("/api/v1/tenants/demo/flags/shop%2Fnew%20checkout").problem(404, "not_found");
    node.client.delete("/api/v1/tenants/demo/flags/shop%2Fnew%20checkout").problem(404, "not_found");
}

#[test]
fn patch_replaces_named_members_whole_and_null_clears() {
    let node = node();
    flag(&node.client, "f");
    let path = format!("{FLAGS}/f");
    let body = json!({ "name": "F", "metadata": { "a": 1, "b": 2 }, "tags": ["x", "y"] });
    node.client.patch(&path, &body).check(200);
    node.client.patch(&path, &json!({ "metadata": { "c": 3 }, "name": null })).check(200);
    let flag = node.client.get(&path).expect(200).json();
    assert_eq!((&flag["metadata"], &flag["tags"]), (&json!({ "c": 3 }), &json!(["x", "y"])), "{flag}");
    assert!(flag.get("name").is_none_or(Json::is_null), "{flag}");
    let rule = json!({ "if": [true, "on"] });
    node.client.patch(&flag_in("f"), &json!({ "targeting": rule })).check(200);
    let settings = node.client.patch(&flag_in("f"), &json!({ "targeting": null })).expect(200).json();
    assert!(settings["targeting"].is_null(), "{settings}");
    assert_eq!(settings["defaultVariant"], "on", "what was not named stays");
    node.client.patch(&flag_in("f"), &json!({ "defaultVariant": null })).check(200);
    let answer = node.client.ofrep("demo/development", "f", &json!({})).expect(200).json();
    assert_eq!((answer["reason"].as_str(), answer.get("value")), (Some("DEFAULT"), None), "{answer}");
}

#[test]
fn a_stale_writer_is_told() {
    let node = node();
    flag(&node.client, "f");
    let tag = node.client.get(&flag_in("f")).expect(200).etag();
    let patch = |tag: &str, variant: &str| {
        let headers = [("content-type", "application/json"), ("if-match", tag)];
        let body = json!({ "defaultVariant": variant }).to_string();
        node.client.send("PATCH", &flag_in("f"), &headers, body.as_bytes())
    };
    let newer = patch(&tag, "off").expect(200).etag();
    patch(&tag, "on").problem(412, "stale");
    assert_eq!(node.client.get(&flag_in("f")).expect(200).json()["defaultVariant"], "off");
    patch(&newer, "on").check(200);
    let current = node.client.get(&flag_in("f")).expect(200).etag();
    node.client.send("GET", &flag_in("f"), &[("if-none-match", &current)], b"").check(304);
}

#[test]
fn flags_are_listed_in_order_searched_and_paged() {
    let node = node();
    for number in (0..30).rev() {
        let tags = if number % 2 == 0 { json!(["even"]) } else { json!(["odd"]) };
        let body = json!({ "key": format!("f{number:02}"), "name": format!("Number {number}"), "tags": tags, "variants": { "on": true } });
        node.client.post(FLAGS, &body).check(201);
    }
    let all = node.client.get(FLAGS).expect(200).json();
    assert_eq!(keys(&all), (0..30).map(|n| format!("f{n:02}")).collect::<Vec<_>>());
    let first = node.client.get(&format!("{FLAGS}?limit=20")).expect(200).json();
    let cursor = harness::http::encode(first["nextCursor"].as_str().unwrap());
    let rest = node.client.get(&format!("{FLAGS}?limit=20&cursor={cursor}")).expect(200).json();
    assert_eq!(keys(&rest), (20..30).map(|n| format!("f{n:02}")).collect::<Vec<_>>());
    assert_eq!(keys(&node.client.get(&format!("{FLAGS}?tag=even")).expect(200).json()).len(), 15);
    assert_eq!(keys(&node.client.get(&format!("{FLAGS}?search=f07")).expect(200).json()), ["f07"]);
    assert_eq!(keys(&node.client.get(&format!("{FLAGS}?search=NUMBER%2011")).expect(200).json()), ["f11"]);
}

#[test]
fn tenants_and_environments_come_and_go_with_what_they_hold() {
    let node = node();
    flag(&node.client, "f");
    node.client.put(&harness::cluster::entry("k"), "v").check(201);
    let tenant = node.client.patch("/api/v1/tenants/demo", &json!({ "name": "Demo" })).expect(200).json();
    assert_eq!((&tenant["key"], &tenant["name"]), (&json!("demo"), &json!("Demo")));
    let path = "/api/v1/tenants/demo/environments/development";
    let patched = node.client.patch(path, &json!({ "protected": true })).expect(200);
    let (environment, environment_tag) = (patched.json(), patched.etag());
    assert_eq!((&environment["key"], &environment["protected"]), (&json!("development"), &json!(true)));
    node.client.delete(path).problem(428, "precondition_required");
    node.client.send("DELETE", path, &[("if-match", &environment_tag)], b"").check(204);
    node.client.get(path).problem(404, "not_found");
    node.client.ofrep("demo/development", "f", &json!({})).check(404);
    // the same key anew is empty
    node.client.post("/api/v1/tenants/demo/environments", &json!({ "key": "development" })).check(201);
    node.client.get(&harness::cluster::entry("k")).problem(404, "not_found");
    assert_eq!(node.client.get(&flag_in("f")).expect(200).json()["state"], "DISABLED");
    node.client.delete("/api/v1/tenants/demo").check(204);
    node.client.get("/api/v1/tenants/demo").problem(404, "not_found");
    place(&node.client);
    assert!(keys(&node.client.get(FLAGS).expect(200).json()).is_empty());
    let node = node.kill().start();
    assert!(keys(&node.client.get(FLAGS).expect(200).json()).is_empty());
}

#[test]
fn evaluate_answers_one_flag_or_all() {
    let node = node();
    flag(&node.client, "f");
    flag(&node.client, "g");
    let path = "/api/v1/tenants/demo/environments/development/evaluate";
    let one = node.client.post(path, &json!({ "flag": "f", "context": {} })).expect(200).json();
    assert_eq!((&one["key"], &one["value"], &one["variant"]), (&json!("f"), &json!(true), &json!("on")), "{one}");
    let all = node.client.post(path, &json!({ "context": {} })).expect(200).json();
    assert_eq!(all["flags"].as_array().unwrap().len(), 2, "{all}");
    node.client.post(path, &json!({ "context": {}, "at": 1_700_000_000_000_u64 })).check(422);
}

#[test]
fn import_over_http_may_be_tried_first_and_prunes_when_told() {
    let node = node();
    flag(&node.client, "kept");
    let path = "/api/v1/tenants/demo/environments/development/flagd.json";
    let put = |query: &str, body: &Json| {
        let kind = [("content-type", "application/json")];
        node.client.send("PUT", &format!("{path}{query}"), &kind, body.to_string().as_bytes())
    };
    let document =
        json!({ "flags": { "new": { "state": "ENABLED", "variants": { "on": true }, "defaultVariant": "on" } } });
    let before = node.client.get(path).expect(200).body;
    put("?dryRun=true", &document).check(200);
    assert_eq!(node.client.get(path).expect(200).body, before);
    put("", &document).check(200);
    let exported = node.client.get(path).expect(200).json();
    assert_eq!(exported["flags"].as_object().unwrap().len(), 2, "{exported}");
    put("?prune=true", &document).check(200);
    let exported = node.client.get(path).expect(200).json();
    assert_eq!(exported["flags"].as_object().unwrap().keys().collect::<Vec<_>>(), ["new"], "{exported}");
    node.client.get(&format!("{FLAGS}/kept")).check(200);
}
