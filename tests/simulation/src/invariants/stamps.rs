//! No two versions of a register that ever stand together bear the same stamp: those that have seen the same
//! floors.

use std::sync::Arc;

use burgee_store::Version;

use crate::world::World;

/// A node is about to write a version.
pub fn planned(world: &mut World, slot: usize, version: &Arc<Version>) {
    if let Some(other) = world.oracle.planned(version, slot) {
        world.violate("stamps", format!("n{slot} writes {version:?}, whose stamp is also that of {other:?}"));
    }
}
