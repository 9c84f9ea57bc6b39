//! What a snapshot is built from.

mod flag;

use std::{collections::BTreeMap, sync::Arc};

use burgee_model::{Bucketing, Digest, Key, Limits, Millis, Value};
use serde_json::{Map, Value as Json};

use crate::cache::CacheConfig;

pub use self::flag::FlagSource;

/// The state of one environment, as the replica holds it.
#[derive(Clone, Debug)]
pub struct EnvironmentSource {
    /// The tenant.
    pub tenant: Key,
    /// Its environment.
    pub environment: Key,
    /// The flags as they are in this environment. A flag whose `Arc` is that of the previous build costs nothing.
    pub flags: BTreeMap<Key, Arc<FlagSource>>,
    /// The shared rules (flagd's `$evaluators`) by name.
    pub segments: BTreeMap<Key, Arc<Json>>,
    /// How `fractional` buckets.
    pub bucketing: Bucketing,
    /// The modules of the tenant's guests, by name.
    pub guests: BTreeMap<Key, Digest>,
    /// The top-level members of the flagd document; flags inherit its `metadata`.
    pub set: Map<String, Json>,
}

/// A config entry as a rule sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigValue {
    /// Its value: JSON where its type says so, else text.
    pub value: Value,
    /// From when on it counts as absent.
    pub expires_at: Option<Millis>,
}

impl ConfigValue {
    /// The value at an instant; null once expired.
    pub(crate) fn at(&self, now: Millis) -> &Value {
        match self.expires_at {
            Some(deadline) if deadline <= now => &Value::Null,
            _ => &self.value,
        }
    }
}

/// Measured (benchmarks.md): to enter compiled code and write the cells of a rule costs 100 to 180 ns, a condition
/// costs the interpreter 12 ns and compiled code 1 ns. So they are even at a dozen conditions looked at; a rule of
/// twenty has 64 steps and looks at half of them on average.
const ALONE_STEPS_MIN: usize = 64;
/// Measured: one rule takes twice as long compiled, three 0.84 times, a hundred a quarter, ten thousand a seventh.
const TOGETHER_RULES_MIN: usize = 3;

/// The engine's settings.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// What rules and evaluations may cost.
    pub limits: Limits,
    /// Whether rules are compiled at all; without it the interpreter serves everything.
    pub compile: bool,
    /// Steps from which on a rule runs compiled although it is evaluated alone. Entering compiled code has a fixed
    /// cost, which a smaller rule does not earn back. 0 runs all that is compiled.
    pub alone_steps_min: usize,
    /// Rules of a chunk that are on, from which on they run compiled when all flags are evaluated. 0 runs all.
    pub together_rules_min: usize,
    /// Chunks that may wait for the compile thread, one at least. One that finds the queue full is asked for again
    /// once it has drained.
    pub queue_chunks: usize,
    /// Instances that one worker thread creates in a store before it starts a new one.
    pub instances_per_store: usize,
    /// Where compiled rules are kept from one start to the next; none compiles them at each start.
    pub cache: Option<CacheConfig>,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            compile: true,
            alone_steps_min: ALONE_STEPS_MIN,
            together_rules_min: TOGETHER_RULES_MIN,
            queue_chunks: 65_536,
            instances_per_store: 4_096,
            cache: None,
        }
    }
}
