//! Starts and ends of processes.

use burgee_model::NodeId;
use burgee_store::Table;

use crate::{
    clock::span,
    disk::Disk,
    network::End,
    node::{Commit, Process, Slot, Start},
    say,
    world::{Occurrence, World},
};

impl World {
    /// Starts the node of a machine: from its disk, or a new one.
    pub fn start(&mut self, slot: usize) {
        if self.slots[slot].process.is_some() {
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
        crate::invariants::readiness::started(self, slot);
        crate::invariants::readiness::changed(self, slot);
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
        self.settle(slot, process.commit, process.clock.mark());
        self.account();
    }

    /// Ends a process in good order: what it merged is on disk, and its peers notice.
    pub fn stop(&mut self, slot: usize) {
        let Slot { disk: Some(disk), process, .. } = &mut self.slots[slot] else { return };
        let Some(process) = process.take() else { return };
        disk.sync(&process.table, &process.dirty, process.clock.mark());
        let changes = self.network.leave(process.id);
        say!(self, "n{slot} stops");
        self.settle(slot, process.commit, process.clock.mark());
        self.tell(changes);
    }

    fn settle(&mut self, slot: usize, commit: Option<Commit>, mark: u64) {
        let lucky = self.dice.chance(500);
        match (commit, &mut self.slots[slot].disk) {
            (Some(commit), Some(disk)) if lucky => disk.append(&commit.versions, mark),
            (Some(commit), _) => self.oracle.vanished(&commit.versions),
            (None, _) => {}
        }
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
        (self.slots[slot].disk, self.slots[slot].backup) = (None, None);
        self.oracle.doubted.remove(&slot);
        self.oracle.astray.remove(&slot);
        self.account();
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
        self.slots[slot].disk = Some(backup);
        self.account();
        self.doubt(slot);
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
            for what in std::mem::take(&mut self.slots[slot].backlog) {
                self.after(0, what);
            }
        }
    }

    /// A node is ready.
    pub(super) fn joined(&mut self, slot: usize) {
        if self.went_astray(slot) {
            self.oracle.astray.insert(slot);
            self.account();
        }
    }

    /// Whether a newcomer that is ready joined by none but doubted ones.
    fn went_astray(&self, slot: usize) -> bool {
        let newcomer = self.slots[slot].process.as_ref().filter(|process| process.newcomer);
        let serves = |(other, process): (usize, &Process)| other != slot && process.readiness.ready;
        newcomer.is_some_and(|process| self.processes().any(serves) && !self.is_heard_of(slot, process.id.node))
    }

    /// Whether a node is a member for somebody who is listened to.
    fn is_heard_of(&self, slot: usize, id: NodeId) -> bool {
        let knows = |table: &Table| table.members().any(|(node, ..)| node == id);
        let mut others = self.processes().filter(|(other, _)| *other != slot && !self.oracle.is_doubted(*other));
        others.any(|(_, process)| knows(&process.table))
    }

    /// Those that went astray and were heard of since.
    pub(super) fn find(&mut self) {
        let found = |slot: &usize| match &self.slots[*slot].disk {
            Some(disk) => self.is_heard_of(*slot, disk.node),
            None => true,
        };
        let found: Vec<usize> = self.oracle.astray.iter().copied().filter(found).collect();
        self.oracle.astray.retain(|slot| !found.contains(slot));
    }

    /// From now on nobody need listen to what only this machine's node has.
    pub fn doubt(&mut self, slot: usize) {
        self.oracle.doubted.insert(slot);
        self.account();
    }

    /// Copies were destroyed, or are not listened to: some versions need not last any more.
    fn account(&mut self) {
        let held = self.copies(|_| true);
        self.oracle.destroyed(&held.iter().collect::<Vec<_>>());
        if !(self.oracle.doubted.is_empty() && self.oracle.astray.is_empty()) {
            let held = self.copies(|slot| self.is_listened_to(slot));
            self.oracle.doubted(&held.iter().collect::<Vec<_>>());
        }
    }

    /// Whether the cluster waits for a machine's node before it collects: not for one that was forgotten or
    /// restored, nor for a newcomer that is not in the roster yet.
    fn is_listened_to(&self, slot: usize) -> bool {
        !self.oracle.is_doubted(slot) && self.slots[slot].disk.as_ref().is_some_and(Disk::is_enrolled)
    }

    /// What some machines hold, in memory and on disk.
    fn copies(&self, of: impl Fn(usize) -> bool) -> Vec<Table> {
        let slots = self.slots.iter().enumerate().filter(|(number, _)| of(*number));
        let copies = slots.flat_map(|(_, slot)| {
            let memory = slot.process.as_ref().map(|process| process.table.clone());
            let disk = slot.disk.as_ref().map(|disk| disk.load(self.plan.history));
            [memory, disk]
        });
        copies.flatten().collect()
    }

    /// A process goes on under a new id, with its table.
    pub(super) fn reidentify(&mut self, end: End) {
        let node = self.random_id();
        let slot = end.slot;
        let Slot { disk: Some(disk), process, .. } = &mut self.slots[slot] else { return };
        let Some(old) = process.take() else { return };
        (disk.node, disk.resync) = (node, true);
        let disk = disk.clone();
        say!(self, "n{slot} takes the id {node:?}");
        let changes = self.network.leave(old.id);
        self.tell(changes);
        self.settle(slot, old.commit, old.clock.mark());
        let Process { table, time, dirty, clock, .. } = old;
        self.launch(slot, &disk, |start| Process::around(start, table, time));
        self.counts.reidentified += 1;
        if let Slot { wall, process: Some(process), .. } = &mut self.slots[slot] {
            let cluster = process.time(*wall, self.now).cluster;
            process.dirty = dirty;
            process.clock.resume(clock.mark(), cluster);
        }
        self.begin_persist(slot);
    }

    pub(super) fn give_up(&mut self, end: End, why: String) {
        say!(self, "n{} gives up: {why}", end.slot);
        self.stop(end.slot);
        self.slots[end.slot].gave_up = Some(why);
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
