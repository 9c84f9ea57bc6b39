//! `/api/v1/tenants/{tenant}/segments`.

use serde_json::json;

use crate::server::{Server, keys};

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
