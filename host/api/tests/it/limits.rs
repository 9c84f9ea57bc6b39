//! Rates and streams: whoever uses theirs up holds up nobody else.

use burgee_model::Limits;
use serde_json::json;

use crate::{
    server::{Options, Server, TOKEN},
    stream::Stream,
};

async fn server(limits: Limits) -> Server {
    let server = Server::with(Options { limits, ..Options::default() }).place().await;
    server.flag("f").await;
    server.post("/api/v1/tenants", json!({ "key": "u" })).await.expect(201);
    server.post("/api/v1/tenants/u/environments", json!({ "key": "dev" })).await.expect(201);
    server
}

#[tokio::test]
async fn a_tenant_that_floods_is_refused_and_others_are_not() {
    let server = server(Limits { tenant_requests_per_second: 50, ..Limits::default() }).await;
    let of = |tenant: &str| format!("/e/{tenant}/dev/ofrep/v1/evaluate/flags");
    let mut refused = None;
    for _ in 0..200 {
        let answer = server.send("POST", &of("t"), &[], "").await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("a refusal");
    assert_eq!(refused.header("retry-after"), "1");
    let body = refused.body();
    assert_eq!((&body["code"], &body["errorCode"]), (&json!("rate_limited"), &json!("GENERAL")));
    server.send("POST", &of("u"), &[], "").await.expect(200);
    let mut answer = server.get("/api/v1/tenants/t").await;
    while answer.status == 200 {
        answer = server.get("/api/v1/tenants/t").await;
    }
    assert_eq!(answer.header("retry-after"), "1");
    answer.problem(429, "rate_limited");
    server.get("/api/v1/tenants/u").await.expect(200);
}

/// Tokens of clients are public.
#[tokio::test]
async fn no_flood_of_applications_keeps_people_from_a_kill_switch() {
    let server = server(Limits { tenant_requests_per_second: 50, ..Limits::default() }).await;
    let (client, _) = server.token("client", json!({ "environments": ["dev"] })).await;
    let flood = async || {
        let path = "/ofrep/v1/evaluate/flags";
        server.with_token(&client, "POST", path, &[], &json!({ "context": {} })).await.status
    };
    while flood().await == 200 {}
    assert_eq!(flood().await, 429);
    let path = "/api/v1/tenants/t/flags/f/environments/dev";
    server.patch(path, json!({ "kill": true, "reason": "r" })).await.expect(200);
}

#[tokio::test]
async fn a_token_that_floods_is_refused_and_others_are_not() {
    let server = server(Limits { token_requests_per_second: 100, ..Limits::default() }).await;
    let (flooding, _) = server.token("viewer", json!({})).await;
    let (other, _) = server.token("viewer", json!({})).await;
    let ask = async |token: &str| server.with_token(token, "GET", "/api/v1/tenants/t", &[], &json!({})).await;
    let mut answer = ask(&flooding).await;
    while answer.status == 200 {
        answer = ask(&flooding).await;
    }
    answer.problem(429, "rate_limited");
    ask(&other).await.expect(200);
}

#[tokio::test]
async fn streams_are_bounded_by_token_and_by_tenant() {
    let limits = Limits { streams_per_token: 2, streams_per_tenant: 3, ..Limits::default() };
    let server = server(limits).await;
    let (token, _) = server.token("viewer", json!({})).await;
    let path = "/api/v1/tenants/t/watch";
    let refused = async |token: &str, path: &str| {
        let answer = server.with_token(token, "GET", path, &[], &json!({})).await;
        assert_eq!(answer.header("retry-after"), "1");
        answer.problem(429, "rate_limited");
    };
    let first = Stream::open_with(&server, &token, path, None).await;
    let _second = Stream::open_with(&server, &token, path, None).await;
    refused(&token, path).await;
    let _third = Stream::open_with(&server, TOKEN, path, None).await;
    refused(TOKEN, path).await;
    let _elsewhere = Stream::open_with(&server, TOKEN, "/api/v1/tenants/u/watch", None).await;
    drop(first);
    let _again = Stream::open_with(&server, &token, path, None).await;
}

#[tokio::test]
async fn bodies_are_bounded_together_and_those_of_evaluations_by_their_contexts() {
    let server = server(Limits { bodies_bytes: 100_000, ..Limits::default() }).await;
    let entry = "/api/v1/tenants/t/environments/dev/config/k";
    let refused = server.put(entry, &"x".repeat(100_001)).await;
    assert_eq!(refused.header("retry-after"), "1");
    refused.problem(429, "rate_limited");
    for _ in 0..3 {
        server.put(entry, &"x".repeat(99_000)).await;
        assert_eq!(server.get(entry).await.expect(200).body.len(), 99_000, "what was read is given back");
    }
    let padded = |bytes: usize| format!(r#"{{"context":{{}},"other":"{}"}}"#, "x".repeat(bytes));
    let path = "/e/t/dev/ofrep/v1/evaluate/flags/f";
    server.send("POST", path, &[], padded(70_000)).await.expect(200);
    let answer = server.send("POST", path, &[], padded(90_000)).await.expect(413).body();
    assert_eq!((&answer["errorCode"], &answer["code"]), (&json!("INVALID_CONTEXT"), &json!("too_large")));
}
