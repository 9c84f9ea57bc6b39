//! What a node has under way is bounded, whatever its peers do.

use crate::{node::BACKLOG_FRAMES, world::World};

/// Questions that may wait for an answer, for each peer.
const ASKED_MAX: usize = 24;
/// Merges under way: as many as frames that may have waited for a stopped process, and some.
const MERGES_MAX: usize = BACKLOG_FRAMES + 512;

/// Looks at a node.
pub fn check(world: &mut World, slot: usize) {
    let peers = world.slots.len();
    let Some(process) = &world.slots[slot].process else { return };
    let (asked, merges) = (process.asked.len(), process.merges.len());
    if asked > ASKED_MAX * peers {
        world.violate("bounds", format!("n{slot} waits for {asked} answers"));
    } else if merges > MERGES_MAX {
        world.violate("bounds", format!("n{slot} has {merges} merges under way"));
    }
}
