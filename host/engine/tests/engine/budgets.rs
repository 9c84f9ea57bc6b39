//! Rules that cost too much, or are too large to compile.

use std::sync::Arc;

use burgee_engine::{ConfigValue, Engine, EngineConfig, ReadConfig, Snapshot};
use burgee_model::{Context, Limits, Value};
use serde_json::{Map, Value as Json, json};

use crate::support::{NOW, boolean_flag, compiling, context, is_too_costly, items, no_config, source};

fn tiers_with(limits: &Limits, document: &Json) -> [Arc<Snapshot>; 2] {
    tiers_reading(limits, document, &no_config)
}

fn tiers_reading(limits: &Limits, document: &Json, read: ReadConfig<'_>) -> [Arc<Snapshot>; 2] {
    [true, false].map(|compile| {
        let config = EngineConfig { limits: limits.clone(), compile, ..compiling() };
        let engine = Engine::new(config).unwrap();
        let snapshot = engine.build(None, source(document), read);
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
        let failed = |key: &str| is_too_costly(&all[key]);
        assert_eq!((failed("b"), failed("e"), failed("d")), (long == 60, long == 60, list == 13));
        for key in ["a", "c", "f", "g"] {
            assert_eq!(all[key]["variant"], "on", "{key}: {}", all[key]);
        }
    }
}

/// A flag whose rule has an operand so many times; few enough are compiled, more are interpreted for good.
fn repeated(operand: &Json, times: usize) -> Json {
    boolean_flag(json!({"or": vec![operand; times]}))
}

#[test]
fn reading_a_long_text_again_and_again_is_too_costly() {
    let less = json!({"<": [{"config": "digits"}, 0]});
    let document = json!({"flags": {
        "once": repeated(&less, 1), "compiled": repeated(&less, 1_200), "interpreted": repeated(&less, 8_000),
    }});
    let digits = Value::text(&"1".repeat(1024 * 1024));
    let read = |_: &str| Some(ConfigValue { value: digits.clone(), expires_at: None });
    let [compiled, interpreted] = tiers_reading(&Limits::default(), &document, &read);
    assert_eq!((compiled.tiers().compiled, compiled.tiers().interpreted), (2, 1));
    let all = items(&compiled, &context(json!({})));
    assert_eq!(all, items(&interpreted, &context(json!({}))));
    assert_eq!(all["once"]["variant"], "false");
    assert!(is_too_costly(&all["compiled"]) && is_too_costly(&all["interpreted"]), "{all:?}");
}

#[test]
fn searching_a_long_constant_again_and_again_is_too_costly() {
    let document = json!({
        "$evaluators": {"long": {"in": [{"var": "x"}, "y".repeat(200 * 1024)]}},
        "flags": {
            "once": repeated(&json!({"$ref": "long"}), 1),
            "compiled": repeated(&json!({"$ref": "long"}), 900),
            "interpreted": repeated(&json!({"$ref": "long"}), 15_000),
        },
    });
    let [compiled, interpreted] = tiers_with(&Limits::default(), &document);
    assert_eq!((compiled.tiers().compiled, compiled.tiers().interpreted), (2, 1));
    let context = context(json!({"x": "z"}));
    let all = items(&compiled, &context);
    assert_eq!(all, items(&interpreted, &context));
    assert_eq!(all["once"]["variant"], "false");
    assert!(is_too_costly(&all["compiled"]) && is_too_costly(&all["interpreted"]), "{all:?}");
}

/// Rules that look through a text, which is also the attribute `x`, and that go on where they may.
fn lookers(text: &str) -> Vec<Json> {
    let x = json!({"var": "x"});
    vec![
        json!({"==": [x, text]}),
        json!({"!==": [text, x]}),
        json!({"===": [x, {"var": "x"}]}),
        json!({"<": [x, 1]}),
        json!({"==": [0, x]}),
        json!({">=": [x, {"var": "x"}]}),
        json!({"in": [x, ["a", text]]}),
        json!({"in": [x, ["a", {"var": "x"}]]}),
        json!({"in": ["1", x]}),
        json!({"in": ["a", text]}),
        json!({"starts_with": [x, text]}),
        json!({"ends_with": [{"var": "x"}, x]}),
        json!({"fractional": [x, ["on", 1]]}),
        json!({"fractional": [x, ["on", {"var": "one"}]]}),
        json!({"fractional": [["on", 1]]}),
    ]
}

#[test]
fn long_texts_cost_steps_in_both_tiers_and_short_ones_none() {
    let limits = Limits { evaluation_steps: 100, ..Limits::default() };
    for (bytes, costly) in [(60, false), (20_000, true)] {
        let text = "1".repeat(bytes);
        let context = context(json!({"x": text, "targetingKey": text, "one": 1}));
        for rule in lookers(&text) {
            let [compiled, interpreted] = tiers_with(&limits, &json!({"flags": {"f": boolean_flag(rule.clone())}}));
            assert_eq!(compiled.tiers().compiled, 1);
            let all = items(&compiled, &context);
            assert_eq!(all, items(&interpreted, &context));
            assert_eq!(is_too_costly(&all["f"]), costly, "{:.100} {:.100}", rule.to_string(), all["f"]);
        }
    }
}

#[test]
fn long_versions_cost_steps_in_both_tiers() {
    // Ten versions of 256 bytes cost 40 steps, the digits 60 of the 90.
    let limits = Limits { evaluation_steps: 90, ..Limits::default() };
    for (bytes, costly) in [(64, false), (256, true)] {
        let version = format!("1.2.3+{}", "a".repeat(bytes - 6));
        let context = context(json!({"v": version, "short": "1.2.3", "digits": "1".repeat(60 * 64)}));
        for (left, right) in [(json!({"var": "v"}), json!("1.2.3")), (json!({"var": "short"}), json!(version))] {
            let mut operands = vec![json!({"sem_ver": [left, "<", right]}); 10];
            operands.push(json!({"<": [{"var": "digits"}, 0]}));
            let rule = json!({"or": operands});
            let [compiled, interpreted] = tiers_with(&limits, &json!({"flags": {"f": boolean_flag(rule)}}));
            assert_eq!(compiled.tiers().compiled, 1);
            let all = items(&compiled, &context);
            assert_eq!(all, items(&interpreted, &context));
            assert_eq!(is_too_costly(&all["f"]), costly, "{left} {right}");
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

/// The items of one evaluation of all flags, in order.
fn bulk(snapshot: &Snapshot, context: &Context) -> Vec<Json> {
    let mut all = Vec::new();
    snapshot.evaluate_all(context, NOW, |evaluation| {
        let mut item = Vec::new();
        evaluation.write_ofrep(&mut item);
        all.push(serde_json::from_slice(&item).unwrap());
    });
    all
}

/// Flags that go through a list, one that is plain, and one without a rule, in this order.
fn searching() -> Json {
    let search = boolean_flag(json!({"in": [1, {"var": "list"}]}));
    let plain = boolean_flag(json!({"if": [{"==": [{"var": "n"}, "n"]}, "on", "off"]}));
    let fixed = json!({"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"});
    json!({"flags": {"a": search, "b": search, "c": search, "d": search, "e": plain, "f": fixed}})
}

#[test]
fn flags_beyond_what_one_request_may_take_are_too_costly_alike_in_both_tiers() {
    let context = context(json!({"n": "n", "list": vec![0; 2_000]}));
    for (limits, answered) in [
        (Limits::default(), 5),
        // the third begins while some are left
        (Limits { request_steps: 5_000, ..Limits::default() }, 3),
        (Limits { request_steps: 4_000, ..Limits::default() }, 2),
        (Limits { request_evaluation_ms: 0, ..Limits::default() }, 1),
    ] {
        let [compiled, interpreted] = tiers_with(&limits, &searching());
        assert_eq!(compiled.tiers().interpreted, 0);
        let all = bulk(&compiled, &context);
        assert_eq!(all, bulk(&interpreted, &context));
        let (rules, fixed) = all.split_at(5);
        let costly: Vec<bool> = rules.iter().map(is_too_costly).collect();
        assert_eq!(costly, (0..5).map(|at| at >= answered).collect::<Vec<_>>(), "{all:?}");
        assert_eq!(fixed[0]["reason"], "STATIC");
    }
}

#[test]
fn what_a_pattern_costs_is_the_same_in_both_tiers() {
    let matches = boolean_flag(json!({"matches": [{"var": "x"}, "[a-c]{1,250}[^abc]"]}));
    let [compiled, interpreted] = tiers_with(&Limits::default(), &json!({"flags": {"f": matches}}));
    assert_eq!(compiled.tiers().compiled, 1);
    for (bytes, costly) in [(1_000, false), (60_000, true)] {
        let context = context(json!({"x": "ab".repeat(bytes / 2)}));
        let all = items(&compiled, &context);
        assert_eq!(all, items(&interpreted, &context));
        assert_eq!(is_too_costly(&all["f"]), costly, "{bytes}");
    }
}

#[test]
fn what_may_take_long_is_known_before() {
    let of = |rule: Json| tiers_with(&Limits::default(), &json!({"flags": {"f": boolean_flag(rule)}}))[1].clone();
    let plain = of(json!({"==": [{"var": "x"}, "a"]}));
    let loops = of(json!({"some": [{"var": "x"}, {"==": [{"var": ""}, 1]}]}));
    let searches = of(json!({"matches": [{"var": "x"}, "a+"]}));
    let (small, large) = (context(json!({"x": "a"})), context(json!({"x": "a".repeat(5_000)})));
    for (snapshot, one, all) in [(&plain, false, true), (&loops, true, true), (&searches, true, true)] {
        assert!(!snapshot.may_take_long(&small, Some("f")) && !snapshot.may_take_long(&small, None));
        assert_eq!((snapshot.may_take_long(&large, Some("f")), snapshot.may_take_long(&large, None)), (one, all));
    }
    let rule = json!({"some": [{"config": "list"}, {"==": [{"var": ""}, 1]}]});
    let list = Value::List(vec![Value::Number(0.0); 1_000].into());
    let read = |_: &str| Some(ConfigValue { value: list.clone(), expires_at: None });
    let [_, reads] = tiers_reading(&Limits::default(), &json!({"flags": {"f": boolean_flag(rule)}}), &read);
    assert!(reads.may_take_long(&small, Some("f")));
}

#[test]
fn what_a_rule_gave_is_told_in_part_where_it_is_long() {
    let given = boolean_flag(json!({"cat": [{"var": "x"}, {"var": "x"}]}));
    let [compiled, interpreted] = tiers_with(&Limits::default(), &json!({"flags": {"f": given}}));
    for (bytes, whole) in [(40, true), (60_000, false)] {
        let context = context(json!({"x": "\u{1}".repeat(bytes)}));
        let all = items(&compiled, &context);
        assert_eq!(all, items(&interpreted, &context));
        let details = all["f"]["errorDetails"].as_str().unwrap();
        assert!(details.ends_with(", which names no variant"), "{details}");
        assert_eq!(details.contains('…'), !whole);
        assert!(details.len() < 2_000, "{}", details.len());
    }
}

#[test]
fn what_rules_cost_by_their_size_counts_for_the_request_alike_in_both_tiers() {
    let rule = |operands: usize| boolean_flag(json!({"or": vec![json!({"==": [{"var": "n"}, 1]}); operands]}));
    let flags: Map<String, Json> =
        (0..40).map(|at| (format!("f{at:02}"), rule(if at == 5 { 2_000 } else { 20 }))).collect();
    let context = context(json!({"n": 0}));
    let answered = |limits: &Limits| {
        let [compiled, interpreted] = tiers_with(limits, &json!({"flags": flags}));
        assert_eq!((compiled.tiers().compiled, compiled.tiers().interpreted), (39, 1), "the large one is interpreted");
        let all = bulk(&compiled, &context);
        assert_eq!(all, bulk(&interpreted, &context));
        let costly = all.iter().map(is_too_costly).collect::<Vec<_>>();
        let first = costly.iter().position(|costly| *costly).unwrap_or(40);
        assert!(costly[first..].iter().all(|costly| *costly));
        first
    };
    assert_eq!(answered(&Limits::default()), 40);
    assert_eq!(answered(&Limits { request_steps: 1_000, ..Limits::default() }), 6, "the large one has begun");
    assert!((1..5).contains(&answered(&Limits { request_steps: 200, ..Limits::default() })));
}

#[test]
fn the_time_of_guests_has_a_limit_of_its_own() {
    let calls = boolean_flag(json!({"if": [{"guest": ["none"]}, "on", "off"]}));
    let flags: Map<String, Json> = (0..20).map(|at| (format!("f{at}"), calls.clone())).collect();
    let limits = Limits { request_steps: 50_000, ..Limits::default() };
    for snapshot in tiers_with(&limits, &json!({"flags": flags})) {
        assert!(bulk(&snapshot, &context(json!({}))).iter().all(|item| item["variant"] == "off"));
    }
}

#[test]
fn large_rules_and_those_that_lead_to_them_may_take_long() {
    let limits = Limits { long_evaluation_steps: 1_000, ..Limits::default() };
    let large = json!({"or": vec![json!({"==": [{"var": "n"}, 1]}); 400]});
    let small = json!({"==": [{"var": "n"}, 1]});
    let document = json!({
        "$evaluators": {"asks": {"in": ["on", [{"flag": "large"}, {"flag": "small"}]]}},
        "flags": {
            "large": boolean_flag(large), "small": boolean_flag(small),
            "leads": boolean_flag(json!({"if": [{"$ref": "asks"}, "on", "off"]})),
            "afar": boolean_flag(json!({"if": [{"flag": "leads"}, "on", "off"]})),
            "loop": boolean_flag(json!({"if": [{"flag": "pool"}, "on", "off"]})),
            "pool": boolean_flag(json!({"if": [{"flag": "loop"}, "on", "off"]})),
        },
    });
    let context = context(json!({"n": 0}));
    for snapshot in tiers_with(&limits, &document) {
        let long = |flag| snapshot.may_take_long(&context, flag);
        let found = ["large", "small", "leads", "afar", "loop", "nowhere"].map(|flag| long(Some(flag)));
        assert_eq!((found, long(None)), ([true, false, true, true, false, false], true));
    }
    let [plain, _] = tiers_with(&Limits::default(), &document);
    assert!(!plain.may_take_long(&context, Some("large")) && !plain.may_take_long(&context, None));
}

#[test]
fn what_a_large_shared_rule_asks_for_is_told_of_each_flag_that_names_it() {
    let names: Vec<Json> =
        (0..500).map(|n| json!({"config": [format!("key-{n}"), {"var": format!("a{n}")}]})).collect();
    let user = boolean_flag(json!({"if": [{"$ref": "s"}, "on", "off"]}));
    let flags: Map<String, Json> = (0..4).map(|at| (format!("f{at}"), user.clone())).collect();
    let document = json!({"$evaluators": {"s": {"or": names}}, "flags": flags});
    let [snapshot, _] = tiers_with(&Limits::default(), &document);
    assert_eq!(snapshot.config_keys().len(), 500);
    let missing = snapshot.problems("f3");
    assert_eq!(
        (missing.len(), missing[0].code.as_str(), missing[0].path.as_str()),
        (100, "unknown_config", "/if/0/$ref")
    );
    assert_eq!(snapshot.named_by("f0").count(), 501);
}
