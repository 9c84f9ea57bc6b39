//! The last use of tokens, over nodes.

use std::{collections::BTreeMap, time::Duration};

use burgee_model::TokenId;

use super::cluster::{Node, config, eventually, three};
use crate::{ReplicationConfig, transport::memory::MemoryNetwork, wire::USES_SINCE};

const TOKENS: [TokenId; 3] = [TokenId([1; 16]), TokenId([2; 16]), TokenId([3; 16])];

fn heard(node: &Node, uses: &[(TokenId, u64)]) {
    let uses = BTreeMap::from_iter(uses.iter().copied());
    let own = move |asked: &[TokenId]| asked.iter().filter_map(|token| Some((*token, *uses.get(token)?))).collect();
    node.replication.tell_uses(Box::new(own));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_latest_use_over_live_nodes_is_told() {
    let [a, b, c] = three(&MemoryNetwork::new()).await;
    heard(&a, &[(TOKENS[0], 99)]);
    heard(&b, &[(TOKENS[0], 5), (TOKENS[1], 7)]);
    heard(&c, &[(TOKENS[0], 6), (TOKENS[1], 4)]);
    let elsewhere = a.replication.uses_elsewhere(&TOKENS).await;
    assert_eq!(elsewhere, BTreeMap::from([(TOKENS[0], 6), (TOKENS[1], 7)]));
    assert_eq!(a.replication.uses_elsewhere(&TOKENS[1..]).await, BTreeMap::from([(TOKENS[1], 7)]));
    c.stop().await;
    eventually("c is gone", || a.replication.status().nodes.iter().filter(|node| node.ready).count() == 2).await;
    let elsewhere = a.replication.uses_elsewhere(&TOKENS[..1]).await;
    assert_eq!(elsewhere, BTreeMap::from([(TOKENS[0], 5)]), "of those that are there");
    b.stop().await;
    a.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_without_peers_is_answered_at_once() {
    let a = Node::start(&MemoryNetwork::new(), "a", &[]).await;
    a.ready().await;
    heard(&a, &[(TOKENS[0], 1)]);
    let asked = tokio::time::timeout(Duration::from_secs(10), a.replication.uses_elsewhere(&TOKENS)).await;
    assert_eq!(asked, Ok(BTreeMap::new()));
    a.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_release_neither_asks_nor_is_asked() {
    let network = MemoryNetwork::new();
    let a = Node::start(&network, "a", &[]).await;
    a.ready().await;
    let older = ReplicationConfig { protocol_max: USES_SINCE - 1, ..config("b", &[a.endpoint()]) };
    let b = Node::configured(&network, older, None).await;
    b.ready().await;
    heard(&a, &[(TOKENS[0], 1)]);
    heard(&b, &[(TOKENS[0], 2)]);
    assert_eq!(b.replication.uses_elsewhere(&TOKENS).await, BTreeMap::new());
    let refused = |node: &Node| node.replication.status().frames_refused.values().sum::<u64>();
    assert_eq!((refused(&a), refused(&b)), (0, 0));
    b.stop().await;
    a.stop().await;
}
