//! Nothing that was acknowledged is lost: it is the current value, or something later superseded it.

use super::{Verdict, broken};
use crate::{clock::true_time, oracle::accounts_for, world::World};

/// Looks at a settled cluster.
///
/// # Errors
/// Where something acknowledged is neither there nor superseded.
pub fn settled(world: &World) -> Verdict {
    let Some((slot, process)) = world.processes().next() else { return Ok(()) };
    let horizon = super::collection::horizon(&process.table);
    for written in world.oracle.all().filter(|written| written.is_required(horizon)) {
        let version = &written.version;
        if !accounts_for(&process.table, version) && !world.oracle.is_outlived(version, horizon, true_time(world.now)) {
            let latest = process.table.latest(&version.register);
            let what = format!("n{} wrote {version:?}, and n{slot} holds {latest:?}", written.slot);
            return broken("durability", what);
        }
    }
    Ok(())
}
