//! The immutable state of one environment that evaluations read.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use burgee_model::{Context, Digest, Key, Millis, Problem, Value, context::WireError};
use burgee_rules::{
    Budget, EvalError, explain,
    interpret::{self, Inputs, Outside},
};

use crate::{
    chunk::{ChunkUse, Placement},
    evaluation::Evaluation,
    flag::{Choice, Fixed, Plan, PreparedFlag},
    guest::GuestCall,
    hash::BuildShortHasher,
    input::World,
    prerequisites::Trouble,
    reads::Reads,
    runtime::Runtime,
    source::{ConfigValue, EnvironmentSource},
    tally::{Counts, Tier},
    worker,
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
    pub(crate) reads: Arc<Reads>,
    /// The modules of the tenant's guests, by name.
    pub(crate) guests: BTreeMap<Key, Digest>,
    /// The flags whose rules are not run, by their places.
    pub(crate) troubles: BTreeMap<u32, Trouble>,
    pub(crate) digest: u128,
    pub(crate) varies: bool,
    pub(crate) calls_guests: bool,
}

/// The config entries that rules read; an entry that does not exist is none.
pub(crate) type ConfigTable = BTreeMap<Key, Option<ConfigValue>>;

/// Flag keys to their places.
pub(crate) type Index = HashMap<Key, u32, BuildShortHasher>;

/// What the next build compares with.
pub(crate) struct Origin {
    pub(crate) tenant: Key,
    pub(crate) environment: Key,
    pub(crate) set: serde_json::Map<String, serde_json::Value>,
}

impl Origin {
    pub(crate) fn new(source: EnvironmentSource) -> Self {
        Self { tenant: source.tenant, environment: source.environment, set: source.set }
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

    /// Reads the context of a request, `{"context"?: …}`, as far as rules read it: for evaluations of this
    /// snapshot and no other.
    pub fn read_context(&self, text: &[u8]) -> Result<Context, WireError> {
        Context::from_request(text, &|name| self.reads.keep(name), &self.runtime.config.limits)
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

    /// Evaluates all flags, in key order.
    pub fn evaluate_all<'a>(&'a self, context: &Context, now: Millis, mut each: impl FnMut(Evaluation<'a>)) {
        let world = self.world(context, now);
        let mut counts = Counts::default();
        let mut each = |tier, evaluation: Evaluation<'a>| {
            counts.count(tier, evaluation.kind);
            each(evaluation);
        };
        let (mut chunk, mut decisions) = (None, Vec::new());
        for (at, flag) in self.flags.iter().enumerate() {
            if let Plan::Fixed(fixed) = flag.plan {
                each(Tier::Fixed, flag.fixed(fixed));
                continue;
            }
            let mut decided = None;
            if let Some((of, number)) = self.placement(at) {
                if chunk != Some(of) {
                    self.decide_chunk(of, &world, &mut decisions);
                    chunk = Some(of);
                }
                decided = decisions.get(number as usize).copied().flatten();
            }
            match decided {
                Some(choice) => each(Tier::Compiled, flag.answer(choice)),
                None => each(Tier::Interpreted, self.interpret(at, flag, &world)),
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
        let pays = flag.steps() >= self.runtime.config.alone_steps_min;
        let compiled = self.placement(at).filter(|_| pays).and_then(|(chunk, number)| {
            let artefact = self.chunks.get(chunk as usize)?.chunk.artefact()?;
            worker::evaluate(&self.runtime, artefact, number, flag, world)
        });
        match compiled {
            Some(choice) => (Tier::Compiled, flag.answer(choice)),
            None => (Tier::Interpreted, self.interpret(at, flag, world)),
        }
    }

    /// Runs a whole chunk, where its rules are compiled and that pays; else leaves no decisions.
    fn decide_chunk(&self, chunk: u32, world: &World<'_>, decisions: &mut Vec<Option<Choice>>) {
        decisions.clear();
        let Some(used) = self.chunks.get(chunk as usize) else { return };
        let pays = used.running >= self.runtime.config.together_rules_min;
        if let Some(artefact) = used.chunk.artefact().filter(|_| pays) {
            worker::evaluate_all(&self.runtime, artefact, used, &self.flags, world, decisions);
        }
    }

    fn interpret<'a>(&'a self, at: usize, flag: &'a PreparedFlag, world: &World<'_>) -> Evaluation<'a> {
        if let Some(trouble) = self.trouble(at) {
            return flag.failed(trouble.message());
        }
        let mut budget = Budget::new(&self.runtime.config.limits);
        match self.chosen(flag, world, &mut budget) {
            Ok(Ok(choice)) => flag.answer(choice),
            Ok(Err(why)) => flag.failed(why),
            Err(EvalError::Guest(_)) if flag.has_default() => flag.in_error(),
            Err(error @ EvalError::Guest(_)) => flag.failed(format!("guest_failed: {error}")),
            Err(error @ EvalError::TooCostly) => flag.failed(format!("rule_too_costly: {error}")),
        }
    }

    fn trouble(&self, at: usize) -> Option<Trouble> {
        u32::try_from(at).ok().and_then(|at| self.troubles.get(&at)).copied()
    }

    /// What a flag's rule decides, at the cost of a budget; the text says why it decided nothing.
    fn chosen(
        &self,
        flag: &PreparedFlag,
        world: &World<'_>,
        budget: &mut Budget,
    ) -> Result<Result<Choice, String>, EvalError> {
        let Some(rule) = flag.targeting.as_ref().and_then(|targeting| targeting.rule.as_ref()) else {
            return Ok(Ok(Choice::Default));
        };
        let inputs = Inputs {
            flag_key: flag.key.as_str(),
            context: world.context,
            timestamp_seconds: world.timestamp_seconds(),
            outside: &Others { snapshot: self, flag: flag.key.as_str(), world },
            limits: &self.runtime.config.limits,
        };
        let result = interpret::expression(&rule.root, &inputs, budget)?;
        Ok(flag.choose(&result))
    }

    /// The variant that a flag gives to another one's rule.
    fn variant(&self, key: &str, world: &World<'_>, budget: &mut Budget) -> Result<Value, EvalError> {
        let Some(at) = self.index.get(key).map(|at| *at as usize).filter(|at| self.trouble(*at).is_none()) else {
            return Ok(Value::Null);
        };
        let Some(flag) = self.flags.get(at) else { return Ok(Value::Null) };
        let choice = match flag.plan {
            Plan::Fixed(Fixed::Default) => Some(Choice::Default),
            Plan::Fixed(Fixed::Disabled | Fixed::Broken) => None,
            Plan::Rule => {
                let rule = flag.targeting.as_ref().and_then(|targeting| targeting.rule.as_ref());
                budget.step(rule.map_or(0, |rule| rule.steps))?;
                self.chosen(flag, world, budget)?.ok()
            }
        };
        let name = choice.and_then(|choice| flag.variant(choice));
        Ok(name.map_or(Value::Null, |name| Value::Text(name.clone())))
    }

    /// Why a flag answers what it answers: the tree of [`burgee_rules::explain`]. None where no rule is run.
    #[must_use]
    pub fn explain(&self, flag: &str, context: &Context, now: Millis) -> Option<serde_json::Value> {
        let at = *self.index.get(flag)? as usize;
        let prepared = self.flags.get(at).filter(|flag| flag.plan == Plan::Rule && self.trouble(at).is_none())?;
        let (targeting, rule) = (prepared.targeting.as_ref()?, prepared.source.rule()?);
        let world = self.world(context, now);
        let inputs = Inputs {
            flag_key: flag,
            context,
            timestamp_seconds: world.timestamp_seconds(),
            outside: &Others { snapshot: self, flag, world: &world },
            limits: &self.runtime.config.limits,
        };
        Some(explain::rule(&rule, &|name| targeting.segment(name), &inputs))
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

    /// Has the modules compiled that rules may call, so that the first call need not wait for it. Does not wait.
    pub(crate) fn warm_guests(&self) {
        let Some(running) = self.runtime.guests.as_ref().filter(|_| self.calls_guests) else { return };
        for (name, digest) in &self.guests {
            running.warm(&self.source.tenant, name.as_str(), digest.0);
        }
    }

    /// Whether any rule calls guests, so that evaluating waits for them.
    #[must_use]
    pub fn calls_guests(&self) -> bool {
        self.calls_guests
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

/// What the rule of one flag may ask for.
struct Others<'s, 'w> {
    snapshot: &'s Snapshot,
    flag: &'s str,
    world: &'s World<'w>,
}

impl Outside for Others<'_, '_> {
    fn config(&self, key: &str) -> Value {
        self.world.config_value(key).clone()
    }

    fn flag(&self, key: &str, budget: &mut Budget) -> Result<Value, EvalError> {
        self.snapshot.variant(key, self.world, budget)
    }

    fn guest(&self, name: &str, arguments: &[Value]) -> Result<Value, EvalError> {
        let Snapshot { runtime, guests, source, .. } = self.snapshot;
        let (Some(running), Some(digest)) = (&runtime.guests, guests.get(name)) else { return Ok(Value::Null) };
        let answer = running.call(&GuestCall {
            tenant: &source.tenant,
            guest: name,
            digest: digest.0,
            flag: self.flag,
            timestamp_seconds: self.world.timestamp_seconds(),
            context: self.world.context,
            arguments,
            config: &|key| running.config(&source.tenant, &source.environment, key),
        });
        answer.map_err(|fault| EvalError::Guest(fault.kind()))
    }
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
