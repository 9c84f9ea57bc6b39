//! What the fuzz targets share: the fuzzer's bytes as a source of generated rules and contexts.

use std::{collections::BTreeMap, sync::Arc};

use burgee_engine::{Engine, EngineConfig, EnvironmentSource};
use burgee_model::{FlagIn, Key, Limits, State};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Map, Value as Json, json};

/// An instant: 2026-11-20T12:00:00Z.
pub const NOW: u64 = 1_795_176_000_000;

/// Draws generated things, each decision by the next bytes; when they are used up, by zeros.
pub struct Draw(TestRunner);

impl Draw {
    /// Draws by these bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        let random = TestRng::from_seed(RngAlgorithm::PassThrough, bytes);
        Self(TestRunner::new_with_rng(Config::default(), random))
    }

    /// The next thing; none where the bytes lead to nothing that the strategy accepts.
    pub fn one<S: Strategy>(&mut self, strategy: &S) -> Option<S::Value> {
        strategy.new_tree(&mut self.0).ok().map(|tree| tree.current())
    }
}

/// A key of a fixed, valid text.
#[must_use]
pub fn key(text: &str) -> Option<Key> {
    Key::new(text).ok()
}

/// An environment of flags with these rules and shared rules.
#[must_use]
pub fn environment(rules: Vec<Json>, segments: Map<String, Json>) -> Option<EnvironmentSource> {
    let flags = rules.into_iter().enumerate().map(|(n, rule)| Some((key(&format!("flag{n}"))?, flag(rule))));
    let segments = segments.into_iter().map(|(name, rule)| Some((key(&name)?, rule)));
    Some(EnvironmentSource {
        tenant: key("acme")?,
        environment: key("production")?,
        flags: flags.collect::<Option<_>>()?,
        segments: segments.collect::<Option<_>>()?,
        guests: BTreeMap::new(),
        set: Map::new(),
    })
}

fn flag(targeting: Json) -> Arc<FlagIn> {
    let names = ["on", "off", "other", "true", "false", "", "0", "1", "2", "17", "18", "pro", "free", "x.org"];
    let variants = names.map(|name| (name.to_owned(), json!(name))).into_iter().collect();
    Arc::new(FlagIn { state: State::Enabled, targeting: Some(targeting), variants, ..FlagIn::default() })
}

/// An engine that compiles, and one that only interprets.
#[must_use]
pub fn engines(limits: &Limits) -> Option<[Arc<Engine>; 2]> {
    // all that is compiled runs compiled, whether that pays or not
    let all = EngineConfig { alone_steps_min: 0, together_rules_min: 0, ..EngineConfig::default() };
    let engine = |compile| Engine::new(EngineConfig { compile, limits: limits.clone(), ..all.clone() });
    Some([engine(true).ok()?, engine(false).ok()?])
}
