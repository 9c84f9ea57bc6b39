//! Nothing that was deleted returns.

use std::sync::Arc;

use burgee_model::{Address, Scope};
use burgee_store::{HistoryPolicy, Outcome, Table, Version};

use super::{Verdict, broken};
use crate::{
    oracle::{Place, is_collected},
    world::World,
};

/// Looks at a settled cluster: what is current must be alive also among all that had to last.
///
/// # Errors
/// Where something deleted is there.
pub fn settled(world: &World) -> Verdict {
    let Some((slot, process)) = world.processes().next() else { return Ok(()) };
    let required = world.oracle.required(process.table.horizon());
    let mut probe = required.clone();
    for version in process.table.page(None, usize::MAX).versions {
        let is_latest = process.table.latest(&version.register).is_some_and(|latest| latest == version);
        if !is_latest || version.is_floor() {
            continue;
        }
        let later = required.latest(&version.register).filter(|later| Place::of(later) > Place::of(&version));
        if later.as_ref().is_some_and(|later| proves_nothing(&process.table, &required, later, &version)) {
            continue;
        }
        if later.is_some() || matches!(probe.merge(&version), Outcome::Dead) {
            return broken("deletion", format!("n{slot} holds {version:?}, which is superseded (by {later:?})"));
        }
    }
    unseen_floors(world, slot, &process.table)
}

/// What its author wrote without knowing that the flag, environment or tenant around it had been deleted is
/// dead. By the rule itself, and not by what a table makes of it: the oracle's would err as the node's does.
fn unseen_floors(world: &World, slot: usize, table: &Table) -> Verdict {
    let floors = world.oracle.all().filter(|written| written.is_required(table.horizon()));
    let floors = floors.filter_map(|written| match &written.version.register.address {
        Address::Floor(scope) if !matches!(scope, Scope::Config { .. }) => Some((&written.version, scope)),
        _ => None,
    });
    let floors: Vec<_> = floors.collect();
    let kills = |version: &Version, (floor, scope): &(&Arc<Version>, &Scope)| {
        let over = floor.register.tenant == version.register.tenant && scope.covers(&version.register.address);
        over && version.floor_seen < Some(floor.stamp)
    };
    let held = table.page(None, usize::MAX).versions;
    let mut dead = held.iter().filter(|version| !version.is_floor());
    match dead.find_map(|version| Some((version, floors.iter().find(|floor| kills(version, floor))?))) {
        Some((version, (floor, _))) => broken("deletion", format!("n{slot} holds {version:?} under {floor:?}")),
        None => Ok(()),
    }
}

/// Whether only a floor that nobody has any more makes a version supersede another, and the version itself,
/// the last witness of the floor, was collected.
fn proves_nothing(table: &Table, required: &Table, later: &Version, version: &Version) -> bool {
    let is_floor = |held: &Arc<Version>| held.is_floor() && Some(held.stamp) == later.floor_seen;
    let floor_lasts = || required.page(None, usize::MAX).versions.iter().any(is_floor);
    later.stamp < version.stamp && is_collected(table, later) && !floor_lasts()
}

/// Whether a floor covers a version and lies at or above it.
#[must_use]
pub fn floor_covers(floor: &Version, version: &Version) -> bool {
    let Address::Floor(scope) = &floor.register.address else { return false };
    let mut table = crate::disk::table(HistoryPolicy::default());
    table.merge(&Arc::new(floor.clone()));
    floor.register.tenant == version.register.tenant
        && scope.covers(&version.register.address)
        && matches!(table.merge(&Arc::new(version.clone())), Outcome::Dead)
}
