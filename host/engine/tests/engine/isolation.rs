//! No request reads what another left in the worker's memory.

use std::{sync::Arc, thread};

use burgee_engine::{Engine, EngineConfig, Snapshot};
use burgee_model::Limits;
use serde_json::{Value as Json, json};

use crate::support::{NOW, boolean_flag, compiling, context, is_too_costly, item, items, no_config, source};

/// A document whose flags read each type of cell field, so that anything left over would show.
fn document(prefix: &str) -> Json {
    let read = |name: &str| json!({"var": format!("{prefix}{name}")});
    json!({"flags": {
        "text": boolean_flag(json!({"==": [read("text"), "secret"]})),
        "strict": boolean_flag(json!({"===": [read("text"), "secret"]})),
        "member": boolean_flag(json!({"in": [read("text"), ["public", "secret"]]})),
        "number": boolean_flag(json!({">": [read("number"), 5]})),
        "truth": boolean_flag(json!({"!!": [read("truth")]})),
        "version": boolean_flag(json!({"sem_ver": [read("version"), ">=", "1.0.0"]})),
        "default": boolean_flag(json!({"var": [format!("{prefix}name"), "off"]})),
        "host": boolean_flag(json!({"starts_with": [read("text"), "se"]})),
        "built": boolean_flag(json!({"cat": [read("name")]})),
    }})
}

#[test]
fn nothing_of_tenant_a_is_seen_by_tenant_b_on_the_same_worker() {
    let engine = Engine::new(compiling()).unwrap();
    let a = engine.build(None, source(&document("a_")), &no_config);
    let b = engine.build(None, source(&document("b_")), &no_config);
    engine.quiesce();
    let full = |prefix: &str| {
        let own: serde_json::Map<String, Json> = [
            ("text", json!("secret")),
            ("number", json!(9)),
            ("truth", json!(true)),
            ("version", json!("1.2.3")),
            ("name", json!("on")),
        ]
        .into_iter()
        .map(|(name, value)| (format!("{prefix}{name}"), value))
        .collect();
        context(own.into())
    };
    let nothing = context(json!({}));
    let clean = thread::spawn({
        let b = b.clone();
        move || items(&b, &context(json!({})))
    });
    let clean = clean.join().unwrap();
    // The slots of both modules lie in the same places of the same memory: first A poisons them all.
    for _ in 0..3 {
        let poisoned = items(&a, &full("a_"));
        assert!(poisoned.values().all(|item| item["variant"] != "off" && item["variant"] != "false"), "{poisoned:?}");
        assert_eq!(items(&b, &nothing), clean);
        // Nor does an attribute of the right name in another's request.
        assert_eq!(items(&b, &full("a_")), clean);
        assert_eq!(items(&a, &nothing), clean);
    }
}

/// What a rule may build, in bytes.
const BYTES: usize = 120;

/// Tenant A's rules, of which the second breaks off in the middle: it has read, laid aside and built by then.
fn broken_off() -> Json {
    let built = json!({"cat": [{"var": "a"}, {"cat": [{"var": "long"}, {"var": "long"}]}]});
    let chosen = json!({"fractional": [{"cat": [{"var": "a"}]}, [{"cat": ["o", "n"]}, 1], [built, 1]]});
    json!({"flags": {
        "f0": boolean_flag(json!({"cat": [{"var": "a"}]})),
        "f1": boolean_flag(chosen),
        "f2": boolean_flag(json!({"in": [{"var": "a"}, {"cat": [{"var": "a"}, "y"]}]})),
    }})
}

/// Tenant B's rules under the same numbers; the second one needs all that a rule may build.
fn needs_all() -> Json {
    let text = json!({"cat": [{"var": "b"}, {"var": "half"}, {"var": "half"}]});
    json!({"flags": {
        "f0": boolean_flag(json!({"cat": ["o", {"var": "b"}]})),
        "f1": boolean_flag(json!({"if": [{"starts_with": [text, "n"]}, "on", "off"]})),
        "f2": boolean_flag(json!({"if": [{"in": ["on", [{"var": "b"}, {"cat": [{"var": "absent"}]}]]}, "on", "off"]})),
    }})
}

#[test]
fn a_rule_that_broke_off_leaves_nothing_to_the_next_tenant() {
    let limits = Limits { evaluation_bytes: BYTES, ..Limits::default() };
    for compile in [true, false] {
        let engine = Engine::new(EngineConfig { compile, limits: limits.clone(), ..compiling() }).unwrap();
        let [a, b] = [broken_off(), needs_all()].map(|rules| engine.build(None, source(&rules), &no_config));
        engine.quiesce();
        assert_eq!((a.tiers().compiled, b.tiers().compiled), if compile { (3, 3) } else { (0, 0) });
        let poison = context(json!({"a": "on", "long": "x".repeat(BYTES)}));
        let plain = context(json!({"b": "n", "half": "x".repeat((BYTES - 1) / 2)}));
        // one at a time, then all together, by turns
        for number in (0..3).chain(0..3) {
            let key = format!("f{number}");
            let one = |snapshot: &Snapshot, context| item(&snapshot.evaluate(&key, context, NOW));
            let broken = one(&a, &poison);
            assert_eq!(is_too_costly(&broken), number == 1, "{broken}");
            assert_eq!(one(&b, &plain)["variant"], ["on", "on", "off"][number], "compiled {compile}, {key}");
        }
        for _ in 0..3 {
            let mut all = Vec::new();
            a.evaluate_all(&poison, NOW, |evaluation| all.push(is_too_costly(&item(&evaluation))));
            assert_eq!(all, [false, true, false]);
            let mut all = Vec::new();
            b.evaluate_all(&plain, NOW, |evaluation| all.push(item(&evaluation)["variant"].clone()));
            assert_eq!(all, ["on", "on", "off"], "compiled {compile}");
        }
    }
}

#[test]
fn a_worker_survives_more_chunks_than_a_store_holds() {
    let engine = Engine::new(EngineConfig { instances_per_store: 100, ..compiling() }).unwrap();
    let snapshots: Vec<Arc<Snapshot>> =
        (0..150).map(|n| engine.build(None, source(&document(&format!("t{n}_"))), &no_config)).collect();
    engine.quiesce();
    for _ in 0..2 {
        for (n, snapshot) in snapshots.iter().enumerate() {
            let own = format!("t{n}_text");
            assert_eq!(items(snapshot, &context(json!({own: "secret"})))["strict"]["variant"], "true");
            assert_eq!(items(snapshot, &context(json!({"t": "secret"})))["strict"]["variant"], "false");
        }
    }
}

#[test]
fn dropped_chunks_free_their_place() {
    let engine = Engine::new(EngineConfig { instances_per_store: usize::MAX, ..compiling() }).unwrap();
    for n in 0..300 {
        let snapshot = engine.build(None, source(&document(&format!("t{n}_"))), &no_config);
        engine.quiesce();
        let own = format!("t{n}_text");
        assert_eq!(items(&snapshot, &context(json!({own: "secret"})))["strict"]["variant"], "true");
    }
}

#[test]
fn threads_have_workers_of_their_own() {
    let engine = Engine::new(EngineConfig::default()).unwrap();
    let snapshot = engine.build(None, source(&document("x_")), &no_config);
    engine.quiesce();
    let ask = |n: usize, snapshot: &Snapshot| {
        let text = if n.is_multiple_of(2) { "secret" } else { "public" };
        for _ in 0..200 {
            let all = items(snapshot, &context(json!({"x_text": text})));
            assert_eq!(all["strict"]["variant"], json!((text == "secret").to_string()));
        }
    };
    thread::scope(|scope| {
        for n in 0..4 {
            let snapshot = &snapshot;
            scope.spawn(move || ask(n, snapshot));
        }
    });
}
