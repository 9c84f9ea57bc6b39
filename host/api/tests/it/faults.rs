//! Requests that are wrong as requests: each gets a problem document.

use std::sync::atomic::Ordering;

use axum::body::Body;
use burgee_model::{Millis, Stamp, stamp::MILLIS_MAX};
use futures_util::stream;
use serde_json::json;

use crate::server::{Options, Server};

#[tokio::test]
async fn malformed_json_says_line_and_column() {
    let server = Server::new();
    let answer =
        server.send("POST", "/api/v1/tenants", &[("content-type", "application/json")], "{\n \"key\": }").await;
    let detail = answer.body()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("line 2") && detail.contains("column"), "{detail}");
    answer.problem(400, "invalid_json");
    for body in ["", "nonsense", "{} x", "\u{feff}{}", "{\"key\": \"\\ud800\"}"] {
        server.send("POST", "/api/v1/tenants", &[], body).await.problem(400, "invalid_json");
    }
    server.send("POST", "/api/v1/tenants", &[], vec![b'"', 0xff, b'"']).await.problem(400, "invalid_json");
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    server.send("POST", "/api/v1/tenants", &[], deep).await.problem(422, "invalid_value");
}

#[tokio::test]
async fn members_that_are_there_twice_are_refused_with_their_place() {
    let server = Server::placed().await;
    server.flag("f").await;
    let tenant = "/api/v1/tenants/t";
    let register = r#""register":{"kind":"flag","key":"f","field":"name"}"#;
    let twice = format!("{{{register},{register}}}");
    let flag = |members: &str| format!(r#"{{"flags":{{"g":{members},"g":{members}}}}}"#);
    let one = r#"{"state":"ENABLED","variants":{"on":true},"defaultVariant":"on"}"#;
    for (method, path, body, at) in [
        ("POST", "/api/v1/tenants".to_owned(), r#"{"key":"a","key":"b"}"#.to_owned(), "/key"),
        ("PATCH", tenant.to_owned(), r#"{"name":"a","name":null}"#.to_owned(), "/name"),
        ("POST", format!("{tenant}/environments"), r#"{"key":"a","name":"","name":""}"#.to_owned(), "/name"),
        (
            "PATCH",
            format!("{tenant}/environments/dev"),
            r#"{"protected":true,"protected":false}"#.to_owned(),
            "/protected",
        ),
        ("POST", format!("{tenant}/flags"), r#"{"key":"x","variants":{"on":1,"on":2}}"#.to_owned(), "/variants/on"),
        ("PATCH", format!("{tenant}/flags/f"), r#"{"metadata":{"a":1,"\u0061":2}}"#.to_owned(), "/metadata/a"),
        ("PATCH", format!("{tenant}/flags/f/environments/dev"), r#"{"kill":true,"kill":false}"#.to_owned(), "/kill"),
        (
            "PATCH",
            format!("{tenant}/flags/f/environments/dev"),
            r#"{"targeting":{"if":[{"==":[1,1],"==":[1,2]},"on"]}}"#.to_owned(),
            "/targeting/if/0/==",
        ),
        ("POST", format!("{tenant}/segments"), r#"{"key":"s","rule":{"in":[],"in":[]}}"#.to_owned(), "/rule/in"),
        ("POST", format!("{tenant}/restore"), twice.clone(), "/register"),
        ("POST", format!("{tenant}/conflicts/dismiss"), twice, "/register"),
        ("PUT", format!("{tenant}/environments/dev/flagd.json"), flag(one), "/flags/g"),
        (
            "POST",
            format!("{tenant}/environments/dev/evaluate"),
            r#"{"flag":"f","context":{"a":1,"a":2}}"#.to_owned(),
            "/context/a",
        ),
    ] {
        let faults = server.send(method, &path, &[("content-type", "application/json")], body.clone()).await;
        let faults = faults.problem(422, "invalid_value");
        assert_eq!(faults, [(at.to_owned(), "doubled_member".to_owned())], "{method} {path} {body}");
    }
    assert_eq!(server.get(&format!("{tenant}/flags/f/environments/dev")).await.body()["kill"], false);
}

#[tokio::test]
async fn a_clock_out_of_range_refuses_writes_until_it_is_corrected() {
    let server = Server::placed().await;
    let put = |value| server.put("/api/v1/tenants/t/environments/dev/config/k", value);
    let right = server.clock.load(Ordering::Relaxed);
    for wrong in [MILLIS_MAX, 4_291_747_200_000, 4_296_000_000_000, Millis::MAX] {
        server.clock.store(wrong, Ordering::Relaxed);
        let answer = put("1").await;
        assert!(answer.body()["detail"].as_str().unwrap().contains("2099"), "{answer:?}");
        answer.problem(503, "clock_ahead");
        server.get("/api/v1/tenants/t").await.expect(200);
    }
    server.clock.store(right, Ordering::Relaxed);
    let stamp: Stamp = put("2").await.expect(201).tag().trim_matches('"').parse().unwrap();
    assert_eq!(stamp.millis(), right);
}

#[tokio::test]
async fn other_types_than_json_are_named() {
    let server = Server::new();
    for kind in ["text/plain", "application/x-www-form-urlencoded", "nonsense", "application/jsonx"] {
        let answer = server.send("POST", "/api/v1/tenants", &[("content-type", kind)], r#"{"key":"t"}"#).await;
        answer.problem(415, "unsupported_media_type");
    }
    let kind = [("content-type", "Application/JSON; charset=utf-8")];
    server.send("POST", "/api/v1/tenants", &kind, r#"{"key":"t"}"#).await.expect(201);
    let kind = [("content-type", "application/merge-patch+json")];
    server.send("PATCH", "/api/v1/tenants/t", &kind, r#"{"name":"T"}"#).await.expect(200);
}

#[tokio::test]
async fn large_bodies_are_refused_whole_or_in_parts() {
    let server = Server::new();
    let huge = json!({ "key": "t", "name": "x".repeat(2 << 20) }).to_string();
    server.send("POST", "/api/v1/tenants", &[], huge.clone()).await.problem(413, "too_large");
    let parts: Vec<Result<Vec<u8>, std::io::Error>> =
        huge.as_bytes().chunks(64 << 10).map(|part| Ok(part.to_vec())).collect();
    server.send("POST", "/api/v1/tenants", &[], Body::from_stream(stream::iter(parts))).await.problem(413, "too_large");
    let broken = stream::iter([Ok("{"), Err(std::io::Error::other("gone"))]);
    server.send("POST", "/api/v1/tenants", &[], Body::from_stream(broken)).await.problem(400, "invalid_json");
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let http = burgee_api::ApiLimits { request_timeout: std::time::Duration::from_millis(20), ..Default::default() };
    let server = Server::with(Options { http, ..Options::default() });
    let endless = || Body::from_stream(stream::pending::<Result<&str, std::io::Error>>());
    server.send("POST", "/api/v1/tenants", &[], endless()).await.problem(408, "timeout");
    let answer = server.send("POST", "/e/t/dev/ofrep/v1/evaluate/flags/f", &[], endless()).await;
    assert!(answer.status == 408 || answer.status == 404, "{answer:?}");
}

#[tokio::test]
async fn paths_are_checked() {
    let server = Server::placed().await;
    for path in ["%2E", "%2e%2e", "%00", "a%0Ab", &"k".repeat(513)] {
        for path in [format!("/api/v1/tenants/{path}"), format!("/api/v1/tenants/t/environments/dev/config/{path}")] {
            server.get(&path).await.problem(422, "invalid_value");
        }
    }
    server.get("/api/v1/tenants/%ff").await.problem(400, "invalid_path");
    server.get("/api/v1/tenants/t/environments/dev/config/%c3").await.problem(400, "invalid_path");
}

#[tokio::test]
async fn unknown_paths_of_the_api_are_problems() {
    let server = Server::placed().await;
    for path in [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/nonsense",
        "/api/v1/tenants/t/nonsense",
        "/api/v2/tenants",
        "/ofrep",
        "/metrics/x",
        "/e/t/dev",
    ] {
        server.send("GET", path, &[("accept", "text/html")], "").await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn answers_have_the_headers_that_keep_browsers_and_caches_honest() {
    let server = Server::placed().await;
    let answer = server.send("GET", "/api/v1/tenants", &[("x-request-id", "abc")], "").await.expect(200);
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cache-control"), "private, no-cache");
    assert_eq!(answer.header("x-request-id"), "abc");
    assert!(!server.get("/api/v1/tenants").await.header("x-request-id").is_empty());
}

#[tokio::test]
async fn long_documents_are_compressed_for_those_who_take_it() {
    let server = Server::placed().await;
    for number in 0..20 {
        server.flag(&format!("flag-{number}")).await;
    }
    let path = "/api/v1/tenants/t/flags";
    let answer = server.send("GET", path, &[("accept-encoding", "gzip")], "").await.expect(200);
    assert_eq!(answer.header("content-encoding"), "gzip");
    assert!(answer.body.len() < server.get(path).await.body.len() / 2);
}
