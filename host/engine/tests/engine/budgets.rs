//! Rules that cost too much, or are too large to compile.

use std::sync::Arc;

use burgee_engine::{Engine, EngineConfig, Snapshot};
use burgee_model::Limits;
use serde_json::{Map, Value as Json, json};

use crate::support::{boolean_flag, context, items, no_config, source};

fn tiers_with(limits: &Limits, document: &Json) -> [Arc<Snapshot>; 2] {
    [true, false].map(|compile| {
        let config = EngineConfig { limits: limits.clone(), compile, ..EngineConfig::default() };
        let engine = Engine::new(config).unwrap();
        let snapshot = engine.build(None, source(document), &no_config);
        engine.quiesce();
        snapshot
    })
}

#[test]
fn a_costly_rule_fails_alone_and_alike_in_both_tiers() {
    let limits = Limits { evaluation_bytes: 100, evaluation_steps: 12, ..Limits::default() };
    let costly = boolean_flag(json!({"cat": [{"var": "long"}, {"var": "long"}]}));
    let search = boolean_flag(json!({"in": [1, {"var": "list"}]}));
    let cheap = boolean_flag(json!({"cat": ["o", {"var": "n"}]}));
    let inline = boolean_flag(json!({"if": [{"==": [{"var": "n"}, "n"]}, "on", "off"]}));
    let document =
        json!({"flags": {"a": inline, "b": costly, "c": cheap, "d": search, "e": costly, "f": inline, "g": cheap}});
    let [compiled, interpreted] = tiers_with(&limits, &document);
    assert_eq!(compiled.tiers().interpreted, 0);
    for (long, list) in [(40, 12), (60, 12), (40, 13), (60, 13)] {
        let context = context(json!({"n": "n", "long": "x".repeat(long), "list": vec![0; list]}));
        let all = items(&compiled, &context);
        assert_eq!(all, items(&interpreted, &context));
        let failed = |key: &str| all[key]["errorDetails"].as_str().is_some_and(|d| d.starts_with("rule_too_costly"));
        assert_eq!((failed("b"), failed("e"), failed("d")), (long == 60, long == 60, list == 13));
        for key in ["a", "c", "f", "g"] {
            assert_eq!(all[key]["variant"], "on", "{key}: {}", all[key]);
        }
    }
}

#[test]
fn many_rules_that_build_text_do_not_add_up() {
    let text = boolean_flag(json!({"cat": [{"var": "long"}, {"var": "flag"}]}));
    let flags: Map<String, Json> = (0..40).map(|n| (format!("f{n}"), text.clone())).collect();
    let [compiled, interpreted] = tiers_with(&Limits::default(), &json!({"flags": flags}));
    let context = context(json!({"long": "x".repeat(900_000)}));
    assert_eq!(items(&compiled, &context), items(&interpreted, &context));
}

#[test]
fn what_does_not_fit_is_interpreted_for_good() {
    let wide: Vec<Json> = (0..65).map(|n| json!({"var": format!("a{n}")})).collect();
    let mut deep = json!({"var": "a1"});
    for _ in 0..200 {
        deep = json!({"!": deep});
    }
    let mut nested = json!({"var": "a1"});
    for _ in 0..40 {
        nested = json!({"if": [{"and": [{"or": [nested, {"var": "a2"}]}, true]}, "on", "off"]});
    }
    let long: Vec<Json> = (0..1500).map(|n| json!({"==": [{"var": "a1"}, n]})).collect();
    let document = json!({"flags": {
        "wide": boolean_flag(json!({"or": wide})),
        "deep": boolean_flag(deep),
        "nested": boolean_flag(nested),
        "long": boolean_flag(json!({"or": long})),
        "whole": boolean_flag(json!({"!!": [{"var": "$flagd"}]})),
        "fits": boolean_flag(json!({"var": "a1"})),
    }});
    let [compiled, interpreted] = tiers_with(&Limits::default(), &document);
    let tiers = compiled.tiers();
    assert_eq!((tiers.compiled, tiers.interpreted), (2, 4), "nested and fits are compiled");
    for attributes in [json!({}), json!({"a1": 1200, "a64": 1}), json!({"a1": "on"})] {
        let context = context(attributes);
        assert_eq!(items(&compiled, &context), items(&interpreted, &context));
    }
}
