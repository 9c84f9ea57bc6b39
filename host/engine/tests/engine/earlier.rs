//! Rules that do not compile any more because of what they refer to: an earlier one decides.

use std::{cell::RefCell, sync::Arc};

use burgee_engine::{Reads, Snapshot};
use burgee_model::{Key, Severity};
use serde_json::{Value as Json, json};

use crate::support::{NOW, boolean_flag, context, engines, item, no_config, source};

/// `on` for whoever is in a segment.
fn who_is_in(segment: &str) -> Json {
    json!({"if": [{"$ref": segment}, "on", "off"]})
}

fn constant(variant: &str) -> Json {
    json!({"if": [true, variant]})
}

fn answer(snapshot: &Snapshot) -> Json {
    let item = item(&snapshot.evaluate("f", &context(json!({})), NOW));
    item.get("variant").or(item.get("errorCode")).cloned().unwrap_or_default()
}

/// A flag's rule and those before it, in an environment with a segment `there`.
fn build(rule: &Json, earlier: &[Json]) -> [Arc<Snapshot>; 2] {
    let document = json!({"$evaluators": {"there": true}, "flags": {"f": boolean_flag(rule.clone())}});
    engines().map(|engine| {
        let reads = Reads { config: &no_config, earlier: &|_: &Key| earlier.to_vec() };
        let snapshot = engine.build_from(None, source(&document), reads);
        engine.quiesce();
        snapshot
    })
}

#[test]
fn the_newest_earlier_rule_that_compiles_decides_and_the_flag_says_so() {
    let earlier = [who_is_in("gone too"), who_is_in("there"), constant("off")];
    for snapshot in build(&who_is_in("gone"), &earlier) {
        assert_eq!(answer(&snapshot), "on");
        let found = snapshot.problems("f");
        let told: Vec<_> = found.iter().map(|told| (told.code.as_str(), told.severity)).collect();
        assert_eq!(told, [("unknown_segment", Severity::Error), ("earlier_rule", Severity::Warning)]);
        let tree = snapshot.explain("f", &context(json!({})), NOW).unwrap().to_string();
        assert!(tree.contains("there") && !tree.contains("gone"), "{tree}");
        assert!(snapshot.leans_on_history("f"));
    }
}

#[test]
fn what_its_author_got_wrong_is_an_error_whatever_was_before() {
    for snapshot in build(&json!({"zap": []}), &[constant("on")]) {
        assert_eq!(answer(&snapshot), "PARSE_ERROR");
        assert!(!snapshot.leans_on_history("f"));
    }
    for snapshot in build(&json!({"if": [{"$ref": "gone"}, {"zap": []}]}), &[constant("on")]) {
        assert_eq!(answer(&snapshot), "PARSE_ERROR");
    }
    for snapshot in build(&who_is_in("gone"), &[]) {
        assert_eq!(answer(&snapshot), "PARSE_ERROR", "there is none before it");
    }
}

#[test]
fn what_comes_late_or_comes_back_counts_as_if_it_had_been_there() {
    let document = |segments: Json| json!({"$evaluators": segments, "flags": {"f": boolean_flag(who_is_in("gone"))}});
    for engine in engines() {
        let earlier = RefCell::new(vec![constant("off")]);
        let read = |_: &Key| earlier.borrow().clone();
        let reads = Reads { config: &no_config, earlier: &read };
        let first = engine.build_from(None, source(&document(json!({}))), reads);
        assert_eq!(answer(&first), "off");
        let unchanged = engine.build_from(Some(&first), source(&document(json!({}))), reads);
        assert_eq!(unchanged.digest(), first.digest());
        earlier.borrow_mut().insert(0, constant("on"));
        let late = engine.build_from(Some(&unchanged), source(&document(json!({}))), reads);
        assert_eq!(answer(&late), "on");
        assert_ne!(late.digest(), first.digest(), "another rule is other content");
        let fresh = engine.build_from(None, source(&document(json!({}))), reads);
        assert_eq!(fresh.digest(), late.digest(), "nodes agree whatever came first");
        let mended = engine.build_from(Some(&late), source(&document(json!({"gone": false}))), reads);
        assert_eq!((answer(&mended), mended.problems("f")), ("off".into(), Vec::new()));
        engine.quiesce();
    }
}
