//! Nothing that was deleted returns.

use burgee_model::Address;
use burgee_store::{HistoryPolicy, Outcome, Table, Version};

use super::{Verdict, broken};
use crate::world::World;

/// Looks at a settled cluster: what is current must be alive also among all that had to last.
///
/// # Errors
/// Where something deleted is there.
pub fn settled(world: &World) -> Verdict {
    let Some((slot, process)) = world.processes().next() else { return Ok(()) };
    let required = world.oracle.required(super::collection::horizon(&process.table));
    for version in process.table.page(None, usize::MAX).versions {
        let is_latest = process.table.latest(&version.register).is_some_and(|latest| latest == version);
        if !is_latest || matches!(version.register.address, Address::Floor(_)) {
            continue;
        }
        if let Some(by) = deleted_by(&required, &version) {
            return broken("deletion", format!("n{slot} holds {version:?}, which {by:?} had superseded"));
        }
    }
    Ok(())
}

/// What had superseded a version, in a table.
fn deleted_by(required: &Table, version: &std::sync::Arc<Version>) -> Option<std::sync::Arc<Version>> {
    let place = |version: &Version| (version.floor_seen, version.stamp);
    let later = required.latest(&version.register).filter(|later| place(later) > place(version));
    let mut probe = required.clone();
    later.or_else(|| matches!(probe.merge(version), Outcome::Dead).then(|| version.clone()))
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
