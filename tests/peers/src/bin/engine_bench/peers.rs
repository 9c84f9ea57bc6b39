//! The other engines, with the same flags.

use std::collections::HashMap;

use datalogic_rs::{DataValue, Engine, Logic, bumpalo::Bump};
use serde_json::{Value as Json, json};
use unleash_yggdrasil::{ClientFeatures, Context, EngineState, ResolvedToggle};

use crate::flags::{name, plans};

/// The core of Unleash's servers and clients.
pub(crate) struct Yggdrasil(EngineState);

impl Yggdrasil {
    pub(crate) fn new(flags: usize) -> Self {
        Self::new_of(Self::features(flags))
    }

    pub(crate) fn new_of(features: ClientFeatures) -> Self {
        let state = EngineState::default();
        let warnings = state.apply_client_features(features);
        assert!(warnings.is_none());
        Self(state)
    }

    /// Flags as Unleash has them.
    pub(crate) fn features(flags: usize) -> ClientFeatures {
        let one = |n: usize| {
            json!({"name": name(n), "enabled": true, "strategies": [{
                "name": "flexibleRollout",
                "parameters": {"rollout": "50", "stickiness": "userId", "groupId": name(n)},
                "constraints": [{"contextName": "plan", "operator": "IN", "values": plans(n)}],
            }]})
        };
        let features: Vec<Json> = (0..flags).map(one).collect();
        serde_json::from_value(json!({"version": 2, "features": features})).unwrap()
    }

    /// The contexts; all values are texts here.
    pub(crate) fn contexts(bodies: &[String]) -> Vec<Context> {
        let one = |body: &String| {
            let body: serde_json::Map<String, Json> = serde_json::from_str(body).unwrap();
            let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            Context {
                user_id: body.get("targetingKey").map(text),
                properties: Some(body.iter().map(|(name, value)| (name.clone(), text(value))).collect()),
                ..Context::default()
            }
        };
        bodies.iter().map(one).collect()
    }

    pub(crate) fn is_enabled(&self, flag: &str, context: &Context) -> bool {
        self.0.is_enabled(flag, context, &None)
    }

    pub(crate) fn resolve_all(&self, context: &Context) -> Option<HashMap<String, ResolvedToggle>> {
        self.0.resolve_all(context, &None)
    }
}

/// A JsonLogic engine with flagd's operators.
pub(crate) struct Datalogic {
    engine: Engine,
    rules: Vec<Logic>,
    arena: Bump,
}

impl Datalogic {
    pub(crate) fn new(rules: &[Json]) -> Self {
        let engine = Engine::new();
        let rules = rules.iter().map(|rule| engine.compile(rule.to_string().as_str()).unwrap()).collect();
        Self { engine, rules, arena: Bump::new() }
    }

    /// With contexts that are read already.
    pub(crate) fn with_contexts<T>(
        &mut self,
        bodies: &[String],
        work: impl FnOnce(&mut Self, &[DataValue<'_>]) -> T,
    ) -> T {
        let arena = Bump::new();
        let contexts: Vec<DataValue<'_>> =
            bodies.iter().map(|body| DataValue::from_str(body, &arena).unwrap()).collect();
        work(self, &contexts)
    }

    /// Whether the rule gives `on`.
    pub(crate) fn evaluate(&mut self, rule: usize, context: &DataValue<'_>) -> bool {
        self.arena.reset();
        let result = self.engine.evaluate(&self.rules[rule], *context, &self.arena).unwrap();
        result.as_str() == Some("on")
    }

    /// The variant for a context in JSON.
    pub(crate) fn evaluate_text(&mut self, rule: usize, context: &str) -> String {
        self.arena.reset();
        let result = self.engine.evaluate(&self.rules[rule], context, &self.arena).unwrap();
        result.as_str().unwrap_or_default().to_owned()
    }
}
