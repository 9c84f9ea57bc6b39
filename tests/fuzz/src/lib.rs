//! What the fuzz targets share: the fuzzer's bytes as a source of generated rules and contexts.

use std::{collections::BTreeMap, sync::Arc};

use burgee_engine::{Engine, EngineConfig, EnvironmentSource, FlagSource};
use burgee_model::{Bucketing, FlagIn, Key, Limits, State};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Map, Value as Json, json};

/// An instant: 2026-11-20T12:00:00Z.
pub const NOW: u64 = 1_795_176_000_000;

/// Bytes of the fuzzer that one thing is drawn by.
const SEED_BYTES: usize = 4;

/// Draws generated things, each by the next bytes, so that what one mutation changes is one thing.
pub struct Draw<'a>(std::slice::Chunks<'a, u8>);

impl<'a> Draw<'a> {
    /// Draws by these bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes.chunks(SEED_BYTES))
    }

    /// The next thing; none where the bytes are used up.
    pub fn one<S: Strategy>(&mut self, strategy: &S) -> Option<S::Value> {
        let mut seed = [0; 32];
        self.0.next()?.iter().zip(&mut seed).for_each(|(from, to)| *to = *from);
        // bytes as a stream of decisions would do more, but where they end some strategies try for ever
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let mut runner = TestRunner::new_with_rng(Config::default(), random);
        strategy.new_tree(&mut runner).ok().map(|tree| tree.current())
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
    let segments = segments.into_iter().map(|(name, rule)| Some((key(&name)?, Arc::new(rule))));
    Some(EnvironmentSource {
        tenant: key("acme")?,
        environment: key("production")?,
        flags: flags.collect::<Option<_>>()?,
        segments: segments.collect::<Option<_>>()?,
        bucketing: Bucketing::default(),
        guests: BTreeMap::new(),
        set: Map::new(),
    })
}

fn flag(targeting: Json) -> Arc<FlagSource> {
    let names = ["on", "off", "other", "true", "false", "", "0", "1", "2", "17", "18", "pro", "free", "x.org"];
    let variants = names.map(|name| (name.to_owned(), json!(name))).into_iter().collect();
    let flag = FlagIn { state: State::Enabled, targeting: Some(targeting), variants, ..FlagIn::default() };
    Arc::new(FlagSource::from(&flag))
}

/// An engine that compiles, and one that only interprets.
#[must_use]
pub fn engines(limits: &Limits) -> Option<[Arc<Engine>; 2]> {
    // all that is compiled runs compiled, whether that pays or not
    let all = EngineConfig { alone_steps_min: 0, together_rules_min: 0, ..EngineConfig::default() };
    let engine = |compile| Engine::new(EngineConfig { compile, limits: limits.clone(), ..all.clone() });
    Some([engine(true).ok()?, engine(false).ok()?])
}
