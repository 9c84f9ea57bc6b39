//! Lost frames, cuts, and nodes that two others cannot see each other through.

use std::time::Duration;

use super::cluster::{eventually, three};
use crate::transport::memory::MemoryNetwork;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_hint_is_mended_by_the_next_beat_at_the_latest() {
    let network = MemoryNetwork::new();
    let [a, b, c] = three(&network).await;
    for round in 0..5 {
        network.lose(2);
        a.put(&format!("lost{round}"), "x").await;
        network.lose(0);
        b.shows(&format!("lost{round}"), Some("x")).await;
        c.shows(&format!("lost{round}"), Some("x")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_of_a_cut_go_on_and_agree_after_it() {
    let network = MemoryNetwork::new();
    let [a, b, c] = three(&network).await;
    network.cut(c.peer());
    eventually("c is gone", || a.replication.status().nodes.iter().any(|node| node.id == c.id() && !node.ready)).await;
    a.put("x", "majority").await;
    c.put("y", "minority").await;
    b.shows("x", Some("majority")).await;
    network.heal(c.peer());
    let healed = std::time::Instant::now();
    c.shows("x", Some("majority")).await;
    b.shows("y", Some("minority")).await;
    assert!(healed.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_between_two_others_relays() {
    let network = MemoryNetwork::new();
    let [a, b, c] = three(&network).await;
    network.separate(a.peer(), c.peer());
    eventually("c is gone for a", || {
        a.replication.status().nodes.iter().any(|node| node.id == c.id() && node.lag_ms.is_none())
    })
    .await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let written = std::time::Instant::now();
    a.put("x", "relayed").await;
    c.shows("x", Some("relayed")).await;
    assert!(written.elapsed() < Duration::from_millis(300), "by a hint: {:?}", written.elapsed());
    c.put("y", "back").await;
    a.shows("y", Some("back")).await;
    drop(b);
}
