//! `/api/v1/tenants/{tenant}/environments`.

use serde_json::json;

use crate::server::{Server, keys};

const ENVIRONMENTS: &str = "/api/v1/tenants/t/environments";

#[tokio::test]
async fn an_environment_is_created_read_changed_and_deleted() {
    let server = Server::placed().await;
    let created = server.post(ENVIRONMENTS, json!({ "key": "stage", "protected": true })).await.expect(201);
    assert_eq!(created.header("location"), "/api/v1/tenants/t/environments/stage");
    let path = "/api/v1/tenants/t/environments/stage";
    let found = server.get(path).await.expect(200);
    assert_eq!((found.body(), found.tag()), (created.body(), created.tag()));
    assert_eq!(found.body()["protected"], true);
    server.post(ENVIRONMENTS, json!({ "key": "stage" })).await.problem(409, "already_exists");
    let patched = server
        .json("PATCH", path, &[("if-match", &created.tag())], &json!({ "name": "S", "protected": null }))
        .await
        .expect(200)
        .body();
    assert_eq!((&patched["name"], &patched["protected"]), (&json!("S"), &json!(false)));
    server.json("PATCH", path, &[("if-match", &found.tag())], &json!({ "name": "X" })).await.problem(412, "stale");
    assert_eq!(keys(&server.get(ENVIRONMENTS).await.body()), ["dev", "prod", "stage"]);
    let second = server.get(&format!("{ENVIRONMENTS}?limit=1")).await.body();
    let next = format!("{ENVIRONMENTS}?limit=1&cursor={}", second["nextCursor"].as_str().unwrap());
    assert_eq!(keys(&server.get(&next).await.body()), ["prod"]);
    server.delete(path).await.expect(204);
    server.get(path).await.problem(404, "not_found");
}

#[tokio::test]
async fn what_an_environment_held_is_gone_with_it() {
    let server = Server::placed().await;
    server.flag("f").await;
    let entry = "/api/v1/tenants/t/environments/dev/config/k";
    server.put(entry, "v").await.expect(201);
    server.delete("/api/v1/tenants/t/environments/dev").await.expect(204);
    server.get(entry).await.problem(404, "not_found");
    server.post(ENVIRONMENTS, json!({ "key": "dev" })).await.expect(201);
    server.get(entry).await.problem(404, "not_found");
    let flag = server.get("/api/v1/tenants/t/flags/f").await.expect(200).body();
    assert_eq!(flag["environments"]["dev"]["state"], "DISABLED");
}

#[tokio::test]
async fn the_tenant_must_exist() {
    let server = Server::new();
    server.get(ENVIRONMENTS).await.problem(404, "not_found");
    server.post(ENVIRONMENTS, json!({ "key": "dev" })).await.problem(404, "not_found");
}

#[tokio::test]
async fn an_environment_has_a_version_of_bucketing() {
    let server = Server::placed().await;
    server.flag("f").await;
    let shares = json!({ "fractional": [["on", 1], ["off", 1]] });
    server.patch("/api/v1/tenants/t/flags/f/environments/dev", json!({ "targeting": shares })).await.expect(200);
    let path = "/api/v1/tenants/t/environments/dev";
    assert_eq!(server.get(path).await.body()["fractionalVersion"], 2);
    let variants = async || {
        let mut variants = Vec::new();
        for user in 0..16 {
            variants.push(server.value("f", json!({ "targetingKey": user.to_string() })).await["variant"].clone());
        }
        variants
    };
    let before = variants().await;
    let patched = server.patch(path, json!({ "fractionalVersion": 3 })).await.expect(200);
    assert_eq!((patched.body(), patched.tag()), (server.get(path).await.body(), server.get(path).await.tag()));
    assert_eq!(patched.body()["fractionalVersion"], 3);
    assert_ne!(variants().await, before);
    server.patch(path, json!({ "name": "other" })).await.expect(200);
    assert_eq!(server.get(path).await.body()["fractionalVersion"], 3, "nothing else changes it");
    server.patch(path, json!({ "fractionalVersion": null })).await.expect(200);
    assert_eq!(variants().await, before);
    for wrong in [json!(1), json!(4), json!("3"), json!(2.5)] {
        let faults = server.patch(path, json!({ "fractionalVersion": wrong })).await.problem(422, "invalid_value");
        assert_eq!(faults[0].0, "/fractionalVersion");
    }
    let new = json!({ "key": "new", "fractionalVersion": 3 });
    assert_eq!(server.post(ENVIRONMENTS, new).await.expect(201).body()["fractionalVersion"], 3);
}
