//! What a node has under way is bounded, whatever its peers do, and nobody waits long for its answer; it tells a peer of
//! a version once. What it sets aside is its own or deletions, and is gone once it serves; and of the roster nothing is
//! left in the end but who is there.

use std::{collections::BTreeSet, sync::Arc};

use burgee_model::{Address, Millis, NodeId};
use burgee_replication::{core::MERGES_MAX, message::PeerId};
use burgee_store::{Aside, Version};

use super::{Verdict, broken};
use crate::{
    schedule::{MS, Micros, SECOND},
    world::World,
};

/// Questions that may wait for an answer, for each peer.
const ASKED_MAX: usize = 24;
/// Merges of what was asked for, for each peer: those of exchanges that were given up are still under way.
const REPAIRS_MAX: usize = 8;

/// For how long a question may wait at the node that is asked: an entry for the disk, say, which may be slow.
const ANSWER: Micros = 3 * SECOND;

/// Looks at a node.
pub fn check(world: &mut World, slot: usize) {
    let peers = world.slots.len();
    let Some(process) = &world.slots[slot].process else { return };
    let (asked, merges) = (process.asked.len(), process.merges.len());
    let oldest = process.tickets.values().map(|ticket| world.now - ticket.since).max().unwrap_or_default();
    let tickets = process.tickets.len();
    if asked > ASKED_MAX * peers {
        world.violate("bounds", format!("n{slot} waits for {asked} answers"));
    } else if merges > MERGES_MAX + REPAIRS_MAX * peers {
        world.violate("bounds", format!("n{slot} has {merges} merges under way"));
    } else if oldest > ANSWER || tickets > ASKED_MAX * peers {
        world.violate("bounds", format!("n{slot} owes {tickets} answers, one since {} ms", oldest / MS));
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

/// A node sets aside what it may have to write again: what it deleted, and what it wrote itself.
pub fn set_aside(world: &mut World, slot: usize, aside: &Aside, now: Millis) {
    let is_ours = |version: &Version| version.stamp.id == aside.own;
    let kills = |version: &Version| version.is_floor() || version.live(now).is_none();
    if let Some(version) = aside.versions.iter().find(|version| !is_ours(version) && !kills(version)) {
        world.violate("bounds", format!("n{slot} sets {version:?} aside, of another's"));
    }
}

/// Looks at a settled cluster in which everything is collected that can be.
///
/// # Errors
/// Where something is kept that is of no use any more.
pub fn settled(world: &World) -> Verdict {
    let there: BTreeSet<NodeId> = world.slots.iter().filter_map(|slot| Some(slot.disk.as_ref()?.node)).collect();
    world.processes().try_for_each(|(slot, process)| {
        if world.slots[slot].disk.as_ref().is_some_and(|disk| disk.aside.is_some()) {
            return broken("bounds", format!("n{slot} is ready, and something is still set aside"));
        }
        let forgotten: BTreeSet<NodeId> = process.table.forgotten().map(|(node, ..)| node).collect();
        let mut members = process.table.members().map(|(node, ..)| node);
        match members.find(|node| !forgotten.contains(node) && !there.contains(node)) {
            Some(node) => broken("bounds", format!("n{slot} has {node} in the roster, which is gone for good")),
            None => Ok(()),
        }
    })
}
