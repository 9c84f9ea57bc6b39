//! What a change costs: values are data, rules are code.

use std::{cell::Cell, sync::Arc};

use burgee_engine::{ConfigValue, Engine, EngineConfig, Snapshot};
use burgee_model::{Key, Value};
use serde_json::{Value as Json, json};

use crate::support::{NOW, boolean_flag, compiling, context, flag, item, key, no_config, source};

/// An environment of so many flags with rules, each its own.
fn environment(flags: usize) -> Json {
    let one = |n: usize| {
        let rule = json!({"if": [{"==": [{"var": "n"}, n]}, "on", "off"]});
        (format!("flag-{n:05}"), boolean_flag(rule))
    };
    json!({"flags": (0..flags).map(one).collect::<serde_json::Map<_, _>>()})
}

struct Bench {
    engine: Arc<Engine>,
    snapshot: Arc<Snapshot>,
    document: Json,
}

impl Bench {
    fn new(document: Json) -> Self {
        let engine = Engine::new(EngineConfig::default()).unwrap();
        let snapshot = engine.build(None, source(&document), &no_config);
        engine.quiesce();
        Self { engine, snapshot, document }
    }

    /// Changes a flag and gives how many chunks were compiled for it. Other flags keep their `Arc`.
    fn change(&mut self, name: &str, change: impl FnOnce(&mut Json)) -> u64 {
        change(&mut self.document["flags"][name]);
        self.rebuild()
    }

    fn rebuild(&mut self) -> u64 {
        let before = self.engine.compilations();
        self.snapshot = self.engine.build(Some(&self.snapshot), source(&self.document), &no_config);
        self.engine.quiesce();
        self.engine.compilations() - before
    }

    fn variant(&self, name: &str, n: usize) -> Json {
        item(&self.snapshot.evaluate(name, &context(json!({"n": n})), NOW))["variant"].clone()
    }
}

#[test]
fn values_compile_nothing() {
    let mut bench = Bench::new(environment(300));
    let digest = bench.snapshot.digest();
    assert_eq!(bench.snapshot.tiers().interpreted, 0);
    assert_eq!(bench.variant("flag-00007", 7), "on");
    let name = "flag-00007";
    assert_eq!(bench.change(name, |flag| flag["state"] = "DISABLED".into()), 0);
    assert_eq!(bench.variant(name, 7), Json::Null);
    assert_ne!(bench.snapshot.digest(), digest);
    assert_eq!(bench.change(name, |flag| flag["state"] = "ENABLED".into()), 0);
    assert_eq!(bench.snapshot.digest(), digest);
    assert_eq!(bench.change(name, |flag| flag["killed"] = true.into()), 0);
    assert_eq!(bench.change(name, |flag| flag["killed"] = false.into()), 0);
    assert_eq!(bench.change(name, |flag| flag["defaultVariant"] = "off".into()), 0);
    assert_eq!(bench.change(name, |flag| flag["variants"] = json!({"off": 1})), 0);
    assert_eq!(bench.variant(name, 7), Json::Null, "on is none of its variants now");
    assert_eq!(bench.variant(name, 8), "off");
    assert_eq!(bench.snapshot.tiers().interpreted, 0);
}

#[test]
fn a_rule_compiles_its_chunk_only() {
    let mut bench = Bench::new(environment(1000));
    let chunks = bench.engine.compilations();
    assert!((8..=40).contains(&chunks), "{chunks}");
    let changed = bench.change("flag-00500", |flag| flag["targeting"] = json!({"var": "x"}));
    assert_eq!(changed, 1);
    bench.document["flags"]["flag-00500a"] = boolean_flag(json!("on"));
    let inserted = bench.rebuild();
    assert!((1..=2).contains(&inserted), "{inserted}");
    assert_eq!(bench.variant("flag-00500a", 0), "on");
    assert_eq!(bench.variant("flag-00999", 999), "on");
    bench.document["flags"].as_object_mut().unwrap().shift_remove("flag-00500a");
    let deleted = bench.rebuild();
    assert!((1..=2).contains(&deleted), "{deleted}");
    assert_eq!(item(&bench.snapshot.evaluate("flag-00500a", &context(json!({})), NOW))["errorCode"], "FLAG_NOT_FOUND");
}

#[test]
fn a_segment_changes_the_flags_that_use_it() {
    let segment = |country: &str| json!({"in": [{"var": "country"}, [country, "se"]]});
    let mut bench = Bench::new(json!({
        "$evaluators": {"nordic": segment("no"), "unused": true},
        "flags": {"uses": boolean_flag(json!({"if": [{"$ref": "nordic"}, "on", "off"]})),
                  "other": boolean_flag(json!({"if": [{"var": "x"}, "on", "off"]}))}
    }));
    let ask = |bench: &Bench, country: &str| {
        item(&bench.snapshot.evaluate("uses", &context(json!({"country": country})), NOW))["variant"].clone()
    };
    assert_eq!((ask(&bench, "no"), ask(&bench, "fi")), ("on".into(), "off".into()));
    let digest = bench.snapshot.digest();
    bench.document["$evaluators"]["nordic"] = segment("fi");
    assert_eq!(bench.rebuild(), 1);
    assert_eq!((ask(&bench, "no"), ask(&bench, "fi")), ("off".into(), "on".into()));
    assert_ne!(bench.snapshot.digest(), digest);
    bench.document["$evaluators"]["unused"] = false.into();
    assert_eq!(bench.rebuild(), 0);
}

#[test]
fn config_entries_are_data() {
    let document = json!({"flags": {"limited": boolean_flag(json!(
        {"if": [{"<": [{"var": "load"}, {"config": ["limit", 10]}]}, "on", "off"]}
    ))}});
    let engine = Engine::new(EngineConfig::default()).unwrap();
    let limit = Cell::new(None);
    let entry = |key: &str| {
        assert_eq!(key, "limit");
        limit.get().map(|(n, expires_at)| ConfigValue { value: Value::Number(n), expires_at })
    };
    let variant = |snapshot: &Snapshot, load: f64, now| {
        item(&snapshot.evaluate("limited", &context(json!({"load": load})), now))["variant"].clone()
    };
    let first = engine.build(None, source(&document), &entry);
    engine.quiesce();
    assert_eq!(first.config_keys().collect::<Vec<_>>(), [&key("limit")]);
    assert!(first.reads_config(&key("limit")) && !first.reads_config(&key("other")));
    assert_eq!((variant(&first, 9.0, NOW), variant(&first, 10.0, NOW)), ("on".into(), "off".into()));
    assert!(!first.varies());
    limit.set(Some((50.0, Some(NOW + 1))));
    let second = engine.build(Some(&first), source(&document), &entry);
    assert_eq!((engine.compilations(), second.tiers().compiled), (1, 1));
    assert_ne!(first.digest(), second.digest());
    assert!(second.varies());
    assert_eq!(variant(&second, 10.0, NOW), "on");
    assert_eq!(variant(&second, 10.0, NOW + 1), "off", "the entry has expired");
}

#[test]
fn nodes_agree_on_the_digest_whatever_their_history() {
    let fresh = Bench::new(environment(200));
    let mut edited = Bench::new(environment(190));
    for n in 190..200 {
        let name = format!("flag-{n:05}");
        edited.document["flags"][&name] = fresh.document["flags"][&name].clone();
        edited.rebuild();
    }
    assert_eq!(fresh.snapshot.digest(), edited.snapshot.digest());
}

#[test]
fn unchanged_flags_are_taken_over() {
    let mut document = source(&environment(50));
    let engine = Engine::new(EngineConfig::default()).unwrap();
    let first = engine.build(None, document.clone(), &no_config);
    let changed: Key = key("flag-00003");
    document.flags.insert(changed, flag(&boolean_flag(json!("off"))));
    let second = engine.build(Some(&first), document.clone(), &no_config);
    let third = engine.build(Some(&second), document, &no_config);
    engine.quiesce();
    assert_eq!(second.digest(), third.digest());
    assert_ne!(first.digest(), third.digest());
}

#[test]
fn a_full_queue_only_delays() {
    let engine = Engine::new(EngineConfig { queue_chunks: 1, ..compiling() }).unwrap();
    let [first, second] = [0, 1].map(|n| {
        let mut source = source(&environment(1_000));
        source.environment = key(["first", "second"][n]);
        // other rules, so that neither takes over what the other has
        source.flags.retain(|key, _| (key.as_str() < "flag-00500") == (n == 0));
        engine.build(None, source, &no_config)
    });
    assert_eq!(
        item(&first.evaluate("flag-00001", &context(json!({"n": 1})), NOW))["variant"],
        "on",
        "it answers at once"
    );
    engine.quiesce();
    assert!(engine.compilations() > 4, "more than the queue has places for");
    for snapshot in [first, second] {
        assert_eq!((snapshot.tiers().compiled, snapshot.tiers().interpreted), (500, 0));
    }
}
