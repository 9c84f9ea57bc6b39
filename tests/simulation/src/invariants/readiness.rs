//! A node serves only what it may: not while it must resynchronise, not while it is empty and looks for its
//! cluster, and not before it holds what a ready peer had when it started, or the time has passed and it
//! [reaches](super::reach) nobody who has more.

use std::sync::Arc;

use burgee_model::Millis;
use burgee_store::{Outcome, Table, Version};

use super::reach;
use crate::{clock::micros, node::Process, oracle::is_collected, world::World};

/// A node started: remembers what its ready peers hold.
pub fn started(world: &mut World, slot: usize) {
    let ready = world.processes().filter(|(number, process)| *number != slot && process.readiness.ready);
    let baseline: Vec<(usize, Vec<Arc<Version>>)> =
        ready.map(|(number, process)| (number, process.table.page(None, usize::MAX).versions)).collect();
    // One that must get in line first may bring floors that nobody else knows, and that are collected while it
    // does: what they killed comes with the next comparison.
    if let Some(process) = world.slots[slot].process.as_mut().filter(|process| !process.resync) {
        process.seen.baseline = baseline;
    }
    reach::started(world, slot);
}

/// A node's readiness changed.
pub fn changed(world: &mut World, slot: usize) {
    let Some(process) = world.slots[slot].process.as_ref().filter(|process| process.readiness.ready) else { return };
    let waited = world.now - process.born >= micros(world.plan.periods.ready_timeout);
    // Later than that it is level with somebody only where somebody is there.
    let is_found = || !process.seen.reach.overtaken && reach::found(world, slot).is_some();
    let is_level = !process.readiness.alone && (!waited || is_found());
    let empty = process.table.counts().versions == 0;
    // Without seeds, and with nobody else in the roster as far as its disk knew.
    let by_itself = world.slots[slot].seeds.is_empty() && world.now == process.born;
    if process.resync {
        world.violate("readiness", format!("n{slot} is ready although it must resynchronise"));
    } else if empty && !world.slots[slot].seeds.is_empty() && !waited && !process.seen.baseline.is_empty() {
        world.violate("readiness", format!("n{slot} is ready although it is empty and has seeds"));
    } else if let Some(what) = reach::wrong(world, slot) {
        world.violate("readiness", format!("n{slot} {what}"));
    } else if let Some(lacks) = (is_level && !by_itself).then(|| lacks(world, slot)).flatten() {
        world.violate("readiness", format!("n{slot} is ready without what ready peers had at its start: {lacks:?}"));
    }
    if let Some(process) = &mut world.slots[slot].process {
        process.seen.baseline.clear();
    }
    reach::ready(world, slot);
}

/// What a node lacks of what each of the peers had that were ready when it started.
fn lacks(world: &World, slot: usize) -> Option<Vec<(usize, Arc<Version>)>> {
    let process = world.slots[slot].process.as_ref()?;
    let known = |number: usize| number == slot || process.seen.baseline.iter().any(|(other, _)| *other == number);
    if world.processes().any(|(number, other)| other.readiness.ready && !known(number)) {
        // It may be level with one that became ready later.
        return None;
    }
    let baseline = process.seen.baseline.iter();
    let lacks = baseline.map(|(number, versions)| {
        let theirs = world.table(*number);
        Some((*number, first_lacking(process, theirs, versions, world.oracle.looked)?))
    });
    lacks.collect::<Option<Vec<_>>>().filter(|lacks| !lacks.is_empty())
}

/// The first version that would be current, and that the peer still holds so. (Of history, peers may have
/// pruned some since; and what was deleted may be collected already. What the node was given it need not hold:
/// it was dead by a version that has seen a later floor, which itself was killed since. The next comparison
/// brings it again if that floor was lost with whoever wrote it.)
fn first_lacking(
    process: &Process,
    theirs: Option<&Table>,
    versions: &[Arc<Version>],
    looked: Millis,
) -> Option<Arc<Version>> {
    let table = &process.table;
    let mut probe = table.clone();
    let mut is_news = |version: &Arc<Version>| {
        let is_latest = table.latest(&version.register).is_none_or(|latest| latest.stamp < version.stamp);
        let still = theirs.is_some_and(|theirs| theirs.latest(&version.register).as_ref() == Some(version));
        let gone = is_collected(table, version) || version.is_expired(looked);
        let counts = is_latest && still && !gone && !process.seen.refused(version);
        counts && matches!(probe.merge(version), Outcome::Applied(applied) if applied.current)
    };
    versions.iter().find(|version| is_news(version)).cloned()
}
