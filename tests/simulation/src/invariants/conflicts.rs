//! The list of conflicts is the same on every node, whatever the order in which versions came.

use burgee_model::{RegisterId, Stamp};
use burgee_store::Table;

use super::{Verdict, broken};
use crate::{workload::tenant, world::World};

type Conflicts = Vec<(RegisterId, Vec<Stamp>)>;

fn conflicts(table: &Table) -> Conflicts {
    let stamps = |versions: Vec<std::sync::Arc<burgee_store::Version>>| versions.iter().map(|v| v.stamp).collect();
    table.all_conflicts(&tenant()).map(|(register, versions)| (register, stamps(versions))).collect()
}

/// Looks at a settled cluster.
///
/// # Errors
/// Where lists differ, also from those of a table that took the versions in another order.
pub fn settled(world: &World) -> Verdict {
    let mut lists = world.processes().map(|(slot, process)| (slot, conflicts(&process.table)));
    let Some((first, list)) = lists.next() else { return Ok(()) };
    if let Some((other, differs)) = lists.find(|(_, other)| *other != list) {
        return broken("conflicts", format!("n{first} lists {list:?}, n{other} {differs:?}"));
    }
    let Some(table) = world.table(first) else { return Ok(()) };
    let mut again = crate::disk::table(world.plan.history);
    let versions = table.page(None, usize::MAX).versions;
    versions.iter().rev().for_each(|version| {
        again.merge(version);
    });
    let anew = conflicts(&again);
    if anew == list { Ok(()) } else { broken("conflicts", format!("n{first} lists {list:?}, merged anew {anew:?}")) }
}
