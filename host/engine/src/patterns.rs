//! The compiled patterns of an environment's rules: equal ones are one, over the builds in which a rule has them.

use std::{
    cell::RefCell,
    collections::HashMap,
    sync::{Arc, Weak},
};

use burgee_rules::ops::pattern::Pattern;

/// Patterns by their text, as long as a rule has them.
pub(crate) type Held = HashMap<Box<str>, Weak<Pattern>>;

/// Those of an environment that is built.
pub(crate) struct Patterns(RefCell<Held>);

impl Patterns {
    /// Begins with those of a previous build.
    pub(crate) fn new(held: Option<&Held>) -> Self {
        Self(RefCell::new(held.cloned().unwrap_or_default()))
    }

    /// A pattern; the error says what is wrong with its text.
    pub(crate) fn get(&self, text: &str) -> Result<Arc<Pattern>, String> {
        let mut held = self.0.borrow_mut();
        if let Some(known) = held.get(text).and_then(Weak::upgrade) {
            return Ok(known);
        }
        let new = Arc::new(Pattern::new(text)?);
        held.insert(text.into(), Arc::downgrade(&new));
        Ok(new)
    }

    /// Those that a rule has.
    pub(crate) fn held(self) -> Held {
        let mut held = self.0.into_inner();
        held.retain(|_, pattern| pattern.strong_count() > 0);
        held
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use burgee_model::{Bucketing, FlagIn, Key, Limits, State};
    use serde_json::{Map, json};

    use super::*;
    use crate::{
        engine::Engine,
        snapshot::Snapshot,
        source::{ConfigValue, EngineConfig, EnvironmentSource, FlagSource},
    };

    fn key(text: &str) -> Key {
        Key::new(text).unwrap()
    }

    /// An environment of flags, each of which has these patterns.
    fn source(flags: &[(&str, &[&str])]) -> EnvironmentSource {
        let rule = |patterns: &[&str]| {
            let matches: Vec<_> = patterns.iter().map(|pattern| json!({"matches": [{"var": "x"}, pattern]})).collect();
            json!({ "if": [{ "or": matches }, "on"] })
        };
        let flag =
            |patterns: &[&str]| FlagIn { state: State::Enabled, targeting: Some(rule(patterns)), ..FlagIn::default() };
        EnvironmentSource {
            tenant: key("t"),
            environment: key("e"),
            flags: flags.iter().map(|(name, p)| (key(name), Arc::new(FlagSource::from(&flag(p))))).collect(),
            segments: BTreeMap::new(),
            bucketing: Bucketing::V2,
            guests: BTreeMap::new(),
            set: Map::new(),
        }
    }

    fn no_config(_: &str) -> Option<ConfigValue> {
        None
    }

    fn codes(snapshot: &Snapshot, flag: &str) -> Vec<String> {
        snapshot.problems(flag).into_iter().map(|problem| problem.code).collect()
    }

    #[test]
    fn flags_beyond_the_most_patterns_are_in_error_and_equal_ones_count_once() {
        let limits = Limits { patterns_per_environment: 2, ..Limits::default() };
        let engine = Engine::new(EngineConfig { limits, compile: false, ..EngineConfig::default() }).unwrap();
        let first = engine.build(None, source(&[("b", &["x", "y"]), ("c", &["y"]), ("d", &["z"])]), &no_config);
        assert_eq!(["b", "c", "d"].map(|flag| codes(&first, flag).len()), [0, 0, 1]);
        assert_eq!(codes(&first, "d"), ["too_many_patterns"]);
        assert_eq!(first.source.patterns.len(), 2, "equal patterns are one");
        // who comes first in the order of keys has room, whoever was there before
        let after = [("a", &["z"] as &[&str]), ("b", &["x", "y"]), ("c", &["y"]), ("d", &["z"])];
        let grown = engine.build(Some(&first), source(&after), &no_config);
        assert_eq!(["a", "b", "c", "d"].map(|flag| codes(&grown, flag).len()), [0, 1, 0, 0]);
        let afresh = engine.build(None, source(&after), &no_config);
        assert_eq!(grown.digest(), afresh.digest());
        let back = engine.build(Some(&grown), source(&after[1..]), &no_config);
        assert_eq!(["b", "c", "d"].map(|flag| codes(&back, flag).len()), [0, 0, 1]);
    }
}
