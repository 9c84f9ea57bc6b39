//! A kill that was acknowledged stays until a release whose author had seen it.

use std::sync::Arc;

use burgee_model::{Address, FlagInField, Kill, RegisterId};
use burgee_store::{Table, Version};

use super::{Verdict, broken};
use crate::world::World;

/// Looks at a settled cluster. Of all that was written, and not of what a table made of it: a table that
/// forgets kills would not miss them.
///
/// # Errors
/// Where a kill is gone that nobody released.
pub fn settled(world: &World) -> Verdict {
    let Some((slot, process)) = world.processes().next() else { return Ok(()) };
    let horizon = super::collection::horizon(&process.table);
    let required = world.oracle.all().filter(|written| written.is_required(horizon)).map(|written| &written.version);
    let mut kills = required.filter(|version| is_kill_register(&version.register) && is_killed(version));
    match kills.find(|kill| !holds(world, &process.table, kill)) {
        Some(kill) => broken("kill", format!("n{slot} does not hold {kill:?}, which nobody released")),
        None => Ok(()),
    }
}

fn is_kill_register(register: &RegisterId) -> bool {
    matches!(register.address, Address::FlagIn { field: FlagInField::Kill, .. })
}

/// Whether a version of a kill register says killed.
#[must_use]
pub fn is_killed(version: &Version) -> bool {
    version.content.as_ref().and_then(|blob| blob.read::<Kill>()).is_some_and(|kill| kill.killed)
}

/// Whether a flag counts as killed.
#[must_use]
pub fn counts_as_killed(table: &Table, register: &RegisterId) -> bool {
    table.heads(register).iter().any(|head| is_killed(head))
}

/// Whether a kill counts in a table, or somebody who had seen it wrote after it, or it was deleted with its
/// flag, or so many came after it that it is forgotten.
fn holds(world: &World, table: &Table, kill: &Arc<Version>) -> bool {
    if table.heads(&kill.register).contains(kill) {
        return true;
    }
    let pruned = table.history(&kill.register).count() >= world.plan.history.max_versions;
    pruned || world.oracle.all().any(|written| ends(&written.version, kill))
}

fn ends(version: &Version, kill: &Version) -> bool {
    let same = version.register == kill.register;
    let seen = same && version.parents.contains(&kill.stamp);
    let reborn = same && version.floor_seen > kill.floor_seen;
    seen || reborn || super::deletion::floor_covers(version, kill)
}
