//! Sessions: a cookie in place of a token.

use burgee_model::{Key, RegisterId, TokenId};
use burgee_store::{Draft, DraftWrite, Request, Stamping, WriteScope};
use serde_json::{Value as Json, json};

use crate::server::{Answer, START, Server, TOKEN};

const SESSION: &str = "/api/v1/session";
const NOBODY: (&str, &str) = ("authorization", "");

struct Session {
    cookie: String,
    csrf: String,
}

async fn log_in(server: &Server, token: &str) -> Answer {
    server.json("POST", SESSION, &[NOBODY], &json!({ "token": token })).await
}

impl Session {
    async fn open(server: &Server, token: &str) -> Self {
        let answer = log_in(server, token).await.expect(200);
        let set = answer.header("set-cookie");
        assert!(set.contains("; HttpOnly; SameSite=Strict") && set.contains("Path=/;"), "{set}");
        assert!(!set.contains(token) && !String::from_utf8_lossy(&answer.body).contains(token));
        assert_eq!(answer.header("cache-control"), "no-store");
        let cookie = set.split(';').next().unwrap().to_owned();
        Self { cookie, csrf: answer.body()["csrfToken"].as_str().unwrap().to_owned() }
    }

    async fn ask(&self, server: &Server, method: &str, path: &str, csrf: &str, body: &Json) -> Answer {
        let headers = [NOBODY, ("cookie", &self.cookie), ("x-csrf-token", csrf)];
        server.json(method, path, &headers, body).await
    }

    async fn get(&self, server: &Server, path: &str) -> Answer {
        server.send("GET", path, &[NOBODY, ("cookie", &self.cookie)], "").await
    }
}

#[tokio::test]
async fn a_session_can_do_what_its_token_can() {
    let server = Server::placed().await;
    for token in [TOKEN.to_owned(), server.token("editor", json!({})).await.0] {
        let session = Session::open(&server, &token).await;
        session.get(&server, "/api/v1/tenants/t").await.expect(200);
        let who = session.get(&server, SESSION).await.expect(200).body();
        assert_eq!((&who["csrfToken"], &who["login"]), (&json!(session.csrf), &json!(true)));
    }
    let session = Session::open(&server, &server.token("viewer", json!({})).await.0).await;
    let new = json!({ "key": "f", "variants": { "on": true } });
    session.ask(&server, "POST", "/api/v1/tenants/t/flags", &session.csrf, &new).await.problem(403, "forbidden");
    assert_eq!(session.get(&server, SESSION).await.body()["tenant"], "t");
}

#[tokio::test]
async fn writes_show_what_only_pages_of_this_origin_know() {
    let server = Server::placed().await;
    let session = Session::open(&server, TOKEN).await;
    let other = Session::open(&server, &server.token("admin", json!({})).await.0).await;
    let new = |key: &str| json!({ "key": key, "variants": { "on": true } });
    for wrong in ["", "0", &other.csrf] {
        let answer = session.ask(&server, "POST", "/api/v1/tenants/t/flags", wrong, &new("f")).await;
        answer.problem(403, "forbidden");
    }
    session.ask(&server, "POST", "/api/v1/tenants/t/flags", &session.csrf, &new("f")).await.expect(201);
    for site in ["cross-site", "same-site"] {
        let headers = [NOBODY, ("sec-fetch-site", site)];
        server.json("POST", SESSION, &headers, &json!({ "token": TOKEN })).await.problem(403, "forbidden");
    }
    // a form of another site cannot send JSON
    let headers = [NOBODY, ("content-type", "text/plain")];
    let form = server.send("POST", SESSION, &headers, json!({ "token": TOKEN }).to_string()).await;
    form.problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn a_session_ends_with_its_token_its_time_and_its_logout() {
    let server = Server::placed().await;
    let (token, id) = server.token("admin", json!({})).await;
    let (session, other) = (Session::open(&server, &token).await, Session::open(&server, TOKEN).await);
    let lasting = Session::open(&server, TOKEN).await;
    server.delete(&format!("/api/v1/tenants/t/tokens/{id}")).await.expect(204);
    session.get(&server, "/api/v1/tenants/t").await.problem(401, "unauthorized");
    let out = other.ask(&server, "DELETE", SESSION, &other.csrf, &json!({})).await.expect(204);
    assert!(out.header("set-cookie").starts_with("burgee_session=; Path=/; Max-Age=0"));
    other.get(&server, "/api/v1/tenants/t").await.problem(401, "unauthorized");
    server.pass(12 * 3600 * 1000 - 1);
    lasting.get(&server, "/api/v1/tenants/t").await.expect(200);
    server.pass(1);
    lasting.get(&server, "/api/v1/tenants/t").await.problem(401, "unauthorized");
}

#[tokio::test]
async fn a_stream_ends_with_the_session_that_opened_it() {
    let server = Server::placed().await;
    let session = Session::open(&server, TOKEN).await;
    let request = http::Request::get("/api/v1/tenants/t/watch").header("cookie", &session.cookie);
    let mut stream = server.respond(request.body(axum::body::Body::empty()).unwrap()).await.into_body();
    session.ask(&server, "DELETE", SESSION, &session.csrf, &json!({})).await.expect(204);
    let ended = async { while http_body_util::BodyExt::frame(&mut stream).await.is_some() {} };
    tokio::time::timeout(std::time::Duration::from_secs(10), ended).await.unwrap();
}

#[tokio::test]
async fn logging_out_is_limited_for_it_is_remembered() {
    let server = Server::placed().await;
    let (token, _) = server.token("viewer", json!({})).await;
    let out = async || {
        let session = Session::open(&server, &token).await;
        session.ask(&server, "DELETE", SESSION, &session.csrf, &json!({})).await
    };
    let mut answers = Vec::new();
    for _ in 0..20 {
        answers.push(out().await.status.as_u16());
    }
    assert_eq!((answers[0], answers[19]), (204, 429));
}

#[tokio::test]
async fn keys_rotate_and_sessions_outlive_that() {
    let server = Server::placed().await;
    let keys = || server.store.read().session_keys().filter(|(_, v)| v.live(server.store.now()).is_some()).count();
    let first = Session::open(&server, TOKEN).await;
    assert_eq!(keys(), 1);
    server.pass(24 * 3600 * 1000);
    let second = Session::open(&server, TOKEN).await;
    assert_eq!(keys(), 1, "it is good for one more session");
    server.pass(1);
    Session::open(&server, TOKEN).await;
    assert_eq!(keys(), 2);
    first.get(&server, SESSION).await.problem(401, "unauthorized");
    second.get(&server, SESSION).await.expect(200);
    server.pass(12 * 3600 * 1000);
    assert_eq!(keys(), 1);
}

#[tokio::test]
async fn tokens_of_applications_and_cookies_for_evaluations_are_refused() {
    let server = Server::placed().await;
    for kind in ["server", "client"] {
        let (token, _) = server.token(kind, json!({})).await;
        log_in(&server, &token).await.problem(403, "forbidden");
    }
    log_in(&server, "wrong").await.problem(401, "unauthorized");
    let session = Session::open(&server, TOKEN).await;
    let path = "/e/t/dev/ofrep/v1/evaluate/flags";
    session.ask(&server, "POST", path, &session.csrf, &json!({})).await.expect(401);
    server.json("POST", SESSION, &[NOBODY], &json!({})).await.problem(422, "invalid_value");
}

#[tokio::test]
async fn of_who_is_not_known_little_is_read() {
    let server = Server::new();
    log_in(&server, &"x".repeat(4096)).await.expect(401);
    log_in(&server, &"x".repeat(64 * 1024)).await.problem(413, "too_large");
}

/// Each logout is remembered on every node until the session would have ended by itself.
#[tokio::test]
async fn logouts_of_one_tenant_leave_room_for_those_of_others() {
    const ENDED_PER_TENANT_MAX: u128 = 10_000;
    let server = Server::placed().await;
    let session = Session::open(&server, &server.token("viewer", json!({})).await.0).await;
    let ended = |at: u128| {
        let register = RegisterId::token(&Key::system_tenant(), TokenId(at.to_be_bytes()));
        DraftWrite { expires_at: Some(START + 3_600_000), ..DraftWrite::delete(register) }
    };
    let draft = Draft::of((0..ENDED_PER_TENANT_MAX).map(ended).collect());
    let scope = WriteScope::Tenant(Key::system_tenant());
    let request = Request { scope, actor: "sessions".into(), note: Some("t".into()), stamping: Stamping::Local };
    server.store.write(request, move |_: &_, _| Ok::<_, std::convert::Infallible>(draft)).await.unwrap();
    // a write of access has this node look again
    let other = Session::open(&server, TOKEN).await;
    server.token("viewer", json!({})).await;
    let refused = session.ask(&server, "DELETE", SESSION, &session.csrf, &json!({})).await;
    assert_eq!(refused.header("retry-after"), "60");
    refused.problem(429, "rate_limited");
    other.ask(&server, "DELETE", SESSION, &other.csrf, &json!({})).await.expect(204);
    assert_eq!(other.get(&server, SESSION).await.status, 401);
}
