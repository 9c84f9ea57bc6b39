//! Nothing that was acknowledged is lost: it is the current value, or something later superseded it.

use std::sync::Arc;

use burgee_model::Stamp;
use burgee_store::Version;

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
        if !accounts_for(&process.table, version) && !may_be_gone(world, version, horizon) {
            let latest = process.table.latest(&version.register);
            let what = format!("n{} wrote {version:?}, and n{slot} holds {latest:?}", written.slot);
            return broken("durability", what);
        }
    }
    Ok(())
}

/// Whether a version, or one that superseded it, was collected.
fn may_be_gone(world: &World, version: &Arc<Version>, horizon: Stamp) -> bool {
    let collectable = |other: &Version| {
        let expired = other.expires_at.is_some_and(|deadline| deadline <= true_time(world.now) + 86_400_000);
        other.stamp <= horizon && (other.content.is_none() || expired || other.is_floor())
    };
    let supersedes = |other: &Version| {
        let same = other.register == version.register;
        let covers = super::deletion::floor_covers(other, version);
        (same && (other.floor_seen, other.stamp) >= (version.floor_seen, version.stamp)) || covers
    };
    world.oracle.all().any(|other| collectable(&other.version) && supersedes(&other.version))
}
