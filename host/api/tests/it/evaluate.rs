//! `/api/v1/tenants/{tenant}/environments/{environment}/evaluate`.

use std::sync::atomic::Ordering;

use serde_json::{Value as Json, json};

use crate::server::{Server, paths};

const DEV: &str = "/api/v1/tenants/t/environments/dev/evaluate";

#[tokio::test]
async fn one_flag_or_all() {
    let server = Server::placed().await;
    server.flag("f").await;
    server.flag("g").await;
    let one = server.post(DEV, json!({ "flag": "f", "context": {} })).await.expect(200).body();
    assert_eq!(one, json!({ "key": "f", "value": true, "variant": "on", "reason": "STATIC" }));
    let all = server.post(DEV, json!({})).await.expect(200).body();
    let keys: Vec<&str> = all["flags"].as_array().unwrap().iter().map(|item| item["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["f", "g"]);
    let unknown = server.post(DEV, json!({ "flag": "x" })).await.expect(200).body();
    assert_eq!(unknown["errorCode"], "FLAG_NOT_FOUND");
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let server = Server::placed().await;
    let post = async |body: Json| server.post(DEV, body).await.problem(422, "invalid_value");
    assert_eq!(
        paths(&post(json!({ "at": true, "asSeenBy": "a", "explain": true })).await),
        ["/at", "/asSeenBy", "/explain"]
    );
    assert_eq!(paths(&post(json!({ "context": 7 })).await), ["/context"]);
    assert_eq!(paths(&post(json!({ "flag": "" })).await), ["/flag"]);
    let many: serde_json::Map<String, Json> = (0..600).map(|n| (n.to_string(), json!(n))).collect();
    assert_eq!(paths(&post(json!({ "context": many })).await), ["/context"]);
    let large = json!({ "context": { "a": "x".repeat(70 << 10) } });
    server.post(DEV, large).await.problem(413, "too_large");
    server.post("/api/v1/tenants/t/environments/x/evaluate", json!({})).await.problem(404, "not_found");
    server.status.ready.store(false, Ordering::Relaxed);
    server.post(DEV, json!({})).await.problem(503, "not_ready");
}
