//! Limits: one tenant's flood is its own; and what the table of limits says takes effect.

use std::{net::TcpStream, time::Duration};

use harness::{
    TOKEN,
    cluster::{CONVERGE_BOUND, flag, flag_in, place, put, sees},
    metrics::metric,
    node::{Node, Spec},
    stream::Stream,
    tap::port,
};
use serde_json::json;

#[test]
fn one_tenants_flood_is_refused_and_anothers_requests_pass() {
    let node = Spec::serve().option("--tenant-requests-per-second", "100").start();
    place(&node.client);
    flag(&node.client, "f");
    node.client.post("/api/v1/tenants", &json!({ "key": "other" })).check(201);
    node.client.post("/api/v1/tenants/other/environments", &json!({ "key": "development" })).check(201);
    let ask = |tenant: &str| {
        node.client.post(&format!("/e/{tenant}/development/ofrep/v1/evaluate/flags"), &json!({ "context": {} }))
    };
    let mut refused = 0;
    for _ in 0..600 {
        let flood = ask("demo");
        if flood.status == 429 {
            refused += 1;
            assert_eq!(flood.header("retry-after").as_deref(), Some("1"));
            assert_eq!(flood.json()["code"], "rate_limited");
            // slowly enough for its own rate
            if refused % 5 == 0 {
                ask("other").check(200);
            }
        }
    }
    // whoever goes on is answered later, so there are fewer of these than there would be
    assert!((15..200).contains(&refused), "{refused} of 600 were refused");
}

/// A node with these limits.
fn limited(spec: Spec, limits: &str) -> Node {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("[limits]\n{limits}\n")).unwrap();
    let node = spec.option("--config", file.path().to_str().unwrap()).start();
    place(&node.client);
    node
}

#[test]
fn who_was_away_for_more_changes_than_are_remembered_lists_again() {
    let node = limited(Spec::serve(), "feed_entries = 16");
    let url = format!("{}/api/v1/tenants/demo/environments/development/watch?kind=config", node.client.base);
    let bound = Duration::from_secs(5);
    let stream = Stream::open(&url, TOKEN, None);
    put(&node.client, "k", "first");
    let seen = stream.next(bound).unwrap().id.unwrap();
    (0..10).for_each(|n| put(&node.client, "k", &format!("{n}")));
    assert_eq!(Stream::open(&url, TOKEN, Some(&seen)).next(bound).unwrap().name, "change");
    (10..30).for_each(|n| put(&node.client, "k", &format!("{n}")));
    let event = Stream::open(&url, TOKEN, Some(&seen)).next(bound).unwrap();
    assert_eq!((event.name.as_str(), &event.data["reason"]), ("reset", &json!("too_old")));
}

#[test]
fn history_holds_so_many_versions() {
    let node = limited(Spec::serve(), "history_max_versions = 20\nhistory_min_versions = 2");
    flag(&node.client, "f");
    for n in 0..30 {
        let state = if n % 2 == 0 { "DISABLED" } else { "ENABLED" };
        node.client.patch(&flag_in("f"), &json!({ "state": state })).check(200);
    }
    let query = "kind=flag&key=f&environment=development&field=state";
    let history = node.client.get(&format!("/api/v1/tenants/demo/history?{query}")).expect(200).json();
    assert_eq!(history["items"].as_array().unwrap().len(), 20);
}

#[test]
fn of_one_address_so_many_connections_say_nothing_to_the_cluster() {
    let node = limited(Spec::serve().cluster("a"), "cluster_handshakes_per_address = 2");
    let refused = || metric(&node.client, "burgee_frames_refused_total", &["reason=\"overflow\""]);
    let silent: Vec<TcpStream> = (0..3).map(|_| TcpStream::connect(port(&node)).unwrap()).collect();
    sees("the refusal", CONVERGE_BOUND, &1.0, refused);
    drop(silent);
}
