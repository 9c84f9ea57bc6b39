//! What protocols say an evaluation answers.

use serde_json::{Value as Json, json};

use crate::support::{NOW, context, item, items, no_config, source, tiers};

fn document() -> Json {
    let variants = json!({"on": true, "off": false});
    let by_plan = json!({"if": [{"==": [{"var": "plan"}, "gold"]}, "on", null]});
    json!({
        "metadata": {"owner": "set", "level": 1, "dropped": [1]},
        "flags": {
            "static": {"state": "ENABLED", "variants": variants, "defaultVariant": "on", "metadata": {"owner": "flag"}},
            "no-default": {"state": "ENABLED", "variants": variants},
            "disabled": {"state": "DISABLED", "variants": variants, "defaultVariant": "on"},
            "killed": {"state": "ENABLED", "variants": variants, "defaultVariant": "on", "killed": true},
            "rule": {"state": "ENABLED", "variants": variants, "defaultVariant": "off", "targeting": by_plan},
            "rule-no-default": {"state": "ENABLED", "variants": variants, "targeting": by_plan},
            "rule-off": {"state": "DISABLED", "variants": variants, "targeting": by_plan},
            "split": {"state": "ENABLED", "variants": {"a": 1, "b": 2}, "defaultVariant": "a",
                      "targeting": {"fractional": [{"var": "targetingKey"}, ["a", 1], ["b", 1]]}},
            "names-nothing": {"state": "ENABLED", "variants": variants, "targeting": {"cat": ["o", {"var": "x"}]}},
            "names-list": {"state": "ENABLED", "variants": variants, "targeting": {"var": "list"}},
            "broken": {"state": "ENABLED", "variants": variants, "targeting": {"zap": []}},
            "boolean": {"state": "ENABLED", "variants": {"true": {"a": []}, "false": {}},
                        "targeting": {">": [{"var": "age"}, 17]}},
            "numbered": {"state": "ENABLED", "variants": {"1.5": "x", "2": "y"}, "targeting": {"var": "n"}},
        }
    })
}

#[test]
fn items_are_those_of_the_protocol_in_both_tiers() {
    let gold = context(json!({"plan": "gold", "targetingKey": "user1", "age": 18, "n": 2, "list": ["on"], "x": "x"}));
    for snapshot in tiers(&document()) {
        let all = items(&snapshot, &gold);
        let set = json!({"owner": "set", "level": 1});
        let expected = [
            ("boolean", json!({"value": {"a": []}, "variant": "true", "reason": "TARGETING_MATCH"})),
            ("disabled", json!({"reason": "DISABLED"})),
            ("killed", json!({"reason": "DISABLED"})),
            ("no-default", json!({"reason": "DEFAULT"})),
            ("numbered", json!({"value": "y", "variant": "2", "reason": "TARGETING_MATCH"})),
            ("rule", json!({"value": true, "variant": "on", "reason": "TARGETING_MATCH"})),
            ("rule-no-default", json!({"value": true, "variant": "on", "reason": "TARGETING_MATCH"})),
            ("rule-off", json!({"reason": "DISABLED"})),
            ("split", json!({"value": 2, "variant": "b", "reason": "TARGETING_MATCH"})),
        ];
        for (key, mut item) in expected {
            item["key"] = key.into();
            item["metadata"] = set.clone();
            assert_eq!(all[key], item, "{snapshot:?}");
        }
        assert_eq!(all["static"]["metadata"], json!({"owner": "flag", "level": 1}));
        assert_eq!(all["static"]["reason"], "STATIC");
        for (key, code) in [("names-nothing", "GENERAL"), ("names-list", "GENERAL"), ("broken", "PARSE_ERROR")] {
            assert_eq!((&all[key]["errorCode"], &all[key]["key"]), (&code.into(), &key.into()));
        }
        assert_eq!(all["names-nothing"]["errorDetails"], "the rule gave \"ox\", which names no variant");
        assert_eq!(item(&snapshot.evaluate("nowhere", &gold, NOW))["errorCode"], "FLAG_NOT_FOUND");
    }
}

#[test]
fn null_from_a_rule_is_the_default_variant_or_the_code_default() {
    for snapshot in tiers(&document()) {
        let all = items(&snapshot, &context(json!({})));
        assert_eq!((&all["rule"]["variant"], &all["rule"]["reason"]), (&"off".into(), &"DEFAULT".into()));
        assert_eq!(all["rule-no-default"].get("value"), None);
        assert_eq!(all["rule-no-default"]["reason"], "DEFAULT");
    }
}

#[test]
fn a_bulk_is_in_key_order_and_complete() {
    for snapshot in tiers(&document()) {
        let mut keys = Vec::new();
        snapshot.evaluate_all(&context(json!({})), NOW, |evaluation| keys.push(evaluation.key.to_owned()));
        assert!(keys.is_sorted());
        assert_eq!(keys.len(), document()["flags"].as_object().unwrap().len());
    }
}

#[test]
fn the_time_is_a_parameter() {
    let document = json!({"flags": {"late": {"state": "ENABLED", "variants": {"true": 1, "false": 0},
        "targeting": {">=": [{"var": "$flagd.timestamp"}, 100]}}}});
    for snapshot in tiers(&document) {
        assert!(snapshot.varies());
        let variant = |now| item(&snapshot.evaluate("late", &context(json!({})), now))["variant"].clone();
        assert_eq!((variant(99_999), variant(100_000)), ("false".into(), "true".into()));
    }
}

#[test]
fn evaluations_within_an_evaluation_are_answered() {
    let [snapshot, _] = tiers(&document());
    let gold = context(json!({"plan": "gold"}));
    let mut inner = 0;
    snapshot.evaluate_all(&gold, NOW, |outer| {
        assert_eq!(snapshot.evaluate(outer.key, &gold, NOW), outer);
        inner += 1;
    });
    assert_eq!(inner, snapshot.flags().len());
}

#[test]
fn problems_are_listed_with_their_place() {
    let engine = crate::support::engines()[0].clone();
    let snapshot = engine.build(None, source(&document()), &no_config);
    assert_eq!(snapshot.problems("broken").len(), 1);
    assert!(snapshot.problems("rule").is_empty());
    assert!(snapshot.problems("nowhere").is_empty());
}
