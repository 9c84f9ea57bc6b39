//! Starts and ends of processes.

use std::sync::Arc;

use burgee_model::NodeId;
use burgee_store::{Aside, Missed, Told, Version};

use crate::{
    clock::span,
    disk::Disk,
    invariants,
    network::End,
    node::{Commit, Process, Slot, Start},
    oracle::Excuse,
    say,
    world::{Occurrence, World},
};

impl World {
    /// Starts the node of a machine: from its disk, or a new one.
    pub fn start(&mut self, slot: usize) {
        if self.slots[slot].process.is_some() || self.now < self.slots[slot].down_until {
            return;
        }
        let id = self.random_id();
        let disk = self.slots[slot].disk.get_or_insert_with(|| Disk::new(id)).clone();
        self.launch(slot, &disk, Process::start);
        self.counts.starts += 1;
        say!(self, "n{slot} starts as {:?} (mark {:x}, resync {})", disk.node, disk.mark, disk.resync);
    }

    fn launch(&mut self, slot: usize, disk: &Disk, make: impl FnOnce(&Start<'_>) -> Process) {
        self.incarnations += 1;
        let seed = self.dice.number();
        let machine = &self.slots[slot];
        let start =
            Start { slot: machine, disk, incarnation: self.incarnations, seed, plan: &self.plan, now: self.now };
        let mut process = make(&start);
        process.readiness = process.core.readiness().clone();
        let end = End { slot, id: process.id };
        let machine = &mut self.slots[slot];
        machine.process = Some(process);
        (machine.paused, machine.gave_up) = (false, None);
        machine.backlog.clear();
        self.after(0, Occurrence::Tick(end));
        invariants::readiness::started(self, slot);
        invariants::readiness::changed(self, slot);
    }

    fn random_id(&mut self) -> NodeId {
        let (high, low) = (self.dice.number(), self.dice.number());
        NodeId((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
    }

    /// Ends a process without a word, as `kill -9` does. What was on its way to the disk may have got there.
    pub fn crash(&mut self, slot: usize) {
        let Some(process) = self.slots[slot].process.take() else { return };
        say!(self, "n{slot} crashes");
        self.network.vanish(process.id);
        let written = self.settle(slot, process.commit, process.clock.mark());
        self.lost(&[self.memory(slot, process.table)], Excuse::Disk);
        self.heed_forgetting(&written);
    }

    /// Ends a process in good order: what it merged is on disk, and its peers notice.
    pub fn stop(&mut self, slot: usize) {
        let Slot { disk: Some(disk), process, .. } = &mut self.slots[slot] else { return };
        let Some(process) = process.take() else { return };
        disk.sync(&process.table, &process.dirty, process.clock.mark());
        disk.told = process.told;
        let changes = self.network.leave(process.id);
        say!(self, "n{slot} stops");
        let written = self.settle(slot, process.commit, process.clock.mark());
        self.heed_forgetting(&written);
        self.tell(changes);
    }

    /// A commit was under way when its process ended: answers what of it is on disk all the same.
    fn settle(&mut self, slot: usize, commit: Option<Commit>, mark: u64) -> Vec<Arc<Version>> {
        let lucky = self.dice.chance(500);
        match (commit, &mut self.slots[slot].disk) {
            (Some(commit), Some(disk)) if lucky => {
                disk.append(&commit.versions, mark);
                return commit.versions;
            }
            (Some(commit), _) => {
                if let Some(version) = self.oracle.vanished(&commit.versions) {
                    self.violate("durability", format!("n{slot} acknowledged {version:?}, which is on no disk"));
                }
            }
            (None, _) => {}
        }
        Vec::new()
    }

    /// The disk of a machine is lost; its process ends if there is one.
    pub fn wipe(&mut self, slot: usize) {
        self.crash(slot);
        say!(self, "n{slot} loses its disk");
        // An operator who replaces a machine tells the new one whom to join.
        if self.slots[slot].seeds.is_empty() {
            let others = self.slots.iter().enumerate().filter(|(other, _)| *other != slot);
            self.slots[slot].seeds = others.map(|(_, other)| other.endpoint.clone()).collect();
        }
        let gone = self.replicas(|other| other == slot);
        self.oracle.author_lost(slot);
        (self.slots[slot].disk, self.slots[slot].backup) = (None, None);
        self.oracle.doubted.remove(&slot);
        self.oracle.apart.remove(&slot);
        self.lost(&gone, Excuse::Disk);
    }

    /// Where every node waits for another one, an operator decides for the one that holds most.
    /// Answers what it holds.
    pub fn decide(&mut self) -> Vec<Arc<Version>> {
        let versions = |slot: &usize| self.slots[*slot].process.as_ref().map_or(0, |p| p.table.counts().versions);
        let Some(best) = self.processes().map(|(slot, _)| slot).max_by_key(versions) else { return Vec::new() };
        say!(self, "an operator decides for n{best}");
        self.stop(best);
        let slot = &mut self.slots[best];
        slot.disk.iter_mut().for_each(|disk| disk.resync = false);
        slot.trusted = true;
        self.start(best);
        self.slots[best].trusted = false;
        let process = self.slots[best].process.as_ref();
        process.map(|process| process.table.page(None, usize::MAX).versions).unwrap_or_default()
    }

    /// Copies a machine's disk.
    pub fn back_up(&mut self, slot: usize) {
        say!(self, "n{slot}'s disk is copied");
        self.slots[slot].backup = self.slots[slot].disk.clone();
    }

    /// Puts the copy back in the place of the disk.
    pub fn restore(&mut self, slot: usize) {
        let Some(backup) = self.slots[slot].backup.clone() else { return };
        self.crash(slot);
        say!(self, "n{slot} gets the copy of its disk back");
        let gone = self.replicas(|other| other == slot);
        self.slots[slot].disk = Some(backup);
        self.oracle.doubted.insert(slot, Excuse::Restored);
        self.oracle.author_lost(slot);
        self.lost(&gone, Excuse::Restored);
    }

    /// Stops a process without ending it.
    pub fn pause(&mut self, slot: usize) {
        say!(self, "n{slot} is stopped");
        self.slots[slot].paused = self.slots[slot].process.is_some();
    }

    /// Lets a stopped process go on: all that waited for it happens now.
    pub fn resume(&mut self, slot: usize) {
        if std::mem::take(&mut self.slots[slot].paused) {
            say!(self, "n{slot} goes on");
            let now = self.now;
            let tickets = self.slots[slot].process.iter_mut().flat_map(|process| process.tickets.values_mut());
            tickets.for_each(|ticket| ticket.since = now);
            for what in std::mem::take(&mut self.slots[slot].backlog) {
                self.after(0, what);
            }
        }
    }

    /// A process goes on under a new id, with its table.
    pub(super) fn reidentify(&mut self, end: End, missed: Missed) {
        let node = self.random_id();
        let slot = end.slot;
        invariants::identity::renounced(self, slot);
        let now = self.now;
        let Slot { disk: Some(disk), process, wall, copy_of, .. } = &mut self.slots[slot] else { return };
        let Some(old) = process.take() else { return };
        let mut news = None;
        if disk.aside.is_none() {
            let now = old.time(*wall, now).cluster;
            let aside = Aside::of(&old.table, old.id.node, &old.told, missed, now);
            disk.aside = Some(aside).filter(|aside| !aside.is_empty());
            news = disk.aside.clone().map(|aside| (aside, now));
        }
        (disk.node, disk.resync, disk.told) = (node, true, Told::default());
        // As another node, it is a copy of nobody.
        *copy_of = None;
        let disk = disk.clone();
        let aside = disk.aside.as_ref().map_or(0, |aside| aside.versions.len());
        say!(self, "n{slot} takes the id {node:?}, {missed:?}, {aside} versions set aside");
        if let Some((aside, now)) = news {
            invariants::bounds::set_aside(self, slot, &aside, now);
        }
        let changes = self.network.leave(old.id);
        self.tell(changes);
        let written = self.settle(slot, old.commit, old.clock.mark());
        let Process { table, time, dirty, clock, seen, .. } = old;
        self.launch(slot, &disk, |start| Process::around(start, table, time));
        self.counts.reidentified += 1;
        if let Slot { wall, process: Some(process), .. } = &mut self.slots[slot] {
            let cluster = process.time(*wall, self.now).cluster;
            process.dirty = dirty;
            // Its table knows what it has told.
            (process.seen.awaited, process.seen.lapsed) = (seen.awaited, seen.lapsed);
            process.clock.resume(clock.mark(), cluster);
        }
        self.heed_forgetting(&written);
        self.begin_persist(slot);
    }

    pub(super) fn give_up(&mut self, end: End, why: String) {
        say!(self, "n{} gives up: {why}", end.slot);
        self.stop(end.slot);
        self.ended(end.slot, why);
    }

    pub(super) fn set_cluster_time(&mut self, end: End, offset_ms: i64, outright: bool) {
        let now = self.now;
        let Slot { wall, process: Some(process), .. } = &mut self.slots[end.slot] else { return };
        process.time.set(offset_ms, outright, wall.at(now), span(now));
        if outright {
            say!(self, "n{}: cluster time is the wall's {offset_ms:+} ms", end.slot);
        }
    }
}
