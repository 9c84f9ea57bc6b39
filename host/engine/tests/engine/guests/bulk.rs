//! Guests within a bulk evaluation.

use burgee_engine::{Engine, EngineConfig, guest::GuestFault};
use burgee_model::{Key, Limits};
use serde_json::{Map, Value as Json, json};

use super::{support::Node, wat};
use crate::support::{context, items, no_config, source};

fn answers(node: &Node, guest_request_ms: u64) -> Vec<Json> {
    let seven = node.put("acme", "seven", &wat::seven());
    let flag = json!({"state": "ENABLED", "variants": {"7": true, "other": false}, "defaultVariant": "other",
        "targeting": {"guest": "seven"}});
    let flags: Map<String, Json> = (0..20).map(|n| (format!("f{n:02}"), flag.clone())).collect();
    let limits = Limits { guest_request_ms, ..Limits::default() };
    let engine = Engine::with_guests(EngineConfig { limits, ..EngineConfig::default() }, node.guests.clone()).unwrap();
    let mut source = source(&json!({"flags": flags}));
    source.guests.insert(Key::new("seven").unwrap(), seven.digest());
    node.call(&seven).unwrap();
    let all = items(&engine.build(None, source, &no_config), &context(json!({})));
    all.into_values().map(|item| json!([item["variant"], item["reason"]])).collect()
}

#[test]
fn guests_take_no_more_of_a_request_than_they_may() {
    let node = Node::new();
    assert_eq!(answers(&node, 60_000), vec![json!(["7", "TARGETING_MATCH"]); 20]);
    assert_eq!(node.faults(GuestFault::Request), 0);
    assert_eq!(answers(&node, 0), vec![json!(["other", "ERROR"]); 20]);
    assert_eq!(node.faults(GuestFault::Request), 40, "of all flags at once, and of each alone");
}
