//! Who is listened to: what a node alone has must last only while the cluster waits for it.

use std::sync::Arc;

use burgee_model::{Address, NodeId};
use burgee_store::{Table, Version};

use crate::{
    disk::Disk,
    invariants::{self, Verdict},
    network::End,
    oracle::{Excuse, Loss, Replica},
    world::World,
};

impl World {
    /// A node is ready: by whom it joined decides whether it is listened to.
    pub(super) fn joined(&mut self, slot: usize) {
        let Some(process) = self.slots[slot].process.as_ref().filter(|process| process.newcomer) else { return };
        let (id, by) = (process.id.node, process.level_with.filter(|_| !process.readiness.alone));
        if let Some(by) = by {
            invariants::joining::joined(self, slot, by);
            if !self.is_heard_of(slot, id) {
                self.doubt(slot, Excuse::Left);
            }
        } else if self.serves_elsewhere(slot) && !self.is_heard_of(slot, id) {
            self.oracle.apart.insert(slot);
        }
    }

    fn serves_elsewhere(&self, slot: usize) -> bool {
        self.processes().any(|(other, process)| other != slot && process.readiness.ready)
    }

    /// Whether a node is a member for somebody else who is listened to, in memory or on disk.
    fn is_heard_of(&self, slot: usize, id: NodeId) -> bool {
        let others = self.replicas(|other| other != slot && self.is_listened_to(other));
        others.iter().any(|replica| knows(&replica.table, id))
    }

    /// Whether a node is a member for somebody else who is listened to, and runs.
    pub(crate) fn is_known(&self, slot: usize, id: NodeId) -> bool {
        let mut others = self.processes().filter(|(other, _)| *other != slot && self.is_listened_to(*other));
        others.any(|(_, process)| knows(&process.table, id))
    }

    /// Those that were left behind, or began by themselves, and were heard of since.
    pub(super) fn find(&mut self) {
        let left = self.oracle.doubted.iter().filter(|(_, excuse)| **excuse == Excuse::Left).map(|(slot, _)| *slot);
        let unknown: Vec<usize> = left.chain(self.oracle.apart.iter().copied()).collect();
        for slot in unknown {
            let id = self.slots[slot].disk.as_ref().map(|disk| disk.node);
            if id.is_none_or(|id| self.is_known(slot, id)) {
                self.oracle.doubted.remove(&slot);
                self.oracle.apart.remove(&slot);
            }
        }
    }

    /// What was written is on a disk, whether or not its author was told: if it has a node forgotten, that holds.
    pub(super) fn heed_forgetting(&mut self, versions: &[Arc<Version>]) {
        for version in versions {
            if let Address::Forgotten { node } = version.register.address {
                self.forgotten(node);
            }
        }
    }

    /// Whatever ran with an identity, nobody waits for it any more.
    fn forgotten(&mut self, node: NodeId) {
        let slots = self.slots.iter().enumerate();
        let of_it = slots.filter(|(_, slot)| slot.disk.as_ref().is_some_and(|disk| disk.node == node));
        let of_it: Vec<usize> = of_it.map(|(slot, _)| slot).collect();
        of_it.into_iter().for_each(|slot| self.doubt(slot, Excuse::Forgotten));
    }

    /// A node is in line again: it is listened to, unless it was forgotten meanwhile and has not heard of that.
    pub(super) fn resynchronised(&mut self, end: End) {
        self.oracle.apart.remove(&end.slot);
        self.oracle.copied.remove(&end.slot);
        let everybody = self.replicas(|_| true);
        let is_forgotten =
            everybody.iter().any(|replica| replica.table.forgotten().any(|(node, ..)| node == end.id.node));
        if is_forgotten {
            self.oracle.doubted.insert(end.slot, Excuse::Forgotten);
        } else {
            self.oracle.doubted.remove(&end.slot);
        }
    }

    /// From now on nobody need listen to what only this machine's node has.
    pub fn doubt(&mut self, slot: usize, excuse: Excuse) {
        let own = self.replicas(|other| other == slot);
        let doubt = self.oracle.doubted.entry(slot).or_insert(excuse);
        if *doubt == Excuse::Left {
            // Being heard of again does not take away that it was forgotten meanwhile.
            *doubt = excuse;
        }
        self.lost(&own, excuse);
    }

    /// Replicas are gone, or not listened to: some versions need not last any more, and all others are still there.
    pub(super) fn lost(&mut self, gone: &[Replica], excuse: Excuse) {
        let left = self.replicas(|slot| !self.slots[slot].is_copy());
        if let Err(what) = self.oracle.account(&left, &Loss { gone, excuse }) {
            self.violate("durability", what);
        }
    }

    /// Looks whether everything is there that should be.
    ///
    /// # Errors
    /// Where something is not.
    pub fn account(&mut self) -> Verdict {
        self.lost(&[], Excuse::Disk);
        self.violation.clone().map_or(Ok(()), Err)
    }

    /// Whether the cluster waits for a machine's node before it collects: not for one that was forgotten or
    /// restored, nor for a newcomer that is not in the roster yet.
    pub(crate) fn is_listened_to(&self, slot: usize) -> bool {
        let is_copy = self.slots[slot].is_copy();
        !is_copy && !self.oracle.is_doubted(slot) && self.slots[slot].disk.as_ref().is_some_and(Disk::is_enrolled)
    }

    /// What a process held that is gone.
    pub(super) fn memory(&self, slot: usize, table: Table) -> Replica {
        Replica { slot, table, durable: false, heard: self.is_listened_to(slot) }
    }

    /// What some machines hold, in memory and on disk.
    pub(super) fn replicas(&self, of: impl Fn(usize) -> bool) -> Vec<Replica> {
        let mut replicas = Vec::new();
        for (number, slot) in self.slots.iter().enumerate().filter(|(number, _)| of(*number)) {
            let heard = self.is_listened_to(number);
            if let Some(disk) = &slot.disk {
                replicas.push(Replica { slot: number, table: disk.all(self.plan.history), durable: true, heard });
            }
            if let Some(process) = &slot.process {
                replicas.push(self.memory(number, process.table.clone()));
            }
        }
        replicas
    }
}

fn knows(table: &Table, id: NodeId) -> bool {
    table.members().any(|(node, ..)| node == id)
}
