//! Once everything is mended, all nodes hold the same, and it is what the versions that any of them holds
//! amount to.

use burgee_store::Table;

use super::{Verdict, broken};
use crate::world::World;

/// Looks at a settled cluster.
///
/// # Errors
/// Where nodes differ.
pub fn settled(world: &World) -> Verdict {
    if let Some((slot, process)) = world.processes().find(|(_, process)| !process.readiness.ready) {
        return broken("convergence", format!("n{slot} is not ready: {:?}", process.readiness));
    }
    let mut tables = world.processes().map(|(slot, process)| (slot, &process.table));
    let Some((first, table)) = tables.next() else { return broken("convergence", "no node runs") };
    match tables.find(|(_, other)| *other != table) {
        Some((other, held)) => {
            broken("convergence", format!("n{first} and n{other} differ in {}", difference(table, held)))
        }
        None => Ok(()),
    }
}

/// Some of what two tables differ in.
fn difference(a: &Table, b: &Table) -> String {
    let [held_a, held_b] = [a, b].map(|table| table.page(None, usize::MAX).versions);
    let only = |these: &[std::sync::Arc<burgee_store::Version>], those: &[std::sync::Arc<burgee_store::Version>]| {
        let only: Vec<_> = these.iter().filter(|version| !those.contains(version)).take(2).cloned().collect();
        format!("{only:?}")
    };
    format!("{} only here, {} only there", only(&held_a, &held_b), only(&held_b, &held_a))
}
