//! Writes that a concurrent one overwrote: listed alike on every node, told to watchers, restored or dismissed.

use std::time::Duration;

use harness::{
    TOKEN,
    cluster::{Apart, CONVERGE_BOUND, HEAL_BOUND, all_see, equal, flag, flag_in, sees},
    http::Client,
    metrics::metric,
    node::Node,
    stream::Stream,
};
use serde_json::{Value as Json, json};

const CONFLICTS: &str = "/api/v1/tenants/demo/conflicts";

/// What is told of conflicts: registers with the stamps of winner and losers, in order.
fn conflicts(client: &Client) -> Vec<Json> {
    let list = client.get(CONFLICTS).expect(200).json();
    let brief = |item: &Json| {
        let mut losers: Vec<Json> =
            item["losers"].as_array().unwrap().iter().map(|loser| loser["stamp"].clone()).collect();
        losers.sort_by_key(ToString::to_string);
        json!({ "register": item["register"], "winner": item["winner"]["stamp"], "losers": losers })
    };
    let mut all: Vec<Json> = list["items"].as_array().unwrap().iter().map(brief).collect();
    all.sort_by_key(ToString::to_string);
    all
}

fn default_variant(client: &Client) -> Json {
    client.get(&flag_in("f")).expect(200).json()["defaultVariant"].clone()
}

/// Three nodes, and a flag whose default variant is written differently on all of them while they are apart.
fn in_conflict() -> Apart {
    let apart = Apart::with_nodes(3);
    flag(&apart.nodes[0].client, "f");
    let variants = json!({ "on": true, "off": false, "b": true, "c": false });
    apart.nodes[0].client.patch("/api/v1/tenants/demo/flags/f", &json!({ "variants": variants })).check(200);
    equal(&all(&apart), CONVERGE_BOUND);
    (0..2).for_each(|host| apart.network.isolate(host));
    for (node, variant) in apart.nodes.iter().zip(["off", "b", "c"]) {
        node.client.patch(&flag_in("f"), &json!({ "defaultVariant": variant })).check(200);
    }
    apart
}

fn all(apart: &Apart) -> Vec<&Node> {
    apart.nodes.iter().collect()
}

fn reunite(apart: &Apart) {
    // the cut between the first two was made twice, and is healed once
    [(0, 1), (0, 2), (1, 2)].into_iter().for_each(|(one, other)| apart.network.heal(one, other));
    equal(&all(apart), HEAL_BOUND);
}

#[test]
fn conflicts_are_listed_alike_on_every_node_and_restoring_one_ends_it() {
    let apart = in_conflict();
    let streams = all(&apart).into_iter().map(|node| {
        let url = format!("{}/api/v1/tenants/demo/environments/development/watch?kind=flag", node.client.base);
        Stream::open(&url, TOKEN, None)
    });
    let streams: Vec<Stream> = streams.collect();
    reunite(&apart);
    let nodes = all(&apart);
    sees("a conflict", HEAL_BOUND, &1, || conflicts(&nodes[0].client).len());
    let listed = conflicts(&nodes[0].client);
    all_see("the same conflict", HEAL_BOUND, &listed, &nodes, conflicts);
    assert_eq!(listed[0]["losers"].as_array().unwrap().len(), 2, "{listed:?}");
    assert_eq!(listed[0]["register"]["key"], "f", "{listed:?}");
    for stream in &streams {
        let event = stream.wait_for("conflict", CONVERGE_BOUND, |event| event.name == "conflict");
        assert_eq!(event.data["register"], listed[0]["register"], "{event:?}");
    }
    for node in &nodes {
        assert!(metric(&node.client, "burgee_conflicts", &[]) >= 1.0);
    }
    let loser = &listed[0]["losers"][0];
    let full = nodes[0].client.get(CONFLICTS).json();
    let value = full["items"][0]["losers"].as_array().unwrap().iter().find(|one| one["stamp"] == *loser).unwrap();
    let body = json!({ "register": listed[0]["register"], "stamp": loser, "note": "this one was meant" });
    nodes[1].client.post("/api/v1/tenants/demo/restore", &body).check(200);
    all_see("no conflict", HEAL_BOUND, &Vec::new(), &nodes, conflicts);
    all_see("the restored value", HEAL_BOUND, &value["value"], &nodes, default_variant);
}

#[test]
fn dismissing_a_conflict_keeps_the_winner_and_ends_it_everywhere() {
    let apart = in_conflict();
    reunite(&apart);
    let nodes = all(&apart);
    sees("a conflict", HEAL_BOUND, &1, || conflicts(&nodes[2].client).len());
    let (listed, winner) = (conflicts(&nodes[2].client), default_variant(&nodes[2].client));
    let body = json!({ "register": listed[0]["register"], "note": "seen" });
    let answer = nodes[2].client.post("/api/v1/tenants/demo/conflicts/dismiss", &body);
    assert!(matches!(answer.status, 200 | 204), "{}", answer.text());
    all_see("no conflict", HEAL_BOUND, &Vec::new(), &nodes, conflicts);
    all_see("the winner", HEAL_BOUND, &winner, &nodes, default_variant);
    equal(&nodes, HEAL_BOUND);
    // it does not come back with a restart
    let mut apart = apart;
    let first = apart.nodes.remove(0).stop().start();
    assert_eq!(conflicts(&first.client), Vec::<Json>::new());
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(default_variant(&first.client), winner);
}
