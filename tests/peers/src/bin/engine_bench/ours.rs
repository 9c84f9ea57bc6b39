//! Our engine, as a node has it.

use std::{collections::BTreeMap, hint::black_box, sync::Arc};

use burgee_engine::{Engine, EngineConfig, EnvironmentSource, Evaluation, FlagSource, Outcome, Snapshot};
use burgee_model::{Bucketing, Context, FlagIn, Key, Limits, State};
use serde_json::{Map, Value as Json, json};

use crate::flags::{name, rollout};

const NOW: u64 = 1_795_176_000_000;

/// What runs the rules.
#[derive(Clone, Copy)]
pub(crate) enum Tier {
    /// As a node chooses.
    Chosen,
    Compiled,
    Interpreted,
}

pub(crate) struct Ours {
    pub(crate) snapshot: Arc<Snapshot>,
}

pub(crate) fn engine(tier: Tier) -> Arc<Engine> {
    let default = EngineConfig::default();
    let config = match tier {
        Tier::Chosen => default,
        Tier::Compiled => EngineConfig { alone_steps_min: 0, together_rules_min: 0, ..default },
        Tier::Interpreted => EngineConfig { compile: false, ..default },
    };
    Engine::new(config).unwrap()
}

/// An environment of so many flags; those of another one have other constants.
pub(crate) fn source(tenant: usize, flags: usize) -> EnvironmentSource {
    let flag = |n: usize| (Key::new(&name(n)).unwrap(), flag(n + tenant * flags));
    EnvironmentSource {
        tenant: Key::new(&format!("tenant-{tenant}")).unwrap(),
        environment: Key::new("production").unwrap(),
        flags: (0..flags).map(flag).collect(),
        segments: BTreeMap::new(),
        bucketing: Bucketing::default(),
        guests: BTreeMap::new(),
        set: Map::new(),
    }
}

pub(crate) fn flag(number: usize) -> Arc<FlagSource> {
    flag_of(rollout(number))
}

pub(crate) fn flag_of(targeting: Json) -> Arc<FlagSource> {
    let variants = json!({"on": true, "off": false}).as_object().unwrap().clone();
    let (default_variant, targeting) = (Some("off".to_owned()), Some(targeting));
    let flag = FlagIn { state: State::Enabled, default_variant, targeting, variants, ..FlagIn::default() };
    Arc::new(FlagSource::from(&flag))
}

impl Ours {
    pub(crate) fn new(flags: usize, tier: Tier) -> Self {
        let engine = engine(tier);
        let snapshot = engine.build(None, source(0, flags), &|_| None);
        engine.quiesce();
        Self { snapshot }
    }

    /// Contexts with all attributes.
    pub(crate) fn contexts(&self, bodies: &[String]) -> Vec<Context> {
        let limits = Limits::default();
        bodies.iter().map(|body| Context::new(serde_json::from_str(body).unwrap(), &limits).unwrap()).collect()
    }

    /// The context of a request, as far as rules read it.
    pub(crate) fn read(&self, request: &str) -> Context {
        self.snapshot.read_context(request.as_bytes()).unwrap()
    }

    pub(crate) fn evaluate<'a>(&'a self, flag: &'a str, context: &Context) -> Evaluation<'a> {
        self.snapshot.evaluate(flag, context, NOW)
    }

    pub(crate) fn variant(&self, flag: &str, context: &Context) -> String {
        match self.evaluate(flag, context).outcome {
            Outcome::Value { variant, .. } => variant.to_owned(),
            other => format!("{other:?}"),
        }
    }

    pub(crate) fn evaluate_all(&self, context: &Context) {
        evaluate_all(&self.snapshot, context);
    }
}

pub(crate) fn evaluate_all(snapshot: &Snapshot, context: &Context) {
    snapshot.evaluate_all(context, NOW, |evaluation| {
        black_box(&evaluation);
    });
}

pub(crate) fn evaluate(snapshot: &Snapshot, flag: &str, context: &Context) {
    black_box(snapshot.evaluate(flag, context, NOW));
}
