//! Every route, and what it answers without the token.

use std::sync::atomic::Ordering;

use burgee_api::access::routes::{OTHERS, RULES, Shown};
use serde_json::json;

use crate::server::{Answer, Server, TOKEN};

/// Every route that needs a token: method, path as the description has it, whether it writes.
pub fn guarded() -> Vec<(&'static str, String, bool)> {
    let rules = RULES.iter().map(|rule| (rule.method, rule.path.replace("{*", "{"), rule.writes));
    let of_this_port = OTHERS.iter().filter(|(_, path, shown)| *shown == Shown::Token && !path.starts_with("/flagd."));
    rules.chain(of_this_port.map(|(method, path, _)| (*method, path.replace("{*", "{"), false))).collect()
}

/// The same with keys of things that exist.
pub fn real(path: &str) -> String {
    path.replace("{tenant}", "t")
        .replace("{environment}", "dev")
        .replace("{flag}", "f")
        .replace("{segment}", "s")
        .replace("{guest}", "g")
        .replace("{key}", "f")
        .replace("{token}", &"0".repeat(32))
}

async fn server() -> Server {
    let server = Server::placed().await;
    server.flag("f").await;
    server.post("/api/v1/tenants/t/segments", json!({ "key": "s", "rule": { "==": [1, 1] } })).await.expect(201);
    server
}

#[tokio::test]
async fn nothing_answers_without_the_token_and_nothing_is_told() {
    let server = server().await;
    let others = [("GET", "/api/v1/no/such"), ("GET", "/api")];
    let routes = guarded().into_iter().map(|(method, path, _)| (method, real(&path)));
    let all: Vec<(&str, String)> = routes.chain(others.map(|(method, path)| (method, path.to_owned()))).collect();
    for token in ["", "Bearer wrong", "Bearer token-of-the-tes", "Bearer token-of-the-test2", "Basic dG9rZW4="] {
        for (method, path) in &all {
            let answer = server
                .send(method, path, &[("authorization", token), ("content-type", "application/json")], "{}")
                .await;
            let answer = answer.expect(401);
            assert!(answer.header("www-authenticate").starts_with("Bearer"), "{method} {path}");
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(!text.contains(TOKEN), "{method} {path}: {text}");
        }
    }
    server.get("/api/v1/tenants/t/flags/f").await.expect(200);
}

#[tokio::test]
async fn with_the_token_every_route_of_the_table_exists() {
    let server = server().await;
    let streams = |path: &str| path.ends_with("/watch") || path.ends_with("/events");
    for (method, path, _) in guarded().into_iter().filter(|(_, path, _)| !streams(path)) {
        let unlikely = real(&path).replace("/t", "/t%20other").replace("/e/t%20other", "/e/t");
        let answer =
            server.json(method, &unlikely.replace("/api/v1/t%20otherenants", "/api/v1/tenants"), &[], &json!({})).await;
        assert_ne!(answer.status, 405, "{method} {path}");
        assert_ne!(answer.status, 401, "{method} {path}");
    }
}

#[tokio::test]
async fn other_methods_need_the_token_too_and_are_named() {
    let server = server().await;
    server.send("PUT", "/api/v1/tenants", &[("authorization", "")], "").await.problem(401, "unauthorized");
    let answer = server.send("PUT", "/api/v1/tenants", &[], "").await;
    let allowed = answer.header("allow").to_owned();
    answer.problem(405, "method_not_allowed");
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
}

#[tokio::test]
async fn health_needs_no_token() {
    let server = server().await;
    let anonymous = [("authorization", "")];
    server.send("GET", "/healthz", &anonymous, "").await.expect(200);
    let ready = server.send("GET", "/readyz", &anonymous, "").await.expect(200).body();
    assert_eq!(ready, json!({ "ready": true, "reasons": [] }));
    server.status.ready.store(false, Ordering::Relaxed);
    let ready = server.send("GET", "/readyz", &anonymous, "").await.expect(503).body();
    assert_eq!(ready, json!({ "ready": false, "reasons": ["joining"] }));
    server.send("GET", "/healthz", &anonymous, "").await.expect(200);
}

/// Sends every write of the table; gives what each was answered.
async fn try_all_writes(server: &Server) -> Vec<(String, Answer)> {
    let document = |path: &str| match path {
        path if path.ends_with("/flags") => json!({ "key": "new", "variants": { "on": true } }),
        path if path.ends_with("/segments") => json!({ "key": "new", "rule": { "==": [1, 1] } }),
        path if path.ends_with("/segments/{segment}") => json!({ "rule": { "==": [1, 1] } }),
        path if path.ends_with("flagd.json") => json!({ "flags": {} }),
        path if path.ends_with("/tokens") => json!({ "name": "n", "kind": "server" }),
        path if path.ends_with("/dismiss") || path.ends_with("/restore") => {
            let stamp = format!("{:016x}-{:032x}", 1, 1);
            let register = json!({ "kind": "flag", "key": "f", "field": "name" });
            if path.ends_with("/restore") {
                json!({ "register": register, "stamp": stamp })
            } else {
                json!({ "register": register })
            }
        }
        path if path.ends_with("/tenants") || path.ends_with("/environments") => json!({ "key": "new" }),
        path if path.ends_with("/flags/{flag}/environments/{environment}") => json!({ "kill": true }),
        path if path.ends_with("/rollouts/{key}") => json!({ "action": "pause" }),
        _ => json!({}),
    };
    let query = |path: &str| match path {
        path if path.ends_with("/config") => "?prefix=",
        path if path.ends_with("/rollouts/{key}") => "?during=1h",
        _ => "",
    };
    let mut answers = Vec::new();
    // whoever logs out writes nothing; the manifest has a shape of its own
    let counts = |path: &str| path != "/api/v1/session" && !path.contains("/openfeature/");
    for (method, path, _) in guarded().into_iter().filter(|(_, path, writes)| *writes && counts(path)) {
        // only the start of a rollout takes a query of those with a body
        let query = if method == "POST" { "" } else { query(&path) };
        let answer = server.json(method, &format!("{}{query}", real(&path)), &[], &document(&path)).await;
        answers.push((format!("{method} {path}"), answer));
    }
    answers
}

#[tokio::test]
async fn a_node_that_is_not_ready_takes_no_writes() {
    let server = server().await;
    let before = server.get("/api/v1/tenants/t/flags").await.body;
    server.status.ready.store(false, Ordering::Relaxed);
    for (asked, answer) in try_all_writes(&server).await {
        assert_eq!(answer.header("retry-after"), "1", "{asked}: {answer:?}");
        answer.problem(503, "not_ready");
    }
    assert_eq!(server.get("/api/v1/tenants/t/flags").await.body, before);
}

#[tokio::test]
async fn a_node_whose_clock_is_ahead_takes_no_writes_but_serves() {
    let server = server().await;
    let before = server.get("/api/v1/tenants/t/flags").await.body;
    server.status.clock_ahead.store(10_800_000, Ordering::Relaxed);
    for (asked, answer) in try_all_writes(&server).await {
        let body = answer.body();
        assert!(body["detail"].as_str().unwrap().contains("10800000 ms"), "{asked}: {body}");
        assert!(body["errors"][0]["hint"].as_str().unwrap().contains("another node"), "{asked}: {body}");
        answer.problem(503, "clock_ahead");
    }
    assert_eq!(server.get("/api/v1/tenants/t/flags").await.body, before);
    assert_eq!(server.value("f", json!({})).await["value"], true);
    server.get("/readyz").await.expect(200);
    server.status.clock_ahead.store(0, Ordering::Relaxed);
    server.put("/api/v1/tenants/t/environments/dev/config/k", "v").await.expect(201);
}
