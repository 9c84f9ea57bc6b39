//! A cluster in which nothing happens says little: beats, and a comparison now and then. And repair costs by what differs,
//! not by what there is.

use super::{Verdict, broken};
use crate::{
    run::settle,
    schedule::{MS, Micros, SECOND},
    workload::Action,
    world::World,
};

/// For how long a cluster is listened to.
const SPAN: Micros = 10 * SECOND;
/// Bytes in a second between two nodes, in both directions and without the headers of links: a beat each, and comparisons.
const IDLE_BYTES_MAX: u64 = 1_024;
/// The same, for steps of collection where there is something to collect: many more here than by the product's own
/// periods.
const COLLECTING_BYTES_MAX: u64 = 256;
/// Writes that nobody is told of, for repair to find.
const DIFFERENCES: u64 = 5;
/// Bytes for each two nodes and each write that repair finds: the version both ways, and the places on the way to it.
const DIFFERENCE_BYTES_MAX: u64 = 512;
/// Bytes for each two nodes that a repair costs whatever differs: the upper levels of the trees.
const WALK_BYTES_MAX: u64 = 2_048;

fn pairs(world: &World) -> u64 {
    let nodes = world.processes().count() as u64;
    nodes * nodes.saturating_sub(1) / 2
}

/// Listens to a settled cluster in which nobody writes.
///
/// # Errors
/// Where it says more than that.
pub fn quiet(world: &mut World) -> Verdict {
    let collects = |world: &World| world.processes().any(|(_, process)| process.table.oldest_collectable().is_some());
    let (before, collected) = (world.counts, collects(world));
    world.run_for(SPAN)?;
    let bytes = world.counts.bytes - before.bytes;
    let collects = collected || collects(world);
    let most = IDLE_BYTES_MAX + if collects { COLLECTING_BYTES_MAX } else { 0 };
    if bytes > pairs(world) * most * (SPAN / SECOND) {
        let (frames, pairs) = (world.counts.frames - before.frames, pairs(world));
        return broken("traffic", format!("{bytes} bytes in {frames} frames, {pairs} pairs, {} s", SPAN / SECOND));
    }
    Ok(())
}

/// A settled cluster repairs a few writes that nobody was told of. What a full disk refuses would be fetched again, which
/// is not what is measured.
///
/// # Errors
/// Where that costs more than what differs.
pub fn repair(world: &mut World) -> Verdict {
    let Some(slot) = (0..world.slots.len()).find(|slot| world.serves(*slot)) else { return Ok(()) };
    world.plan.refused_merges = 0;
    let unseen = std::mem::replace(&mut world.plan.unseen_writes, 1_000);
    for number in 0..DIFFERENCES {
        world.write(slot, Action::put(&format!("repair/{number}"), "value"));
    }
    world.run_for(100 * MS)?;
    world.plan.unseen_writes = unseen;
    let before = world.counts.repair_bytes;
    settle(world)?;
    let bytes = world.counts.repair_bytes - before;
    let most = pairs(world) * (WALK_BYTES_MAX + DIFFERENCES * DIFFERENCE_BYTES_MAX);
    if bytes > most {
        return broken("traffic", format!("{bytes} bytes of repair for {DIFFERENCES} writes, {} pairs", pairs(world)));
    }
    Ok(())
}
