//! Building a snapshot from a source, taking over whatever the previous one already has.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use burgee_model::{Key, Limits, context::Kept};
use burgee_rules::{facts::Facts, parse::PatternRoom, prerequisites::Ways};
use serde_json::{Map, Value as Json};

use crate::{
    chunk::{self, Chunk, ChunkUse, Placement},
    digest::Digester,
    flag::{Plan, PreparedFlag},
    joined::{self, Holds},
    patterns::Patterns,
    prerequisites,
    reads::{self, Names},
    runtime::Runtime,
    shared::{self, SharedRules},
    snapshot::{ConfigTable, Index, Origin, Snapshot, is_large},
    source::{ConfigValue, EnvironmentSource, FlagSource},
    targeting::{Reading, Targeting},
};

/// Reads the current value of a config entry.
pub type ReadConfig<'a> = &'a dyn Fn(&str) -> Option<ConfigValue>;

/// Reads the rules that a flag had before its current one, newest first, back to where it had none.
pub type ReadRules<'a> = &'a dyn Fn(&Key) -> Vec<Json>;

/// What a build reads of the replica beside its source.
#[derive(Clone, Copy)]
pub struct Reads<'a> {
    /// Config entries; each that a rule reads is asked for once.
    pub config: ReadConfig<'a>,
    /// Earlier rules, asked for only of a flag whose rule does not compile because of what it refers to.
    pub earlier: ReadRules<'a>,
}

impl<'a> From<ReadConfig<'a>> for Reads<'a> {
    /// Without earlier rules.
    fn from(config: ReadConfig<'a>) -> Self {
        Self { config, earlier: &no_earlier }
    }
}

fn no_earlier(_: &Key) -> Vec<Json> {
    Vec::new()
}

/// Builds the snapshot.
pub(crate) fn snapshot(
    previous: Option<&Snapshot>,
    mut source: EnvironmentSource,
    reads: Reads<'_>,
    runtime: &Arc<Runtime>,
) -> Snapshot {
    let (flags, segments) = (std::mem::take(&mut source.flags), std::mem::take(&mut source.segments));
    let shared = shared::shared(previous.map(|p| &p.source.shared), segments, source.bucketing);
    let patterns = Patterns::new(previous.map(|p| &p.source.patterns));
    let flags = self::flags(previous, flags, &source, &shared, &patterns, reads.earlier, &runtime.config.limits);
    let config = Arc::new(config_table(&flags, reads.config));
    let chunks = if runtime.config.compile { chunks(previous, &flags) } else { Box::default() };
    let index = index(previous, &flags);
    let Ways { troubles, costs } = prerequisites::ways(&flags, &index);
    let cost = |at: u32, flag: &PreparedFlag| cost(at, flag, &costs, &runtime.config.limits);
    let running = (0..).zip(&flags).filter(|(at, flag)| flag.plan == Plan::Rule && !troubles.contains_key(at));
    Snapshot {
        digest: digest(&source, &flags, &config),
        cost: running.fold(0, |sum: u64, (at, flag)| sum.saturating_add(cost(at, flag))),
        costs,
        troubles,
        reads: reads_of(previous, &flags),
        index,
        calls_guests: flags.iter().filter_map(|flag| flag.targeting.as_ref()).any(|targeting| targeting.calls_guests()),
        loops: flags.iter().any(|flag| flag.loops),
        large_config: config.values().flatten().any(|entry| is_large(&entry.value)),
        varies: {
            let mut varying = Varying::new(&config);
            flags.iter().any(|flag| varying.has(flag))
        },
        parts: Default::default(),
        placements: placements(flags.len(), &chunks),
        runtime: runtime.clone(),
        chunks,
        guests: std::mem::take(&mut source.guests),
        source: Origin::new(source, shared, patterns.held()),
        flags,
        config,
    }
}

/// The flags with their shared rules, those of a previous snapshot that are as they were.
pub(crate) fn flags(
    previous: Option<&Snapshot>,
    sources: BTreeMap<Key, Arc<FlagSource>>,
    source: &EnvironmentSource,
    shared: &SharedRules,
    patterns: &Patterns,
    earlier: ReadRules<'_>,
    limits: &Limits,
) -> Box<[Arc<PreparedFlag>]> {
    let none = Map::new();
    let inherited = metadata(&source.set).unwrap_or(&none);
    let same_set = previous.is_some_and(|p| metadata(&p.source.set).unwrap_or(&none) == inherited);
    let names = Names::new(previous.map(|p| &*p.reads));
    let reading = Reading { shared, bucketing: source.bucketing, names: &names, patterns, earlier, limits };
    let mut room = PatternRoom::new(limits.patterns_per_environment);
    let prepare = |(key, flag): (Key, Arc<FlagSource>)| {
        let before = previous.and_then(|p| p.prepared(key.as_str()));
        let targeting = targeting(before, &key, &flag, &mut room, &reading);
        match before {
            Some(before) if same_set && is_same(before, &flag, targeting.as_ref()) => before.clone(),
            _ => Arc::new(PreparedFlag::new(&key, flag, targeting, inherited)),
        }
    };
    sources.into_iter().map(prepare).collect()
}

fn metadata(set: &Map<String, Json>) -> Option<&Map<String, Json>> {
    set.get("metadata").and_then(Json::as_object)
}

fn is_same(before: &PreparedFlag, flag: &Arc<FlagSource>, targeting: Option<&Arc<Targeting>>) -> bool {
    let same_rule = match (&before.targeting, targeting) {
        (None, None) => true,
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        _ => false,
    };
    same_rule && (Arc::ptr_eq(&before.source, flag) || before.source == *flag)
}

/// The flag's rule: the one read before, where neither it nor a shared rule that it uses has changed.
fn targeting(
    before: Option<&Arc<PreparedFlag>>,
    key: &Key,
    flag: &Arc<FlagSource>,
    room: &mut PatternRoom,
    reading: &Reading<'_>,
) -> Option<Arc<Targeting>> {
    let text = flag.targeting.as_ref()?;
    if let Some(before) = before {
        let same = Arc::ptr_eq(&before.source, flag) || before.source.targeting.as_ref() == Some(text);
        let known = before.targeting.as_ref().filter(|known| same && known.still_holds(key, reading));
        if let Some(known) = known.filter(|known| room.take(known.patterns()) != known.is_beyond) {
            return Some(known.clone());
        }
    }
    // a text that does not read as JSON is as a rule that is none
    let json = flag.rule().unwrap_or_default();
    Some(Arc::new(Targeting::read(key, &json, room, reading)))
}

/// Keys to places; taken over where the keys are the same.
fn index(previous: Option<&Snapshot>, flags: &[Arc<PreparedFlag>]) -> Arc<Index> {
    match previous {
        Some(p) if p.flags.iter().map(|f| &f.key).eq(flags.iter().map(|f| &f.key)) => p.index.clone(),
        _ => Arc::new((0..).zip(flags).map(|(at, flag)| (flag.key.clone(), at)).collect()),
    }
}

/// What the rules read; taken over where they are the same.
fn reads_of(previous: Option<&Snapshot>, flags: &[Arc<PreparedFlag>]) -> Arc<Kept> {
    fn rules(flags: &[Arc<PreparedFlag>]) -> impl Iterator<Item = &Arc<Targeting>> {
        flags.iter().filter_map(|flag| flag.targeting.as_ref())
    }
    let same = |p: &&Snapshot| rules(&p.flags).map(Arc::as_ptr).eq(rules(flags).map(Arc::as_ptr));
    match previous.filter(same) {
        Some(previous) => previous.reads.clone(),
        None => Arc::new(reads::of(rules(flags).map(Arc::as_ref))),
    }
}

/// The entries that rules read, whether their flags are on or not.
fn config_table(flags: &[Arc<PreparedFlag>], read: ReadConfig<'_>) -> ConfigTable {
    let rules = flags.iter().filter_map(|flag| flag.targeting.as_deref());
    let keys: BTreeSet<&Key> = joined::facts(rules).flat_map(|facts| &*facts.config_keys).collect();
    keys.into_iter().map(|key| (key.clone(), read(key.as_str()))).collect()
}

/// What evaluating a flag may cost: what its rule does by its size, and those of the flags that it leads to, which are
/// charged to its own budget.
pub(crate) fn cost(at: u32, flag: &PreparedFlag, costs: &BTreeMap<u32, u64>, limits: &Limits) -> u64 {
    let own = u64::from(flag.steps);
    let others = costs.get(&at).map_or(0, |whole| whole.saturating_sub(own));
    own.saturating_add(others.min(limits.evaluation_steps))
}

type Test<'a> = Box<dyn Fn(&Facts) -> bool + 'a>;

/// Finds the flags whose answers depend on the time.
pub(crate) struct Varying<'a> {
    /// Whether entries are read that expire; none where no entry does.
    expires: Option<Holds<'a, Test<'a>>>,
}

impl<'a> Varying<'a> {
    pub(crate) fn new(config: &'a ConfigTable) -> Self {
        let ends = |entry: &Option<ConfigValue>| entry.as_ref().is_some_and(|entry| entry.expires_at.is_some());
        let reads = move |facts: &Facts| facts.config_keys.iter().any(|key| config.get(key).is_some_and(ends));
        Self { expires: config.values().any(ends).then(|| Holds::new(Box::new(reads) as _)) }
    }

    pub(crate) fn has(&mut self, flag: &'a PreparedFlag) -> bool {
        let Some(rule) = flag.targeting.as_deref().filter(|_| flag.plan == Plan::Rule) else { return false };
        rule.reads_time || rule.calls_guests() || self.expires.as_mut().is_some_and(|expires| expires.of(rule))
    }
}

/// The chunks of the flags with a rule that can be compiled, on or not: what is on is no matter of the code.
fn chunks(previous: Option<&Snapshot>, flags: &[Arc<PreparedFlag>]) -> Box<[ChunkUse]> {
    let known: HashMap<u128, &Arc<Chunk>> =
        previous.iter().flat_map(|p| &p.chunks).map(|used| (used.chunk.fingerprint, &used.chunk)).collect();
    let make = |members: Box<[u32]>| {
        let each = || members.iter().filter_map(|at| flags.get(*at as usize));
        let fingerprint = chunk::fingerprint(each().map(Arc::as_ref));
        let states: Box<[u8]> = each().map(|flag| u8::from(flag.plan == Plan::Rule)).collect();
        let running = states.iter().filter(|state| **state == 1).count();
        let chunk = match known.get(&fingerprint) {
            Some(known) => (*known).clone(),
            None => Arc::new(Chunk::new(fingerprint, each().filter_map(|flag| flag.key_and_rule()).collect())),
        };
        ChunkUse { chunk, states, running, members }
    };
    chunk::divide(flags, &emittable(flags)).into_iter().map(make).collect()
}

/// The places of the flags whose rules can be compiled.
pub(crate) fn emittable(flags: &[Arc<PreparedFlag>]) -> Vec<u32> {
    let compiled = (0..).zip(flags).filter(|(_, flag)| flag.targeting.as_ref().is_some_and(|t| t.emittable));
    compiled.map(|(at, _)| at).collect()
}

fn placements(flags: usize, chunks: &[ChunkUse]) -> Box<[Placement]> {
    let mut placements = vec![None; flags];
    for (chunk, used) in (0..).zip(chunks) {
        for (number, at) in (0..).zip(&used.members) {
            if let Some(placement) = placements.get_mut(*at as usize) {
                *placement = Some((chunk, number));
            }
        }
    }
    placements.into()
}

fn digest(source: &EnvironmentSource, flags: &[Arc<PreparedFlag>], config: &ConfigTable) -> u128 {
    let mut d = Digester::new("environment");
    d.text(source.tenant.as_str());
    d.text(source.environment.as_str());
    d.members(&source.set);
    for flag in flags {
        d.word(flag.digest);
    }
    for (key, entry) in config {
        digest_entry(&mut d, key, entry.as_ref());
    }
    d.finish()
}

/// Adds a config entry to a digest, there or not.
pub(crate) fn digest_entry(d: &mut Digester, key: &Key, entry: Option<&ConfigValue>) {
    d.text(key.as_str());
    d.byte(u8::from(entry.is_some()));
    if let Some(entry) = entry {
        d.value(&entry.value);
    }
}
