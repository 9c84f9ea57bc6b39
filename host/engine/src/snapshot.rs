//! The immutable state of one environment that evaluations read.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use burgee_model::{
    Context, Digest, Key, Millis, Problem, Value,
    context::{Kept, WireError},
};
use burgee_rules::{
    Budget, EvalError, explain,
    interpret::Inputs,
    parse::{PROBLEMS_MAX, REFERENCES_MAX, Reference, Thing},
};

use crate::{
    allowance::Allowance,
    asking::{Asking, Patience},
    build::{self, Reads},
    chunk::{ChunkUse, Placement},
    evaluation::Evaluation,
    flag::{Plan, PreparedFlag},
    hash::BuildShortHasher,
    input::World,
    joined,
    part::Part,
    patterns::Held,
    prerequisites::Trouble,
    runtime::Runtime,
    shared::SharedRules,
    source::{ConfigValue, EnvironmentSource},
    tally::{Counts, Tier},
    worker::{self, Decisions},
};

/// One environment at one state of the replica. Immutable, but that compiled rules appear in it when they
/// are ready: that changes how fast it answers, never what.
pub struct Snapshot {
    pub(crate) source: Origin,
    pub(crate) runtime: Arc<Runtime>,
    /// In key order.
    pub(crate) flags: Box<[Arc<PreparedFlag>]>,
    pub(crate) index: Arc<Index>,
    pub(crate) chunks: Box<[ChunkUse]>,
    /// Where each flag's compiled rule stands, for all flags in order.
    pub(crate) placements: Box<[Placement]>,
    pub(crate) config: Arc<ConfigTable>,
    pub(crate) reads: Arc<Kept>,
    /// The modules of the tenant's guests, by name.
    pub(crate) guests: BTreeMap<Key, Digest>,
    /// The flags whose rules are not run, by their places.
    pub(crate) troubles: BTreeMap<u32, Trouble>,
    /// The steps of those that ask for others with those of all on their ways, by their places.
    pub(crate) costs: BTreeMap<u32, u64>,
    /// The steps that all flags may take together, apart from work that grows with data.
    pub(crate) cost: u64,
    pub(crate) digest: u128,
    pub(crate) varies: bool,
    pub(crate) calls_guests: bool,
    /// Whether any rule's work grows with what it is given.
    pub(crate) loops: bool,
    /// Whether any config entry that rules read is large.
    pub(crate) large_config: bool,
    /// What is seen of it: by those who see all, and by clients. Made when somebody asks.
    pub(crate) parts: [OnceLock<Part>; 2],
}

/// Bytes of a context from which on evaluating may take long.
const LARGE_BYTES: usize = 4 * 1024;

/// The config entries that rules read; an entry that does not exist is none.
pub(crate) type ConfigTable = BTreeMap<Key, Option<ConfigValue>>;

/// Flag keys to their places.
pub(crate) type Index = HashMap<Key, u32, BuildShortHasher>;

/// What the next build compares with.
pub(crate) struct Origin {
    pub(crate) tenant: Key,
    pub(crate) environment: Key,
    pub(crate) set: serde_json::Map<String, serde_json::Value>,
    pub(crate) shared: SharedRules,
    pub(crate) patterns: Held,
}

impl Origin {
    pub(crate) fn new(source: EnvironmentSource, shared: SharedRules, patterns: Held) -> Self {
        Self { tenant: source.tenant, environment: source.environment, set: source.set, shared, patterns }
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

    /// The same environment at another state, such as an earlier one. Its rules are interpreted, but for those that
    /// this snapshot has compiled.
    #[must_use]
    pub fn with_source(&self, source: EnvironmentSource, reads: Reads<'_>) -> Self {
        build::snapshot(Some(self), source, reads, &self.runtime)
    }

    /// Reads the context of a request, `{"context"?: …}`, as far as rules read it: for evaluations of this
    /// snapshot and no other.
    pub fn read_context(&self, text: &[u8]) -> Result<Context, WireError> {
        Context::from_request(text, &self.reads, &self.runtime.config.limits)
    }

    /// Evaluates one flag. `now` decides `$flagd.timestamp` and which config entries have expired.
    #[must_use]
    pub fn evaluate<'a>(&'a self, flag: &'a str, context: &Context, now: Millis) -> Evaluation<'a> {
        let (tier, evaluation) = self.evaluated(flag, context, now);
        self.runtime.tally.count(tier, evaluation.kind);
        evaluation
    }

    fn evaluated<'a>(&'a self, flag: &'a str, context: &Context, now: Millis) -> (Tier, Evaluation<'a>) {
        let at = self.index.get(flag).map(|at| *at as usize);
        let Some((at, prepared)) = at.and_then(|at| Some((at, self.flags.get(at)?))) else {
            return (Tier::Fixed, Evaluation::not_found(flag));
        };
        match prepared.plan {
            Plan::Fixed(fixed) => (Tier::Fixed, prepared.fixed(fixed)),
            Plan::Rule => self.decide(at, prepared, &self.world(context, now)),
        }
    }

    /// Evaluates all flags, in key order. Where they take more together than a request may, those that come later answer
    /// as flags whose rules are too costly; those without a rule answer always.
    pub fn evaluate_all<'a>(&'a self, context: &Context, now: Millis, mut each: impl FnMut(Evaluation<'a>)) {
        let (world, patience) = (self.world(context, now), self.patience());
        let mut allowance = Allowance::new(&self.runtime.config.limits);
        let mut counts = Counts::default();
        let mut each = |tier, evaluation: Evaluation<'a>| {
            counts.count(tier, evaluation.kind);
            each(evaluation);
        };
        let (mut chunk, mut decisions) = (None, Decisions::default());
        for (at, flag) in self.flags.iter().enumerate() {
            if let Plan::Fixed(fixed) = flag.plan {
                each(Tier::Fixed, flag.fixed(fixed));
                continue;
            }
            if !allowance.has_left(|| patience.waited()) {
                each(Tier::Interpreted, Evaluation::beyond_request(flag.key.as_str(), allowance.is_late()));
                continue;
            }
            // what it costs by its size, whichever tier runs it; what grows with data is added below
            allowance.spend(flag.steps.into());
            let mut decided = None;
            if let Some((of, number)) = self.placement(at) {
                if chunk != Some(of) {
                    let left = (allowance.steps_left(), allowance.until(patience.waited()));
                    self.decide_chunk(of, &world, left, &mut decisions);
                    chunk = Some(of);
                }
                decided = decisions.of(number);
            }
            match decided {
                Some((choice, steps)) => {
                    allowance.spend(steps);
                    each(Tier::Compiled, flag.answer(choice));
                }
                None => {
                    let (mut budget, asked) = (self.budget(), patience.guest_steps());
                    let all = budget.steps_left();
                    each(Tier::Interpreted, self.interpret(at, flag, &world, &patience, &mut budget));
                    // the time of guests has a limit of its own
                    let guests = patience.guest_steps().saturating_sub(asked);
                    allowance.spend(all.saturating_sub(budget.steps_left()).saturating_sub(guests));
                }
            }
        }
        self.runtime.tally.add(&counts);
    }

    fn world<'a>(&'a self, context: &'a Context, now: Millis) -> World<'a> {
        World { context, config: &self.config, now }
    }

    fn placement(&self, at: usize) -> Placement {
        self.placements.get(at).copied().flatten()
    }

    /// Runs a flag's rule alone: compiled, where that is ready and pays.
    fn decide<'a>(&'a self, at: usize, flag: &'a PreparedFlag, world: &World<'_>) -> (Tier, Evaluation<'a>) {
        let pays = flag.steps as usize >= self.runtime.config.alone_steps_min;
        let compiled = self.placement(at).filter(|_| pays).and_then(|(chunk, number)| {
            let artefact = self.chunks.get(chunk as usize)?.chunk.artefact()?;
            worker::evaluate(&self.runtime, artefact, number, flag, world)
        });
        match compiled {
            Some(choice) => (Tier::Compiled, flag.answer(choice)),
            None => (Tier::Interpreted, self.interpret(at, flag, world, &self.patience(), &mut self.budget())),
        }
    }

    /// Runs a whole chunk, where its rules are compiled and that pays; else leaves no decisions.
    fn decide_chunk(&self, chunk: u32, world: &World<'_>, left: (u64, Option<Instant>), decisions: &mut Decisions) {
        decisions.clear();
        let Some(used) = self.chunks.get(chunk as usize) else { return };
        let pays = used.running >= self.runtime.config.together_rules_min;
        if let Some(artefact) = used.chunk.artefact().filter(|_| pays) {
            worker::evaluate_all(&self.runtime, artefact, used, &self.flags, world, left, decisions);
        }
    }

    /// What guests may take of the time of one request.
    fn patience(&self) -> Patience {
        Patience::new(Duration::from_millis(self.runtime.config.limits.guest_request_ms))
    }

    /// What one evaluation may take.
    fn budget(&self) -> Budget {
        Budget::new(&self.runtime.config.limits)
    }

    fn interpret<'a>(
        &'a self,
        at: usize,
        flag: &'a PreparedFlag,
        world: &World<'_>,
        patience: &Patience,
        budget: &mut Budget,
    ) -> Evaluation<'a> {
        if let Some(trouble) = self.trouble(at) {
            return flag.failed(format!("{}: {}", trouble.code(), trouble.message()));
        }
        let asking = Asking::new(self, world, patience);
        match asking.chosen(flag, budget) {
            Ok(Ok(choice)) => flag.answer(choice),
            Ok(Err(why)) => flag.failed(why),
            Err(EvalError::Guest(_)) if flag.has_default() => flag.in_error(),
            Err(error @ EvalError::Guest(_)) => flag.failed(format!("guest_failed: {error}")),
            Err(error @ EvalError::TooCostly) => flag.failed(format!("rule_too_costly: {error}")),
        }
    }

    pub(crate) fn trouble(&self, at: usize) -> Option<Trouble> {
        u32::try_from(at).ok().and_then(|at| self.troubles.get(&at)).copied()
    }

    /// Why a flag answers what it answers: the tree of [`burgee_rules::explain`]. None where no rule is run.
    #[must_use]
    pub fn explain(&self, flag: &str, context: &Context, now: Millis) -> Option<serde_json::Value> {
        let at = *self.index.get(flag)? as usize;
        let prepared = self.flags.get(at).filter(|flag| flag.plan == Plan::Rule && self.trouble(at).is_none())?;
        let (targeting, rule) = (prepared.targeting.as_ref()?, prepared.rule_in_effect()?);
        let (world, patience) = (self.world(context, now), self.patience());
        let asking = Asking::new(self, &world, &patience);
        let inputs = Inputs {
            flag_key: flag,
            context,
            timestamp_seconds: world.timestamp_seconds(),
            outside: &asking.of(flag),
            limits: &self.runtime.config.limits,
        };
        Some(explain::rule(&rule, &|name| targeting.segment(name), targeting.bucketing, &inputs))
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

    /// Has the modules compiled that rules call, so that the first call need not wait for it. Does not wait.
    pub(crate) fn warm_guests(&self) {
        let Some(running) = self.runtime.guests.as_ref().filter(|_| self.calls_guests) else { return };
        let rules = self.flags.iter().filter_map(|flag| flag.targeting.as_ref());
        let rules = joined::facts(rules.map(Arc::as_ref));
        let called: BTreeSet<&str> = rules.flat_map(|facts| &*facts.guests).map(|name| &**name).collect();
        for name in called {
            if let Some(digest) = self.guests.get(name) {
                running.warm(&self.source.tenant, name, digest.0);
            }
        }
    }

    /// Whether any rule calls guests, so that evaluating waits for them.
    #[must_use]
    pub fn calls_guests(&self) -> bool {
        self.calls_guests
    }

    /// Whether evaluating one flag, or all, may take so long that others must not wait for it: where the rules take many
    /// steps by their size alone, with the flags that they ask for (`long_evaluation_steps`); where the context is large, or
    /// a config entry that rules read, and a rule loops or searches for patterns; or where all flags look at a large
    /// context.
    #[must_use]
    pub fn may_take_long(&self, context: &Context, flag: Option<&str>) -> bool {
        let limits = &self.runtime.config.limits;
        let of = |at: u32| self.flags.get(at as usize).map_or(0, |flag| build::cost(at, flag, &self.costs, limits));
        let cost = flag.map_or(self.cost, |flag| self.index.get(flag).map_or(0, |at| of(*at)));
        let grows = self.loops && self.large_config || (self.loops || flag.is_none()) && is_large(context.root());
        grows || cost > limits.long_evaluation_steps
    }

    /// The config entries that rules read, there or not, in order: when one of them changes, build again.
    pub fn config_keys(&self) -> impl ExactSizeIterator<Item = &Key> {
        self.config.keys()
    }

    /// Whether a rule reads this config entry.
    #[must_use]
    pub fn reads_config(&self, key: &Key) -> bool {
        self.config.contains_key(key)
    }

    /// What is wrong with a flag's rule, and what it asks for that is not there; paths are relative to `targeting`.
    /// Empty for an unknown flag.
    #[must_use]
    pub fn problems(&self, flag: &str) -> Vec<Problem> {
        let Some(at) = self.index.get(flag).map(|at| *at as usize) else { return Vec::new() };
        let Some(targeting) = self.flags.get(at).and_then(|flag| flag.targeting.as_ref()) else { return Vec::new() };
        let trouble = self.trouble(at).map(|trouble| Problem::new("", trouble.code(), trouble.message()));
        let mut told = BTreeSet::new();
        let missing = targeting.references().take(REFERENCES_MAX).filter(|(thing, name, _)| !self.has(*thing, name));
        let missing = missing.filter(|(thing, name, _)| told.insert((*thing, *name)));
        let missing = missing
            .map(|(thing, name, path)| Reference { thing, name: name.to_owned(), path: path.to_owned() }.missing());
        targeting.problems.iter().cloned().chain(trouble).chain(missing).take(PROBLEMS_MAX).collect()
    }

    /// Whether what a rule asks for is there.
    fn has(&self, thing: Thing, name: &str) -> bool {
        match thing {
            Thing::Flag => self.index.contains_key(name),
            Thing::Segment => self.source.shared.contains_key(name),
            Thing::Guest => self.guests.contains_key(name),
            Thing::Config => self.config.get(name).is_some_and(Option::is_some),
        }
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

/// Whether looking through a value again and again may take long.
pub(crate) fn is_large(value: &Value) -> bool {
    weighs_more(value, &mut { LARGE_BYTES })
}

/// Whether a value takes more than so many bytes. Looks no further than needed.
fn weighs_more(value: &Value, left: &mut usize) -> bool {
    const ITEM_BYTES: usize = 8;
    let own = if let Value::Text(text) = value { text.len() } else { 0 };
    let Some(rest) = left.checked_sub(own.saturating_add(ITEM_BYTES)) else { return true };
    *left = rest;
    match value {
        Value::List(items) => items.iter().any(|item| weighs_more(item, left)),
        Value::Object(members) => members.iter().any(|(_, value)| weighs_more(value, left)),
        _ => false,
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
