//! Building a snapshot from a source, taking over whatever the previous one already has.

use std::{collections::BTreeMap, sync::Arc};

use burgee_model::{FlagIn, Key, Limits};
use serde_json::{Map, Value as Json};

use crate::{
    digest::Digester,
    flag::PreparedFlag,
    snapshot::{ConfigTable, Index, Origin, Snapshot},
    source::{ConfigValue, EnvironmentSource},
    targeting::Targeting,
};

/// Reads the current value of a config entry.
pub type ReadConfig<'a> = &'a dyn Fn(&str) -> Option<ConfigValue>;

/// Builds the snapshot.
pub(crate) fn snapshot(
    previous: Option<&Snapshot>,
    mut source: EnvironmentSource,
    config: ReadConfig<'_>,
    limits: &Limits,
) -> Snapshot {
    let flags = flags(previous, std::mem::take(&mut source.flags), &source, limits);
    let config = Arc::new(ConfigTable::new());
    Snapshot {
        digest: digest(&source, &flags, &config),
        index: index(previous, &flags),
        varies: false,
        chunks: [].into(),
        placements: [].into(),
        limits: limits.clone(),
        source: Origin::new(source),
        flags,
        config,
    }
}

fn flags(
    previous: Option<&Snapshot>,
    sources: BTreeMap<Key, Arc<FlagIn>>,
    source: &EnvironmentSource,
    limits: &Limits,
) -> Box<[Arc<PreparedFlag>]> {
    let none = Map::new();
    let inherited = metadata(&source.set).unwrap_or(&none);
    let same_set = previous.is_some_and(|p| metadata(&p.source.set).unwrap_or(&none) == inherited);
    let prepare = |(key, flag): (Key, Arc<FlagIn>)| {
        let before = previous.and_then(|p| p.prepared(key.as_str()));
        let targeting = targeting(before, &key, &flag, &source.segments, limits);
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

fn is_same(before: &PreparedFlag, flag: &Arc<FlagIn>, targeting: Option<&Arc<Targeting>>) -> bool {
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
    flag: &Arc<FlagIn>,
    segments: &BTreeMap<Key, Json>,
    limits: &Limits,
) -> Option<Arc<Targeting>> {
    let json = flag.targeting.as_ref()?;
    if let Some(before) = before {
        let same = Arc::ptr_eq(&before.source, flag) || before.source.targeting.as_ref() == Some(json);
        if let Some(known) = before.targeting.as_ref().filter(|known| same && known.still_holds(segments)) {
            return Some(known.clone());
        }
    }
    Some(Arc::new(Targeting::new(key, json, segments, limits)))
}

/// Keys to places; taken over where the keys are the same.
fn index(previous: Option<&Snapshot>, flags: &[Arc<PreparedFlag>]) -> Arc<Index> {
    match previous {
        Some(p) if p.flags.iter().map(|f| &f.key).eq(flags.iter().map(|f| &f.key)) => p.index.clone(),
        _ => Arc::new((0..).zip(flags).map(|(at, flag)| (flag.key.clone(), at)).collect()),
    }
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
        d.text(key.as_str());
        d.byte(u8::from(entry.is_some()));
        if let Some(entry) = entry {
            d.value(&entry.value);
        }
    }
    d.finish()
}
