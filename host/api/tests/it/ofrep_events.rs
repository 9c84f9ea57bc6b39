//! OFREP's event streams: who gets an address, what is told there, and what that does to the next answer.

use std::{net::SocketAddr, time::Duration};

use axum::{body::Body, extract::ConnectInfo};
use burgee_model::Limits;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value as Json, json};

use crate::server::{Answer, Options, Server};

const BULK: &str = "/ofrep/v1/evaluate/flags";

async fn bulk(server: &Server, token: &str, query: &str, headers: &[(&str, &str)]) -> Answer {
    server.with_token(token, "POST", &format!("{BULK}{query}"), headers, &json!({ "context": {} })).await
}

fn address(answer: &Answer) -> String {
    let stream = answer.body()["eventStreams"][0].clone();
    assert_eq!(stream["type"], "sse", "{stream}");
    stream["endpoint"]["requestUri"].as_str().unwrap().to_owned()
}

async fn open(server: &Server, address: &str, last: Option<&str>) -> Response<Body> {
    let mut request = Request::builder().uri(address).header("host", "localhost");
    if let Some(id) = last {
        request = request.header("last-event-id", id);
    }
    server.respond(request.body(Body::empty()).unwrap()).await
}

/// The next frame that is no sign of life; none at the end.
async fn next(body: &mut Body) -> Option<(String, Json)> {
    loop {
        let frame = tokio::time::timeout(Duration::from_secs(30), body.frame()).await.expect("in time")?;
        let bytes = frame.unwrap().into_data().unwrap();
        let text = std::str::from_utf8(&bytes).unwrap();
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        if let Some(data) = field("data: ") {
            assert_eq!(field("event: ").as_deref(), Some("message"));
            return Some((field("id: ").unwrap(), serde_json::from_str(&data).unwrap()));
        }
    }
}

async fn toggle(server: &Server, flag: &str, state: &str) {
    let path = format!("/api/v1/tenants/t/flags/{flag}/environments/dev");
    server.patch(&path, json!({ "state": state })).await.expect(200);
}

#[tokio::test]
async fn a_change_is_told_and_answered_by_what_changed() {
    let server = Server::placed().await;
    server.flag("a").await;
    let (token, _) = server.token("server", json!({ "environments": ["dev"] })).await;
    let first = bulk(&server, &token, "", &[]).await.expect(200);
    let address = address(&first);
    assert_eq!(address, self::address(&bulk(&server, &token, "", &[]).await), "it stays the same");
    let answer = open(&server, &address, None).await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut stream = answer.into_body();
    // who comes without a place is told where things stand
    let (id, event) = next(&mut stream).await.unwrap();
    assert_eq!(event["type"], "refetchEvaluation");
    assert!(id.starts_with(event["etag"].as_str().unwrap()), "{id}: {event}");
    assert!(event["lastModified"].as_u64().unwrap() > 1_600_000_000, "{event}");

    toggle(&server, "a", "DISABLED").await;
    let (id, event) = next(&mut stream).await.unwrap();
    let query =
        format!("?flagConfigEtag={}&flagConfigLastModified={}", event["etag"].as_str().unwrap(), event["lastModified"]);
    let second = bulk(&server, &token, &query, &[("if-none-match", &first.tag())]).await.expect(200);
    assert_eq!(second.body()["flags"][0]["reason"], "DISABLED");
    let same = bulk(&server, &token, &query, &[("if-none-match", &second.tag())]).await.expect(304);
    assert!(same.body.is_empty());

    // who has the state hears of the next one only
    let mut resumed = open(&server, &address, Some(&id)).await.into_body();
    toggle(&server, "a", "ENABLED").await;
    assert_ne!(next(&mut resumed).await.unwrap().0, id);
    server.shutdown.send_replace(true);
    while next(&mut resumed).await.is_some() {}
}

/// Whoever is answered 304 keeps the address that it has: it must be good until the next 200.
#[tokio::test]
async fn an_address_is_renewed_before_it_ends_though_nothing_changes() {
    const QUARTER_HOUR_MS: u64 = 15 * 60 * 1000;
    let server = Server::placed().await;
    server.flag("a").await;
    let (token, _) = server.token("server", json!({ "environments": ["dev"] })).await;
    let first = bulk(&server, &token, "", &[]).await.expect(200);
    let (mut tag, mut held, mut unchanged, mut renewed) = (first.tag(), address(&first), 0, 0);
    for _ in 0..4 * 24 {
        server.pass(QUARTER_HOUR_MS);
        let answer = bulk(&server, &token, "", &[("if-none-match", &tag)]).await;
        if answer.status == 304 {
            unchanged += 1;
        } else {
            (tag, held, renewed) = (answer.tag(), address(&answer.expect(200)), renewed + 1);
        }
        assert_eq!(open(&server, &held, None).await.status(), 200, "after {unchanged} and {renewed}");
    }
    assert!(renewed > 1 && unchanged > 10 * renewed, "{unchanged} and {renewed}");
}

#[tokio::test]
async fn told_of_another_state_no_answer_is_unchanged() {
    let server = Server::placed().await;
    server.flag("a").await;
    let (token, _) = server.token("server", json!({ "environments": ["dev"] })).await;
    let tag = bulk(&server, &token, "", &[]).await.expect(200).tag();
    let known = [("if-none-match", tag.as_str())];
    bulk(&server, &token, "", &known).await.expect(304);
    bulk(&server, &token, "?flagConfigEtag=another", &known).await.expect(200);
    bulk(&server, &token, "?flagConfigLastModified=1700000000", &known).await.expect(200);
}

#[tokio::test]
async fn an_address_is_of_one_environment_and_ends_with_its_token() {
    let server = Server::placed().await;
    server.flag("a").await;
    let (token, id) = server.token("server", json!({ "environments": ["dev"] })).await;
    let address = address(&bulk(&server, &token, "", &[]).await.expect(200));
    let mut stream = open(&server, &address, None).await.into_body();
    next(&mut stream).await.unwrap();
    for wrong in ["/ofrep/v1/events", "/ofrep/v1/events?token=", &address[..address.len() - 2], &format!("{address}0")]
    {
        assert_eq!(open(&server, wrong, None).await.status(), 401, "{wrong}");
    }
    server.delete(&format!("/api/v1/tenants/t/tokens/{id}")).await.expect(204);
    assert_eq!(next(&mut stream).await, None);
    assert_eq!(open(&server, &address, None).await.status(), 401);
    // a day later nobody's is valid
    let (token, _) = server.token("server", json!({ "environments": ["dev"] })).await;
    let later = self::address(&bulk(&server, &token, "", &[]).await.expect(200));
    server.pass(13 * 3600 * 1000);
    assert_eq!(open(&server, &later, None).await.status(), 401);
}

#[tokio::test]
async fn a_client_hears_nothing_of_flags_that_are_not_for_it() {
    let server = Server::placed().await;
    server.flag("hidden").await;
    server.flag("shown").await;
    server.patch("/api/v1/tenants/t/flags/shown", json!({ "metadata": { "burgee.client": true } })).await.expect(200);
    let (token, _) = server.token("client", json!({ "environments": ["dev"] })).await;
    let answer = bulk(&server, &token, "", &[]).await.expect(200);
    assert_eq!(answer.body()["flags"].as_array().unwrap().len(), 1);
    let mut stream = open(&server, &address(&answer), None).await.into_body();
    next(&mut stream).await.unwrap();
    toggle(&server, "hidden", "DISABLED").await;
    assert!(tokio::time::timeout(Duration::from_millis(200), next(&mut stream)).await.is_err());
    // nor does its tag tell of them: that they are there, what they answer, what of a context they read
    server.flag("more").await;
    let rule = json!({ "targeting": { "if": [{ "==": [{ "var": "plan" }, 1] }, "on", "off"] }, "state": "ENABLED" });
    server.patch("/api/v1/tenants/t/flags/hidden/environments/dev", rule).await.expect(200);
    let known = [("if-none-match", answer.tag())];
    let known = known.each_ref().map(|(name, tag)| (*name, tag.as_str()));
    let body = json!({ "context": { "plan": 1 } });
    server.with_token(&token, "POST", BULK, &known, &body).await.expect(304);
    toggle(&server, "shown", "DISABLED").await;
    let (_, event) = next(&mut stream).await.unwrap();
    let query = format!("?flagConfigEtag={}", event["etag"].as_str().unwrap());
    assert_eq!(bulk(&server, &token, &query, &[]).await.expect(200).body()["flags"][0]["reason"], "DISABLED");
    server.shutdown.send_replace(true);
    assert_eq!(next(&mut stream).await, None);
}

/// The address of a stream is all that it takes, so whoever has it could hold all of its token's streams.
#[tokio::test]
async fn a_peer_holds_so_many_streams_that_anybody_may_open_and_no_more() {
    let limits = Limits { streams_per_address: 2, ..Limits::default() };
    let server = Server::with(Options { limits, ..Options::default() }).place().await;
    let (token, _) = server.token("client", json!({ "environments": ["dev"] })).await;
    let address = address(&bulk(&server, &token, "", &[]).await);
    let open = async |from: &str| {
        let from: SocketAddr = format!("{from}:4000").parse().unwrap();
        let request = Request::builder().uri(&address).header("host", "localhost").extension(ConnectInfo(from));
        server.respond(request.body(Body::empty()).unwrap()).await
    };
    let held = [open("192.0.2.1").await, open("192.0.2.1").await];
    assert_eq!(held.each_ref().map(|answer| answer.status().as_u16()), [200, 200]);
    let refused = open("192.0.2.1").await;
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (429, &HeaderValue::from(1)));
    assert_eq!((open("192.0.2.2").await.status(), open("127.0.0.1").await.status()), (StatusCode::OK, StatusCode::OK));
    // a proxy on the same machine stands for many
    let here = [open("127.0.0.1").await, open("127.0.0.1").await, open("[::1]").await];
    assert!(here.iter().all(|answer| answer.status() == 200));
    drop(held);
    assert_eq!(open("192.0.2.1").await.status(), 200);
}

/// What a flag that is shown asks for is seen through it.
#[tokio::test]
async fn a_client_hears_of_what_its_flags_ask_for() {
    let server = Server::placed().await;
    server.flag("asked").await;
    server.flag("shown").await;
    let rule = json!({ "targeting": { "if": [{ "==": [{ "flag": "asked" }, "on"] }, "on", "off"] } });
    server.patch("/api/v1/tenants/t/flags/shown/environments/dev", rule).await.expect(200);
    server.patch("/api/v1/tenants/t/flags/shown", json!({ "metadata": { "burgee.client": true } })).await.expect(200);
    let (token, _) = server.token("client", json!({ "environments": ["dev"] })).await;
    let answer = bulk(&server, &token, "", &[]).await.expect(200);
    let mut stream = open(&server, &address(&answer), None).await.into_body();
    next(&mut stream).await.unwrap();
    toggle(&server, "asked", "DISABLED").await;
    next(&mut stream).await.unwrap();
    bulk(&server, &token, "", &[("if-none-match", &answer.tag())]).await.expect(200);
}

#[tokio::test]
async fn the_steps_of_a_ramp_are_told_when_they_are_taken() {
    let server = Server::placed().await;
    server.flag("a").await;
    let start = crate::server::START / 1000;
    let ramp = json!({ "ramp": { "from": 0, "to": 100, "start": start, "end": start + 4, "steps": 2 } });
    let rule = json!({ "targeting": { "if": [{ "percentage": [ramp] }, "on", "off"] } });
    server.patch("/api/v1/tenants/t/flags/a/environments/dev", rule).await.expect(200);
    let (token, _) = server.token("server", json!({ "environments": ["dev"] })).await;
    let mut stream = open(&server, &address(&bulk(&server, &token, "", &[]).await), None).await.into_body();
    next(&mut stream).await.unwrap();
    let quiet = async |stream: &mut Body| tokio::time::timeout(Duration::from_millis(300), next(stream)).await.is_err();
    server.pass(1_999);
    assert!(quiet(&mut stream).await, "before the step");
    server.pass(1);
    next(&mut stream).await.unwrap();
    assert!(quiet(&mut stream).await, "each is told once");
    server.pass(2_000);
    next(&mut stream).await.unwrap();
    server.pass(100_000);
    assert!(quiet(&mut stream).await, "it has arrived");
}

#[tokio::test]
async fn a_step_that_is_taken_while_a_client_is_away_is_told_when_it_returns() {
    let server = Server::placed().await;
    server.flag("a").await;
    let start = crate::server::START / 1000;
    let ramp = json!({ "ramp": { "from": 0, "to": 100, "start": start, "end": start + 4, "steps": 2 } });
    let rule = json!({ "targeting": { "if": [{ "percentage": [ramp] }, "on", "off"] } });
    server.patch("/api/v1/tenants/t/flags/a/environments/dev", rule).await.expect(200);
    let (token, _) = server.token("server", json!({ "environments": ["dev"] })).await;
    let address = address(&bulk(&server, &token, "", &[]).await);
    let quiet = async |stream: &mut Body| tokio::time::timeout(Duration::from_millis(300), next(stream)).await.is_err();
    let (before, event) = next(&mut open(&server, &address, None).await.into_body()).await.unwrap();
    assert!(quiet(&mut open(&server, &address, Some(&before)).await.into_body()).await, "it has everything");
    server.pass(2_000);
    let mut stream = open(&server, &address, Some(&before)).await.into_body();
    let (after, again) = next(&mut stream).await.unwrap();
    assert_eq!(event["etag"], again["etag"], "the state is the same");
    assert!(quiet(&mut stream).await, "it is told once");
    let mut stream = open(&server, &address, Some(&after)).await.into_body();
    assert!(quiet(&mut stream).await, "it has the step");
    server.pass(2_000);
    next(&mut stream).await.unwrap();
}
