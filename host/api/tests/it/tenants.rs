//! `/api/v1/tenants`.

use serde_json::json;

use crate::server::{Server, keys};

const TENANTS: &str = "/api/v1/tenants";

#[tokio::test]
async fn a_tenant_is_created_read_changed_and_deleted() {
    let server = Server::new();
    let created = server.post(TENANTS, json!({ "key": "a/b c", "name": "A" })).await.expect(201);
    assert_eq!(created.header("location"), "/api/v1/tenants/a%2Fb%20c");
    let path = "/api/v1/tenants/a%2Fb%20c";
    let found = server.get(path).await.expect(200);
    assert_eq!((found.body(), found.tag()), (created.body(), created.tag()));
    let body = found.body();
    assert_eq!((&body["key"], &body["name"]), (&json!("a/b c"), &json!("A")));
    assert_eq!(format!("\"{}\"", body["stamps"]["tenant"].as_str().unwrap()), found.tag());
    server.post(TENANTS, json!({ "key": "a/b c" })).await.problem(409, "already_exists");
    let patched = server.patch(path, json!({ "name": null })).await.expect(200);
    assert!(patched.body().get("name").is_none());
    assert_eq!(server.patch(path, json!({})).await.expect(200).tag(), patched.tag(), "nothing was written");
    assert!(server.delete(path).await.expect(204).body.is_empty());
    server.get(path).await.problem(404, "not_found");
    server.patch(path, json!({})).await.problem(404, "not_found");
    server.delete(path).await.problem(404, "not_found");
}

#[tokio::test]
async fn writes_are_conditional() {
    let server = Server::new();
    let tag = server.post(TENANTS, json!({ "key": "t" })).await.tag();
    let patch = async |headers: &[(&str, &str)], name: &str| {
        server.json("PATCH", "/api/v1/tenants/t", headers, &json!({ "name": name })).await
    };
    let newer = patch(&[("if-match", &tag)], "1").await.expect(200).tag();
    patch(&[("if-match", &tag)], "2").await.problem(412, "stale");
    patch(&[("if-none-match", &newer)], "3").await.problem(412, "stale");
    server.send("DELETE", "/api/v1/tenants/t", &[("if-match", &tag)], "").await.problem(412, "stale");
    let weak = format!("W/{newer}");
    patch(&[("if-match", &format!("{tag}, {weak}"))], "4").await.expect(200);
}

#[tokio::test]
async fn lists_are_paged_and_tagged() {
    let server = Server::new();
    for key in ["c", "a", "b"] {
        server.post(TENANTS, json!({ "key": key })).await.expect(201);
    }
    let first = server.get("/api/v1/tenants?limit=2").await.expect(200).body();
    assert_eq!(keys(&first), ["a", "b"]);
    let rest = format!("{TENANTS}?limit=2&cursor={}", first["nextCursor"].as_str().unwrap());
    let rest = server.get(&rest).await.expect(200).body();
    assert_eq!((keys(&rest), rest.get("nextCursor")), (vec!["c"], None));
    let all = server.get(TENANTS).await.expect(200);
    let again = server.send("GET", TENANTS, &[("if-none-match", &all.tag())], "").await.expect(304);
    assert_eq!((again.tag(), again.body.len()), (all.tag(), 0));
    for query in ["limit=0", "limit=1001", "limit=x", "cursor=zz", "cursor=", "unknown=1"] {
        server.get(&format!("{TENANTS}?{query}")).await.problem(422, "invalid_value");
    }
}

#[tokio::test]
async fn wrong_documents_are_refused_by_place() {
    let server = Server::new();
    let faults = server.post(TENANTS, json!({ "key": "..", "name": 7, "x": 1 })).await.problem(422, "invalid_value");
    assert_eq!(crate::server::paths(&faults), ["/key", "/name", "/x"]);
    server.post(TENANTS, json!({})).await.problem(422, "invalid_value");
    server.post(TENANTS, json!(["t"])).await.problem(422, "invalid_value");
}

#[tokio::test]
async fn tenants_of_the_cluster_itself_are_nobodys() {
    let server = Server::placed().await;
    for key in ["$cluster", "$x"] {
        let faults = server.post("/api/v1/tenants", json!({ "key": key })).await.problem(422, "invalid_value");
        assert_eq!(faults, [("/key".to_owned(), "reserved".to_owned())]);
    }
    server.get("/api/v1/tenants/$cluster").await.problem(404, "not_found");
    server.post("/api/v1/tenants/$cluster/environments", json!({ "key": "e" })).await.problem(404, "not_found");
}
