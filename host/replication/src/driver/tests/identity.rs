//! Names, forgetting, restarts, and disks that are too old.

use std::time::Duration;

use super::cluster::{Node, entry, eventually, three};
use crate::{ForgetError, NodeState, transport::memory::MemoryNetwork};

fn state_of(node: &Node, id: burgee_model::NodeId) -> Option<NodeState> {
    node.replication.status().nodes.iter().find(|view| view.id == id).map(|view| view.state)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_node_without_seeds_finds_its_cluster() {
    let (network, dir) = (MemoryNetwork::new(), tempfile::tempdir().unwrap());
    let a = Node::open(&network, "a", Some(dir.path()), &[]).await;
    a.ready().await;
    let b = Node::start(&network, "b", &[&a]).await;
    b.ready().await;
    eventually("a knows b", || state_of(&a, b.id()) == Some(NodeState::Live)).await;
    eventually("b is in the roster of a", || a.store.read().members().count() == 2).await;
    a.store.flushed().await;
    a.stop().await;
    b.put("x", "meanwhile").await;
    let a = Node::open(&network, "a", Some(dir.path()), &[]).await;
    a.ready().await;
    assert_eq!(a.get("x").as_deref(), Some("meanwhile"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_name_of_a_live_node_is_refused() {
    let network = MemoryNetwork::new();
    let [a, b, c] = three(&network).await;
    let thief = Node::start(&network, "b", &[&a]).await;
    let why = tokio::time::timeout(Duration::from_secs(10), thief.replication.failed()).await.unwrap();
    assert!(why.starts_with("node-name: "), "{why}");
    assert_eq!(thief.replication.readiness().borrow().reasons, ["name_in_use"]);
    assert!(b.replication.readiness().borrow().ready && c.replication.readiness().borrow().ready);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wiped_node_replaces_its_former_self() {
    let network = MemoryNetwork::new();
    let [a, b, c] = three(&network).await;
    let old = b.id();
    b.stop().await;
    eventually("b is gone", || state_of(&a, old) == Some(NodeState::Gone)).await;
    let b = Node::start(&network, "b", &[&a]).await;
    b.ready().await;
    eventually("replaced", || state_of(&c, old) == Some(NodeState::Forgotten)).await;
    assert_eq!(state_of(&a, b.id()), Some(NodeState::Live));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forgotten_node_returns_under_a_new_identity_and_resurrects_nothing() {
    let (network, dir) = (MemoryNetwork::new(), tempfile::tempdir().unwrap());
    let a = Node::start(&network, "a", &[]).await;
    a.ready().await;
    let b = Node::open(&network, "b", Some(dir.path()), &[&a]).await;
    b.ready().await;
    a.put("dead", "value").await;
    b.shows("dead", Some("value")).await;
    let old = b.id();
    b.store.flushed().await;
    b.stop().await;
    eventually("b is gone", || state_of(&a, old) == Some(NodeState::Gone)).await;
    assert_eq!(a.replication.forget(a.id()).await, Err(ForgetError::Live));
    a.delete("dead").await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(a.store.read().counts().tombstones, 1);
    eventually("held back", || matches!(&*a.replication.status().collection_held_by, [holder] if holder.name == "b"))
        .await;
    a.replication.forget(old).await.unwrap();
    eventually("collected", || a.store.read().counts().tombstones == 0).await;
    let b = Node::open(&network, "b", Some(dir.path()), &[&a]).await;
    eventually("a new identity", || b.id() != old).await;
    b.ready().await;
    assert_eq!((b.get("dead"), a.get("dead")), (None, None));
    b.put("alive", "again").await;
    a.shows("alive", Some("again")).await;
    assert!(!b.store.needs_resync());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_backup_is_noticed() {
    let (network, dir) = (MemoryNetwork::new(), tempfile::tempdir().unwrap());
    let a = Node::start(&network, "a", &[]).await;
    a.ready().await;
    let b = Node::open(&network, "b", Some(dir.path()), &[&a]).await;
    b.ready().await;
    b.put("x", "1").await;
    b.store.flushed().await;
    let old = b.id();
    b.stop().await;
    let backup = tempfile::tempdir().unwrap();
    copy(dir.path(), backup.path());
    let b = Node::open(&network, "b", Some(dir.path()), &[&a]).await;
    b.ready().await;
    // The disk promises stamps up to a second ahead.
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    b.put("x", "2").await;
    a.shows("x", Some("2")).await;
    b.stop().await;
    let b = Node::open(&network, "b", Some(backup.path()), &[&a]).await;
    eventually("a new identity", || b.id() != old).await;
    b.ready().await;
    assert_eq!(b.get("x").as_deref(), Some("2"));
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_forgotten_while_it_serves_stops_serving_first() {
    let network = MemoryNetwork::new();
    let [a, b, c] = three(&network).await;
    let old = c.id();
    network.cut(c.peer());
    eventually("c is gone", || state_of(&a, old) == Some(NodeState::Gone)).await;
    a.replication.forget(old).await.unwrap();
    b.put("x", "1").await;
    c.put("y", "written while forgotten").await;
    network.heal(c.peer());
    let mut readiness = c.replication.readiness();
    readiness.wait_for(|readiness| readiness.reasons == ["resynchronising"]).await.unwrap();
    c.ready().await;
    assert_ne!(c.id(), old);
    c.shows("x", Some("1")).await;
    // What it wrote above the horizon is not lost.
    a.shows("y", Some("written while forgotten")).await;
}

/// Only the asked node does not reach it: forgotten, it would have to begin anew in the middle of its work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_a_peer_still_reaches_is_not_forgotten() {
    let network = MemoryNetwork::new();
    let [a, b, c] = three(&network).await;
    network.separate(a.peer(), c.peer());
    eventually("c is gone for a", || state_of(&a, c.id()) == Some(NodeState::Gone)).await;
    assert_eq!(a.replication.forget(c.id()).await, Err(ForgetError::Live));
    assert_eq!(a.store.read().forgotten().count(), 0);
    drop(b);
}

/// Whoever told it would bring back what the cluster has collected.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_node_drops_it_tells_nobody() {
    let network = MemoryNetwork::new();
    let nodes = three(&network).await;
    let [a, b, c] = &nodes;
    a.put("x", "1").await;
    b.shows("x", Some("1")).await;
    c.shows("x", Some("1")).await;
    let held = a.store.read().latest(&entry("x")).unwrap();
    for node in [b, c, a] {
        assert_eq!(node.store.evict(&[(entry("x"), held.stamp)]), 1);
    }
    a.put("y", "2").await;
    b.shows("y", Some("2")).await;
    c.shows("y", Some("2")).await;
    assert!(nodes.iter().all(|node| node.get("x").is_none()));
}
