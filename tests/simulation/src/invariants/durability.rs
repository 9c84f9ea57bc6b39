//! Nothing that was acknowledged is lost: it is the current value, or something later superseded it.

use std::sync::Arc;

use burgee_store::Version;

use super::{Verdict, broken};
use crate::{oracle::accounts_for, world::World};

/// Looks at a settled cluster.
///
/// # Errors
/// Where something acknowledged is neither there nor superseded.
pub fn settled(world: &World) -> Verdict {
    let Some((slot, process)) = world.processes().next() else { return Ok(()) };
    let horizon = super::collection::horizon(&process.table);
    for written in world.oracle.all().filter(|written| written.is_required(horizon)) {
        let version = &written.version;
        if !accounts_for(&process.table, version) && !world.oracle.is_outlived(version, horizon) {
            let latest = process.table.latest(&version.register);
            let what = format!("n{} wrote {version:?}, and n{slot} holds {latest:?}", written.slot);
            return broken("durability", what);
        }
    }
    Ok(())
}

/// Looks whether every node of a settled cluster has what one had for which an operator decided.
///
/// # Errors
/// Where something of it is neither there nor superseded.
pub fn kept(world: &World, trusted: &[Arc<Version>]) -> Verdict {
    for (slot, process) in world.processes() {
        let gone = |version: &&Arc<Version>| {
            let is_outlived = || world.oracle.is_outlived(version, super::collection::horizon(&process.table));
            !accounts_for(&process.table, version) && !is_outlived()
        };
        if let Some(version) = trusted.iter().find(gone) {
            return broken("durability", format!("an operator trusted {version:?}, and n{slot} has it not"));
        }
    }
    Ok(())
}
