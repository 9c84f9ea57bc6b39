//! Nothing that was deleted returns.

use burgee_model::{Address, Stamp};
use burgee_store::{HistoryPolicy, Outcome, Version};

use super::{Verdict, broken};
use crate::{oracle::Written, world::World};

/// Looks at a settled cluster: nothing that had to last may have superseded what is current.
///
/// # Errors
/// Where something deleted is there.
pub fn settled(world: &World) -> Verdict {
    let Some((slot, process)) = world.processes().next() else { return Ok(()) };
    let horizon = process.table.horizon();
    let required: Vec<&Written> = world.oracle.all().filter(|written| written.is_required(horizon)).collect();
    for version in process.table.page(None, usize::MAX).versions {
        let is_latest = process.table.latest(&version.register).is_some_and(|latest| latest == version);
        let Some(written) = world.oracle.written(&version).filter(|_| is_latest && !version.is_floor()) else {
            continue;
        };
        if let Some(by) = required.iter().find(|later| supersedes(later, written, horizon)) {
            return broken("deletion", format!("n{slot} holds {version:?}, which {:?} had superseded", by.version));
        }
    }
    Ok(())
}

/// Whether a version, or a floor, supersedes another.
fn supersedes(later: &Written, earlier: &Written, horizon: Stamp) -> bool {
    let (later, version) = (&later.version, &earlier.version);
    if later.is_floor() {
        let seen = later.stamp <= earlier.collected.max(version.floor_seen.unwrap_or(Stamp::ZERO));
        return floor_covers(later, version) && !(seen && later.stamp < version.stamp);
    }
    later.register == version.register && place(later, horizon) > place(version, horizon)
}

/// A version's place in its register: floors that are collected no longer count.
fn place(version: &Version, horizon: Stamp) -> (Option<Stamp>, Stamp) {
    (version.floor_seen.filter(|floor| *floor > horizon), version.stamp)
}

/// Whether a floor covers a version and lies at or above it.
#[must_use]
pub fn floor_covers(floor: &Version, version: &Version) -> bool {
    let Address::Floor(scope) = &floor.register.address else { return false };
    let mut table = crate::disk::table(HistoryPolicy::default());
    table.merge(&std::sync::Arc::new(floor.clone()));
    floor.register.tenant == version.register.tenant
        && scope.covers(&version.register.address)
        && matches!(table.merge(&std::sync::Arc::new(version.clone())), Outcome::Dead)
}
