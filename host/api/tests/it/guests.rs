//! `/api/v1/tenants/{tenant}/guests`.

use std::{convert::Infallible, pin::Pin};

use axum::body::Body;
use burgee_model::Limits;
use bytes::Bytes;
use futures_util::{FutureExt, stream};
use serde_json::{Value as Json, json};

use crate::server::{Answer, Options, Server, keys, paths};

const GUESTS: &str = "/api/v1/tenants/t/guests";
const WASM: [(&str, &str); 1] = [("content-type", "application/wasm")];
const PARTS: [(&str, &str); 1] = [("content-type", "multipart/form-data; boundary=part")];

/// A guest that answers the config entry `limit`; the padding makes another module of it.
fn limit(padding: usize) -> Vec<u8> {
    let text = include_str!("../../../../guest-sdk/examples/wat/limit.wat");
    let end = text.rfind(')').unwrap();
    wat::parse_str(format!("{}(data (i32.const 100) \"{}\"))", &text[..end], "x".repeat(padding))).unwrap()
}

fn parts(all: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, bytes) in all {
        let head = format!("--part\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"x\"\r\n\r\n");
        body.extend([head.as_bytes(), bytes, b"\r\n"].concat());
    }
    body.extend(b"--part--\r\n");
    body
}

impl Server {
    async fn put_guest(&self, name: &str, module: Vec<u8>) -> Answer {
        self.send("PUT", &format!("{GUESTS}/{name}"), &WASM, module).await
    }

    async fn put_with(&self, name: &str, fixtures: &Json) -> Answer {
        let body = parts(&[("module", &limit(0)), ("fixtures", fixtures.to_string().as_bytes())]);
        self.send("PUT", &format!("{GUESTS}/{name}"), &PARTS, body).await
    }
}

#[tokio::test]
async fn a_guest_comes_changes_and_goes() {
    let server = Server::placed().await;
    let created = server.put_guest("a", limit(0)).await.expect(201);
    assert_eq!(created.header("location"), "/api/v1/tenants/t/guests/a");
    let path = format!("{GUESTS}/a");
    let found = server.get(&path).await.expect(200);
    assert_eq!((found.body(), found.tag()), (created.body(), created.tag()));
    let body = found.body();
    assert_eq!((&body["key"], &body["fixtures"]), (&json!("a"), &json!(0)), "{body}");
    assert_eq!(body["digest"].as_str().map(str::len), Some(64));
    assert_eq!(format!("\"{}\"", body["stamps"]["guest"].as_str().unwrap()), found.tag());
    let with = |tag: &str| vec![WASM[0], ("if-match", tag.to_owned().leak())];
    let changed = server.send("PUT", &path, &with(&found.tag()), limit(1)).await.expect(200);
    assert_ne!((changed.body()["digest"].clone(), changed.tag()), (body["digest"].clone(), found.tag()));
    server.send("PUT", &path, &with(&found.tag()), limit(2)).await.problem(412, "stale");
    let create = [WASM[0], ("if-none-match", "*")];
    server.send("PUT", &path, &create, limit(2)).await.problem(412, "stale");
    server.put_guest("b", limit(0)).await.expect(201);
    assert_eq!(keys(&server.get(GUESTS).await.body()), ["a", "b"]);
    let first = server.get(&format!("{GUESTS}?limit=1")).await.body();
    let next = format!("{GUESTS}?limit=1&cursor={}", first["nextCursor"].as_str().unwrap());
    assert_eq!((keys(&first), keys(&server.get(&next).await.body())), (vec!["a"], vec!["b"]));
    server.send("DELETE", &path, &[("if-match", &found.tag())], "").await.problem(412, "stale");
    server.delete(&path).await.expect(204);
    server.delete(&path).await.problem(404, "not_found");
    server.get(&path).await.problem(404, "not_found");
    assert_eq!(keys(&server.get(GUESTS).await.body()), ["b"]);
}

#[tokio::test]
async fn what_can_never_start_is_refused_without_fixtures_too() {
    let server = Server::placed().await;
    let text = include_str!("../../../../guest-sdk/examples/wat/limit.wat");
    let end = text.rfind(')').unwrap();
    let starting =
        |body: &str| wat::parse_str(format!("{}(func $begin {body}) (start $begin))", &text[..end])).unwrap();
    server.put_guest("ends", starting("nop")).await.expect(201);
    for (body, kind) in [("unreachable", "trap"), ("(loop $l (br $l))", "timeout")] {
        let refused = server.put_guest("never", starting(body)).await.expect(422).body();
        let fault = &refused["errors"][0];
        assert_eq!((&fault["path"], &fault["code"]), (&json!("/module"), &json!("guest_does_not_start")), "{fault}");
        assert!(fault["message"].as_str().unwrap().ends_with(&format!("({kind})")), "{fault}");
    }
    server.get(&format!("{GUESTS}/never")).await.problem(404, "not_found");
}

#[tokio::test]
async fn guests_go_with_their_tenant() {
    let server = Server::placed().await;
    server.put_guest("a", limit(0)).await.expect(201);
    server.delete("/api/v1/tenants/t").await.expect(204);
    server.get(GUESTS).await.problem(404, "not_found");
    server.put_guest("a", limit(0)).await.problem(404, "not_found");
    server.post("/api/v1/tenants", json!({ "key": "t" })).await.expect(201);
    assert!(keys(&server.get(GUESTS).await.body()).is_empty());
}

#[tokio::test]
async fn fixtures_must_pass_before_it_goes_live() {
    let server = Server::placed().await;
    let good = json!([
        { "context": { "a": 1 }, "expected": null },
        { "context": {}, "config": { "limit": [1, { "b": 2 }] }, "expected": [1, { "b": 2 }] },
    ]);
    let created = server.put_with("g", &good).await.expect(201);
    assert_eq!(created.body()["fixtures"], 2);
    let bad = json!([
        { "context": {}, "expected": null },
        { "context": {}, "config": { "limit": 3 }, "expected": 4 },
        { "context": {}, "expected": "x" },
    ]);
    let refused = server.put_with("other", &bad).await;
    let body = refused.body();
    assert_eq!(body["errors"][0]["message"], "fixture 1 gave 3, expected 4");
    assert_eq!(paths(&refused.problem(422, "invalid_value")), ["/fixtures/1", "/fixtures/2"]);
    server.get(&format!("{GUESTS}/other")).await.problem(404, "not_found");
    server.put_with("g", &bad).await.problem(422, "invalid_value");
    assert_eq!(server.get(&format!("{GUESTS}/g")).await.tag(), created.tag(), "the version before stays live");
    let faults = server.put_with("g", &json!([{ "context": {} }])).await.problem(422, "invalid_value");
    assert_eq!(faults, [("/fixtures/0".into(), "invalid_fixture".into())]);
    server.put_with("g", &json!({})).await.problem(422, "invalid_value");
}

#[tokio::test]
async fn a_fixture_that_traps_says_so_and_suspends_nobody() {
    let server = Server::placed().await;
    let module = wat::parse_str(
        include_str!("../../../../guest-sdk/examples/wat/limit.wat")
            .replace("(call $get (i32.const 16) (i32.const 5) (i32.const 1032))", "(unreachable)"),
    );
    let fixtures = json!(vec![json!({ "context": {}, "expected": null }); 20]).to_string();
    let body = parts(&[("module", &module.unwrap()), ("fixtures", fixtures.as_bytes())]);
    let refused = server.send("PUT", &format!("{GUESTS}/g"), &PARTS, body).await;
    assert!(refused.body()["errors"][9]["message"].as_str().unwrap().contains("(trap)"), "{:?}", refused.body());
    assert_eq!(refused.problem(422, "invalid_value").len(), 10, "no more are tried");
    server.put_guest("g", limit(0)).await.expect(201);
}

#[tokio::test]
async fn bad_uploads_are_refused_by_name() {
    let server = Server::placed().await;
    let path = format!("{GUESTS}/g");
    let faults = server.put_guest("g", b"hello".to_vec()).await.problem(422, "invalid_value");
    assert_eq!(faults, [("/module".into(), "invalid_module".into())]);
    let nosy = wat::parse_str(r#"(module (import "env" "now" (func)))"#).unwrap();
    let refused = server.put_guest("g", nosy).await;
    assert!(refused.body()["detail"].as_str().unwrap().contains("`env.now`"), "{:?}", refused.body());
    assert_eq!(refused.problem(422, "invalid_value"), [("/module".into(), "forbidden_import".into())]);
    let faults = server.put_guest("g", wat::parse_str("(module)").unwrap()).await.problem(422, "invalid_value");
    assert_eq!(faults, [("/module".into(), "wrong_world".into())]);
    server.json("PUT", &path, &[], &json!({})).await.problem(415, "unsupported_media_type");
    server.send("PUT", &path, &PARTS, parts(&[("fixtures", b"[]")])).await.problem(422, "invalid_value");
    server.send("PUT", &path, &PARTS, parts(&[("module", &limit(0)), ("x", b"")])).await.problem(422, "invalid_value");
    server.send("PUT", &path, &PARTS, "--part").await.problem(422, "invalid_value");
    let no_boundary = [("content-type", "multipart/form-data")];
    server.send("PUT", &path, &no_boundary, "").await.problem(422, "invalid_value");
    server.send("PUT", "/api/v1/tenants/x/guests/g", &WASM, limit(0)).await.problem(404, "not_found");
    assert!(keys(&server.get(GUESTS).await.body()).is_empty());
}

#[tokio::test]
async fn limits_hold() {
    let limits = Limits { guest_bytes: 2000, guests_per_tenant: 1, ..Limits::default() };
    let server = Server::with(Options { limits, ..Options::default() }).place().await;
    server.put_guest("g", limit(2000)).await.problem(413, "too_large");
    let path = format!("{GUESTS}/g");
    server.send("PUT", &path, &PARTS, parts(&[("module", &limit(2000))])).await.problem(413, "too_large");
    server.put_guest("g", limit(0)).await.expect(201);
    server.put_guest("g", limit(1)).await.expect(200);
    let faults = server.put_guest("h", limit(0)).await.problem(422, "invalid_value");
    assert_eq!(faults, [(String::new(), "too_many_guests".into())]);
}

#[tokio::test]
async fn what_would_take_long_to_compile_is_refused_by_name() {
    let limits = Limits { guest_function_bytes: 20, ..Limits::default() };
    let server = Server::with(Options { limits, ..Options::default() }).place().await;
    let faults = server.put_guest("g", limit(0)).await.problem(422, "invalid_value");
    assert_eq!(faults, [("/module".into(), "too_complex".into())]);
}

/// Lets a request come as far as it does without its body.
async fn begun<F: Future>(request: &mut Pin<Box<F>>) {
    for _ in 0..100 {
        assert!(request.now_or_never().is_none());
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn uploads_take_turns_before_their_bodies_are_read() {
    let limits = Limits { guest_uploads: 1, guest_uploads_waiting: 1, ..Limits::default() };
    let server = Server::with(Options { limits, ..Options::default() }).place().await;
    let never_sent = || Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
    let slow = |name: &str| {
        let path = format!("{GUESTS}/{name}");
        let server = &server;
        Box::pin(async move { server.send("PUT", &path, &WASM, never_sent()).await })
    };
    let (mut reading, mut waiting) = (slow("a"), slow("b"));
    begun(&mut reading).await;
    begun(&mut waiting).await;
    server.put_guest("c", limit(0)).await.problem(429, "rate_limited");
    drop((reading, waiting));
    server.put_guest("c", limit(0)).await.expect(201);
}

#[tokio::test]
async fn an_earlier_version_is_restored_while_its_module_is_kept() {
    let server = Server::placed().await;
    let mut tags = Vec::new();
    for padding in 0..4 {
        tags.push(server.put_guest("g", limit(padding)).await.tag().trim_matches('"').to_owned());
    }
    let history = server.get("/api/v1/tenants/t/history?kind=guest&key=g").await.expect(200).body();
    assert_eq!(history["items"].as_array().unwrap().len(), 4);
    let restore = |stamp: &str| json!({ "register": { "kind": "guest", "key": "g" }, "stamp": stamp });
    let faults = server.post("/api/v1/tenants/t/restore", restore(&tags[0])).await.problem(422, "invalid_value");
    assert_eq!(faults, [("/stamp".into(), "module_gone".into())]);
    server.post("/api/v1/tenants/t/restore", restore(&tags[1])).await.expect(200);
    let digest = &server.get(&format!("{GUESTS}/g")).await.body()["digest"];
    assert_eq!(digest, &history["items"][2]["value"]["digest"]);
}

#[tokio::test]
async fn the_metrics_name_every_kind_of_fault() {
    let text = String::from_utf8(Server::placed().await.get("/metrics").await.body.to_vec()).unwrap();
    for kind in [
        "trap",
        "timeout",
        "memory",
        "stack",
        "bad_result",
        "import",
        "suspended",
        "busy",
        "missing",
        "crowded",
        "lookups",
    ] {
        assert!(text.contains(&format!("burgee_guest_faults_total{{kind=\"{kind}\"}} 0\n")), "{kind}: {text}");
    }
}
