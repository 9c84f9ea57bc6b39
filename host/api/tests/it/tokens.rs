//! Tokens: created, shown once, listed, revoked, over.

use burgee_model::{Key, Limits, RegisterId, TokenId};
use serde_json::{Value as Json, json};

use crate::{
    server::{Options, START, Server, paths},
    stream::Stream,
};

const TOKENS: &str = "/api/v1/tenants/t/tokens";

async fn reads(server: &Server, token: &str) -> u16 {
    server.with_token(token, "GET", "/api/v1/tenants/t", &[], &json!({})).await.status.as_u16()
}

#[tokio::test]
async fn a_token_is_shown_once_and_kept_as_a_hash() {
    let server = Server::placed().await;
    let body = json!({ "name": "ci", "kind": "viewer", "environments": ["dev"], "expiresAt": "2030-01-01T00:00:00Z" });
    let created = server.post(TOKENS, body).await.expect(201);
    assert_eq!(created.header("cache-control"), "no-store");
    let location = created.header("location").to_owned();
    let mut created = created.body();
    let token = created["token"].as_str().unwrap().to_owned();
    assert!(token.starts_with(created["prefix"].as_str().unwrap()) && token.starts_with("burgee_viewer_"));
    assert_eq!(created["expiresAt"], "2030-01-01T00:00:00.000Z");
    assert_eq!(reads(&server, &token).await, 200);
    created.as_object_mut().unwrap().shift_remove("token");
    created["lastUsedAt"] = json!("2023-11-14T22:13:20.000Z");
    assert_eq!(server.get(&location).await.expect(200).body(), created);
    assert_eq!(server.get(TOKENS).await.expect(200).body()["items"], json!([created]));
    let id = RegisterId::token(&Key::new("t").unwrap(), created["id"].as_str().unwrap().parse().unwrap());
    let kept = server.store.read().latest(&id).unwrap();
    let secret = token.rsplit_once('_').unwrap().1;
    assert!(!String::from_utf8_lossy(&kept.content.as_ref().unwrap().bytes).contains(secret));
}

#[tokio::test]
async fn the_last_use_is_the_latest_of_all_nodes_and_never_ahead() {
    let server = Server::placed().await;
    let (token, id) = server.token("viewer", json!({})).await;
    let (known, path): (TokenId, _) = (id.parse().unwrap(), format!("{TOKENS}/{id}"));
    let shown = async || {
        let (one, list) = (server.get(&path).await.expect(200).body(), server.get(TOKENS).await.expect(200).body());
        assert_eq!(one["lastUsedAt"], list["items"][0]["lastUsedAt"]);
        one["lastUsedAt"].clone()
    };
    let elsewhere = |at| server.status.uses_elsewhere.lock().unwrap().insert(known, at);
    let told = || server.status.own_uses.lock().unwrap().as_ref().unwrap()(&[known, TokenId([0; 16])]);
    assert_eq!((shown().await, told()), (Json::Null, vec![]));
    elsewhere(START - 1_000);
    assert_eq!(shown().await, "2023-11-14T22:13:19.000Z");
    assert_eq!(told(), [], "a node tells of itself alone");
    assert_eq!(reads(&server, &token).await, 200);
    assert_eq!((shown().await, told()), (json!("2023-11-14T22:13:20.000Z"), vec![(known, START)]));
    elsewhere(u64::MAX);
    assert_eq!(shown().await, "2023-11-14T22:13:20.000Z");
}

#[tokio::test]
async fn a_revoked_token_is_unknown_at_once_and_its_streams_end() {
    let server = Server::placed().await;
    let (token, id) = server.token("viewer", json!({})).await;
    let mut stream = Stream::open_with(&server, &token, "/api/v1/tenants/t/watch", None).await;
    assert!(stream.frame().await.is_some());
    let path = format!("{TOKENS}/{id}");
    server.delete(&path).await.expect(204);
    assert!(stream.frame().await.is_none());
    let revoked = server.with_token(&token, "GET", "/api/v1/tenants/t", &[], &json!({})).await;
    let unknown = server.with_token("burgee_viewer_0", "GET", "/api/v1/tenants/t", &[], &json!({})).await;
    assert_eq!(revoked.body, unknown.body);
    revoked.problem(401, "unauthorized");
    server.get(&path).await.problem(404, "not_found");
    server.delete(&path).await.problem(404, "not_found");
    assert_eq!(server.get(TOKENS).await.body()["items"], json!([]));
}

#[tokio::test]
async fn a_token_ends_with_its_deadline_and_so_do_its_streams() {
    let server = Server::placed().await;
    let past = json!({ "name": "n", "kind": "viewer", "expiresAt": "2023-11-14T22:13:20Z" });
    assert_eq!(paths(&server.post(TOKENS, past).await.problem(422, "invalid_value")), ["/expiresAt"]);
    let (token, _) = server.token("viewer", json!({ "expiresAt": "2023-11-14T22:14:20Z" })).await;
    let mut stream = Stream::open_with(&server, &token, "/api/v1/tenants/t/watch", None).await;
    assert!(stream.frame().await.is_some());
    server.pass(59_999);
    assert_eq!(reads(&server, &token).await, 200);
    server.pass(1);
    assert_eq!(server.store.now(), START + 60_000);
    assert_eq!(reads(&server, &token).await, 401);
    assert!(stream.frame().await.is_none());
    assert_eq!(server.get(TOKENS).await.body()["items"], json!([]));
}

#[tokio::test]
async fn tokens_do_not_return_with_their_tenant() {
    let server = Server::placed().await;
    let (token, _) = server.token("admin", json!({})).await;
    server.delete("/api/v1/tenants/t").await.expect(204);
    assert_eq!(reads(&server, &token).await, 401);
    let server = server.place().await;
    assert_eq!(reads(&server, &token).await, 401);
    assert_eq!(server.get(TOKENS).await.expect(200).body()["items"], json!([]));
}

#[tokio::test]
async fn an_admin_makes_tokens_of_its_tenant_alone() {
    let server = Server::placed().await;
    let (admin, _) = server.token("admin", json!({})).await;
    let new = json!({ "name": "n", "kind": "admin" });
    server.with_token(&admin, "POST", TOKENS, &[], &new).await.expect(201);
    let root = "/api/v1/tenants/$cluster/tokens";
    server.with_token(&admin, "POST", root, &[], &new).await.problem(404, "not_found");
    for kind in ["viewer", "server"] {
        let faults = server.post(root, json!({ "name": "n", "kind": kind })).await.problem(422, "invalid_value");
        assert_eq!(paths(&faults), ["/kind"]);
    }
    server.post("/api/v1/tenants/none/tokens", new).await.problem(404, "not_found");
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let server = Server::placed().await;
    for (body, path) in [
        (json!({ "kind": "server" }), "/name"),
        (json!({ "name": "n", "kind": "king" }), "/kind"),
        (json!({ "name": "n", "kind": "server", "environments": ["none"] }), "/environments/0"),
        (json!({ "name": "n", "kind": "admin", "environments": ["dev"] }), "/environments"),
        (json!({ "name": "n", "kind": "server", "expiresAt": "2200-01-01T00:00:00Z" }), "/expiresAt"),
        (json!({ "name": "n", "kind": "server", "token": "mine" }), "/token"),
    ] {
        assert_eq!(paths(&server.post(TOKENS, body.clone()).await.problem(422, "invalid_value")), [path], "{body}");
    }
}

#[tokio::test]
async fn tokens_are_in_no_stream_no_history_and_no_export() {
    let server = Server::placed().await;
    let mut stream = Stream::open(&server, "/api/v1/tenants/t/watch", None).await;
    assert!(stream.frame().await.is_some());
    let (token, id) = server.token("server", json!({})).await;
    server.delete(&format!("{TOKENS}/{id}")).await.expect(204);
    server.flag("f").await;
    assert_eq!(stream.next().await.data["register"]["kind"], "flag");
    let kind = |kind: &str| format!("/api/v1/tenants/t/history?kind={kind}&key={id}");
    server.get(&kind("token")).await.problem(422, "invalid_value");
    let register = json!({ "register": { "kind": "token", "key": id } });
    server.post("/api/v1/tenants/t/conflicts/dismiss", register).await.problem(422, "invalid_value");
    let export = server.get("/api/v1/tenants/t/environments/dev/flagd.json").await.expect(200);
    assert!(!String::from_utf8_lossy(&export.body).contains(&token[..20]));
}

#[tokio::test]
async fn changes_bear_the_name_of_their_token() {
    let server = Server::placed().await;
    let (token, id) = server.token("editor", json!({})).await;
    let flag = json!({ "key": "f", "variants": { "on": true } });
    server.with_token(&token, "POST", "/api/v1/tenants/t/flags", &[], &flag).await.expect(201);
    let history = server.get("/api/v1/tenants/t/history?kind=flag&key=f").await.expect(200).body();
    let actors: Vec<&Json> = history["items"].as_array().unwrap().iter().map(|item| &item["actor"]).collect();
    assert!(actors.iter().all(|actor| **actor == format!("editor ({})", &id[..8])), "{actors:?}");
}

#[tokio::test]
async fn a_token_ends_with_its_environment_and_is_not_for_another_of_the_name() {
    let server = Server::placed().await;
    let (of_dev, id) = server.token("viewer", json!({ "environments": ["dev"] })).await;
    let (of_both, _) = server.token("viewer", json!({ "environments": ["dev", "prod"] })).await;
    let mut stream = Stream::open_with(&server, &of_both, "/api/v1/tenants/t/environments/dev/watch", None).await;
    let environment = |key: &str| format!("/api/v1/tenants/t/environments/{key}");
    let sees = async |token: &str, key: &str| {
        server.with_token(token, "GET", &environment(key), &[], &json!({})).await.status.as_u16()
    };
    assert_eq!((sees(&of_dev, "dev").await, sees(&of_both, "dev").await), (200, 200));
    server.delete(&environment("dev")).await.expect(204);
    while stream.frame().await.is_some() {}
    assert_eq!(
        (sees(&of_dev, "dev").await, sees(&of_both, "dev").await, sees(&of_both, "prod").await),
        (401, 403, 200)
    );
    server.get(&format!("{TOKENS}/{id}")).await.problem(404, "not_found");
    server.post("/api/v1/tenants/t/environments", json!({ "key": "dev" })).await.expect(201);
    assert_eq!((sees(&of_dev, "dev").await, sees(&of_both, "dev").await), (401, 403));
    let (anew, _) = server.token("viewer", json!({ "environments": ["dev"] })).await;
    assert_eq!(sees(&anew, "dev").await, 200);
}

#[tokio::test]
async fn a_tenant_has_so_many_tokens_and_so_does_the_cluster() {
    let limits = Limits { tokens_per_tenant: 2, ..Limits::default() };
    let server = Server::with(Options { limits, ..Options::default() }).place().await;
    for tenant in ["t", "$cluster"] {
        let tokens = format!("/api/v1/tenants/{tenant}/tokens");
        let new = json!({ "name": "n", "kind": "admin" });
        let first = server.post(&tokens, new.clone()).await.expect(201).body();
        server.post(&tokens, new.clone()).await.expect(201);
        let faults = server.post(&tokens, new.clone()).await.problem(422, "invalid_value");
        assert_eq!(faults[0].1, "too_many_tokens", "{tenant}");
        server.delete(&format!("{tokens}/{}", first["id"].as_str().unwrap())).await.expect(204);
        server.post(&tokens, new).await.expect(201);
    }
}

/// A revoked token is remembered on every node: until its deadline, and without one for good.
#[tokio::test]
async fn so_many_revoked_tokens_are_remembered() {
    let limits = Limits { remembered_tokens_per_tenant: 3, ..Limits::default() };
    let server = Server::with(Options { limits, ..Options::default() }).place().await;
    for tenant in ["t", "$cluster"] {
        let tokens = format!("/api/v1/tenants/{tenant}/tokens");
        let revoked = async |until: Option<&str>| {
            let mut new = json!({ "name": "n", "kind": "admin" });
            if let Some(until) = until {
                new["expiresAt"] = until.into();
            }
            let made = server.post(&tokens, new).await;
            if made.status == 201 {
                let id = made.body()["id"].as_str().unwrap().to_owned();
                server.delete(&format!("{tokens}/{id}")).await.expect(204);
            }
            made
        };
        revoked(None).await.expect(201);
        revoked(None).await.expect(201);
        revoked(Some("2023-11-25T00:00:00Z")).await.expect(201);
        let faults = revoked(None).await.problem(422, "invalid_value");
        assert_eq!(faults[0].1, "too_many_remembered_tokens", "{tenant}");
    }
    server.pass(30 * 86_400_000);
    let (_, id) = server.token("viewer", json!({})).await;
    server.delete(&format!("{TOKENS}/{id}")).await.expect(204);
}
