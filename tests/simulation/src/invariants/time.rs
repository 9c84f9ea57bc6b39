//! Cluster time is the lower median of the wall clocks of the nodes that reach each other, or, where it had
//! run ahead of that, goes there at half speed.

use super::{Verdict, broken};
use crate::{clock::span, world::World};

/// By how much a settled node's cluster time may differ, in milliseconds.
pub const TOLERANCE_MS: u64 = 1_000;

/// The lower median of the walls of the machines that run.
#[must_use]
pub fn median(world: &World) -> Option<u64> {
    let mut walls: Vec<u64> = world.processes().map(|(slot, _)| world.slots[slot].wall.at(world.now)).collect();
    walls.sort_unstable();
    walls.get(walls.len().saturating_sub(1) / 2).copied()
}

/// Looks at a settled cluster.
///
/// # Errors
/// Where a node's cluster time is another.
pub fn settled(world: &World) -> Verdict {
    let Some(median) = median(world) else { return Ok(()) };
    for (slot, process) in world.processes() {
        let time = process.time(world.slots[slot].wall, world.now);
        let target = process.time.aim(time.wall, span(world.now));
        if target.abs_diff(median) > TOLERANCE_MS || time.cluster + TOLERANCE_MS < median {
            let what = format!("n{slot} has {}, goes to {target}, and the median is {median}", time.cluster);
            return broken("time", what);
        }
    }
    Ok(())
}
