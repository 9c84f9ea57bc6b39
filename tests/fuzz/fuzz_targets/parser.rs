//! Any text as a rule: reading, checking, explaining and evaluating it end, in bounded time and without a panic.
#![no_main]

use burgee_fuzz::{NOW, key};
use burgee_model::{Bucketing, Context, Limits, Value, json};
use burgee_rules::{check, emit, explain, interpret, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let limits = Limits { evaluation_steps: 10_000, ..Limits::default() };
    let bounds = json::Bounds { depth: limits.rule_depth, values: limits.body_values };
    let Ok(rule) = json::document(text, bounds) else { return };
    let Some(flag) = key("flag") else { return };
    // The rule stands in for every shared rule too, so that it can name itself.
    let segment = parse::shared_rules(|name| (name.len() < 4).then(|| rule.clone()));
    // What a short text would not hit: version 3 hashes whole values.
    let bucketing = if text.len() % 2 == 0 { Bucketing::V2 } else { Bucketing::V3 };
    let setting = parse::Setting { segments: &segment, bucketing, limits: &limits };
    let compiled = parse::rule(&flag, &rule, &setting);
    assert_eq!(compiled.rule.is_none(), !compiled.faults.is_empty());
    let _ = check::rule(&flag, &rule, &setting);
    let Some(parsed) = compiled.rule else { return };
    let root = Value::from(
        &serde_json::json!({"targetingKey": "u", "plan": "pro", "age": 17, "tags": ["a", 1], "l": vec![0; 2_000]}),
    );
    let Ok(context) = Context::new(root, &limits) else { return };
    let inputs = interpret::Inputs {
        flag_key: flag.as_str(),
        context: &context,
        timestamp_seconds: NOW / 1000,
        outside: &|_: &str| Value::Null,
        limits: &limits,
    };
    let _ = interpret::evaluate(&parsed, &inputs);
    let _ = explain::rule(&rule, &segment, bucketing, &inputs);
    if emit::fits(&parsed) {
        let module = emit::module(&[&parsed]);
        assert!(wasmparser::validate(&module.wasm).is_ok(), "an emitted module does not validate");
    }
});
