//! An expiry is told once by each node: not before the deadline by cluster time, and at most a second after.

use std::sync::Arc;

use burgee_model::Millis;
use burgee_store::Version;

use crate::world::World;

/// How late an expiry may be told, in milliseconds: a tick is a tenth of a second.
const LATE_MAX_MS: Millis = 1_000;

/// A node tells that a version expired.
pub fn lapsed(world: &mut World, slot: usize, version: &Arc<Version>, cluster: Millis) {
    let Some(process) = &mut world.slots[slot].process else { return };
    let first = process.seen.lapsed.insert((version.register.clone(), (version.floor_seen, version.stamp)));
    let deadline = version.expires_at.unwrap_or(Millis::MAX);
    if !first {
        world.violate("ttl", format!("n{slot} tells the expiry of {version:?} twice"));
    } else if cluster < deadline {
        world.violate("ttl", format!("n{slot} lets {version:?} expire at {cluster}"));
    }
}

/// How late a node may be.
#[must_use]
pub fn is_late(deadline: Millis, cluster: Millis) -> bool {
    cluster > deadline + LATE_MAX_MS
}
