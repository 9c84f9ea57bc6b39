//! Streams of flagd's services: what is told, to whom, and how they end.

use std::{sync::atomic::Ordering, time::Duration};

use axum::body::Body;
use burgee_model::Limits;
use bytes::{Buf, BytesMut};
use http_body_util::BodyExt;
use serde_json::{Value as Json, json};

use crate::{
    grpc::{STREAM, call, framed, placed_token},
    server::{Options, Server},
};

const EVENTS: &str = "flagd.evaluation.v1.Service/EventStream";
const SYNC: &str = "flagd.sync.v1.FlagSyncService/SyncFlags";

/// A stream by Connect's JSON.
struct Stream {
    body: Body,
    read: BytesMut,
}

impl Stream {
    async fn open(server: &Server, token: &str, path: &str) -> Self {
        let bearer = format!("Bearer {token}");
        let answer = call(server, &[("content-type", STREAM), ("authorization", &bearer)], path, framed(b"{}")).await;
        assert_eq!(answer.status(), 200);
        Self { body: answer.into_body(), read: BytesMut::new() }
    }

    /// The next message with its flags.
    async fn next(&mut self) -> (u8, Json) {
        loop {
            if self.read.len() >= 5 {
                let length = (&self.read[1..5]).get_u32() as usize;
                if self.read.len() >= 5 + length {
                    let flags = self.read[0];
                    self.read.advance(5);
                    return (flags, serde_json::from_slice(&self.read.split_to(length)).unwrap());
                }
            }
            let frame = tokio::time::timeout(Duration::from_secs(30), self.body.frame()).await.expect("in time");
            self.read.extend_from_slice(&frame.expect("not the end").unwrap().into_data().unwrap());
        }
    }

    /// The type of the next event.
    async fn event(&mut self) -> String {
        self.next().await.1["type"].as_str().unwrap().to_owned()
    }

    /// The flags that the next event says changed, with what became of them.
    async fn changed(&mut self) -> Json {
        let (_, event) = self.next().await;
        assert_eq!(event["type"], "configuration_change", "{event}");
        event["data"]["flags"].clone()
    }

    /// The code with which it ends.
    async fn end(&mut self) -> String {
        let (flags, end) = self.next().await;
        assert_eq!(flags, 2, "{end}");
        assert!(self.body.frame().await.is_none());
        end["error"]["code"].as_str().unwrap_or("ok").to_owned()
    }

    /// The document of the next message.
    async fn document(&mut self) -> Json {
        let (flags, message) = self.next().await;
        assert_eq!(flags, 0, "{message}");
        serde_json::from_str(message["flagConfiguration"].as_str().unwrap()).unwrap()
    }
}

async fn toggle(server: &Server, flag: &str, environment: &str, state: &str) {
    let path = format!("/api/v1/tenants/t/flags/{flag}/environments/{environment}");
    server.patch(&path, json!({ "state": state })).await.expect(200);
}

#[tokio::test]
async fn events_name_the_flags_that_changed_and_no_others() {
    let server = Server::placed().await;
    server.flag("a").await;
    let token = placed_token(&server, "server").await;
    let mut events = Stream::open(&server, &token, EVENTS).await;
    assert_eq!(events.event().await, "provider_ready");
    // elsewhere
    toggle(&server, "a", "prod", "ENABLED").await;
    toggle(&server, "a", "dev", "DISABLED").await;
    assert_eq!(events.changed().await, json!({ "a": { "type": "update" } }));
    server.flag("b").await;
    assert_eq!(events.changed().await, json!({ "b": { "type": "write" } }));
    server.delete("/api/v1/tenants/t/flags/b").await.expect(204);
    assert_eq!(events.changed().await, json!({ "b": { "type": "delete" } }));
    server.shutdown.send_replace(true);
    assert_eq!(events.event().await, "provider_shutdown");
    assert_eq!(events.end().await, "unavailable");
}

#[tokio::test]
async fn a_client_hears_only_of_flags_that_are_marked_for_it() {
    let server = Server::placed().await;
    server.flag("hidden").await;
    server.flag("shown").await;
    server.patch("/api/v1/tenants/t/flags/shown", json!({ "metadata": { "burgee.client": true } })).await.expect(200);
    let token = placed_token(&server, "client").await;
    let mut events = Stream::open(&server, &token, EVENTS).await;
    assert_eq!(events.event().await, "provider_ready");
    toggle(&server, "hidden", "dev", "DISABLED").await;
    toggle(&server, "shown", "dev", "DISABLED").await;
    assert_eq!(events.changed().await, json!({ "shown": { "type": "update" } }));
    assert_eq!(Stream::open(&server, &token, SYNC).await.end().await, "permission_denied");
}

#[tokio::test]
async fn a_quiet_stream_gives_signs_of_life() {
    let mut options = Options::default();
    options.http.grpc_keep_alive = Duration::from_millis(10);
    let server = Server::with(options).place().await;
    let token = placed_token(&server, "server").await;
    let mut events = Stream::open(&server, &token, EVENTS).await;
    assert_eq!(events.event().await, "provider_ready");
    assert_eq!(events.event().await, "keep_alive");
}

#[tokio::test]
async fn a_stream_tells_nothing_before_the_node_is_ready() {
    let server = Server::placed().await;
    let token = placed_token(&server, "server").await;
    server.status.ready.store(false, Ordering::Relaxed);
    let opening = Stream::open(&server, &token, EVENTS);
    tokio::pin!(opening);
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut opening).await.is_err());
    server.status.ready.store(true, Ordering::Relaxed);
    assert_eq!(opening.await.event().await, "provider_ready");
}

#[tokio::test]
async fn every_message_of_a_sync_is_the_whole_state() {
    let server = Server::placed().await;
    server.flag("a").await;
    let token = placed_token(&server, "server").await;
    let mut sync = Stream::open(&server, &token, SYNC).await;
    let first = sync.document().await;
    assert_eq!(first["flags"]["a"]["state"], "ENABLED");
    // what is not configured here changes nothing here
    toggle(&server, "a", "prod", "ENABLED").await;
    toggle(&server, "a", "dev", "DISABLED").await;
    let second = sync.document().await;
    assert_eq!(second["flags"]["a"]["state"], "DISABLED");
    assert_eq!(second["flags"].as_object().unwrap().len(), 1);
    server.delete("/api/v1/tenants/t/environments/dev").await.expect(204);
    assert_eq!(sync.end().await, "not_found");
}

#[tokio::test]
async fn a_revoked_token_ends_its_streams() {
    let server = Server::placed().await;
    let (token, id) = server.token("server", json!({ "environments": ["dev"] })).await;
    let mut events = Stream::open(&server, &token, EVENTS).await;
    assert_eq!(events.event().await, "provider_ready");
    server.delete(&format!("/api/v1/tenants/t/tokens/{id}")).await.expect(204);
    assert_eq!(events.end().await, "unauthenticated");
}

#[tokio::test]
async fn one_who_does_not_read_loses_the_stream_and_the_place() {
    let mut options = Options::default();
    options.limits.stream_stall_ms = 20;
    options.limits.streams = 1;
    let server = Server::with(options).place().await;
    server.flag("a").await;
    let token = placed_token(&server, "server").await;
    let mut idle = Stream::open(&server, &token, SYNC).await;
    assert_eq!(idle.document().await["flags"].as_object().unwrap().len(), 1);
    assert_eq!(Stream::open(&server, &token, SYNC).await.end().await, "resource_exhausted");
    // the next message is not asked for
    let mut state = ["DISABLED", "ENABLED"].into_iter().cycle();
    let opened = loop {
        toggle(&server, "a", "dev", state.next().unwrap()).await;
        let mut other = Stream::open(&server, &token, SYNC).await;
        let (flags, _) = other.next().await;
        if flags == 0 {
            break other;
        }
    };
    drop(opened);
    assert_eq!(idle.end().await, "resource_exhausted");
}

#[tokio::test]
async fn the_steps_of_a_ramp_name_its_flags_and_those_that_ask_for_them() {
    let server = Server::placed().await;
    for flag in ["steps", "asks", "other"] {
        server.flag(flag).await;
    }
    let at = crate::server::START / 1000 + 2;
    let rule = |condition: Json| json!({ "targeting": { "if": [condition, "on", "off"] } });
    let path = |flag: &str| format!("/api/v1/tenants/t/flags/{flag}/environments/dev");
    let timed = rule(json!({ ">=": [{ "var": "$flagd.timestamp" }, at] }));
    server.patch(&path("steps"), timed).await.expect(200);
    server.patch(&path("asks"), rule(json!({ "==": [{ "flag": "steps" }, "on"] }))).await.expect(200);
    let token = placed_token(&server, "server").await;
    let mut events = Stream::open(&server, &token, EVENTS).await;
    assert_eq!(events.event().await, "provider_ready");
    server.pass(2_000);
    assert_eq!(events.changed().await, json!({ "asks": { "type": "update" }, "steps": { "type": "update" } }));
}

#[tokio::test]
async fn a_stream_ends_when_its_client_says_so() {
    let server = Server::placed().await;
    let bearer = format!("Bearer {}", placed_token(&server, "server").await);
    for (name, time) in [("grpc-timeout", "300m"), ("connect-timeout-ms", "300")] {
        let headers = [("content-type", STREAM), ("authorization", &*bearer), (name, time)];
        let answer = call(&server, &headers, EVENTS, framed(b"{}")).await;
        let mut stream = Stream { body: answer.into_body(), read: BytesMut::new() };
        assert_eq!(stream.event().await, "provider_ready");
        assert_eq!(stream.end().await, "deadline_exceeded");
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_environment() {
    let server = Server::placed().await;
    let bearer = format!("Bearer {}", crate::server::TOKEN);
    let headers = [("content-type", STREAM), ("authorization", &*bearer), ("flagd-selector", "flagSetId=t/dev")];
    let answer = call(&server, &headers, EVENTS, framed(b"{}")).await;
    let mut stream = Stream { body: answer.into_body(), read: BytesMut::new() };
    assert_eq!(stream.event().await, "provider_ready");
    server.delete("/api/v1/tenants/t/environments/dev").await.expect(204);
    assert_eq!(stream.end().await, "not_found");
}

#[tokio::test]
async fn who_shows_no_token_has_streams_of_their_own() {
    let place = burgee_model::Key::new("t").ok().zip(burgee_model::Key::new("dev").ok());
    let defaults = Options::default();
    let auth = burgee_api::AuthConfig { grpc_open: place, ..defaults.auth.clone() };
    let limits = burgee_model::Limits { streams_per_token: 1, ..burgee_model::Limits::default() };
    let server = Server::with(Options { auth, limits, ..defaults }).place().await;
    let anonymous = async || call(&server, &[("content-type", STREAM)], EVENTS, framed(b"{}")).await;
    let mut first = Stream { body: anonymous().await.into_body(), read: BytesMut::new() };
    assert_eq!(first.event().await, "provider_ready");
    let mut second = Stream { body: anonymous().await.into_body(), read: BytesMut::new() };
    assert_eq!(second.end().await, "resource_exhausted");
    let bearer = format!("Bearer {}", crate::server::TOKEN);
    let own = [("content-type", STREAM), ("authorization", &*bearer), ("flagd-selector", "flagSetId=t/dev")];
    let mut own = Stream { body: call(&server, &own, EVENTS, framed(b"{}")).await.into_body(), read: BytesMut::new() };
    assert_eq!(own.event().await, "provider_ready");
}

#[tokio::test]
async fn who_was_away_is_told_the_newest_state_and_no_older_one() {
    let server = Server::placed().await;
    server.flag("f").await;
    let token = placed_token(&server, "server").await;
    let mut stream = Stream::open(&server, &token, SYNC).await;
    stream.document().await;
    for state in ["DISABLED", "ENABLED", "DISABLED"] {
        toggle(&server, "f", "dev", state).await;
        // as long as whoever tells would need to tell it
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(stream.document().await["flags"]["f"]["state"], "DISABLED");
    toggle(&server, "f", "dev", "ENABLED").await;
    assert_eq!(stream.document().await["flags"]["f"]["state"], "ENABLED", "there was nothing between");
}

#[tokio::test]
async fn streams_and_calls_for_one_state_share_one_document() {
    let limits = Limits { answers_bytes: 100_000, answers_bytes_per_tenant: 100_000, ..Limits::default() };
    let server = Server::with(Options { limits, ..Options::default() }).place().await;
    let flag = json!({ "key": "large", "variants": { "on": "x".repeat(60_000) } });
    server.post("/api/v1/tenants/t/flags", flag).await.expect(201);
    let settings = json!({ "state": "ENABLED", "defaultVariant": "on" });
    server.patch("/api/v1/tenants/t/flags/large/environments/dev", settings).await.expect(200);
    server.flag("f").await;
    let token = placed_token(&server, "server").await;
    let bearer = format!("Bearer {token}");
    let ask = async |kind: &str, path: &str, body: Vec<u8>| {
        let answer = call(&server, &[("content-type", kind), ("authorization", &bearer)], path, body).await;
        let status = answer.status().as_u16();
        let mut body = answer.into_body();
        let part = body.frame().await.unwrap().unwrap().into_data().unwrap();
        (status, part)
    };
    let fetch = "flagd.sync.v1.FlagSyncService/FetchAllFlags";
    let held = [
        ask(STREAM, SYNC, framed(b"{}")).await,
        ask(STREAM, SYNC, framed(b"{}")).await,
        ask("application/json", fetch, b"{\"selector\":null}".to_vec()).await,
    ];
    assert!(held.iter().all(|(status, part)| *status == 200 && part.len() > 60_000));
    assert_eq!(held[0].1.slice(5..), held[2].1);
    // of the next state there is another one, for which there is no room
    toggle(&server, "f", "dev", "DISABLED").await;
    let (status, part) = ask("application/json", fetch, b"{}".to_vec()).await;
    assert_eq!((status, part.len() < 1_000), (429, true));
    drop(held);
    assert_eq!(ask("application/json", fetch, b"{}".to_vec()).await.0, 200);
}

#[tokio::test]
async fn a_flag_that_is_marked_for_clients_appears_and_one_that_is_not_any_more_is_gone() {
    let server = Server::placed().await;
    server.flag("f").await;
    let mut events = Stream::open(&server, &placed_token(&server, "client").await, EVENTS).await;
    assert_eq!(events.event().await, "provider_ready");
    for (mark, kind) in [(true, "write"), (false, "delete")] {
        server.patch("/api/v1/tenants/t/flags/f", json!({ "metadata": { "burgee.client": mark } })).await.expect(200);
        assert_eq!(events.changed().await, json!({ "f": { "type": kind } }));
    }
}
