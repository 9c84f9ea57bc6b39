//! An environment as it stood at an instant, ready to evaluate.

use std::{collections::BTreeSet, sync::Arc};

use burgee_engine::{ConfigValue, EnvironmentSource, FlagSource, Reads, Snapshot};
use burgee_model::{FlagIn, Key, Millis, RegisterId, Severity};
use burgee_rules::parse::{Thing, references, shared_rules};
use burgee_store::{Past, Store};

use crate::source;

/// Flags that are taken at once, so that a large environment holds up neither writers nor other readers.
const FLAGS_A_LOOK: usize = 256;

/// What stood at an instant.
pub(crate) struct Stood {
    /// What evaluates as of then.
    pub(crate) snapshot: Snapshot,
    /// The registers of then.
    pub(crate) past: Past,
    /// Whether all that its rules read is known to have been so.
    pub(crate) complete: bool,
}

/// Puts an environment together as it stood at an instant: all its flags, or one and those that it asks for. None where
/// no history reaches back so far, of the environment or of the one flag.
///
/// `now` is the environment as it is, of which whatever has not changed is taken over.
pub(crate) fn stood(store: &Store, now: &Snapshot, at: Millis, flag: Option<&Key>) -> Option<Stood> {
    let mut past = store.read().past(now.tenant(), now.environment(), at)?;
    let is_lost = match flag {
        Some(flag) => {
            let taken = take_with_prerequisites(store, &mut past, flag, now);
            if past.lost().flags.contains(flag) {
                return None;
            }
            !taken.is_disjoint(&past.lost().flags)
        }
        None => {
            take_all(store, &mut past, now);
            !past.lost().flags.is_empty()
        }
    };
    let source = source_of(&past, now);
    let entry = |key: &Key| RegisterId::config(now.tenant(), now.environment(), key);
    let config =
        |key: &str| -> Option<ConfigValue> { source::config_value(&store.read(), &entry(&Key::new(key).ok()?), at) };
    let earlier = |flag: &Key| source::earlier_rules(past.table(), now.tenant(), now.environment(), flag);
    let snapshot = now.with_source(source, Reads { config: &config, earlier: &earlier });
    let complete = !is_lost
        && past.lost().segments.is_empty()
        && !snapshot.calls_guests()
        && (past.is_remembered() || !lacks_anything(&snapshot))
        && snapshot.config_keys().all(|key| store.read().stood(&entry(key), at));
    Some(Stood { snapshot, past, complete })
}

fn take_all(store: &Store, past: &mut Past, now: &Snapshot) {
    let mut after: Option<Key> = None;
    loop {
        let table = store.read();
        let next = table.flags(now.tenant(), store.now(), after.as_ref()).take(FLAGS_A_LOOK);
        let next: Vec<Key> = next.cloned().collect();
        next.iter().for_each(|flag| past.take(&table, flag));
        match next.last() {
            Some(last) if next.len() == FLAGS_A_LOOK => after = Some(last.clone()),
            _ => return,
        }
    }
}

/// Whether a rule asks for what was not there, or was deleted so long ago that nobody knows.
fn lacks_anything(snapshot: &Snapshot) -> bool {
    snapshot
        .flags()
        .any(|flag| snapshot.problems(flag.as_str()).iter().any(|problem| problem.severity == Severity::Warning))
}

/// Says which were taken: as many as an environment may have at most, for each is taken once.
fn take_with_prerequisites(store: &Store, past: &mut Past, flag: &Key, now: &Snapshot) -> BTreeSet<Key> {
    let segments = past.table().segments(now.tenant(), now.environment(), past.at());
    let shared = shared_rules(|name| segments.get(name).cloned());
    let (mut open, mut taken) = (vec![flag.clone()], BTreeSet::new());
    while let Some(flag) = open.pop() {
        if !taken.insert(flag.clone()) {
            continue;
        }
        past.take(&store.read(), &flag);
        let rule = flag_in(past, now, &flag).and_then(|flag| flag.targeting);
        let asked = rule.map(|rule| references(&rule, &shared)).unwrap_or_default();
        let flags = asked.iter().filter(|asked| asked.thing == Thing::Flag);
        open.extend(flags.filter_map(|asked| Key::new(&asked.name).ok()).filter(|key| !taken.contains(key)));
    }
    taken
}

fn flag_in(past: &Past, now: &Snapshot, flag: &Key) -> Option<FlagIn> {
    let flag = source::flag(past.table(), now.tenant(), flag, past.at())?;
    Some(source::in_environment(&flag, now.environment()))
}

/// What stood, but for what is lost in part.
fn source_of(past: &Past, now: &Snapshot) -> EnvironmentSource {
    let (table, at) = (past.table(), past.at());
    let mut source = source::environment(table, now.tenant(), now.environment(), at);
    let kept = table.flags(now.tenant(), at, None).filter(|flag| !past.lost().flags.contains(*flag));
    let flags = kept.filter_map(|key| Some((key.clone(), Arc::new(FlagSource::from(&flag_in(past, now, key)?)))));
    source.flags = flags.collect();
    source
}
