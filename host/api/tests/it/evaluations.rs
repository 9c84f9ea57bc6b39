//! What decides by itself who may ask, beside the table of routes: evaluations, flagd's services, streams, logging in.

use burgee_api::access::routes::{OTHERS, Shown};
use burgee_model::TokenKind;
use http_body_util::BodyExt;
use serde_json::{Value as Json, json};

use crate::{
    access::real,
    grpc::{JSON, STREAM, call, framed},
    server::{Answer, Server},
};

const ONE: &str = "flagd.evaluation.v1.Service/ResolveBoolean";

/// The paths of OFREP that evaluate, with things that exist.
fn ofrep() -> Vec<String> {
    let evaluate = OTHERS.iter().filter(|(_, path, shown)| *shown == Shown::Token && !path.starts_with("/flagd."));
    evaluate.map(|(_, path, _)| real(&path.replace("{*", "{"))).collect()
}

/// The calls of flagd's services, those that are answered once and those that are streams.
fn calls() -> impl Iterator<Item = &'static str> {
    OTHERS.iter().filter_map(|(_, path, _)| path.strip_prefix('/').filter(|path| path.starts_with("flagd.")))
}

fn is_stream(path: &str) -> bool {
    path.ends_with("/EventStream") || path.ends_with("/SyncFlags")
}

/// The kinds of tokens that can be bound to an environment, which is then the one that they ask about.
fn bound() -> impl Iterator<Item = TokenKind> {
    TokenKind::ALL.into_iter().filter(|kind| *kind != TokenKind::Admin)
}

/// With a flag that everybody may see.
async fn server() -> Server {
    let server = Server::placed().await;
    server.flag("f").await;
    server.patch("/api/v1/tenants/t/flags/f", json!({ "metadata": { "burgee.client": true } })).await.expect(200);
    server
}

/// What a call is refused for, by its code and its words; none where it is answered. Of which type a flag is asked
/// for is no matter.
async fn refused(server: &Server, token: &str, selector: &str, path: &str) -> Option<(String, String)> {
    let streams = is_stream(path);
    let (kind, message) = match streams {
        true => (STREAM, framed(b"{}")),
        false => (JSON, br#"{"flagKey":"f"}"#.to_vec()),
    };
    let headers = [("content-type", kind), ("authorization", token), ("flagd-selector", selector)];
    let shown = headers.into_iter().filter(|(_, value)| !value.is_empty()).collect::<Vec<_>>();
    let answer = call(server, &shown, path, message).await;
    let mut body = answer.into_body();
    let error = if streams {
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        (first[0] & 2 != 0).then(|| serde_json::from_slice::<Json>(&first[5..]).unwrap()["error"].take())?
    } else {
        let whole: Json = serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap();
        whole.get("code").is_some().then_some(whole)?
    };
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    (!text("message").starts_with("TYPE_MISMATCH")).then(|| (text("code"), text("message")))
}

async fn logs_in(server: &Server, token: &str) -> Answer {
    server.json("POST", "/api/v1/session", &[("authorization", "")], &json!({ "token": token })).await
}

async fn listens(server: &Server, token: &str) -> u16 {
    let path = format!("/ofrep/v1/events?token={token}");
    server.send("GET", &path, &[("authorization", "")], "").await.status.as_u16()
}

/// A context of objects in objects, itself counted, as JSON and as protobuf has it within a request for the flag `f`.
fn nested(levels: usize) -> (Json, Vec<u8>) {
    fn field(tag: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u8::try_from(bytes.len() & 0x7f).unwrap();
        let length = match bytes.len() >> 7 {
            0 => vec![length],
            more => vec![length | 0x80, u8::try_from(more).unwrap()],
        };
        [&[tag][..], &length, bytes].concat()
    }
    let (mut json, mut fields) = (json!({}), Vec::new());
    for _ in 1..levels {
        json = json!({ "a": json });
        let value = field(0x2a, &fields);
        fields = field(0x0a, &[field(0x0a, b"a"), field(0x12, &value)].concat());
    }
    (json, [field(0x0a, b"f"), field(0x12, &fields)].concat())
}

#[tokio::test]
async fn a_context_may_be_as_deep_whoever_brings_it() {
    let server = server().await;
    let (token, _) = server.token("server", json!({ "environments": ["dev"] })).await;
    let bearer = format!("Bearer {token}");
    let evaluates = async |kind: &str, message: Vec<u8>| {
        let headers = [("content-type", kind), ("authorization", bearer.as_str())];
        let answer = call(&server, &headers, ONE, message).await;
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8_lossy(&body).into_owned()
    };
    for (levels, good) in [(30, true), (31, false), (40, false), (120, false)] {
        let (json, proto) = nested(levels);
        let asked = json!({ "context": json });
        for path in ofrep() {
            let answer = server.with_token(&token, "POST", &path, &[], &asked).await;
            let said = answer.expect(if good { 200 } else { 400 }).body();
            assert_eq!(said["errorCode"] == "INVALID_CONTEXT", !good, "{levels}: {said}");
            assert_eq!(said["errorDetails"].to_string().contains("context has more than 30 levels"), !good, "{said}");
        }
        let answer = server.post("/api/v1/tenants/t/environments/dev/evaluate", asked).await;
        if good {
            answer.expect(200);
        } else {
            assert_eq!(answer.problem(422, "invalid_value"), [("/context".to_owned(), "too_deep".to_owned())]);
        }
        let connect = json!({ "flagKey": "f", "context": json }).to_string().into_bytes();
        for (kind, message) in [(JSON, connect), ("application/proto", proto)] {
            let said = evaluates(kind, message).await;
            assert_eq!(said.contains("context has more than 30 levels"), !good, "{kind} {levels}: {said}");
        }
    }
}

#[tokio::test]
async fn nobody_is_answered_who_is_not_known() {
    let server = server().await;
    for token in ["", "Bearer wrong"] {
        for path in ofrep() {
            server.send("POST", &path, &[("authorization", token)], "{}").await.expect(401);
        }
        for path in calls() {
            let (code, _) = refused(&server, token, "flagSetId=t/dev", path).await.expect(path);
            assert_eq!(code, "unauthenticated", "{path} {token:?}");
        }
    }
    let (known, _) = server.token("server", json!({ "environments": ["dev"] })).await;
    // a token of the API opens no stream: it would stand in addresses
    for token in ["", "wrong", &known] {
        assert_eq!(listens(&server, token).await, 401);
    }
    server.send("GET", "/ofrep/v1/events", &[("authorization", "")], "").await.expect(401);
    for token in ["", "wrong"] {
        logs_in(&server, token).await.problem(401, "unauthorized");
    }
}

#[tokio::test]
async fn another_tenants_token_finds_nothing_here() {
    let server = server().await;
    server.post("/api/v1/tenants", json!({ "key": "u" })).await.expect(201);
    server.post("/api/v1/tenants/u/environments", json!({ "key": "dev" })).await.expect(201);
    for kind in bound() {
        let new = json!({ "name": "n", "kind": kind.name(), "environments": ["dev"] });
        let made = server.post("/api/v1/tenants/u/tokens", new).await.expect(201).body();
        let token = made["token"].as_str().unwrap();
        let [single, bulk] = ["/ofrep/v1/evaluate/flags/f", "/ofrep/v1/evaluate/flags"];
        server.with_token(token, "POST", single, &[], &json!({})).await.expect(404);
        let all = server.with_token(token, "POST", bulk, &[], &json!({})).await.expect(200).body();
        assert_eq!(all["flags"], json!([]), "{kind:?}");
        let bearer = format!("Bearer {token}");
        for path in calls() {
            let [there, nowhere] = ["flagSetId=t/dev", "flagSetId=x/dev"];
            let there = refused(&server, &bearer, there, path).await.expect(path);
            let nowhere = refused(&server, &bearer, nowhere, path).await.expect(path);
            assert_eq!((there.0.as_str(), there.1.replace("`t`", "`x`")), ("not_found", nowhere.1), "{path} {kind:?}");
        }
    }
}

#[tokio::test]
async fn every_kind_of_token_may_ask_and_clients_see_no_rules() {
    let server = server().await;
    for kind in bound() {
        let (token, _) = server.token(kind.name(), json!({ "environments": ["dev"] })).await;
        for path in ofrep() {
            server.with_token(&token, "POST", &path, &[], &json!({})).await.expect(200);
        }
        let bearer = format!("Bearer {token}");
        for path in calls() {
            let shows_rules = path.ends_with("SyncFlags") || path.ends_with("FetchAllFlags");
            let expected = (kind == TokenKind::Client && shows_rules).then_some("permission_denied");
            for selector in ["", "flagSetId=t/dev"] {
                let found = refused(&server, &bearer, selector, path).await;
                assert_eq!(found.as_ref().map(|(code, _)| code.as_str()), expected, "{path} {kind:?} {found:?}");
            }
            let (code, _) = refused(&server, &bearer, "flagSetId=t/prod", path).await.expect(path);
            assert_eq!(code, "permission_denied", "{path} {kind:?}");
        }
        let login = logs_in(&server, &token).await;
        if kind.rank() > 0 {
            login.expect(200);
        } else {
            login.problem(403, "forbidden");
        }
    }
}
