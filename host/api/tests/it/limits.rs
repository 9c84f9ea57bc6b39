//! Rates and streams: whoever uses theirs up holds up nobody else.

use axum::body::Body;
use burgee_model::Limits;
use futures_util::{FutureExt, StreamExt, stream};
use http::{Request, Response};
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
    let server = server(Limits { bodies_bytes: 120_000, bodies_reserved_bytes: 20_000, ..Limits::default() }).await;
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

const BULK: &str = "/ofrep/v1/evaluate/flags";
const ONE: &str = "/ofrep/v1/evaluate/flags/f";

/// A body of which so many bytes come, and then no more.
fn stalled(bytes: usize) -> Body {
    Body::from_stream(stream::iter([Ok::<_, std::io::Error>(vec![b' '; bytes])]).chain(stream::pending()))
}

fn request(method: &str, path: &str, token: &str, body: impl Into<Body>) -> Request<Body> {
    let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
    request.header("content-type", "application/json").body(body.into()).unwrap()
}

#[tokio::test]
async fn a_tenants_bodies_that_stall_keep_nobody_from_anything() {
    let limits = Limits {
        bodies_bytes: 500_000,
        bodies_reserved_bytes: 200_000,
        bodies_bytes_per_tenant: 100_000,
        ..Limits::default()
    };
    let server = server(limits).await;
    let (client, _) = server.token("client", json!({ "environments": ["dev"] })).await;
    let (operator, _) = server.token("operator", json!({})).await;
    let ask = |bytes| Box::pin(server.respond(request("POST", ONE, &client, stalled(bytes))));
    // a body that is refused is read to its end, so only those that are not end here
    let mut held: Vec<_> = [70_000, 14_000, 14_000].map(ask).into();
    assert!(held.iter_mut().all(|asked| asked.now_or_never().is_none()));
    let whole = |bytes: usize| server.respond(request("POST", ONE, &client, " ".repeat(bytes)));
    for bytes in [70_000, 14_000] {
        let refused = whole(bytes).await;
        assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (429, &"1".parse().unwrap()));
    }
    let kill = json!({ "kill": true, "reason": "r" });
    let path = "/api/v1/tenants/t/flags/f/environments/dev";
    server.with_token(&operator, "PATCH", path, &[], &kill).await.expect(200);
    server.post("/api/v1/session", json!({ "token": operator })).await.expect(200);
    server.send("POST", &format!("/e/u/dev{BULK}"), &[], " ".repeat(70_000)).await.expect(200);
    let metrics = String::from_utf8(server.get("/metrics").await.body.to_vec()).unwrap();
    assert!(metrics.contains("burgee_no_room_total{of=\"bodies\"} 2\n"), "{metrics}");
    drop(held);
    assert_ne!(whole(70_000).await.status(), 429);
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_given_up() {
    let server = server(Limits { body_grace_ms: 10, ..Limits::default() }).await;
    let answer = server.send("POST", &format!("/e/t/dev{ONE}"), &[], stalled(10)).await.expect(408);
    assert_eq!(answer.body()["code"], "timeout");
    let path = "/api/v1/tenants/t/flags";
    server.send("POST", path, &[("content-type", "application/json")], stalled(10)).await.problem(408, "timeout");
}

#[tokio::test]
async fn an_import_whose_body_does_not_come_takes_nobodys_turn() {
    let server = server(Limits { imports: 1, imports_waiting: 1, ..Limits::default() }).await;
    let path = |tenant: &str| format!("/api/v1/tenants/{tenant}/environments/dev/flagd.json");
    let mut held = Box::pin(server.respond(request("PUT", &path("t"), TOKEN, stalled(10))));
    assert!((&mut held).now_or_never().is_none());
    server.json("PUT", &path("u"), &[], &json!({ "flags": {} })).await.expect(200);
}

/// With a flag for clients whose value is large.
async fn large(limits: Limits) -> Server {
    let server = server(limits).await;
    let settings = json!({ "dev": { "state": "ENABLED", "defaultVariant": "on" } });
    let flag = json!({ "key": "large", "variants": { "on": "x".repeat(60_000) }, "environments": settings,
        "metadata": { "burgee.client": true } });
    server.post("/api/v1/tenants/t/flags", flag).await.expect(201);
    server
}

#[tokio::test]
async fn large_answers_count_until_they_are_read() {
    let limits = Limits { answers_bytes: 1_000_000, answers_bytes_per_tenant: 280_000, ..Limits::default() };
    let server = large(limits).await;
    let (client, _) = server.token("client", json!({ "environments": ["dev"] })).await;
    let (viewer, _) = server.token("viewer", json!({})).await;
    let document = "/api/v1/tenants/t/environments/dev/flagd.json";
    let bulk = || server.respond(request("POST", BULK, &client, ""));
    let export = || server.respond(request("GET", document, &viewer, ""));
    let mut held: Vec<Response<Body>> = Vec::new();
    let refused = loop {
        match bulk().await {
            answer if answer.status() == 200 && held.len() < 10 => held.push(answer),
            other => break other,
        }
    };
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (429, &"1".parse().unwrap()));
    assert!((1..5).contains(&held.len()), "{} answers", held.len());
    // people have what applications leave, and others have theirs
    let mut exported = Vec::new();
    let refused = loop {
        match export().await {
            answer if answer.status() == 200 && exported.len() < 10 => exported.push(answer),
            other => break other,
        }
    };
    assert_eq!((refused.status().as_u16(), (1..5).contains(&exported.len())), (429, true));
    server.respond(request("POST", ONE, &client, "")).await;
    server.get(document).await.expect(200);
    let metrics = String::from_utf8(server.get("/metrics").await.body.to_vec()).unwrap();
    assert!(metrics.contains("burgee_no_room_total{of=\"answers\"} 2\n"), "{metrics}");
    drop((held, exported));
    assert_eq!((bulk().await.status().as_u16(), export().await.status().as_u16()), (200, 200));
}
