//! An expiry is told once by each node, and told at all: not before the deadline by cluster time, and the next time that the node
//! looks after it. (It looks with each tick, ten times a second; where its time leaps, the leap is not its own.)

use std::{collections::BTreeSet, sync::Arc};

use burgee_model::{Millis, RegisterId};
use burgee_store::Version;

use crate::{oracle::Place, world::World};

/// A node tells that a version expired.
pub fn lapsed(world: &mut World, slot: usize, version: &Arc<Version>, cluster: Millis) {
    let Some(process) = &mut world.slots[slot].process else { return };
    let seen = &mut process.seen;
    let first = seen.lapsed.insert((version.register.clone(), Place::of(version)));
    let deadline = version.expires_at.unwrap_or(Millis::MAX);
    let was_due = deadline <= seen.looked && !seen.fresh.contains(&version.register);
    if !first {
        world.violate("ttl", format!("n{slot} tells the expiry of {version:?} twice"));
    } else if cluster < deadline {
        world.violate("ttl", format!("n{slot} lets {version:?} expire at {cluster}"));
    } else if was_due {
        world.violate("ttl", format!("n{slot} tells the expiry of {version:?} late, at {cluster}"));
    }
}

/// A node has told all expiries that it knew of: what was to be told by now was.
pub fn looked(world: &mut World, slot: usize, cluster: Millis) {
    world.oracle.looked = world.oracle.looked.max(cluster);
    let Some(process) = &mut world.slots[slot].process else { return };
    let seen = &mut process.seen;
    (seen.looked, seen.fresh) = (cluster, BTreeSet::new());
    let due = seen.awaited.extract_if(.., |_, (_, deadline)| *deadline <= cluster);
    let untold = |register: &RegisterId, place| !seen.lapsed.contains(&(register.clone(), place));
    let untold = due.map(|(register, (place, _))| (register, place)).find(|(register, place)| untold(register, *place));
    if let Some((register, place)) = untold {
        world.violate("ttl", format!("n{slot} does not tell that {register:?} at {place:?} has expired"));
    }
}
