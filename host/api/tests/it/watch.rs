//! The change streams.

use std::time::Duration;

use burgee_api::ApiLimits;
use burgee_model::Limits;
use serde_json::json;

use crate::{
    history,
    server::{Options, Server},
    stream::Stream,
};

const DEV: &str = "/api/v1/tenants/t/environments/dev/watch";

async fn put(server: &Server, key: &str) {
    server.put(&format!("/api/v1/tenants/t/environments/dev/config/{key}"), "x").await;
}

#[tokio::test]
async fn changes_come_with_register_stamp_actor_and_id() {
    let server = Server::placed().await;
    let mut stream = Stream::open(&server, DEV, None).await;
    let tag = server.put("/api/v1/tenants/t/environments/dev/config/a/b", "1").await.expect(201).tag();
    let event = stream.next().await;
    let register = json!({ "kind": "config", "key": "a/b", "environment": "dev" });
    assert_eq!((event.event.as_str(), &event.data["register"]), ("change", &register));
    assert_eq!((&event.data["op"], &event.data["actor"]), (&json!("put"), &json!("admin")));
    assert_eq!(event.data["stamp"], tag.trim_matches('"'));
    assert!(event.data["change"].is_string());
    assert!(event.id.starts_with(&format!("{}.", server.store.node_id())), "{event:?}");
    server.delete("/api/v1/tenants/t/environments/dev/config/a/b").await.expect(204);
    assert_eq!(stream.next().await.data["op"], "delete");
}

#[tokio::test]
async fn kind_prefix_and_environment_select() {
    let server = Server::placed().await;
    let mut flags = Stream::open(&server, &format!("{DEV}?kind=flag"), None).await;
    let mut entries = Stream::open(&server, &format!("{DEV}?kind=config&prefix=in%2F"), None).await;
    let mut tenant = Stream::open(&server, "/api/v1/tenants/t/watch?kind=flag", None).await;
    put(&server, "out/1").await;
    put(&server, "in/1").await;
    server.flag("f").await;
    assert_eq!(entries.next().await.data["register"]["key"], "in/1");
    assert_eq!(flags.next().await.data["register"]["kind"], "flag");
    server.patch("/api/v1/tenants/t/flags/f/environments/prod", json!({ "state": "ENABLED" })).await.expect(200);
    server.patch("/api/v1/tenants/t/flags/f/environments/dev", json!({ "kill": true })).await.expect(200);
    let wait_for = async |stream: &mut Stream, field: &str, environment: &str| loop {
        let event = stream.next().await;
        assert_eq!(event.data["register"]["key"], "f");
        if (&event.data["register"]["field"], &event.data["register"]["environment"])
            == (&json!(field), &json!(environment))
        {
            return;
        }
        assert!(stream.text.len() < 1 << 20);
    };
    wait_for(&mut tenant, "state", "prod").await;
    wait_for(&mut flags, "kill", "dev").await;
    server.get(&format!("{DEV}?kind=nonsense")).await.problem(422, "invalid_value");
    server.get("/api/v1/tenants/t/environments/x/watch").await.problem(404, "not_found");
    server.get("/api/v1/tenants/x/watch").await.problem(404, "not_found");
}

#[tokio::test]
async fn a_deleted_flag_is_one_that_was_deleted() {
    let server = Server::placed().await;
    server.flag("f").await;
    let mut stream = Stream::open(&server, &format!("{DEV}?kind=flag"), None).await;
    server.delete("/api/v1/tenants/t/flags/f").await.expect(204);
    let mut registers = Vec::new();
    while !registers.contains(&json!({ "kind": "flag", "key": "f" })) {
        let event = stream.next().await;
        assert_eq!(event.data["op"], "delete", "{event:?}");
        registers.push(event.data["register"].clone());
    }
}

#[tokio::test]
async fn a_reader_resumes_after_what_it_saw() {
    let server = Server::placed().await;
    let mut stream = Stream::open(&server, DEV, None).await;
    let greeting = stream.frame().await.unwrap();
    assert!(greeting.event.is_empty() && !greeting.id.is_empty(), "an id before anything happened: {greeting:?}");
    put(&server, "k/1").await;
    let seen = stream.next().await;
    put(&server, "k/2").await;
    put(&server, "k/3").await;
    for (after, wanted) in [(&greeting.id, ["k/1", "k/2", "k/3"].as_slice()), (&seen.id, ["k/2", "k/3"].as_slice())] {
        let mut resumed = Stream::open(&server, DEV, Some(after)).await;
        for key in wanted {
            assert_eq!(resumed.next().await.data["register"]["key"], *key);
        }
    }
}

#[tokio::test]
async fn an_id_of_another_life_gets_a_reset_first() {
    let server = Server::placed().await;
    let foreign = format!("{}.1", "0".repeat(32));
    let future = format!("{}.{}", server.store.node_id(), u64::MAX);
    for id in ["x", "1", "00.99999999999999999999", foreign.as_str(), future.as_str()] {
        let mut stream = Stream::open(&server, DEV, Some(id)).await;
        let event = stream.next().await;
        assert_eq!(event.event, "reset", "{id}");
        assert!(event.data["reason"].is_string() && event.id.contains('.'), "{event:?}");
        put(&server, "after").await;
        assert_eq!(stream.next().await.data["register"]["key"], "after", "{id}");
    }
}

#[tokio::test]
async fn heartbeats_come_and_the_stream_ends_at_shutdown() {
    let http = ApiLimits { heartbeat: Duration::from_millis(5), ..ApiLimits::default() };
    let server = Server::with(Options { http, ..Options::default() }).place().await;
    let mut stream = Stream::open(&server, DEV, None).await;
    for _ in 0..3 {
        let frame = stream.frame().await.unwrap();
        assert!(frame.event.is_empty() && !frame.id.is_empty());
    }
    server.shutdown.send(true).unwrap();
    while stream.frame().await.is_some() {}
}

#[tokio::test]
async fn streams_are_limited_and_given_back() {
    let limits = Limits { streams: 1, ..Limits::default() };
    let server = Server::with(Options { limits, ..Options::default() }).place().await;
    let first = Stream::open(&server, DEV, None).await;
    let refused = server.get(DEV).await;
    assert_eq!(refused.header("retry-after"), "1");
    refused.problem(429, "rate_limited");
    drop(first);
    Stream::open(&server, DEV, None).await;
}

#[tokio::test]
async fn a_conflict_that_stands_is_told_once() {
    let server = history::server().await;
    let mut stream = Stream::open(&server, &format!("{DEV}?kind=flag"), None).await;
    history::conflicting(&server).await;
    server.store.announce_conflicts();
    server.pass(3_000);
    for _ in 0..3 {
        server.store.announce_conflicts();
    }
    put(&server, "ignored").await;
    server.patch("/api/v1/tenants/t/flags/f", json!({ "description": "last" })).await.expect(200);
    let mut conflicts = Vec::new();
    loop {
        let frame = stream.next().await;
        if frame.event == "conflict" {
            conflicts.push(frame.data);
        } else if frame.data["register"]["field"] == "description" {
            break;
        }
    }
    let [conflict] = conflicts.as_slice() else { panic!("{conflicts:?}") };
    assert_eq!(conflict["register"], json!({ "kind": "flag", "key": "f", "field": "name" }));
    assert_eq!(conflict["winner"]["actor"], "else");
    assert_eq!(conflict["losers"].as_array().unwrap().len(), 1);
}
