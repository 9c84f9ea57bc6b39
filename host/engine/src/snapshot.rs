//! The immutable state of one environment that evaluations read.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use burgee_model::{Context, Key, Limits, Millis, Problem};

use crate::{
    chunk::{ChunkUse, Placement},
    evaluation::Evaluation,
    flag::{Decision, Plan, PreparedFlag},
    hash::BuildShortHasher,
    source::{ConfigValue, EnvironmentSource},
};

/// One environment at one state of the replica. Immutable, but that compiled rules appear in it when they
/// are ready: that changes how fast it answers, never what.
pub struct Snapshot {
    pub(crate) source: Origin,
    pub(crate) limits: Limits,
    /// In key order.
    pub(crate) flags: Box<[Arc<PreparedFlag>]>,
    pub(crate) index: Arc<Index>,
    pub(crate) chunks: Box<[ChunkUse]>,
    /// Where each flag's compiled rule stands, for all flags in order.
    pub(crate) placements: Box<[Placement]>,
    pub(crate) config: Arc<ConfigTable>,
    pub(crate) digest: u128,
    pub(crate) varies: bool,
}

/// The config entries that rules read; an entry that does not exist is none.
pub(crate) type ConfigTable = BTreeMap<Key, Option<ConfigValue>>;

/// Flag keys to their places.
pub(crate) type Index = HashMap<Key, u32, BuildShortHasher>;

/// What the next build compares with.
pub(crate) struct Origin {
    pub(crate) tenant: Key,
    pub(crate) environment: Key,
    pub(crate) segments: BTreeMap<Key, serde_json::Value>,
    pub(crate) set: serde_json::Map<String, serde_json::Value>,
}

impl Origin {
    pub(crate) fn new(source: EnvironmentSource) -> Self {
        Self { tenant: source.tenant, environment: source.environment, segments: source.segments, set: source.set }
    }
}

impl Snapshot {
    /// The tenant.
    #[must_use]
    pub fn tenant(&self) -> &Key {
        &self.source.tenant
    }

    /// The tenant's environment.
    #[must_use]
    pub fn environment(&self) -> &Key {
        &self.source.environment
    }

    /// The top-level members of the flagd document, e.g. `metadata`.
    #[must_use]
    pub fn set(&self) -> &serde_json::Map<String, serde_json::Value> {
        &self.source.set
    }

    /// Evaluates one flag. `now` decides `$flagd.timestamp` and which config entries have expired.
    #[must_use]
    pub fn evaluate<'a>(&'a self, flag: &'a str, context: &Context, now: Millis) -> Evaluation<'a> {
        let Some(&at) = self.index.get(flag) else { return Evaluation::not_found(flag) };
        let Some(prepared) = self.flags.get(at as usize) else { return Evaluation::not_found(flag) };
        match prepared.plan {
            Plan::Fixed(fixed) => prepared.fixed(fixed),
            Plan::Rule => prepared.answer(&self.decide(at as usize, context, now)),
        }
    }

    /// Evaluates all flags, in key order.
    pub fn evaluate_all<'a>(&'a self, context: &Context, now: Millis, mut each: impl FnMut(Evaluation<'a>)) {
        for (at, flag) in self.flags.iter().enumerate() {
            match flag.plan {
                Plan::Fixed(fixed) => each(flag.fixed(fixed)),
                Plan::Rule => each(flag.answer(&self.decide(at, context, now))),
            }
        }
    }

    fn decide(&self, at: usize, context: &Context, now: Millis) -> Decision {
        let _ = (at, context, now);
        Decision::Default
    }

    /// A digest of the content: the same on every node that holds the same flags, segments and config
    /// entries that rules read. See [`crate::etag`].
    #[must_use]
    pub fn digest(&self) -> u128 {
        self.digest
    }

    /// Whether answers can change while the content does not: a rule of a flag that is on reads the time, or
    /// a config entry with a deadline. An entity tag then needs the hash of the body.
    #[must_use]
    pub fn varies(&self) -> bool {
        self.varies
    }

    /// The config entries that rules read, there or not: when one of them changes, build again.
    pub fn config_keys(&self) -> BTreeSet<&Key> {
        self.config.keys().collect()
    }

    /// What is wrong with a flag's rule; paths are relative to `targeting`. Empty for an unknown flag.
    #[must_use]
    pub fn problems(&self, flag: &str) -> &[Problem] {
        self.prepared(flag).and_then(|flag| flag.targeting.as_ref()).map_or(&[], |targeting| &targeting.problems)
    }

    pub(crate) fn prepared(&self, flag: &str) -> Option<&Arc<PreparedFlag>> {
        self.index.get(flag).and_then(|at| self.flags.get(*at as usize))
    }

    /// The keys of all flags, in order.
    pub fn flags(&self) -> impl ExactSizeIterator<Item = &Key> {
        self.flags.iter().map(|flag| &flag.key)
    }

    /// How many flags with a rule are served by compiled code, and how many by the interpreter. Flags whose
    /// rule does not compile count as neither.
    #[must_use]
    pub fn tiers(&self) -> Tiers {
        let rules = self.flags.iter().filter(|flag| flag.targeting.as_ref().is_some_and(|t| t.rule.is_some())).count();
        let compiled = self.chunks.iter().filter(|used| used.chunk.artefact().is_some()).map(|used| used.members.len());
        let compiled = compiled.sum();
        Tiers { compiled, interpreted: rules - compiled }
    }
}

/// How many flags with a rule are served in which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiers {
    /// By compiled code.
    pub compiled: usize,
    /// By the interpreter, for now or for good.
    pub interpreted: usize,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot")
            .field("tenant", self.tenant())
            .field("environment", self.environment())
            .field("flags", &self.flags.len())
            .field("chunks", &self.chunks.len())
            .finish_non_exhaustive()
    }
}
