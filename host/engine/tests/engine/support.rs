//! Environments and contexts in few words.
#![allow(clippy::needless_pass_by_value, reason = "callers write JSON in place")]

use std::{collections::BTreeMap, sync::Arc};

use burgee_engine::{ConfigValue, Engine, EngineConfig, EnvironmentSource, Evaluation, FlagSource, Snapshot};
use burgee_model::{Context, FlagIn, Key, Kill, Limits, State, Value};
use serde_json::{Map, Value as Json, json};

/// An instant: 2026-11-20T12:00:00Z.
pub(crate) const NOW: u64 = 1_795_176_000_000;

pub(crate) fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

pub(crate) fn context(json: Json) -> Context {
    Context::new(Value::from(&json), &Limits::default()).unwrap()
}

/// A flag as a flagd document has it, with `killed` besides.
pub(crate) fn flag(json: &Json) -> Arc<FlagSource> {
    let object = |name: &str| json.get(name).and_then(Json::as_object).cloned().unwrap_or_default();
    Arc::new(FlagSource::from(&FlagIn {
        state: if json["state"] == "DISABLED" { State::Disabled } else { State::Enabled },
        default_variant: json["defaultVariant"].as_str().map(str::to_owned),
        targeting: json.get("targeting").cloned(),
        kill: Kill { killed: json["killed"] == true, reason: None },
        variants: object("variants"),
        metadata: object("metadata"),
        ..FlagIn::default()
    }))
}

/// The environment of a flagd document.
pub(crate) fn source(document: &Json) -> EnvironmentSource {
    let keyed = |name: &str| document.get(name).and_then(Json::as_object).cloned().unwrap_or_default();
    let mut set = Map::new();
    set.extend(document.get("metadata").map(|metadata| ("metadata".to_owned(), metadata.clone())));
    EnvironmentSource {
        tenant: key("acme"),
        environment: key("production"),
        flags: keyed("flags").iter().map(|(name, json)| (key(name), flag(json))).collect(),
        guests: BTreeMap::new(),
        bucketing: document.get("bucketing").map(|n| serde_json::from_value(n.clone()).unwrap()).unwrap_or_default(),
        segments: keyed("$evaluators").into_iter().map(|(name, json)| (key(&name), Arc::new(json))).collect(),
        set,
    }
}

pub(crate) fn no_config(_: &str) -> Option<ConfigValue> {
    None
}

/// Settings with which all that is compiled runs compiled, whether that pays or not.
pub(crate) fn compiling() -> EngineConfig {
    EngineConfig { alone_steps_min: 0, together_rules_min: 0, ..EngineConfig::default() }
}

/// An engine that compiles, and one that only interprets.
pub(crate) fn engines() -> [Arc<Engine>; 2] {
    [true, false].map(|compile| Engine::new(EngineConfig { compile, ..compiling() }).unwrap())
}

/// The same document served by both tiers, compiled first.
pub(crate) fn tiers(document: &Json) -> [Arc<Snapshot>; 2] {
    engines().map(|engine| {
        let snapshot = engine.build(None, source(document), &no_config);
        engine.quiesce();
        snapshot
    })
}

/// An evaluation's OFREP item.
pub(crate) fn item(evaluation: &Evaluation<'_>) -> Json {
    let mut out = Vec::new();
    evaluation.write_ofrep(&mut out);
    serde_json::from_slice(&out).unwrap()
}

/// Whether an item says that the rule gave up.
pub(crate) fn is_too_costly(item: &Json) -> bool {
    item["errorDetails"].as_str().is_some_and(|details| details.starts_with("rule_too_costly"))
}

/// All items of a snapshot by key, from one bulk evaluation, which must agree with single ones.
pub(crate) fn items(snapshot: &Snapshot, context: &Context) -> BTreeMap<String, Json> {
    let mut all = BTreeMap::new();
    snapshot.evaluate_all(context, NOW, |evaluation| {
        let single = snapshot.evaluate(evaluation.key, context, NOW);
        assert_eq!(single, evaluation);
        all.insert(evaluation.key.to_owned(), item(&evaluation));
    });
    all
}

/// A boolean flag with this rule, `on` and `off`, and no default.
pub(crate) fn boolean_flag(targeting: Json) -> Json {
    json!({"state": "ENABLED", "variants": {"on": true, "off": false, "true": 1, "false": 0}, "targeting": targeting})
}
