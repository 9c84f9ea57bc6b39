//! What changed between two snapshots.

use std::sync::Arc;

use burgee_engine::{ConfigValue, Engine, EngineConfig, FlagChange, Snapshot};
use burgee_model::Value;
use serde_json::{Value as Json, json};

use crate::support::{boolean_flag, no_config, source};

fn engine() -> Arc<Engine> {
    Engine::new(EngineConfig { compile: false, ..EngineConfig::default() }).unwrap()
}

fn changes(before: &Snapshot, after: &Snapshot) -> Vec<(String, FlagChange)> {
    after.changes_since(before).into_iter().map(|(key, change)| (key.to_string(), change)).collect()
}

fn between(before: &Json, after: &Json) -> Vec<(String, FlagChange)> {
    let engine = engine();
    let first = engine.build(None, source(before), &no_config);
    changes(&first, &engine.build(Some(&first), source(after), &no_config))
}

fn document() -> Json {
    json!({
        "flags": {
            "a": boolean_flag(json!({"if": [{"$ref": "staff"}, "on", "off"]})),
            "b": boolean_flag(json!({"if": [{"==": [{"flag": "c"}, "on"]}, "on", "off"]})),
            "c": boolean_flag(json!("on")),
            "d": boolean_flag(json!({"if": [{"==": [{"flag": "b"}, "on"]}, "on", "off"]})),
            "e": boolean_flag(Json::Null),
        },
        "$evaluators": { "staff": true },
        "metadata": { "version": 1 },
    })
}

#[test]
fn only_what_changed_and_what_asks_for_it() {
    let before = document();
    assert_eq!(between(&before, &before), []);
    let mut after = document();
    after["flags"]["c"]["state"] = "DISABLED".into();
    let update = |key: &str| (key.to_owned(), FlagChange::Update);
    assert_eq!(between(&before, &after), [update("b"), update("c"), update("d")]);
    let mut after = document();
    after["$evaluators"]["staff"] = false.into();
    assert_eq!(between(&before, &after), [update("a")]);
    let mut after = document();
    after["metadata"]["version"] = 2.into();
    assert_eq!(between(&before, &after).len(), 5);
}

#[test]
fn flags_come_and_go() {
    let (mut after, before) = (document(), document());
    after["flags"]["new"] = after["flags"]["e"].take();
    after["flags"].as_object_mut().unwrap().remove("e");
    let wanted = [("e".to_owned(), FlagChange::Delete), ("new".to_owned(), FlagChange::Write)];
    assert_eq!(between(&before, &after), wanted);
}

#[test]
fn entries_count_for_the_rules_that_read_them() {
    let mut document = document();
    document["flags"]["e"] = boolean_flag(json!({"if": [{"config": ["limit", 0]}, "on", "off"]}));
    let read = |number: f64| {
        move |key: &str| (key == "limit").then_some(ConfigValue { value: Value::Number(number), expires_at: None })
    };
    let engine = engine();
    let first = engine.build(None, source(&document), &read(1.0));
    let same = engine.build(Some(&first), source(&document), &read(1.0));
    assert_eq!(changes(&first, &same), []);
    let other = engine.build(Some(&first), source(&document), &read(2.0));
    assert_eq!(changes(&first, &other), [("e".to_owned(), FlagChange::Update)]);
}
