//! What a node has under way is bounded, whatever its peers do; and it tells a peer of a version once.

use std::sync::Arc;

use burgee_model::Address;
use burgee_replication::{core::MERGES_MAX, message::PeerId};
use burgee_store::Version;

use crate::world::World;

/// Questions that may wait for an answer, for each peer.
const ASKED_MAX: usize = 24;
/// Merges of what was asked for, for each peer: those of exchanges that were given up are still under way.
const REPAIRS_MAX: usize = 8;

/// Looks at a node.
pub fn check(world: &mut World, slot: usize) {
    let peers = world.slots.len();
    let Some(process) = &world.slots[slot].process else { return };
    let (asked, merges) = (process.asked.len(), process.merges.len());
    if asked > ASKED_MAX * peers {
        world.violate("bounds", format!("n{slot} waits for {asked} answers"));
    } else if merges > MERGES_MAX + REPAIRS_MAX * peers {
        world.violate("bounds", format!("n{slot} has {merges} merges under way"));
    }
}

/// A node sends a hint: to one that got the same versions from it before, nothing may be told twice, or
/// nodes that pass on what others do not reach would do so for ever. (A horizon is the same version whoever
/// writes it, so a node may write what it has just passed on.)
pub fn hinted(world: &mut World, slot: usize, to: PeerId, versions: &[Arc<Version>]) {
    let Some(process) = &mut world.slots[slot].process else { return };
    let told = &mut process.seen.told;
    let mut own = versions.iter().filter(|version| !matches!(version.register.address, Address::Horizon));
    let again = own.find(|version| {
        let name = (to, version.register.clone(), version.floor_seen, version.stamp);
        !told.insert(name)
    });
    if let Some(again) = again {
        world.violate("bounds", format!("n{slot} tells {:?} again of {again:?}", to.node));
    }
}
