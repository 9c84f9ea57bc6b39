//! Copied data directories: two processes with one identity.

use crate::{
    invariants,
    node::{Process, Slot},
    oracle::Excuse,
    say,
    world::World,
};

impl World {
    /// Starts a copy of the disk of a machine, whose node goes on, on a machine of its own: answers which.
    pub fn copy(&mut self, slot: usize) -> usize {
        let disk = self.slots[slot].disk.clone();
        let number = self.slots.len();
        let mut machine = Slot::new(number, &self.plan);
        machine.seeds = self.slots.iter().map(|slot| slot.endpoint.clone()).collect();
        machine.name.clone_from(&self.slots[slot].name);
        (machine.disk, machine.copy_of) = (disk, Some(slot));
        self.slots.push(machine);
        // What it alone writes is an operator's to look at.
        self.oracle.doubted.insert(number, Excuse::Copied);
        say!(self, "n{slot}'s disk is copied to n{number}, and started there");
        self.start(number);
        number
    }

    /// Whether a copy of a machine's disk runs.
    #[must_use]
    pub fn is_copied(&self, slot: usize) -> bool {
        self.copies().any(|(copy, _)| self.slots[copy].copy_of == Some(slot))
    }

    /// The copies that run.
    pub fn copies(&self) -> impl Iterator<Item = (usize, &Process)> {
        self.processes().filter(|(slot, _)| self.slots[*slot].is_copy())
    }

    /// A node wrote. Where it is a copy, peers know stamps by the original's identity that the original never gave.
    pub(super) fn wrote_as_copy(&mut self, slot: usize) {
        if let Some(original) = self.slots[slot].copy_of {
            self.oracle.copied.insert(original);
        }
    }

    /// A node has ended by itself. A copy is never started again.
    pub(super) fn ended(&mut self, slot: usize, why: String) {
        self.slots[slot].retired |= self.slots[slot].is_copy();
        self.slots[slot].gave_up = Some(why);
        invariants::identity::ended(self, slot);
    }
}
