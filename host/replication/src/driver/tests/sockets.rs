//! Over real sockets: what only the network negotiates.

use super::cluster::{config, eventually, store};
use crate::{Replication, ReplicationConfig, start};

async fn ready(replication: &Replication) {
    eventually("ready", || replication.readiness().borrow().ready).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neighbouring_versions_of_the_protocol_work_together() {
    let listen = || Some("tcp/127.0.0.1:0".to_owned());
    let (a_store, clock) = store(None);
    let newer = ReplicationConfig { listen: listen(), ..config("a", &[]) };
    let a = start(newer, a_store.clone(), clock).await.unwrap();
    ready(&a).await;
    let (b_store, clock) = store(None);
    let older = ReplicationConfig { listen: listen(), protocol_max: 2, ..config("b", &[a.endpoint().unwrap()]) };
    let b = start(older, b_store.clone(), clock).await.unwrap();
    ready(&b).await;
    eventually("roots are equal", || a_store.read().root() == b_store.read().root()).await;
    eventually("both are live", || a.status().nodes.iter().filter(|node| node.ready).count() == 2).await;
    assert!(a.status().frames_refused.is_empty() && b.status().frames_refused.is_empty());
    b.shutdown().await;
    a.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_without_a_cluster_is_ready_and_ends_at_once() {
    let (lone, clock) = store(None);
    let replication = start(config("lone", &[]), lone, clock).await.unwrap();
    ready(&replication).await;
    assert_eq!(replication.endpoint(), None);
    let begun = std::time::Instant::now();
    replication.shutdown().await;
    assert!(begun.elapsed().as_millis() < 500);
}
