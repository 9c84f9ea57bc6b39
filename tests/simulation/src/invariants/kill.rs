//! A kill that was acknowledged stays until a release whose author had seen it.

use std::sync::Arc;

use burgee_model::{Address, FlagInField, Kill, RegisterId};
use burgee_store::{Table, Version};

use super::{Verdict, broken};
use crate::world::World;

/// Looks at a settled cluster.
///
/// # Errors
/// Where a kill is gone that nobody released.
pub fn settled(world: &World) -> Verdict {
    let Some((slot, process)) = world.processes().next() else { return Ok(()) };
    let required = world.oracle.required(super::collection::horizon(&process.table));
    let kills =
        required.page(None, usize::MAX).versions.into_iter().filter(|version| is_kill_register(&version.register));
    for version in kills {
        let is_head = required.heads(&version.register).contains(&version);
        if is_head && is_killed(&version) && !holds(world, &process.table, &version) {
            return broken("kill", format!("n{slot} does not hold {version:?}, which nobody released"));
        }
    }
    Ok(())
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

/// Whether a kill counts in a table, or somebody who had seen it released it, or it was deleted with its flag.
fn holds(world: &World, table: &Table, kill: &Arc<Version>) -> bool {
    let named = |version: &Version| version.register == kill.register && version.parents.contains(&kill.stamp);
    let pruned = table.history(&kill.register).count() >= world.plan.history.max_versions;
    let released = world.oracle.all().any(|written| named(&written.version));
    let dead = world.oracle.all().any(|written| super::deletion::floor_covers(&written.version, kill));
    counts_as_killed(table, &kill.register) || released || dead || pruned
}
