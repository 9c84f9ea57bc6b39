//! Nothing is collected before no member's disk holds what it killed; and the horizon never goes back.

use std::{collections::BTreeSet, sync::Arc};

use burgee_model::{Address, MemberMeta, NodeId, RegisterId, Stamp};
use burgee_replication::core::SystemWrite;
use burgee_store::{Outcome, Table, Version, is_kept_for_good};

use crate::{
    disk::Disk,
    node::{MAX_SKEW_MS, Slot},
    oracle::{Excuse, Written, accounts_for},
    world::World,
};

/// The horizon of a table.
#[must_use]
pub fn horizon(table: &Table) -> Stamp {
    table.latest(&RegisterId::system(Address::Horizon)).map_or(Stamp::ZERO, |horizon| horizon.stamp)
}

/// A node wants something written: no horizon lies above what each member says that it holds for certain.
pub fn decided(world: &mut World, slot: usize, write: &SystemWrite) {
    let (SystemWrite::Horizon(horizon), Some(process)) = (write, &world.slots[slot].process) else { return };
    let members = members(&process.table);
    let mut entries = process.table.members().filter(|(node, ..)| members.contains(node));
    let behind = entries.find(|(_, meta, _)| meta.acked < Some(*horizon));
    drop(entries);
    if let Some((node, meta, _)) = behind {
        let what = format!("n{slot} collects up to {horizon}, and {node} acknowledged {:?}", meta.acked);
        world.violate("collection", what);
    }
}

/// A node is about to write: above what it promised. If that is a horizon, what may be dropped by it must
/// not be missed by any member's disk.
pub fn planned(world: &mut World, slot: usize, version: &Arc<Version>) {
    if !matches!(version.register.address, Address::Horizon) {
        return promised(world, slot, version);
    }
    world.counts.horizons += 1;
    let Some(process) = &world.slots[slot].process else { return };
    let grace = u64::try_from(world.plan.periods.grace.as_millis()).unwrap_or_default();
    let cluster = process.time(world.slots[slot].wall, world.now).cluster;
    let young = version.stamp.millis() + grace > cluster;
    if young {
        return world.violate("collection", format!("n{slot} collects {version:?} within the grace period"));
    }
    let members = members(&process.table);
    let before = world.oracle.horizon;
    world.oracle.horizon = before.max(version.stamp);
    let missing = world.slots.iter().enumerate().find_map(|(number, other)| {
        let disk = other.disk.as_ref().filter(|disk| members.contains(&disk.node))?;
        let is_old = is_old(world, number);
        let gone = first_missing(world, disk, (before, version.stamp), |_| true)?;
        (!is_old).then_some((number, gone))
    });
    collected_apart(world, slot, (before, version.stamp));
    if let Some((number, gone)) = missing {
        let horizon = version.stamp;
        world.violate("collection", format!("n{slot} collects up to {horizon} before n{number} has {gone:?} on disk"));
    }
}

/// Whether a machine's disk knows less than its entry says: it is an old one, or one of two, until its node notices.
fn is_old(world: &World, slot: usize) -> bool {
    let oracle = &world.oracle;
    let is_restored = oracle.doubted.get(&slot) == Some(&Excuse::Restored);
    is_restored || oracle.copied.contains(&slot) || world.slots[slot].is_copy()
}

/// Halves of a cluster that never met collect each by themselves: what one of them deleted, and the other one does
/// not know of, may return when they meet. (So it is with a data directory and its copy, and with those who joined by
/// either: the two are one member.)
fn collected_apart(world: &mut World, slot: usize, span: (Stamp, Stamp)) {
    if world.oracle.apart.is_empty() && world.copies().next().is_none() {
        return;
    }
    let copies: BTreeSet<usize> = world.copies().map(|(slot, _)| slot).collect();
    let is_apart = |slot: usize| world.oracle.apart.contains(&slot) || copies.contains(&slot);
    let others = world.slots.iter().enumerate().filter(|(other, _)| is_apart(*other) != is_apart(slot));
    let disks: Vec<&Disk> = others.filter_map(|(_, slot)| slot.disk.as_ref()).collect();
    let missing: Vec<_> = disks.iter().flat_map(|disk| all_missing(world, disk, span, |_| true)).collect();
    missing.iter().for_each(|version| world.oracle.collected_apart(version));
}

/// The first deletion in a span of stamps, above the first up to the second, that a disk knows nothing of.
fn first_missing(
    world: &World,
    disk: &Disk,
    span: (Stamp, Stamp),
    counts: impl Fn(&Version) -> bool,
) -> Option<Arc<Version>> {
    all_missing(world, disk, span, counts).into_iter().next()
}

fn all_missing(
    world: &World,
    disk: &Disk,
    (above, up_to): (Stamp, Stamp),
    counts: impl Fn(&Version) -> bool,
) -> Vec<Arc<Version>> {
    let is_wanted = |written: &&Written| {
        let Written { version, doubtful, .. } = written;
        // (What is kept for good no horizon drops, so one that comes late, with a node that returns, does its work all the
        // same.)
        let goes = !is_kept_for_good(&version.register.address);
        let deletes = goes && (version.content.is_none() || version.is_floor());
        let newly = above < version.stamp && version.stamp <= up_to;
        newly && deletes && written.is_required(up_to) && doubtful.is_none() && counts(version)
    };
    let mut wanted = world.oracle.all().filter(is_wanted).peekable();
    if wanted.peek().is_none() {
        return Vec::new();
    }
    let table = with_kept(world, disk);
    wanted.map(|written| written.version.clone()).filter(|version| would_return(&table, version)).collect()
}

/// What a disk holds, and the floors that other members' disks keep for good: those it still hears of, whatever is
/// collected. (A node that returns brings such a floor under the stamp that it had, below what the others have
/// acknowledged by then.)
fn with_kept(world: &World, disk: &Disk) -> Table {
    let mut table = disk.load(world.plan.history);
    let members = members(&table);
    let others = world.slots.iter().filter_map(|slot| slot.disk.as_ref()).filter(|other| members.contains(&other.node));
    let kept = others.flat_map(Disk::versions).filter(|version| version.is_floor());
    for floor in kept.filter(|floor| is_kept_for_good(&floor.register.address)) {
        table.merge(floor);
    }
    table
}

/// A member acknowledges up to where its disk holds everything that the members wrote.
fn acknowledged(world: &mut World, slot: usize, version: &Version) {
    let Slot { process: Some(process), disk: Some(disk), .. } = &world.slots[slot] else { return };
    let acked = |entry: &Version| entry.content.as_ref()?.read::<MemberMeta>()?.acked;
    let (Some(up_to), false) = (acked(version), is_old(world, slot)) else { return };
    let before = process.table.latest(&version.register).and_then(|entry| acked(&entry));
    let members = members(&process.table);
    let of_members = |version: &Version| members.contains(&version.stamp.id);
    let span = (before.unwrap_or(Stamp::ZERO).max(process.table.horizon()), up_to);
    if let Some(missing) = first_missing(world, disk, span, of_members) {
        world.violate("collection", format!("n{slot} acknowledges up to {up_to} without {missing:?} on disk"));
    }
}

fn promised(world: &mut World, slot: usize, version: &Version) {
    let Some(process) = &world.slots[slot].process else { return };
    let entry = process.table.latest(&RegisterId::system(Address::Member { node: process.id.node }));
    if let Some(entry) = entry.filter(|entry| entry.stamp >= version.stamp) {
        let promise = entry.stamp;
        world.violate("collection", format!("n{slot} writes {version:?} although it had promised {promise}"));
    }
    if matches!(version.register.address, Address::Member { .. }) {
        acknowledged(world, slot, version);
    }
}

/// Whether a table holds what a tombstone or floor killed.
fn would_return(table: &Table, by: &Arc<Version>) -> bool {
    if accounts_for(table, by) {
        return false;
    }
    let holds_older = table.latest(&by.register).is_some_and(|latest| latest.content.is_some());
    match table.clone().merge(by) {
        Outcome::Applied(applied) if by.is_floor() => !applied.died.is_empty() || !applied.trimmed.is_empty(),
        Outcome::Applied(_) => holds_older,
        _ => false,
    }
}

fn members(table: &Table) -> BTreeSet<NodeId> {
    let forgotten: BTreeSet<NodeId> = table.forgotten().map(|(node, ..)| node).collect();
    table.members().map(|(node, ..)| node).filter(|node| !forgotten.contains(node)).collect()
}

/// What is left to be collected, and what each member says.
#[must_use]
pub fn left(world: &World, age_ms: u64) -> String {
    let of = |(slot, process): (usize, &crate::node::Process)| {
        let cluster = process.time(world.slots[slot].wall, world.now).cluster;
        let oldest = process.table.oldest_collectable();
        let early = oldest.map(|stamp| cluster.saturating_sub(stamp.millis() + age_ms));
        format!("n{slot} at {cluster}: {oldest:?} (ripe since {early:?} ms), horizon {}", process.table.horizon())
    };
    let nodes: Vec<String> = world.processes().map(of).collect();
    let members = world.processes().next().map(|(_, process)| {
        let forgotten: BTreeSet<NodeId> = process.table.forgotten().map(|(node, ..)| node).collect();
        let members = process.table.members().filter(|(node, ..)| !forgotten.contains(node));
        members
            .map(|(node, meta, promise)| format!("{node} {} acked {:?} promises {promise}", meta.name, meta.acked))
            .collect::<Vec<String>>()
    });
    format!("{nodes:#?} {members:#?}")
}

/// Whether everything that can be collected was: nothing collectable is older than some time.
#[must_use]
pub fn is_done(world: &World, age_ms: u64) -> bool {
    // A node whose cluster time is still slewed may be far ahead; all must find that something is old enough.
    let times = world.processes().map(|(slot, process)| process.time(world.slots[slot].wall, world.now).cluster);
    let cluster = times.min().unwrap_or_default();
    let young = |stamp: Stamp| stamp.millis() + age_ms + MAX_SKEW_MS > cluster;
    world.processes().all(|(_, process)| process.table.oldest_collectable().is_none_or(young))
}
