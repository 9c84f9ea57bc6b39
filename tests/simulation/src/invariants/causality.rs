//! A causally later write wins: it is stamped above all that its author had seen.

use std::sync::Arc;

use burgee_model::Address;
use burgee_store::Version;

use crate::{oracle::Place, world::World};

/// A node is about to write a version: it must stand above what the node holds of the register, and above
/// every stamp that the node merged from an author whose clock was not too far ahead.
pub fn planned(world: &mut World, slot: usize, version: &Arc<Version>) {
    let Some(process) = &world.slots[slot].process else { return };
    if matches!(version.register.address, Address::Horizon) {
        return;
    }
    let below = process.table.latest(&version.register).filter(|held| Place::of(held) >= Place::of(version));
    let seen = process.seen.greatest_observed().filter(|seen| *seen >= version.stamp);
    if let Some(held) = below {
        world.violate("causality", format!("n{slot} writes {version:?} over {held:?}"));
    } else if let Some(seen) = seen {
        world.violate("causality", format!("n{slot} writes {version:?} after it had seen the stamp {seen}"));
    }
}
