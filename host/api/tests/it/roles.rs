//! Who may do what: every route with every kind of token, and what other tenants see.

use burgee_api::access::routes::{Need, RULES, Rule};
use burgee_model::TokenKind;
use serde_json::{Value as Json, json};

use crate::{
    access::real,
    server::{Answer, Server, keys},
};

/// No state bears it, so that nothing is changed.
const NEVER: [(&str, &str); 1] = [("if-match", "\"never\"")];

async fn server() -> Server {
    let server = Server::placed().await;
    server.flag("f").await;
    server
}

async fn ask(server: &Server, token: &str, rule: &Rule, path: &str) -> Answer {
    let query = if path.ends_with("/config") { "?prefix=" } else { "" };
    server.with_token(token, rule.method, &format!("{path}{query}"), &NEVER, &json!({})).await
}

fn allows(rule: &Rule, kind: TokenKind, root: bool) -> bool {
    match rule.need {
        Need::Known => true,
        Need::Evaluation => kind != TokenKind::Client,
        Need::Role(role) => kind.rank() >= role.rank(),
        Need::Root => root,
    }
}

#[tokio::test]
async fn every_route_asks_for_its_role_and_no_more() {
    let server = server().await;
    let mut tokens = Vec::new();
    for kind in TokenKind::ALL {
        tokens.push((kind, false, server.token(kind.name(), json!({})).await.0));
    }
    let root = server.post("/api/v1/tenants/$cluster/tokens", json!({ "name": "root", "kind": "admin" })).await;
    tokens.push((TokenKind::Admin, true, root.expect(201).body()["token"].as_str().unwrap().to_owned()));
    for rule in &RULES {
        for (kind, root, token) in &tokens {
            let answer = ask(&server, token, rule, &real(&rule.path.replace("{*", "{"))).await;
            let asked = format!("{} {} as {kind:?}: {answer:?}", rule.method, rule.path);
            assert_ne!(answer.status, 401, "{asked}");
            if allows(rule, *kind, *root) {
                assert!(answer.status != 403 && (!rule.writes || answer.status != 200), "{asked}");
                if rule.method == "DELETE" && rule.path.ends_with("/config") {
                    answer.problem(412, "stale");
                }
            } else {
                answer.problem(403, "forbidden");
            }
        }
    }
}

#[tokio::test]
async fn other_tenants_do_not_exist_as_far_as_a_token_can_see() {
    let server = server().await;
    server.post("/api/v1/tenants", json!({ "key": "other" })).await.expect(201);
    server.post("/api/v1/tenants/other/environments", json!({ "key": "dev" })).await.expect(201);
    let text = |body: &Json| body.to_string().replace("nobody", "other");
    for kind in TokenKind::ALL {
        let (token, _) = server.token(kind.name(), json!({})).await;
        for rule in RULES.iter().filter(|rule| rule.path.contains("{tenant}")) {
            let path = rule.path.replace("{*", "{");
            let [there, nowhere] = ["other", "nobody"].map(|tenant| real(&path.replace("{tenant}", tenant)));
            let there = ask(&server, &token, rule, &there).await;
            let nowhere = ask(&server, &token, rule, &nowhere).await;
            assert_eq!(text(&there.body()), text(&nowhere.body()));
            assert_eq!((there.headers.len(), nowhere.headers.len()), (there.headers.len(), there.headers.len()));
            there.problem(404, "not_found");
        }
        for key in ["", "/f"] {
            let of = |tenant: &str| format!("/e/{tenant}/dev/ofrep/v1/evaluate/flags{key}");
            let there = server.with_token(&token, "POST", &of("other"), &[], &json!({})).await.expect(404);
            let nowhere = server.with_token(&token, "POST", &of("nobody"), &[], &json!({})).await.expect(404);
            assert_eq!(text(&there.body()), text(&nowhere.body()));
        }
    }
    let (viewer, _) = server.token("viewer", json!({})).await;
    let list = server.with_token(&viewer, "GET", "/api/v1/tenants", &[], &json!({})).await.expect(200);
    assert_eq!(keys(&list.body()), ["t"]);
}

#[tokio::test]
async fn a_token_bound_to_an_environment_sees_and_changes_no_other() {
    let server = server().await;
    let (token, _) = server.token("admin-like", json!({ "kind": "operator", "environments": ["dev"] })).await;
    let ask = async |method: &str, path: &str, body: Json| {
        server.with_token(&token, method, &format!("/api/v1/tenants/t{path}"), &[], &body).await
    };
    assert_eq!(keys(&ask("GET", "/environments", json!({})).await.expect(200).body()), ["dev"]);
    let flag = ask("GET", "/flags/f", json!({})).await.expect(200).body();
    assert_eq!(flag["environments"].as_object().unwrap().keys().collect::<Vec<_>>(), ["dev"]);
    let list = ask("GET", "/flags", json!({})).await.expect(200).body();
    assert!(list["items"][0]["environments"].get("prod").is_none());
    ask("PATCH", "/flags/f/environments/dev", json!({ "state": "DISABLED" })).await.expect(200);
    for environment in ["prod", "nowhere"] {
        let path = format!("/flags/f/environments/{environment}");
        ask("PATCH", &path, json!({ "state": "DISABLED" })).await.problem(403, "forbidden");
        ask("GET", &format!("/environments/{environment}/config/k"), json!({})).await.problem(403, "forbidden");
        let path = format!("/e/t/{environment}/ofrep/v1/evaluate/flags");
        server.with_token(&token, "POST", &path, &[], &json!({})).await.expect(403);
    }
    ask("PATCH", "/flags/f", json!({ "name": "F" })).await.problem(403, "forbidden");
    ask("DELETE", "/flags/f", json!({})).await.problem(403, "forbidden");
    let new = |environment: &str| json!({ "key": "new", "variants": { "on": true }, "environments": { environment: { "state": "ENABLED" } } });
    ask("POST", "/flags", new("prod")).await.problem(403, "forbidden");
    ask("POST", "/flags", new("dev")).await.expect(201);
    server.patch("/api/v1/tenants/t/flags/f/environments/prod", json!({ "state": "ENABLED" })).await.expect(200);
    let history = ask("GET", "/history?kind=flag&key=f", json!({})).await.expect(200).body();
    let seen = history["items"].as_array().unwrap().iter().map(|item| item["register"]["environment"].clone());
    assert!(seen.clone().any(|environment| environment == "dev") && !seen.clone().any(|e| e == "prod"), "{history}");
}

#[tokio::test]
async fn clients_see_marked_flags_alone() {
    let server = server().await;
    let marked = json!({ "key": "shown", "variants": { "on": true }, "metadata": { "burgee.client": true },
        "environments": { "dev": { "state": "ENABLED", "defaultVariant": "on" } } });
    server.post("/api/v1/tenants/t/flags", marked).await.expect(201);
    let (client, _) = server.token("client", json!({ "environments": ["dev"] })).await;
    let (back, _) = server.token("server", json!({ "environments": ["dev"] })).await;
    let ask = async |token: &str, key: &str| {
        server.with_token(token, "POST", &format!("/ofrep/v1/evaluate/flags{key}"), &[], &json!({})).await
    };
    let seen = |answer: &Answer| {
        let flags = answer.body()["flags"].as_array().unwrap().clone();
        flags.iter().map(|flag| flag["key"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (few, all) = (ask(&client, "").await.expect(200), ask(&back, "").await.expect(200));
    assert_eq!((seen(&few), seen(&all)), (vec!["shown".to_owned()], vec!["f".to_owned(), "shown".to_owned()]));
    assert_ne!(few.tag(), all.tag());
    let tag = few.tag();
    let known = [("if-none-match", tag.as_str())];
    server.with_token(&client, "POST", "/ofrep/v1/evaluate/flags", &known, &json!({})).await.expect(304);
    assert_eq!(ask(&client, "/shown").await.expect(200).body()["value"], true);
    let (hidden, absent) = (ask(&client, "/f").await.expect(404), ask(&client, "/g").await.expect(404));
    assert_eq!(hidden.body().to_string().replace("\"f\"", "\"g\""), absent.body().to_string());
    assert_eq!(ask(&back, "/f").await.expect(200).body()["value"], true);
}

#[tokio::test]
async fn the_bare_path_means_the_one_environment_that_a_token_names() {
    let server = server().await;
    let bare = "/ofrep/v1/evaluate/flags/f";
    for environments in [json!({}), json!({ "environments": ["dev", "prod"] })] {
        let (token, _) = server.token("server", environments).await;
        let answer = server.with_token(&token, "POST", bare, &[], &json!({})).await.expect(400);
        assert_eq!(answer.body()["code"], "environment_required");
    }
    let (token, _) = server.token("server", json!({ "environments": ["dev"] })).await;
    let answer = server.send("POST", bare, &[("authorization", ""), ("x-api-key", &token)], "").await.expect(200);
    assert_eq!(answer.body()["value"], true);
}
