//! Flags that ask for other flags: which of a snapshot's cannot be answered, and what they may cost.

use std::{collections::HashMap, sync::Arc};

use burgee_rules::{
    facts::SharedExpr,
    prerequisites::{self, Asks, Ways},
};

pub(crate) use burgee_rules::prerequisites::Trouble;

use crate::{flag::PreparedFlag, snapshot::Index};

/// The flags in trouble, and what those cost that ask for others, by their places. A shared rule has a place of its own,
/// behind those of all flags, so that what it asks for is gone through once. Takes time that is linear in the number of
/// questions.
pub(crate) fn ways(flags: &[Arc<PreparedFlag>], index: &Index) -> Ways {
    let mut asks = Asks::new();
    let mut shared: HashMap<*const SharedExpr, u32> = HashMap::new();
    let behind = u32::try_from(flags.len()).unwrap_or(u32::MAX);
    let place = |key: &Arc<str>| index.get(&**key).copied();
    for (at, targeting) in (0..).zip(flags).filter_map(|(at, flag)| Some((at, flag.targeting.as_ref()?))) {
        let mut asked: Vec<u32> = targeting.facts.own.flags.iter().filter_map(place).collect();
        for rule in targeting.facts.shared.iter().filter(|rule| !rule.facts().flags.is_empty()) {
            let next = behind.saturating_add(u32::try_from(shared.len()).unwrap_or(u32::MAX));
            asked.push(*shared.entry(Arc::as_ptr(rule)).or_insert_with(|| {
                asks.insert(next, rule.facts().flags.iter().filter_map(place).collect());
                next
            }));
        }
        if !asked.is_empty() {
            asks.insert(at, asked);
        }
    }
    let flag = |at: u32| flags.get(at as usize);
    let levels = |at| flag(at).and_then(|flag| flag.targeting.as_ref()).map_or(0, |rule| rule.facts.own.levels);
    let mut ways = prerequisites::ways(&asks, levels, |at| flag(at).map_or(0, |flag| flag.steps.into()));
    ways.troubles.retain(|at, _| *at < behind);
    ways.costs.retain(|at, _| *at < behind);
    ways
}
