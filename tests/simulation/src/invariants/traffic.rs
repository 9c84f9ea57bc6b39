//! A cluster in which nothing happens says little: beats, a comparison now and then, and what collection needs.

use super::{Verdict, broken};
use crate::{
    schedule::{Micros, SECOND},
    world::World,
};

/// For how long a cluster is listened to.
const SPAN: Micros = 10 * SECOND;
/// Frames in a second from each node to each other, on average: a beat, a comparison's question and answer, and
/// with steps of collection every three seconds an entry, a horizon, and the exchange with everybody that follows.
const FRAMES_MAX: u64 = 8;

/// Listens to a settled cluster in which nobody writes.
///
/// # Errors
/// Where it says more than that.
pub fn quiet(world: &mut World) -> Verdict {
    let before = world.counts.frames;
    world.run_for(SPAN)?;
    let (frames, nodes) = (world.counts.frames - before, world.processes().count() as u64);
    let most = FRAMES_MAX * nodes * nodes.saturating_sub(1) * (SPAN / SECOND);
    if frames > most {
        return broken("traffic", format!("{nodes} nodes sent {frames} frames in {} s", SPAN / SECOND));
    }
    Ok(())
}
