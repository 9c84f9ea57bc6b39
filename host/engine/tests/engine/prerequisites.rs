//! Flags that ask for other flags.
#![allow(clippy::needless_pass_by_value, reason = "callers write JSON in place")]

use burgee_model::Severity;
use serde_json::{Map, Value as Json, json};

use crate::support::{NOW, context, item, items, tiers};

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
fn whichever_ways_lead_to_a_flag_it_is_evaluated_once() {
    // Each flag asks for the next one twice: evaluated each time, these were 2^60 evaluations.
    let twice = |n: usize| {
        let next = json!({"!": {"flag": format!("f{:02}", n + 1)}});
        (format!("f{n:02}"), asking(json!({"if": [{"or": [next, next]}, "on", "off"]})))
    };
    let mut flags: Map<String, Json> = (0..60).map(twice).collect();
    flags.insert("f60".to_owned(), json!({"state": "DISABLED", "variants": {"on": true}}));
    let flags = Json::from(flags);
    for answers in answers(&flags, &["f00", "f58", "f59"]) {
        assert_eq!(answers, ["off", "off", "on"]);
    }
    for snapshot in tiers(&json!({"flags": flags})) {
        assert_eq!(items(&snapshot, &context(json!({})))["f00"]["variant"], "off");
    }
}

#[test]
fn what_a_rule_asks_for_and_is_not_there_is_told_and_so_is_a_cycle() {
    let rule = json!({"if": [
        {"and": [{"flag": "nobody"}, {"segment": "nowhere"}, {"guest": "nothing"}, {"config": ["absent", 1]}]}, "on",
        {"flag": "free"}, "on",
    ]});
    let flags = json!({"a": after("b"), "b": after("a"), "free": asking(json!("on")), "asks": asking(rule)});
    for snapshot in tiers(&json!({"flags": flags})) {
        let found = snapshot.problems("asks");
        let told: Vec<_> = found.iter().map(|told| (told.code.as_str(), told.path.as_str())).collect();
        let expected = [
            ("unknown_flag", "/if/0/and/0/flag"),
            ("unknown_segment", "/if/0/and/1/segment"),
            ("unknown_guest", "/if/0/and/2/guest"),
            ("unknown_config", "/if/0/and/3/config"),
        ];
        assert_eq!(told, expected);
        assert!(found.iter().all(|told| told.severity == Severity::Warning));
        for looped in ["a", "b"] {
            let [cycle] = &snapshot.problems(looped)[..] else { panic!("one problem") };
            assert_eq!((cycle.code.as_str(), cycle.severity), ("prerequisite_cycle", Severity::Error));
        }
        assert_eq!(snapshot.problems("free"), []);
    }
}

#[test]
fn what_is_not_there_has_a_value_of_its_own() {
    let same = |found: Json, value: Json| asking(json!({"if": [{"===": [found, value]}, "on", "off"]}));
    let document = json!({"flags": {
        "flag": same(json!({"flag": "nobody"}), Json::Null),
        "segment": same(json!({"segment": "nowhere"}), json!(false)),
        "guest": same(json!({"guest": ["nothing", 1]}), Json::Null),
        "config": same(json!({"config": "absent"}), Json::Null),
        "default": same(json!({"config": ["absent", 1]}), json!(1)),
    }});
    for snapshot in tiers(&document) {
        for (key, item) in items(&snapshot, &context(json!({}))) {
            assert_eq!(item["variant"], "on", "{key}: {item}");
        }
    }
}
