//! A node takes a new identity only where it must: it was forgotten, or restored from a backup, or nobody who is
//! listened to and runs knows it. And of a data directory and its copy, the copy ends.

use super::{Verdict, broken};
use crate::{node::Merging, oracle::Excuse, say, world::World};

/// A node is about to merge what a peer sent: one that is not in line with the cluster is not to be listened to.
pub fn taken_from(world: &mut World, merging: &Merging) {
    let outdated = world.processes().find(|(_, process)| process.id.node == merging.from && process.resync);
    if let (Some((slot, _)), Some(version)) = (outdated, merging.versions.first()) {
        let what = format!("{version:?} is taken from n{slot}, which is not in line with the cluster");
        world.violate("identity", what);
    }
}

/// A node is about to take a new identity.
pub fn renounced(world: &mut World, slot: usize) {
    let Some(process) = &world.slots[slot].process else { return };
    let id = process.id.node;
    if world.oracle.is_doubted(slot) {
        return;
    }
    if world.oracle.copied.contains(&slot) {
        // What its copy wrote looks to it as what it forgot.
        return world.doubt(slot, Excuse::Restored);
    }
    if world.is_known(slot, id) {
        return world.violate("identity", format!("n{slot} gives up the identity {id:?}, by which it is known"));
    }
    say!(world, "n{slot} is left behind");
    world.doubt(slot, Excuse::Left);
}

/// A node has ended by itself. Of two with one identity it is the copy, which started later.
pub fn ended(world: &mut World, slot: usize) {
    if world.is_copied(slot) {
        let why = world.slots[slot].gave_up.clone();
        world.violate("identity", format!("n{slot} ends, whose disk was copied: {why:?}"));
    }
}

/// Looks at a settled cluster.
///
/// # Errors
/// Where a copy still runs.
pub fn settled(world: &World) -> Verdict {
    match world.copies().next() {
        Some((slot, _)) => broken("identity", format!("n{slot} runs, a copy of {:?}", world.slots[slot].copy_of)),
        None => Ok(()),
    }
}
