//! flagd's services, without a network: what a call sends and gets, in all three protocols.

use axum::body::Body;
use burgee_model::Limits;
use bytes::{Buf, Bytes};
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use serde_json::{Value as Json, json};

use crate::server::{Options, Server};

pub const JSON: &str = "application/json";
pub const STREAM: &str = "application/connect+json";

/// A token of `t` for `dev` alone.
pub async fn placed_token(server: &Server, kind: &str) -> String {
    server.token(kind, json!({ "environments": ["dev"] })).await.0
}

/// A message as streams, and gRPC, frame it.
pub fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], message].concat()
}

pub async fn call(server: &Server, headers: &[(&str, &str)], path: &str, body: Vec<u8>) -> Response<Body> {
    let mut request = Request::builder().method("POST").uri(format!("/{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    server.respond_grpc(request.body(Body::from(body)).unwrap()).await
}

/// One call by Connect's JSON.
async fn connect(server: &Server, token: &str, path: &str, body: Json) -> (u16, Json) {
    let bearer = format!("Bearer {token}");
    let headers = [("content-type", JSON), ("authorization", bearer.as_str())];
    let answer = call(server, &headers, path, body.to_string().into_bytes()).await;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

/// The frames of a body, with their flags.
fn frames(mut body: Bytes) -> Vec<(u8, Bytes)> {
    let mut frames = Vec::new();
    while body.has_remaining() {
        let (flags, length) = (body.get_u8(), body.get_u32());
        frames.push((flags, body.split_to(length as usize)));
    }
    frames
}

/// Flags of every kind in `dev`.
async fn flags(server: &Server) {
    let document = json!({
        "flags": {
            "bool": { "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "off",
                "targeting": { "if": [{ "==": [{ "var": "plan" }, "pro"] }, "on"] } },
            "text": { "state": "ENABLED", "variants": { "a": "x" }, "defaultVariant": "a", "metadata": { "n": 1 } },
            "number": { "state": "ENABLED", "variants": { "a": 2.75 }, "defaultVariant": "a" },
            "object": { "state": "ENABLED", "variants": { "a": { "b": [1] } }, "defaultVariant": "a" },
            "off": { "state": "DISABLED", "variants": { "a": "x" }, "defaultVariant": "a" },
            "none": { "state": "ENABLED", "variants": { "a": "x" } },
            "lost": { "state": "ENABLED", "variants": { "a": "x" }, "defaultVariant": "a", "targeting": { "cat": ["no"] } },
            "broken": { "state": "ENABLED", "variants": { "a": "x" }, "defaultVariant": "a", "targeting": { "zap": [] } },
            "we/ird key": { "state": "ENABLED", "variants": { "a": true }, "defaultVariant": "a" },
        },
        "metadata": { "set": "s" },
    });
    server.json("PUT", "/api/v1/tenants/t/environments/dev/flagd.json", &[], &document).await.expect(200);
}

async fn server() -> (Server, String) {
    let server = Server::placed().await;
    flags(&server).await;
    let token = placed_token(&server, "server").await;
    (server, token)
}

const V1: &str = "flagd.evaluation.v1.Service";
const V2: &str = "flagd.evaluation.v2.Service";

#[tokio::test]
async fn every_kind_of_value() {
    let (server, token) = server().await;
    for version in [V1, V2] {
        let ask = async |kind: &str, flag: &str, context: Json| {
            let body = json!({ "flagKey": flag, "context": context, "whatever": 1 });
            connect(&server, &token, &format!("{version}/Resolve{kind}"), body).await
        };
        let (status, answer) = ask("Boolean", "bool", json!({ "plan": "pro" })).await;
        assert_eq!(status, 200, "{answer}");
        let metadata = json!({ "set": "s" });
        let wanted = json!({ "value": true, "reason": "TARGETING_MATCH", "variant": "on", "metadata": metadata });
        assert_eq!(answer, wanted);
        assert_eq!(ask("Boolean", "bool", json!({})).await.1["reason"], "DEFAULT");
        let (_, text) = ask("String", "text", json!({})).await;
        let metadata = json!({ "set": "s", "n": 1.0 });
        assert_eq!(text, json!({ "value": "x", "reason": "STATIC", "variant": "a", "metadata": metadata }));
        assert_eq!(ask("Float", "number", json!({})).await.1["value"], 2.75);
        assert_eq!(ask("Int", "number", json!({})).await.1["value"], "2");
        assert_eq!(ask("Object", "object", json!({})).await.1["value"], json!({ "b": [1.0] }));
        assert_eq!(ask("Boolean", "we/ird key", json!({})).await.1["value"], true);
    }
}

#[tokio::test]
async fn faults_are_told_by_code() {
    let (server, token) = server().await;
    for version in [V1, V2] {
        for (kind, flag, status, code) in [
            ("Boolean", "nobody", 404, "not_found"),
            ("Boolean", "text", 400, "invalid_argument"),
            ("Int", "text", 400, "invalid_argument"),
            ("Object", "text", 400, "invalid_argument"),
            ("String", "broken", 500, "data_loss"),
            ("String", "lost", 500, "unknown"),
        ] {
            let answer =
                connect(&server, &token, &format!("{version}/Resolve{kind}"), json!({ "flagKey": flag })).await;
            assert_eq!((answer.0, answer.1["code"].as_str().unwrap()), (status, code), "{kind} {flag}: {}", answer.1);
        }
    }
}

#[tokio::test]
async fn without_a_value_version_two_says_nothing_and_version_one_what_it_can() {
    let (server, token) = server().await;
    let ask = async |version: &str, flag: &str| {
        connect(&server, &token, &format!("{version}/ResolveString"), json!({ "flagKey": flag })).await
    };
    let metadata = json!({ "set": "s" });
    assert_eq!(ask(V2, "off").await, (200, json!({ "reason": "DISABLED", "metadata": metadata })));
    assert_eq!(ask(V2, "none").await, (200, json!({ "reason": "DEFAULT", "metadata": metadata })));
    let zero = json!({ "value": "", "reason": "DISABLED", "variant": "", "metadata": metadata });
    assert_eq!(ask(V1, "off").await, (200, zero));
    assert_eq!(ask(V1, "none").await.0, 404);
}

#[tokio::test]
async fn all_flags_that_have_a_value() {
    let (server, token) = server().await;
    let (status, all) =
        connect(&server, &token, &format!("{V1}/ResolveAll"), json!({ "context": { "plan": "pro" } })).await;
    assert_eq!(status, 200, "{all}");
    let keys: Vec<&String> = all["flags"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["bool", "number", "object", "text", "we/ird key"]);
    assert_eq!(all["flags"]["bool"]["boolValue"], true);
    assert_eq!(all["flags"]["number"]["doubleValue"], 2.75);
    assert_eq!(all["flags"]["object"]["objectValue"], json!({ "b": [1.0] }));
    assert_eq!(all["metadata"], json!({ "set": "s" }));
}

/// `{"flag_key": "bool", "context": {"plan": "pro"}}`, by hand.
const ASKED: &[u8] = b"\x0a\x04bool\x12\x0f\x0a\x0d\x0a\x04plan\x12\x05\x1a\x03pro";

#[tokio::test]
async fn grpc_ends_with_trailers_and_grpc_web_with_a_frame() {
    let (server, token) = server().await;
    let bearer = format!("Bearer {token}");
    let ask = async |kind: &str, flag: &[u8]| {
        let headers = [("content-type", kind), ("authorization", bearer.as_str())];
        call(&server, &headers, &format!("{V2}/ResolveBoolean"), framed(flag)).await
    };
    let answer = ask("application/grpc", ASKED).await;
    assert_eq!(answer.headers()["content-type"], "application/grpc+proto");
    let body = answer.into_body().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["grpc-status"], "0");
    let found = frames(body.to_bytes());
    // value (1) true, reason (2), variant (3)
    assert!(found[0].1.starts_with(b"\x08\x01\x12\x0fTARGETING_MATCH\x1a\x02on"), "{found:?}");
    let unknown = ask("application/grpc", b"\x0a\x01x").await;
    assert_eq!((unknown.status().as_u16(), &unknown.headers()["grpc-status"]), (200, &"5".parse().unwrap()));

    let answer = ask("application/grpc-web+proto", ASKED).await;
    let found = frames(answer.into_body().collect().await.unwrap().to_bytes());
    assert_eq!((found.len(), found[0].0), (2, 0));
    assert_eq!(found[1], (0x80, Bytes::from_static(b"grpc-status: 0\r\n")));
    let answer = ask("application/grpc-web-text", b"not base64").await;
    assert_eq!((answer.status().as_u16(), &answer.headers()["grpc-status"]), (200, &"3".parse().unwrap()));
}

#[tokio::test]
async fn what_is_no_call_is_refused() {
    let (server, token) = server().await;
    let bearer = format!("Bearer {token}");
    let ask = async |kind: &str, path: &str, body: &[u8]| {
        let headers = [("content-type", kind), ("authorization", bearer.as_str())];
        let answer = call(&server, &headers, path, body.to_vec()).await;
        (answer.status().as_u16(), answer.headers().get("grpc-status").map(|code| code.to_str().unwrap().to_owned()))
    };
    let one = format!("{V2}/ResolveBoolean");
    let code = |code: &str| (200, Some(code.to_owned()));
    assert_eq!(ask("application/grpc", "flagd.evaluation.v2.Service/Nothing", &framed(b"")).await, code("12"));
    assert_eq!(ask("application/grpc", &one, b"").await, code("3"));
    assert_eq!(ask("application/grpc", &one, b"\x01\0\0\0\0").await, code("12"));
    assert_eq!(ask("application/grpc", &one, &framed(b"\xff\xff\xff")).await, code("3"));
    assert_eq!(ask(JSON, &one, b"[").await.0, 400);
    assert_eq!(ask(JSON, &one, br#"{"flagKey":"bool","context":7}"#).await.0, 400);
    assert_eq!(ask(STREAM, &one, &framed(b"{}")).await.0, 415);
    assert_eq!(ask(JSON, &format!("{V2}/EventStream"), b"{}").await.0, 415);
    assert_eq!(ask("text/plain", &one, b"").await.0, 415);
    let deep = format!(r#"{{"flagKey":"bool","context":{{"a":{}1{}}}}}"#, "[".repeat(5_000), "]".repeat(5_000));
    assert_eq!(ask(JSON, &one, deep.as_bytes()).await.0, 400);
}

#[tokio::test]
async fn who_may_ask_about_what() {
    let (server, token) = server().await;
    let code = async |headers: &[(&str, &str)]| {
        let headers = [&[("content-type", "application/grpc")], headers].concat();
        let answer = call(&server, &headers, &format!("{V2}/ResolveBoolean"), framed(b"\x0a\x04bool")).await;
        answer.headers().get("grpc-status").map_or("0".to_owned(), |code| code.to_str().unwrap().to_owned())
    };
    let bearer = format!("Bearer {token}");
    let own = ("authorization", bearer.as_str());
    assert_eq!(code(&[]).await, "16");
    assert_eq!(code(&[("authorization", "Bearer wrong")]).await, "16");
    assert_eq!(code(&[own]).await, "0");
    assert_eq!(code(&[own, ("flagd-selector", "flagSetId=t/dev")]).await, "0");
    assert_eq!(code(&[own, ("flagd-selector", "flagSetId=t/prod")]).await, "7");
    assert_eq!(code(&[own, ("flagd-selector", "flagSetId=u/dev")]).await, "5");
    assert_eq!(code(&[own, ("flagd-selector", "source=x")]).await, "3");
    let admin = format!("Bearer {}", crate::server::TOKEN);
    let admin = ("authorization", admin.as_str());
    assert_eq!(code(&[admin]).await, "3");
    assert_eq!(code(&[admin, ("flagd-selector", "flagSetId=t/dev")]).await, "0");
    assert_eq!(code(&[admin, ("flagd-selector", "flagSetId=t/nowhere")]).await, "5");
    server.status.ready.store(false, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(code(&[own]).await, "14");
}

#[tokio::test]
async fn without_a_token_only_the_open_environment_answers() {
    let mut options = Options::default();
    let key = |text| burgee_model::Key::new(text).unwrap();
    options.auth.grpc_open = Some((key("t"), key("dev")));
    let server = Server::with(options).place().await;
    flags(&server).await;
    let code = async |headers: &[(&str, &str)]| {
        let headers = [&[("content-type", "application/grpc")], headers].concat();
        let answer = call(&server, &headers, &format!("{V2}/ResolveBoolean"), framed(b"\x0a\x04bool")).await;
        answer.headers().get("grpc-status").map_or("0".to_owned(), |code| code.to_str().unwrap().to_owned())
    };
    assert_eq!(code(&[]).await, "0");
    assert_eq!(code(&[("flagd-selector", "flagSetId=t/dev")]).await, "0");
    for elsewhere in ["flagSetId=t/prod", "flagSetId=u/dev"] {
        assert_eq!(code(&[("flagd-selector", elsewhere)]).await, "16");
    }
    assert_eq!(code(&[("authorization", "Bearer wrong")]).await, "16");
}

#[tokio::test]
async fn browsers_may_ask_before_they_have_a_token() {
    let (server, _) = server().await;
    let request = Request::builder().method("OPTIONS").uri(format!("/{V1}/ResolveAll"));
    let request = request
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "connect-protocol-version,content-type,authorization");
    let answer = server.respond_grpc(request.body(Body::empty()).unwrap()).await;
    let text = |headers: &HeaderMap, name: &str| headers[name].to_str().unwrap().to_owned();
    assert_eq!(answer.status(), 200);
    assert_eq!(text(answer.headers(), "access-control-allow-origin"), "*");
    assert!(text(answer.headers(), "access-control-allow-headers").contains("connect-protocol-version"));
}

#[tokio::test]
async fn what_clients_may_not_see_takes_none_of_their_answer() {
    let limits = Limits { bulk_answer_bytes: 20_000, ..Limits::default() };
    let server = Server::with(Options { limits, ..Options::default() }).place().await;
    for (key, value, mark) in [("a-hidden", "x".repeat(30_000), false), ("shown", "y".to_owned(), true)] {
        let settings = json!({ "dev": { "state": "ENABLED", "defaultVariant": "on" } });
        let flag = json!({ "key": key, "variants": { "on": value }, "environments": settings,
            "metadata": { "burgee.client": mark } });
        server.post("/api/v1/tenants/t/flags", flag).await.expect(201);
    }
    let path = "flagd.evaluation.v1.Service/ResolveAll";
    let (status, body) = connect(&server, &placed_token(&server, "client").await, path, json!({})).await;
    assert_eq!((status, body["flags"].as_object().map(serde_json::Map::len)), (200, Some(1)), "{body}");
    let (status, _) = connect(&server, &placed_token(&server, "server").await, path, json!({})).await;
    assert_eq!(status, 429);
}

#[tokio::test]
async fn null_is_as_good_as_nothing() {
    let server = Server::placed().await;
    let token = placed_token(&server, "server").await;
    let path = "flagd.evaluation.v1.Service/ResolveBoolean";
    let ask = async |body: Json| connect(&server, &token, path, body).await;
    assert_eq!(ask(json!({ "flagKey": null, "context": null })).await, ask(json!({})).await);
}

#[tokio::test]
async fn flags_that_a_request_had_nothing_left_for_are_not_left_out_in_silence() {
    let rule = json!({ "if": [{ "==": [{ "var": "plan" }, "pro"] }, "on", "off"] });
    let flag = json!({ "state": "ENABLED", "variants": { "on": true, "off": false }, "targeting": rule });
    let document = json!({ "flags": { "a": flag, "b": flag } });
    for (request_steps, status) in [(1_000_000, 200), (1, 429)] {
        let limits = burgee_model::Limits { request_steps, ..Default::default() };
        let server = Server::with(Options { limits, ..Options::default() }).place().await;
        let token = placed_token(&server, "server").await;
        server.json("PUT", "/api/v1/tenants/t/environments/dev/flagd.json", &[], &document).await.expect(200);
        let (answered, body) = connect(&server, &token, &format!("{V1}/ResolveAll"), json!({})).await;
        assert_eq!(answered, status, "{body}");
        if status == 429 {
            assert_eq!(body["code"], "resource_exhausted");
            assert!(body["message"].as_str().unwrap().ends_with("1 are left over"), "{body}");
        }
    }
}
