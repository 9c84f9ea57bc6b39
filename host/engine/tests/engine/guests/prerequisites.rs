//! Flags that ask for flags whose guests fail.

use burgee_engine::{Engine, EngineConfig, Snapshot, guest::GuestFault};
use burgee_model::Key;
use serde_json::{Value as Json, json};

use super::{support::Node, wat};
use crate::support::{compiling, context, items, no_config, source};

fn flag(targeting: &Json) -> Json {
    json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting": targeting})
}

/// Flags whose guest fails, with and without a default, and flags that ask for them.
fn document() -> Json {
    let calls = json!({"if": [{"guest": "bad"}, "on", "on"]});
    let mut bare = flag(&calls);
    bare.as_object_mut().unwrap().shift_remove("defaultVariant");
    json!({"flags": {
        "fails": flag(&calls),
        "bare": bare,
        "asks": flag(&json!({"if": [{"===": [{"flag": "fails"}, null]}, "on", "off"]})),
        "asks-bare": flag(&json!({"if": [{"===": [{"flag": "bare"}, null]}, "on", "off"]})),
        "in-turn": flag(&json!({"if": [{"===": [{"flag": "asks"}, "on"]}, "on", "off"]})),
    }})
}

#[test]
fn a_flag_whose_guest_fails_gives_null_to_those_that_ask_for_it() {
    for compile in [true, false] {
        let node = Node::new();
        let bad = node.put("acme", "bad", &wat::fails());
        let config = EngineConfig { compile, ..compiling() };
        let engine = Engine::with_guests(config, node.guests.clone()).unwrap();
        let mut state = source(&document());
        state.guests.insert(Key::new("bad").unwrap(), bad.digest());
        assert_eq!(node.call(&bad), Err(GuestFault::Failed), "its module is ready");
        let snapshot = engine.build(None, state, &no_config);
        engine.quiesce();
        check(&snapshot);
    }
}

fn check(snapshot: &Snapshot) {
    let all = items(snapshot, &context(json!({})));
    let told = |key: &str| (all[key]["variant"].clone(), all[key]["reason"].clone(), all[key]["errorCode"].clone());
    assert_eq!(told("fails"), ("off".into(), "ERROR".into(), Json::Null), "its own answer says so");
    assert_eq!(told("bare"), (Json::Null, Json::Null, "GENERAL".into()));
    for asker in ["asks", "asks-bare", "in-turn"] {
        assert_eq!(told(asker), ("on".into(), "TARGETING_MATCH".into(), Json::Null), "{asker}");
    }
}
