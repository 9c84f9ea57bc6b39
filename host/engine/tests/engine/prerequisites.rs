//! Flags that ask for other flags.
#![allow(clippy::needless_pass_by_value, reason = "callers write JSON in place")]

use serde_json::{Map, Value as Json, json};

use crate::support::{NOW, context, item, tiers};

fn asking(targeting: Json) -> Json {
    json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting": targeting})
}

/// On where another flag gives `on`.
fn after(other: &str) -> Json {
    asking(json!({"if": [{"==": [{"flag": other}, "on"]}, "on", null]}))
}

fn answers(flags: &Json, keys: &[&str]) -> Vec<Vec<Json>> {
    let context = context(json!({"plan": "gold"}));
    let answer =
        |evaluated: Json| evaluated.get("variant").or(evaluated.get("errorDetails")).cloned().unwrap_or_default();
    let all = tiers(&json!({"flags": flags}))
        .map(|snapshot| keys.iter().map(|key| answer(item(&snapshot.evaluate(key, &context, NOW)))).collect());
    all.into()
}

#[test]
fn a_flag_sees_the_variant_that_another_one_gives_the_same_context() {
    let mut killed = asking(json!({"if": [true, "on"]}));
    killed["killed"] = true.into();
    let flags = json!({
        "gold": asking(json!({"if": [{"==": [{"var": "plan"}, "gold"]}, "on", "off"]})),
        "static": {"state": "ENABLED", "variants": {"on": 1}, "defaultVariant": "on"},
        "killed": killed,
        "broken": asking(json!({"zap": []})),
        "nameless": asking(json!("nothing")),
        "a": after("gold"),
        "b": after("a"),
        "c": after("static"),
        "d": after("killed"),
        "e": after("broken"),
        "f": after("nameless"),
        "g": after("nobody"),
        "h": asking(json!({"if": [{"!": {"flag": "nobody"}}, "on"]})),
    });
    for answers in answers(&flags, &["a", "b", "c", "d", "e", "f", "g", "h"]) {
        assert_eq!(answers, ["on", "on", "on", "off", "off", "off", "off", "on"]);
    }
}

#[test]
fn flags_that_ask_for_themselves_in_the_end_are_errors_and_others_are_not() {
    let flags =
        json!({"a": after("b"), "b": after("c"), "c": after("a"), "leads": after("a"), "free": asking(json!("on"))});
    for answers in answers(&flags, &["a", "b", "c", "leads", "free"]) {
        for looped in &answers[..3] {
            assert!(looped.as_str().unwrap().starts_with("prerequisite_cycle"), "{looped}");
        }
        assert_eq!(answers[3..], ["off", "on"]);
    }
}

#[test]
fn a_long_way_is_bounded() {
    let flag = |n: usize| (format!("f{n:04}"), after(&format!("f{:04}", n + 1)));
    let mut flags: Map<String, Json> = (0..2_000).map(flag).collect();
    flags.insert("f2000".to_owned(), asking(json!("on")));
    for answers in answers(&flags.into(), &["f0000", "f1000", "f1990", "f2000"]) {
        assert!(answers[0].as_str().unwrap().starts_with("prerequisites_too_deep"), "{}", answers[0]);
        assert!(answers[1].as_str().unwrap().starts_with("prerequisites_too_deep"), "{}", answers[1]);
        assert_eq!(answers[2..], ["on", "on"]);
    }
}

#[test]
fn asking_again_and_again_costs_steps() {
    // Each flag asks for the next one twice: without a price there were 2^58 evaluations.
    let twice = |n: usize| {
        let next = json!({"!": {"flag": format!("f{:02}", n + 1)}});
        (format!("f{n:02}"), asking(json!({"if": [{"or": [next, next]}, "on", "off"]})))
    };
    let mut flags: Map<String, Json> = (0..60).map(twice).collect();
    flags.insert("f60".to_owned(), json!({"state": "DISABLED", "variants": {"on": true}}));
    for answers in answers(&flags.into(), &["f00", "f59", "f55"]) {
        assert!(answers[0].as_str().unwrap().starts_with("rule_too_costly"), "{}", answers[0]);
        assert_eq!(answers[1..], ["on", "off"]);
    }
}
