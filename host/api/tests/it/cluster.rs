//! The cluster's routes.

use burgee_api::{ClusterMember, ClusterNews, ClusterNode, ClusterNodeState};
use burgee_model::NodeId;
use serde_json::json;

use crate::{server::Server, stream::Stream};

fn id(number: u8) -> String {
    NodeId([number; 16]).to_string()
}

fn with_nodes() -> Server {
    nodes_of(Server::new())
}

fn nodes_of(server: Server) -> Server {
    let node = |number, name: &str, state| ClusterNode {
        name: name.into(),
        id: id(number),
        address: Some("tcp/127.0.0.1:7447".into()),
        state,
        ..ClusterNode::default()
    };
    let nodes = vec![
        ClusterNode { ready: true, root: Some("0f".into()), ..node(1, "a", ClusterNodeState::Live) },
        ClusterNode { lag_ms: Some(3), skew_ms: Some(-5), ..node(2, "b", ClusterNodeState::Gone) },
    ];
    *server.status.nodes.lock().unwrap() = nodes;
    server
}

#[tokio::test]
async fn the_view_has_every_member_that_was_promised() {
    let server = with_nodes();
    let view = server.get("/api/v1/cluster").await.expect(200).body();
    assert_eq!((&view["self"], &view["leader"]), (&json!("a"), &json!("a")));
    for member in [
        "stampsAhead",
        "stampsAheadBy",
        "tombstones",
        "collectionHeldBy",
        "horizon",
        "versionsUnknown",
        "versionsInvalid",
    ] {
        assert!(view.get(member).is_some(), "{member} in {view}");
    }
    let [a, b] = view["nodes"].as_array().unwrap().as_slice() else { panic!("two nodes: {view}") };
    assert_eq!((&a["state"], &a["ready"], &a["root"]), (&json!("live"), &json!(true), &json!("0f")));
    let expected = json!({ "name": "b", "id": id(2), "address": "tcp/127.0.0.1:7447", "state": "gone", "ready": false,
        "lagMs": 3, "skewMs": -5, "root": null });
    assert_eq!(b, &expected);
}

#[tokio::test]
async fn a_token_of_a_tenant_sees_the_nodes_and_nothing_that_the_writes_of_all_change() {
    let server = nodes_of(Server::placed().await);
    let whole = server.get("/api/v1/cluster").await.expect(200).body();
    assert_eq!(whole["nodes"][0]["root"], "0f");
    let (token, _) = server.token("viewer", json!({})).await;
    let view = server.with_token(&token, "GET", "/api/v1/cluster", &[], &json!({})).await.expect(200).body();
    for member in ["stampsAhead", "stampsAheadBy", "tombstones", "versionsUnknown", "versionsInvalid"] {
        assert!(whole.get(member).is_some() && view.get(member).is_none(), "{member} in {view}");
    }
    assert!(view["nodes"][0]["root"].is_null(), "{view}");
    assert_eq!((&view["nodes"][0]["ready"], &view["nodes"][1]["lagMs"]), (&json!(true), &json!(3)));
}

#[tokio::test]
async fn a_node_that_is_gone_is_forgotten() {
    let server = with_nodes();
    server.delete(&format!("/api/v1/cluster/nodes/{}", id(1))).await.problem(409, "node_live");
    for unknown in [id(9).as_str(), "b", "nonsense", &id(2).to_uppercase().replace('0', "F")] {
        server.delete(&format!("/api/v1/cluster/nodes/{unknown}")).await.problem(404, "not_found");
    }
    server.delete(&format!("/api/v1/cluster/nodes/{}", id(2))).await.expect(204);
    assert_eq!(server.get("/api/v1/cluster").await.body()["nodes"][1]["state"], "forgotten");
}

#[tokio::test]
async fn who_comes_and_goes_is_told() {
    let server = with_nodes();
    let mut stream = Stream::open(&server, "/api/v1/cluster/events", None).await;
    let member = ClusterMember { name: Some("b".into()), id: id(2), address: Some("tcp/127.0.0.1:1".into()) };
    for (news, event) in [(ClusterNews::Joined(member.clone()), "joined"), (ClusterNews::Left(member.clone()), "left")]
    {
        server.status.news.send(news).unwrap();
        let frame = stream.next().await;
        assert_eq!((frame.event.as_str(), frame.data), (event, json!(member)));
    }
}

#[tokio::test]
async fn a_slow_reader_is_told_that_news_is_missing() {
    let server = with_nodes();
    let mut stream = Stream::open(&server, "/api/v1/cluster/events", None).await;
    for _ in 0..20 {
        server.status.news.send(ClusterNews::Joined(ClusterMember::default())).unwrap();
    }
    let frame = stream.next().await;
    assert_eq!((frame.event.as_str(), &frame.data["reason"]), ("reset", &json!("too_old")));
    assert_eq!(stream.next().await.event, "joined", "what is not missing follows");
}

#[tokio::test]
async fn the_stream_ends_at_shutdown() {
    let server = with_nodes();
    let mut stream = Stream::open(&server, "/api/v1/cluster/events", None).await;
    server.shutdown.send(true).unwrap();
    while stream.frame().await.is_some() {}
}
