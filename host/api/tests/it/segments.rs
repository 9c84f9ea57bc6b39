//! `/api/v1/tenants/{tenant}/segments`.

use burgee_model::{Address, Key, NodeId, RegisterId, Stamp, stamp::millis_to_ntp64};
use burgee_store::{ChangeId, Version};
use serde_json::{Value as Json, json};

use crate::server::{START, Server, keys};

const SEGMENTS: &str = "/api/v1/tenants/t/segments";

#[tokio::test]
async fn a_segment_serves_the_rules_that_refer_to_it() {
    let server = Server::placed().await;
    server.flag("f").await;
    let pro = json!({ "==": [{ "var": "plan" }, "pro"] });
    let created = server.post(SEGMENTS, json!({ "key": "paying", "rule": pro })).await.expect(201);
    assert_eq!(created.header("location"), "/api/v1/tenants/t/segments/paying");
    let rule = json!({ "if": [{ "$ref": "paying" }, "off", "on"] });
    server.patch("/api/v1/tenants/t/flags/f/environments/dev", json!({ "targeting": rule })).await.expect(200);
    assert_eq!(server.value("f", json!({ "plan": "pro" })).await["value"], false);
    let path = "/api/v1/tenants/t/segments/paying";
    let found = server.get(path).await.expect(200);
    assert_eq!((found.body(), found.tag()), (created.body(), created.tag()));
    let team = json!({ "==": [{ "var": "plan" }, "team"] });
    let with = [("if-match", found.header("etag"))];
    server.json("PATCH", path, &with, &json!({ "rule": team })).await.expect(200);
    server.json("PATCH", path, &with, &json!({ "rule": team })).await.problem(412, "stale");
    assert_eq!(server.value("f", json!({ "plan": "pro" })).await["value"], true);
    assert_eq!(keys(&server.get(SEGMENTS).await.body()), ["paying"]);
    server.post(SEGMENTS, json!({ "key": "paying", "rule": team })).await.problem(409, "already_exists");
    server.delete(path).await.expect(204);
    server.get(path).await.problem(404, "not_found");
    assert_eq!(server.value("f", json!({})).await["errorCode"], "PARSE_ERROR", "what it refers to has gone");
    let flag = server.get("/api/v1/tenants/t/flags/f").await;
    assert_eq!(flag.body()["problems"][0]["environment"], "dev");
}

#[tokio::test]
async fn bad_rules_are_refused() {
    let server = Server::placed().await;
    let faults = server.post(SEGMENTS, json!({ "key": "s", "rule": { "zap": [] } })).await.problem(422, "invalid_rule");
    assert!(faults[0].0.starts_with("/rule"), "{faults:?}");
    server.post(SEGMENTS, json!({ "key": "s" })).await.problem(422, "invalid_value");
    server.get("/api/v1/tenants/t/segments/s").await.problem(404, "not_found");
    server.get("/api/v1/tenants/x/segments").await.problem(404, "not_found");
}

#[tokio::test]
async fn a_tenant_without_environments_lists_its_segments_too() {
    let server = Server::new();
    server.post("/api/v1/tenants", json!({ "key": "t" })).await.expect(201);
    for key in ["b", "a"] {
        server.post(SEGMENTS, json!({ "key": key, "rule": { "==": [1, { "var": "x" }] } })).await.expect(201);
    }
    assert_eq!(keys(&server.get(SEGMENTS).await.body()), ["a", "b"]);
}

#[tokio::test]
async fn a_segment_that_refers_to_another_is_refused_and_one_that_is_not_there_is_told() {
    let server = Server::placed().await;
    server.flag("f").await;
    for rule in [json!({ "!": { "$ref": "x" } }), json!({ "!": { "segment": "x" } })] {
        let faults = server.post(SEGMENTS, json!({ "key": "s", "rule": rule })).await.problem(422, "invalid_rule");
        assert_eq!(faults[0].1, "nested_segment");
    }
    let rule = json!({ "if": [{ "segment": "x" }, "on", "off"] });
    let path = "/api/v1/tenants/t/flags/f/environments/dev";
    let told = server.patch(path, json!({ "targeting": rule })).await.expect(200).body()["problems"][0].clone();
    assert_eq!((&told["code"], &told["severity"]), (&json!("unknown_segment"), &json!("warning")));
    assert_eq!(told["path"], "/targeting/if/0/segment");
    let pro = json!({ "==": [{ "var": "plan" }, "pro"] });
    server.post(SEGMENTS, json!({ "key": "x", "rule": pro })).await.expect(201);
    assert_eq!(server.get(path).await.body()["problems"], json!([]));
}

/// Flags that name a segment `s`, and one that asks for the first of them.
async fn named(limits: burgee_model::Limits) -> Server {
    let server = Server::with(crate::server::Options { limits, ..Default::default() }).place().await;
    let flag = |rule: Json| json!({ "state": "ENABLED", "variants": { "on": 1, "off": 0 }, "targeting": rule });
    server.post(SEGMENTS, json!({ "key": "s", "rule": { "==": [{ "var": "plan" }, "pro"] } })).await.expect(201);
    let document = json!({
        "flags": {
            "a": flag(json!({ "if": [{ "$ref": "s" }, "on", "off"] })),
            "b": flag(json!({ "if": [{ "segment": "s" }, { "if": [{ "matches": [{ "var": "x" }, "own"] }, "on"] }, "off"] })),
            "above": flag(json!({ "if": [{ "flag": "a" }, "on", "off"] })),
            "beside": flag(json!({ "if": [{ "==": [{ "var": "x" }, 1] }, "on", "off"] })),
        },
    });
    server.json("PUT", "/api/v1/tenants/t/environments/dev/flagd.json", &[], &document).await.expect(200);
    server
}

#[tokio::test]
async fn an_edit_that_makes_a_flag_ask_for_itself_is_refused() {
    let server = named(burgee_model::Limits::default()).await;
    let path = "/api/v1/tenants/t/segments/s";
    for (asked, refused) in [("a", true), ("above", true), ("beside", false), ("nowhere", false)] {
        let rule = json!({ "==": [{ "flag": asked }, "on"] });
        let answer = server.patch(path, json!({ "rule": rule })).await;
        if refused {
            assert_eq!(
                answer.problem(422, "invalid_rule")[0],
                ("/rule".into(), "prerequisite_cycle".into()),
                "{asked}"
            );
        } else {
            answer.expect(200);
        }
    }
}

#[tokio::test]
async fn an_edit_that_brings_flags_too_many_patterns_is_refused() {
    let patterns = |count: usize| {
        let each = (0..count).map(|n| json!({ "matches": [{ "var": "x" }, format!("p{n}")] }));
        json!({ "or": each.collect::<Vec<_>>() })
    };
    let path = "/api/v1/tenants/t/segments/s";
    let each = named(burgee_model::Limits { patterns_per_rule: 3, ..Default::default() }).await;
    let all = named(burgee_model::Limits { patterns_per_environment: 3, ..Default::default() }).await;
    for server in [each, all] {
        server.patch(path, json!({ "rule": patterns(2) })).await.expect(200);
        let refused = server.patch(path, json!({ "rule": patterns(3) })).await.problem(422, "invalid_rule");
        assert_eq!(refused[0], ("/rule".into(), "too_many_patterns".into()));
    }
}

/// Merges that another node, which has seen no more than its creation, deleted a segment at a time.
fn deleted_elsewhere(server: &Server, segment: &str, at_ms: u64) {
    let key = |text| Key::new(text).unwrap();
    let register = RegisterId::new(&key("t"), Address::Segment { segment: key(segment) });
    let created = server.store.read().latest(&register).unwrap().stamp;
    let other = NodeId([7; 16]);
    let stamp = Stamp { time: millis_to_ntp64(START + at_ms), id: other };
    let version = Version {
        register,
        stamp,
        parents: [created].into(),
        floor_seen: None,
        content: None,
        expires_at: None,
        actor: "else".into(),
        change: ChangeId(stamp),
        note: None,
    };
    assert_eq!(server.store.merge(vec![version.into()], other).unwrap().applied, 1);
}

#[tokio::test]
async fn where_a_rule_and_the_deletion_of_its_segment_meet_the_rule_before_decides_on_all_nodes_alike() {
    const HERE: &str = "/api/v1/tenants/t/flags/f/environments/dev";
    let constant = json!({ "if": [true, "off"] });
    let refers = json!({ "if": [{ "$ref": "paying" }, "on", "off"] });
    // the deletion is the earlier of the two, or the later one
    for at_ms in [1_500, 9_000] {
        let server = Server::placed().await;
        server.flag("f").await;
        server.post(SEGMENTS, json!({ "key": "paying", "rule": true })).await.expect(201);
        server.pass(1_000);
        server.patch(HERE, json!({ "targeting": constant })).await.expect(200);
        server.pass(1_000);
        server.patch(HERE, json!({ "targeting": refers })).await.expect(200);
        assert_eq!(server.value("f", json!({})).await["variant"], "on");
        deleted_elsewhere(&server, "paying", at_ms);
        assert_eq!(server.value("f", json!({})).await["variant"], "off", "{at_ms}");
        let shown = server.get("/api/v1/tenants/t/flags/f").await.body();
        let codes: Vec<&Json> = shown["problems"].as_array().unwrap().iter().map(|told| &told["code"]).collect();
        assert_eq!(codes, ["unknown_segment", "earlier_rule"], "{at_ms}");
        assert_eq!(shown["environments"]["dev"]["targeting"], refers, "what was written last is shown");
        server.post(SEGMENTS, json!({ "key": "paying", "rule": true })).await.expect(201);
        assert_eq!(server.value("f", json!({})).await["variant"], "on", "it counts again once that is back");
    }
}
