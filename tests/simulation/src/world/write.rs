//! The store around the table, as the product has it: a local write is on disk before it is applied, applied
//! before it is acknowledged and told; what is merged is applied at once and on disk behind.

use std::{collections::BTreeSet, sync::Arc};

use burgee_model::{Address, Millis, NodeId, RegisterId, Stamp, stamp::millis_to_ntp64};
use burgee_replication::core::Event;
use burgee_store::{Applied, Aside, Draft, Outcome, Request, Stamping, Table, Version, WriteScope, stamp_draft};

use crate::{
    invariants,
    network::End,
    node::{Commit, Process, Slot},
    say,
    workload::Action,
    world::{Occurrence, World},
};

/// For how many days history is kept.
const HISTORY_DAYS: Millis = 365;

impl World {
    /// Whether a machine's node takes writes.
    #[must_use]
    pub fn serves(&self, slot: usize) -> bool {
        let slot = &self.slots[slot];
        let takes = |process: &Process| process.readiness.ready && process.clock_ahead.is_none();
        !slot.paused && slot.process.as_ref().is_some_and(takes)
    }

    /// Asks a node for a write; answers its number, or nothing where the node does not take writes.
    pub fn write(&mut self, slot: usize, action: Action) -> Option<u64> {
        self.serves(slot).then(|| self.enqueue(slot, action))
    }

    /// What an acknowledged write wrote.
    #[must_use]
    pub fn acknowledged(&self, write: u64) -> Option<&[Arc<Version>]> {
        self.acknowledged.get(&write).map(Vec::as_slice)
    }

    pub(super) fn enqueue(&mut self, slot: usize, action: Action) -> u64 {
        self.writes += 1;
        if let Some(process) = &mut self.slots[slot].process {
            process.writes.push_back((self.writes, action));
            self.begin_commit(slot);
        }
        self.writes
    }

    /// Plans and stamps the next write and sends it to the disk, unless one is under way.
    fn begin_commit(&mut self, slot: usize) {
        let now = self.now;
        let Slot { wall, disk, process: Some(process), .. } = &mut self.slots[slot] else { return };
        if process.commit.is_some() {
            return;
        }
        let cluster = process.time(*wall, now).cluster;
        let (end, versions) = loop {
            let Some((write, action)) = process.writes.pop_front() else { return };
            let drafted = match (&action, disk.as_ref().and_then(|disk| disk.aside.as_ref())) {
                (Action::Repeat, Some(aside)) => again(aside, &process.table, cluster),
                _ => action.draft(process.id.node, &process.table, cluster),
            };
            if let Action::Repeat = action {
                match &drafted {
                    Some((_, draft)) => {
                        self.counts.repeated += draft.writes.len() as u64;
                        process.writes.push_front((write, action));
                    }
                    None => self.schedule.put(now + 1, Occurrence::Repeated(End { slot, id: process.id })),
                }
            }
            let Some((request, draft)) = drafted else { continue };
            let settles = draft.writes.iter().flat_map(|write| write.settles.iter().copied()).collect();
            let Ok(versions) = stamp_draft(&request, draft, &process.table, &mut process.clock, cluster) else {
                continue;
            };
            process.commit = Some(Commit { write, versions: versions.clone(), settles });
            break (End { slot, id: process.id }, versions);
        };
        invariants::conflicts::planned(self, slot);
        for version in &versions {
            if let Some(process) = &mut self.slots[slot].process {
                process.told_news |= process.told.changed(version.change);
            }
            invariants::planned(self, slot, version);
        }
        let (from, to) = self.plan.disk.commit;
        let took = self.dice.between(from, to);
        self.after(took, Occurrence::Commit(end));
    }

    /// The write under way is on disk: it is applied, acknowledged and told.
    pub(super) fn committed(&mut self, end: End) {
        let Slot { disk: Some(disk), process: Some(process), .. } = &mut self.slots[end.slot] else { return };
        let Some(Commit { write, versions, .. }) = process.commit.take() else { return };
        disk.append(&versions, process.clock.mark());
        disk.told.clone_from(&process.told);
        process.told_news = false;
        self.wrote_as_copy(end.slot);
        for version in &versions {
            self.take(end.slot, version, true);
            self.oracle.acknowledged(version);
            if self.trace.is_loud() {
                say!(self, "n{} wrote {version:?}", end.slot);
            }
        }
        self.heed_forgetting(&versions);
        self.counts.acknowledged += 1;
        invariants::revocation::acknowledged(self, &versions);
        self.acknowledged.insert(write, versions.clone());
        let unseen = self.dice.chance(self.plan.unseen_writes);
        let event = if unseen { Event::WrittenUnseen } else { Event::Written(versions) };
        self.handle(end.slot, event);
        self.begin_commit(end.slot);
    }

    /// Puts a version into the table of a node.
    fn take(&mut self, slot: usize, version: &Arc<Version>, local: bool) {
        let now = self.now;
        let Slot { wall, process: Some(process), .. } = &mut self.slots[slot] else { return };
        let cluster = process.time(*wall, now).cluster;
        if version.register.address == Address::Horizon {
            // As the store does: who watches hears of what goes.
            self.lapse_until(slot, cluster.max(version.stamp.millis()));
        }
        let Some(process) = &mut self.slots[slot].process else { return };
        process.table.keep_history_since(millis_to_ntp64(cluster.saturating_sub(HISTORY_DAYS * 86_400_000)));
        if version.register.address == Address::Horizon {
            // What it collects has expired, here too, and is told before it goes, whatever this node's time is.
            process.seen.tell_all(&mut process.table, cluster.max(version.stamp.millis()));
        }
        let outcome = process.table.merge(version);
        process.note_dirty(version, &outcome, local);
        if self.trace.is_loud() && !local {
            say!(self, "n{slot} merged {:?} {}: {outcome:?}", version.register.address, version.stamp);
        }
        invariants::seen::merged(self, slot, version, &outcome);
        invariants::revocation::merged(self, slot, version);
        if matches!(outcome, Outcome::Applied(_)) && !local && self.is_listened_to(slot) {
            self.oracle.heard(version);
        }
        self.begin_persist(slot);
    }

    /// The next merge that the core wants.
    pub(super) fn merge(&mut self, end: End) {
        let refuse = self.dice.chance(self.plan.refused_merges);
        let now = self.now;
        let Slot { wall, process: Some(process), .. } = &mut self.slots[end.slot] else { return };
        let Some(merging) = process.merges.pop_front() else { return };
        let cluster = process.time(*wall, now).cluster;
        let insane = merging.versions.iter().filter(|version| !refuse && !version.is_sane()).count();
        let refused = u32::try_from(insane).unwrap_or(u32::MAX);
        if !refuse {
            invariants::identity::taken_from(self, &merging);
            let Slot { process: Some(process), .. } = &mut self.slots[end.slot] else { return };
            let sane: Vec<_> = merging.versions.iter().filter(|version| version.is_sane()).collect();
            for version in &sane {
                process.clock.observe(version.stamp, cluster);
                process.seen.observed(version.stamp, cluster);
            }
            for version in sane {
                self.take(end.slot, version, false);
            }
        }
        self.handle(end.slot, Event::Merged { merge: merging.merge, taken: !refuse, refused });
    }

    pub(super) fn evict(&mut self, end: End, versions: &[(RegisterId, Stamp)]) {
        let Some(process) = &mut self.slots[end.slot].process else { return };
        for (register, stamp) in versions {
            process.table.evict(register, *stamp);
            process.dirty.insert(register.clone());
            process.seen.evicted(register);
            process.seen.taken.replace(register, process.table.history(register));
        }
        if self.trace.is_loud() {
            say!(self, "n{} evicts {versions:?}", end.slot);
        }
        self.begin_persist(end.slot);
    }

    /// Has a node merge versions as if a peer had sent them, whatever they are.
    pub fn inject(&mut self, slot: usize, versions: &[Arc<Version>]) {
        for version in versions {
            self.take(slot, version, false);
        }
    }

    pub(super) fn begin_persist(&mut self, slot: usize) {
        let Some(process) = &mut self.slots[slot].process else { return };
        if process.dirty.is_empty() && !process.told_news || process.persisting {
            return;
        }
        process.persisting = true;
        let end = End { slot, id: process.id };
        let (from, to) = self.plan.disk.behind;
        let took = self.dice.between(from, to);
        self.after(took, Occurrence::Persist(end));
    }

    /// One commit's worth of what was merged is on disk.
    pub(super) fn persist(&mut self, end: End) {
        let most = self.plan.disk.registers;
        let skip = self.dice.index(4);
        let Slot { disk: Some(disk), process: Some(process), .. } = &mut self.slots[end.slot] else { return };
        if process.draining.is_empty() {
            process.draining.clone_from(&process.dirty);
        }
        let skip = skip.min(process.draining.len().saturating_sub(most));
        let registers: BTreeSet<RegisterId> = process.draining.iter().skip(skip).take(most).cloned().collect();
        disk.sync(&process.table, &registers, process.clock.mark());
        disk.told.clone_from(&process.told);
        process.told_news = false;
        process.draining.retain(|register| !registers.contains(register));
        process.dirty.retain(|register| !registers.contains(register));
        process.persisting = false;
        let mut flushed = Vec::new();
        for (flush, waiting) in &mut process.flushes {
            waiting.retain(|register| !registers.contains(register));
            if waiting.is_empty() {
                flushed.push(*flush);
            }
        }
        process.flushes.retain(|(_, waiting)| !waiting.is_empty());
        self.begin_persist(end.slot);
        for flush in flushed {
            self.handle(end.slot, Event::Flushed { flush });
        }
    }

    /// A peer has all that a node wrote up to a change.
    pub(super) fn told(&mut self, end: End, peer: NodeId, up_to: Stamp) {
        let Some(process) = &mut self.slots[end.slot].process else { return };
        process.told_news |= process.told.raise(peer, up_to, &process.table, end.id.node);
        self.begin_persist(end.slot);
    }

    /// Nothing is set aside any more.
    pub(super) fn repeated(&mut self, end: End) {
        self.slots[end.slot].disk.iter_mut().for_each(|disk| disk.aside = None);
        self.handle(end.slot, Event::Repeated);
    }

    pub(super) fn flush(&mut self, end: End, flush: u64) {
        let Some(process) = &mut self.slots[end.slot].process else { return };
        if process.dirty.is_empty() {
            self.after(1, Occurrence::Flushed { by: end, flush });
        } else {
            process.flushes.push((flush, process.dirty.clone()));
        }
    }
}

/// What of what is set aside is written again next, as one change.
fn again(aside: &Aside, table: &Table, now: Millis) -> Option<(Request, Draft)> {
    let writes = aside.parts().map(|part| aside.writes(part, table, now)).find(|writes| !writes.is_empty())?;
    let request =
        Request { scope: WriteScope::Everything, actor: Arc::from("sim"), note: None, stamping: Stamping::Local };
    Some((request, Draft::of(writes)))
}

impl Process {
    fn note_dirty(&mut self, version: &Version, outcome: &Outcome, local: bool) {
        if matches!(outcome, Outcome::Applied(_)) != local {
            self.dirty.insert(version.register.clone());
        }
        if let Outcome::Applied(Applied { died, trimmed, .. }) = outcome {
            self.dirty.extend(died.iter().chain(trimmed).cloned());
        }
    }
}
