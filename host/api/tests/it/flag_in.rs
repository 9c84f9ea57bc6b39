//! `/api/v1/tenants/{tenant}/flags/{flag}/environments/{environment}`.

use serde_json::{Value as Json, json};

use crate::server::{Server, paths};

const DEV: &str = "/api/v1/tenants/t/flags/f/environments/dev";
const PROD: &str = "/api/v1/tenants/t/flags/f/environments/prod";

async fn server() -> Server {
    let server = Server::placed().await;
    server.flag("f").await;
    server
}

#[tokio::test]
async fn an_acknowledged_change_is_what_evaluations_answer() {
    let server = server().await;
    assert_eq!(server.value("f", json!({})).await["value"], true);
    let found = server.patch(DEV, json!({ "defaultVariant": "off", "note": "why" })).await.expect(200);
    assert_eq!(server.get(DEV).await.tag(), found.tag());
    assert_eq!(server.value("f", json!({})).await["value"], false);
    server.patch(DEV, json!({ "state": "DISABLED" })).await.expect(200);
    let answer = server.value("f", json!({})).await;
    assert_eq!((&answer["reason"], answer.get("value")), (&json!("DISABLED"), None));
}

#[tokio::test]
async fn an_environment_that_never_configured_a_flag_has_it_disabled() {
    let server = server().await;
    let found = server.get(PROD).await.expect(200).body();
    let wanted = json!({ "state": "DISABLED", "defaultVariant": null, "targeting": null, "kill": false, "problems": [], "stamps": {} });
    assert_eq!(found, wanted);
}

#[tokio::test]
async fn kill_and_release_are_touched_by_nothing_else() {
    let server = server().await;
    let killed = server.patch(DEV, json!({ "kill": true, "reason": "fire" })).await.expect(200).body();
    assert_eq!(
        (&killed["kill"], &killed["reason"], &killed["state"]),
        (&json!(true), &json!("fire"), &json!("ENABLED"))
    );
    let kept = server.patch(DEV, json!({ "state": "ENABLED", "defaultVariant": "on" })).await.expect(200).body();
    assert_eq!(kept["kill"], true);
    assert_eq!(server.value("f", json!({})).await["reason"], "DISABLED");
    let released = server.patch(DEV, json!({ "kill": false })).await.expect(200).body();
    assert_eq!((&released["kill"], released.get("reason")), (&json!(false), None));
    assert_eq!(server.value("f", json!({})).await["reason"], "STATIC");
}

#[tokio::test]
async fn releasing_what_was_never_killed_writes_nothing() {
    let server = server().await;
    let tag = server.get(DEV).await.tag();
    assert_eq!(server.patch(DEV, json!({ "kill": false })).await.expect(200).tag(), tag);
}

#[tokio::test]
async fn targeting_is_replaced_whole_and_cleared_by_null() {
    let server = server().await;
    let rule = json!({ "if": [{ "==": [{ "var": "plan" }, "pro"] }, "off", null] });
    let found = server.patch(DEV, json!({ "targeting": rule })).await.expect(200).body();
    assert_eq!(found["targeting"], rule);
    assert_eq!(server.value("f", json!({ "plan": "pro" })).await["reason"], "TARGETING_MATCH");
    let found = server.patch(DEV, json!({ "targeting": null })).await.expect(200).body();
    assert_eq!((&found["targeting"], &found["defaultVariant"]), (&Json::Null, &json!("on")));
}

#[tokio::test]
async fn two_editors_of_one_environment_cannot_overwrite_each_other() {
    let server = server().await;
    let tag = server.get(DEV).await.tag();
    server.patch(PROD, json!({ "state": "ENABLED" })).await.expect(200);
    let with = [("if-match", tag.as_str())];
    server.json("PATCH", DEV, &with, &json!({ "defaultVariant": "off" })).await.expect(200);
    server.json("PATCH", DEV, &with, &json!({ "defaultVariant": "on" })).await.problem(412, "stale");
    assert_eq!(server.get(DEV).await.body()["defaultVariant"], "off");
}

#[tokio::test]
async fn faults_are_named_and_nothing_is_half_applied() {
    let server = server().await;
    let before = server.get(DEV).await.body();
    let patch = async |body: Json, code: &str| server.patch(DEV, body).await.problem(422, code);
    assert_eq!(paths(&patch(json!({ "state": "ON", "defaultVariant": "off" }), "invalid_value").await), ["/state"]);
    assert_eq!(paths(&patch(json!({ "state": null }), "invalid_value").await), ["/state"]);
    assert_eq!(
        paths(&patch(json!({ "state": "DISABLED", "defaultVariant": "no" }), "invalid_value").await),
        ["/defaultVariant"]
    );
    assert_eq!(paths(&patch(json!({ "reason": "x" }), "invalid_value").await), ["/reason"]);
    assert_eq!(paths(&patch(json!({ "enabled": true }), "invalid_value").await), ["/enabled"]);
    let faults = patch(json!({ "targeting": { "if": [true, { "zap": [] }] } }), "invalid_rule").await;
    assert_eq!(faults, [("/targeting/if/1/zap".to_owned(), "unknown_operator".to_owned())]);
    let mut nested = json!("on");
    (0..300).for_each(|_| nested = json!({ "if": [true, nested.take()] }));
    patch(json!({ "targeting": nested }), "invalid_rule").await;
    let long = "x".repeat(300 << 10);
    server.patch(DEV, json!({ "targeting": { "==": [long, "x"] } })).await.problem(413, "too_large");
    assert_eq!(server.get(DEV).await.body(), before);
}

#[tokio::test]
async fn tenant_flag_and_environment_must_exist() {
    let server = server().await;
    for path in [
        "/api/v1/tenants/x/flags/f/environments/dev",
        "/api/v1/tenants/t/flags/x/environments/dev",
        "/api/v1/tenants/t/flags/f/environments/x",
    ] {
        server.get(path).await.problem(404, "not_found");
        server.patch(path, json!({ "state": "ENABLED" })).await.problem(404, "not_found");
    }
}
