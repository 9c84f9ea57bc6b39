//! A node takes a new identity only where it must: it was forgotten, or restored from a backup, or nobody who is
//! listened to and runs knows it. (Those who know it may be down: a node that said nothing yet of what it holds cannot
//! tell that from having been left behind. It loses its name, and no data.)

use crate::{oracle::Excuse, say, world::World};

/// A node is about to take a new identity.
pub fn renounced(world: &mut World, slot: usize) {
    let Some(process) = &world.slots[slot].process else { return };
    let id = process.id.node;
    if world.oracle.is_doubted(slot) {
        return;
    }
    if world.is_known(slot, id) {
        return world.violate("identity", format!("n{slot} gives up the identity {id:?}, by which it is known"));
    }
    say!(world, "n{slot} is left behind");
    world.doubt(slot, Excuse::Left);
}
