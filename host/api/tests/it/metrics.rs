//! `/metrics`, read as a monitoring system reads it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering,
};

use burgee_api::{ClusterNode, ClusterNodeState, Traffic};
use serde_json::json;

use crate::{
    history,
    server::{Server, TOKEN},
};

/// Samples by their name with labels.
type Samples = BTreeMap<String, f64>;

/// Reads the text strictly: each sample belongs to a metric that was described before it, and stands once.
fn parse(text: &str) -> (BTreeMap<String, String>, Samples) {
    let (mut kinds, mut samples, mut helped) = (BTreeMap::new(), Samples::new(), BTreeSet::new());
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(!help.is_empty() && helped.insert(name.to_owned()), "{line}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(helped.contains(name) && ["counter", "gauge"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            kinds.insert(name.to_owned(), kind.to_owned());
        } else {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            let name = sample.split('{').next().unwrap();
            assert!(kinds.contains_key(name), "{line}");
            assert!(samples.insert(sample.to_owned(), value.parse().unwrap()).is_none(), "{line}");
        }
    }
    (kinds, samples)
}

async fn metrics(server: &Server) -> (BTreeMap<String, String>, Samples) {
    seen_with(server, TOKEN).await
}

async fn seen_with(server: &Server, token: &str) -> (BTreeMap<String, String>, Samples) {
    let answer = server.with_token(token, "GET", "/metrics", &[], &json!({})).await.expect(200);
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
    parse(std::str::from_utf8(&answer.body).unwrap())
}

#[tokio::test]
async fn every_promised_metric_is_described() {
    let (kinds, samples) = metrics(&Server::new()).await;
    for name in [
        "burgee_tombstones",
        "burgee_conflicts",
        "burgee_stamps_ahead_total",
        "burgee_clock_skew_seconds",
        "burgee_replication_lag_seconds",
        "burgee_frames_refused_total",
        "burgee_evaluations_total",
        "burgee_guest_faults_total",
    ] {
        assert!(kinds.contains_key(name), "{name}");
    }
    for (sample, value) in [
        ("burgee_tombstones", 0.0),
        ("burgee_conflicts", 0.0),
        ("burgee_stamps_ahead_total", 0.0),
        ("burgee_clock_skew_seconds", 0.0),
        ("burgee_frames_refused_total{reason=\"garbage\"}", 0.0),
        ("burgee_versions_unknown_total", 0.0),
        ("burgee_versions_invalid_total", 0.0),
        ("burgee_ready", 1.0),
        ("burgee_store_writable", 1.0),
    ] {
        assert_eq!(samples.get(sample), Some(&value), "{sample}");
    }
}

#[tokio::test]
async fn what_happens_is_counted() {
    let server = Server::placed().await;
    server.flag("f").await;
    server.put("/api/v1/tenants/t/environments/dev/config/k", "v").await.expect(201);
    server.put("/api/v1/tenants/t/environments/dev/config/gone", "v").await.expect(201);
    server.delete("/api/v1/tenants/t/environments/dev/config/gone").await.expect(204);
    for flag in ["f", "f", "missing"] {
        server.value(flag, json!({})).await;
    }
    server.post("/e/t/dev/ofrep/v1/evaluate/flags", json!({})).await.expect(200);
    server.status.clock_ahead.store(5, Ordering::Relaxed);
    server.put("/api/v1/tenants/t/environments/dev/config/k", "w").await.problem(503, "clock_ahead");
    let (_, samples) = metrics(&server).await;
    for (sample, value) in [
        ("burgee_config_entries", 1.0),
        ("burgee_tombstones", 1.0),
        ("burgee_evaluations_total{tier=\"fixed\",result=\"static\"}", 3.0),
        ("burgee_evaluations_total{tier=\"fixed\",result=\"flag_not_found\"}", 1.0),
        ("burgee_writes_refused_total{reason=\"clock_ahead\"}", 1.0),
        ("burgee_clock_ahead", 1.0),
    ] {
        assert_eq!(samples.get(sample), Some(&value), "{sample}");
    }
}

#[tokio::test]
async fn a_token_of_a_tenant_sees_how_the_node_is_and_nothing_that_others_do() {
    let server = Server::placed().await;
    server.post("/api/v1/tenants", json!({ "key": "other" })).await.expect(201);
    let new = json!({ "name": "n", "kind": "admin" });
    let made = server.post("/api/v1/tenants/other/tokens", new).await.expect(201).body();
    let token = made["token"].as_str().unwrap();
    let before = seen_with(&server, token).await;
    server.flag("f").await;
    server.put("/api/v1/tenants/t/environments/dev/config/k", "v").await.expect(201);
    server.delete("/api/v1/tenants/t/environments/dev/config/k").await.expect(204);
    server.value("f", json!({})).await;
    server.value("missing", json!({})).await;
    let whole = metrics(&server).await;
    assert_eq!(seen_with(&server, token).await, before);
    for name in ["burgee_ready", "burgee_nodes", "burgee_clock_skew_seconds", "burgee_store_writable"] {
        assert!(before.0.contains_key(name), "{name}");
    }
    for name in ["burgee_evaluations_total", "burgee_tombstones", "burgee_config_entries", "burgee_frames_total"] {
        assert!(whole.0.contains_key(name) && !before.0.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn conflicts_are_counted_until_they_end() {
    let server = history::server().await;
    history::conflicting(&server).await;
    assert_eq!(metrics(&server).await.1["burgee_conflicts"], 1.0);
    history::dismiss(&server, &history::name()).await.expect(200);
    assert_eq!(metrics(&server).await.1["burgee_conflicts"], 0.0);
}

#[tokio::test]
async fn live_peers_have_lag_and_skew() {
    let server = Server::new();
    let node = |name: &str, state| ClusterNode {
        name: name.into(),
        state,
        lag_ms: Some(1500),
        skew_ms: Some(-10_800_001),
        ..ClusterNode::default()
    };
    let (live, gone) = (ClusterNodeState::Live, ClusterNodeState::Gone);
    *server.status.nodes.lock().unwrap() = vec![node("a", live), node("b\"\\", live), node("c", gone)];
    server.status.figures.lock().unwrap().clock_skew_ms = 10_800_001;
    server.status.figures.lock().unwrap().frames_refused.insert("cluster", 7);
    let exchanged = Traffic { kind: "beat", direction: "sent", frames: 3, bytes: 270 };
    server.status.figures.lock().unwrap().traffic = vec![exchanged];
    let (_, samples) = metrics(&server).await;
    assert_eq!(samples[r#"burgee_frame_bytes_total{kind="beat",direction="sent"}"#], 270.0);
    let lags: Vec<&String> = samples.keys().filter(|name| name.starts_with("burgee_replication_lag")).collect();
    assert_eq!(lags, [r#"burgee_replication_lag_seconds{peer="b\"\\"}"#]);
    assert_eq!(samples[r#"burgee_peer_clock_skew_seconds{peer="b\"\\"}"#], -10_800.001);
    assert_eq!(samples["burgee_clock_skew_seconds"], 10_800.001);
    assert_eq!(samples[r#"burgee_frames_refused_total{reason="cluster"}"#], 7.0);
    assert_eq!(samples[r#"burgee_nodes{state="live"}"#], 2.0);
}
