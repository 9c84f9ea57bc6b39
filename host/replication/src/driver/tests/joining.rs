//! Nodes that start, join and tell each other.

use std::time::{Duration, Instant};

use super::cluster::{Node, eventually, three};
use crate::transport::memory::MemoryNetwork;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_joiner_gets_everything_and_then_hears_of_changes_at_once() {
    let network = MemoryNetwork::new();
    let a = Node::start(&network, "a", &[]).await;
    a.ready().await;
    for n in 0..50 {
        a.put(&format!("k{n}"), "before").await;
    }
    let b = Node::start(&network, "b", &[&a]).await;
    b.ready().await;
    assert!((0..50).all(|n| b.get(&format!("k{n}")).as_deref() == Some("before")));
    a.put("k0", "after").await;
    let written = Instant::now();
    b.shows("k0", Some("after")).await;
    assert!(written.elapsed() < Duration::from_millis(500), "{:?}", written.elapsed());
    b.put("k1", "back").await;
    a.shows("k1", Some("back")).await;
    eventually("roots are equal", || a.store.read().root() == b.store.read().root()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_find_each_other_through_one_seed() {
    let network = MemoryNetwork::new();
    let [a, b, c] = three(&network).await;
    b.put("x", "1").await;
    for node in [&a, &c] {
        node.shows("x", Some("1")).await;
    }
    let names: Vec<_> = a.replication.status().nodes.iter().map(|node| node.name.clone().unwrap()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(a.replication.status().leader, Some(a.id()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn empty_nodes_start_together() {
    let network = MemoryNetwork::new();
    // Neither exists when the other is configured: each one's endpoint is known in advance.
    let join = ["memory/1".to_owned(), "memory/2".to_owned()];
    let a = Node::configured(&network, super::cluster::config("a", &join), None).await;
    let b = Node::configured(&network, super::cluster::config("b", &join), None).await;
    a.ready().await;
    b.ready().await;
    a.put("x", "1").await;
    b.shows("x", Some("1")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_node_waits_for_its_seed() {
    let network = MemoryNetwork::new();
    let join = ["memory/9".to_owned()];
    let lone = Node::configured(&network, super::cluster::config("lone", &join), None).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let readiness = lone.replication.readiness().borrow().clone();
    assert_eq!((readiness.ready, readiness.reasons), (false, vec!["no_peer"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_replica_is_joined_by_snapshot() {
    let network = MemoryNetwork::new();
    let a = Node::start(&network, "a", &[]).await;
    a.ready().await;
    let writes = (0..20_000).map(|n| {
        let content = burgee_model::Blob { media: burgee_model::Media::Text, bytes: format!("v{n}").into() };
        burgee_store::DraftWrite::put(super::cluster::entry(&format!("k{n}")), content)
    });
    let draft = burgee_store::Draft::of(writes.collect());
    let request = burgee_store::Request {
        scope: burgee_store::WriteScope::Everything,
        actor: std::sync::Arc::from("test"),
        note: None,
        stamping: burgee_store::Stamping::Local,
    };
    a.store.write(request, |_, _| Ok::<_, std::convert::Infallible>(draft)).await.unwrap();
    let b = Node::start(&network, "b", &[&a]).await;
    b.ready().await;
    assert_eq!(b.get("k19999").as_deref(), Some("v19999"));
    eventually("roots are equal", || a.store.read().root() == b.store.read().root()).await;
    let pulled = || b.replication.status().traffic.get("snapshot").map_or(0, |traffic| traffic.bytes_received);
    eventually("it came by snapshot", || pulled() > 1_000_000).await;
}
