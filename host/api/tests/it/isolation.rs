//! What a node does that may have missed a revocation: roles wait, applications and the node's own key do not.

use std::{sync::atomic::Ordering, time::Duration};

use burgee_api::ApiLimits;
use serde_json::{Value as Json, json};

use crate::{
    server::{Options, Server, TOKEN},
    stream::Stream,
};

const WATCH: &str = "/api/v1/tenants/t/watch";

async fn server() -> Server {
    let http = ApiLimits { max_isolation: Duration::from_secs(2), ..ApiLimits::default() };
    Server::with(Options { http, ..Options::default() }).place().await
}

/// Whether a stream goes on for a moment.
async fn stays(stream: &mut Stream) -> bool {
    let ended = async { while stream.frame().await.is_some() {} };
    tokio::time::timeout(Duration::from_millis(2_500), ended).await.is_err()
}

#[tokio::test]
async fn open_streams_of_roles_end_when_the_node_is_isolated_for_too_long() {
    let server = server().await;
    let (viewer, _) = server.token("viewer", json!({})).await;
    let mut of_viewer = Stream::open_with(&server, &viewer, WATCH, None).await;
    let mut own = Stream::open(&server, WATCH, None).await;
    let (application, _) = server.token("server", json!({ "environments": ["dev"] })).await;
    let bulk = server.with_token(&application, "POST", "/ofrep/v1/evaluate/flags", &[], &json!({})).await.body();
    let address = bulk["eventStreams"][0]["endpoint"]["requestUri"].as_str().unwrap().to_owned();
    let mut of_application = Stream::open_with(&server, &application, &address, None).await;
    server.status.isolated.store(1_999, Ordering::Relaxed);
    assert!(stays(&mut of_viewer).await);
    server.status.isolated.store(2_001, Ordering::Relaxed);
    assert!(!stays(&mut of_viewer).await);
    assert!(stays(&mut own).await && stays(&mut of_application).await);
}

#[tokio::test]
async fn who_wakes_waits_with_roles_until_it_has_heard() {
    let server = Server::placed().await;
    let (editor, _) = server.token("editor", json!({})).await;
    let (application, _) = server.token("server", json!({ "environments": ["dev"] })).await;
    let new = |key: &str| json!({ "key": key, "variants": { "on": true } });
    let flags = "/api/v1/tenants/t/flags";
    let write = async |key: &str| server.with_token(&editor, "POST", flags, &[], &new(key)).await;
    server.status.waking.store(true, Ordering::Relaxed);
    let refused: Json = write("a").await.expect(503).body();
    assert!(refused["detail"].as_str().unwrap().contains("waking"), "{refused}");
    server.with_token(&application, "POST", "/ofrep/v1/evaluate/flags", &[], &json!({})).await.expect(200);
    server.with_token(TOKEN, "POST", flags, &[], &new("b")).await.expect(201);
    server.status.waking.store(false, Ordering::Relaxed);
    write("a").await.expect(201);
}
