//! A node serves only what it may: not while it must resynchronise, not while it is empty and looks for its
//! cluster, and not before it holds what a ready peer had when it started.

use std::sync::Arc;

use burgee_store::{Outcome, Version};

use crate::{clock::micros, world::World};

/// A node started: remembers what its ready peers hold.
pub fn started(world: &mut World, slot: usize) {
    let ready = world.processes().filter(|(number, process)| *number != slot && process.readiness.ready);
    let baseline: Vec<(usize, Vec<Arc<Version>>)> =
        ready.map(|(number, process)| (number, process.table.page(None, usize::MAX).versions)).collect();
    if let Some(process) = &mut world.slots[slot].process {
        process.seen.baseline = baseline;
    }
}

/// A node's readiness changed.
pub fn changed(world: &mut World, slot: usize) {
    let Some(process) = world.slots[slot].process.as_ref().filter(|process| process.readiness.ready) else { return };
    let waited = world.now - process.born >= micros(world.plan.periods.ready_timeout);
    let empty = process.table.counts().versions == 0;
    if process.resync {
        world.violate("readiness", format!("n{slot} is ready although it must resynchronise"));
    } else if empty && !world.slots[slot].seeds.is_empty() && !waited && !process.seen.baseline.is_empty() {
        world.violate("readiness", format!("n{slot} is ready although it is empty and has seeds"));
    } else if !process.readiness.alone && !waited && !is_level(world, slot) {
        world.violate("readiness", format!("n{slot} is ready without what any ready peer had at its start"));
    }
    if let Some(process) = &mut world.slots[slot].process {
        process.seen.baseline.clear();
    }
}

/// Whether a node holds what one of the peers had that were ready when it started.
fn is_level(world: &World, slot: usize) -> bool {
    let Some(process) = &world.slots[slot].process else { return true };
    let baseline = &process.seen.baseline;
    baseline.is_empty() || baseline.iter().any(|(_, versions)| holds(&process.table, versions))
}

fn holds(table: &burgee_store::Table, versions: &[Arc<Version>]) -> bool {
    let mut probe = table.clone();
    versions.iter().all(|version| !matches!(probe.merge(version), Outcome::Applied(_)))
}
