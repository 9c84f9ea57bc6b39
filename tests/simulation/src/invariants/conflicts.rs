//! Of a register with a history, each node keeps what those versions amount to that it was given, whatever their order;
//! and the list of conflicts is what their parents make of them. Whoever writes names what the node held, and what is
//! settled: so a conflict ends where somebody ends it.

use std::{collections::BTreeSet, sync::Arc};

use burgee_model::{RegisterId, Stamp};
use burgee_store::{Table, Version};

use super::{Verdict, broken};
use crate::{
    node::{Commit, Process},
    oracle::{losers, unnamed},
    workload::tenant,
    world::World,
};

type Conflicts = Vec<(RegisterId, Vec<Stamp>)>;

fn listed(table: &Table) -> Conflicts {
    let stamps = |versions: Vec<Arc<Version>>| versions.iter().map(|v| v.stamp).collect();
    table.all_conflicts(&tenant()).map(|(register, versions)| (register, stamps(versions))).collect()
}

/// A node sends a change to the disk: all that it replaces is named, and nothing that it does not hold. Of a kill those
/// are all heads, be it by several versions of which each names the one before.
pub fn planned(world: &mut World, slot: usize) {
    let Some(Process { table, commit: Some(commit), .. }) = &world.slots[slot].process else { return };
    let registers = commit.versions.iter().map(|version| &version.register);
    let with_history: BTreeSet<&RegisterId> = registers.filter(|register| register.address.keeps_history()).collect();
    let wrong = with_history.into_iter().find_map(|register| misnamed(table, commit, register));
    if let Some(what) = wrong {
        world.violate("conflicts", format!("n{slot} {what}"));
    }
}

fn misnamed(table: &Table, commit: &Commit, register: &RegisterId) -> Option<String> {
    let held: Vec<Arc<Version>> = table.history(register).collect();
    let written = || commit.versions.iter().filter(|version| version.register == *register);
    let named: BTreeSet<Stamp> = written().flat_map(|version| version.parents.iter().copied()).collect();
    let stamp = |version: &Arc<Version>| version.stamp;
    let replaced: BTreeSet<Stamp> = if register.address.keeps_heads() {
        unnamed(&held).map(stamp).collect()
    } else {
        held.first().map(stamp).into_iter().chain(commit.settles.iter().copied()).collect()
    };
    let known: BTreeSet<Stamp> = held.iter().chain(written()).map(stamp).collect();
    let wrong = !named.is_superset(&replaced) || !named.is_subset(&known);
    wrong.then(|| format!("writes {:?} over {replaced:?}, and holds {known:?}", written().collect::<Vec<_>>()))
}

/// Looks at a settled cluster.
///
/// # Errors
/// Where a node keeps or lists something else.
pub fn settled(world: &World) -> Verdict {
    world.processes().try_for_each(|(slot, process)| {
        let mut expected = Conflicts::new();
        for register in process.seen.taken.registers() {
            let kept = process.seen.taken.kept(register, world.plan.history.max_versions);
            let held: Vec<Arc<Version>> = process.table.history(register).collect();
            if held != kept {
                return broken("history", format!("n{slot} keeps {held:?} of what amounts to {kept:?}"));
            }
            if let Some(strange) = kept.iter().find(|version| !world.oracle.knows(version)) {
                return broken("history", format!("n{slot} keeps {strange:?}, which nobody wrote"));
            }
            let losers: Vec<Stamp> = losers(&kept).collect();
            if !losers.is_empty() && register.tenant == tenant() {
                expected.push((register.clone(), losers));
            }
        }
        let listed = listed(&process.table);
        if listed == expected {
            Ok(())
        } else {
            broken("conflicts", format!("n{slot} lists {listed:?}, not {expected:?}"))
        }
    })
}
