//! Which tier runs what, where both could.

use burgee_engine::{Engine, EngineConfig, Tier};
use serde_json::{Value as Json, json};

use crate::support::{NOW, boolean_flag, context, no_config, source};

/// A rule of so many conditions.
fn rule(conditions: usize) -> Json {
    let conditions: Vec<Json> = (0..conditions).map(|n| json!({"==": [{"var": "plan"}, format!("plan{n}")]})).collect();
    json!({"if": [{"or": conditions}, "on", "off"]})
}

/// How many evaluations each tier did: the compiled one, the interpreter.
fn done(rules: &[usize], evaluate: impl Fn(&burgee_engine::Snapshot)) -> (u64, u64) {
    let engine = Engine::new(EngineConfig::default()).unwrap();
    let flags: serde_json::Map<String, Json> =
        rules.iter().enumerate().map(|(n, size)| (format!("flag{n}"), boolean_flag(rule(*size)))).collect();
    let snapshot = engine.build(None, source(&json!({"flags": flags})), &no_config);
    engine.quiesce();
    assert_eq!(snapshot.tiers().interpreted, 0, "all could run compiled");
    evaluate(&snapshot);
    let of = |tier: Tier| engine.evaluations().iter().filter(|e| e.tier == tier).map(|e| e.count).sum();
    (of(Tier::Compiled), of(Tier::Interpreted))
}

#[test]
fn a_small_rule_alone_is_interpreted_and_a_large_one_runs_compiled() {
    let single = |snapshot: &burgee_engine::Snapshot| {
        let _ = snapshot.evaluate("flag0", &context(json!({"plan": "pro"})), NOW);
    };
    assert_eq!(done(&[5], single), (0, 1));
    assert_eq!(done(&[50], single), (1, 0));
}

#[test]
fn few_rules_together_are_interpreted_and_more_run_compiled() {
    let all = |snapshot: &burgee_engine::Snapshot| {
        snapshot.evaluate_all(&context(json!({"plan": "pro"})), NOW, |_| {});
    };
    assert_eq!(done(&[5, 5], all), (0, 2));
    // chunks begin where the hash of a key says so: most of many flags are in chunks of several
    let (compiled, interpreted) = done(&[5; 100], all);
    assert!(compiled > 90 && compiled + interpreted == 100, "{compiled} {interpreted}");
}
