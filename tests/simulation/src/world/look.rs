//! Looking at a cluster.

use burgee_store::Table;

use crate::{node::Process, world::World};

impl World {
    /// The processes that run, with their machines.
    pub fn processes(&self) -> impl Iterator<Item = (usize, &Process)> {
        self.slots.iter().enumerate().filter_map(|(number, slot)| Some((number, slot.process.as_ref()?)))
    }

    /// What a machine's node holds in memory.
    #[must_use]
    pub fn table(&self, slot: usize) -> Option<&Table> {
        self.slots[slot].process.as_ref().map(|process| &process.table)
    }

    /// Whether all running nodes are ready.
    #[must_use]
    pub fn all_ready(&self) -> bool {
        self.processes().all(|(_, process)| process.readiness.ready)
    }

    /// Whether all running nodes hold the same.
    #[must_use]
    pub fn agree(&self) -> bool {
        let mut tables = self.processes().map(|(_, process)| &process.table);
        let Some(first) = tables.next() else { return true };
        tables.all(|table| table == first)
    }

    /// Whether nobody is left whom the others could trust: all nodes must get in line with one that need not,
    /// or are newcomers that hold only part of what somebody had, who is gone. Then only an operator can say
    /// who is right.
    #[must_use]
    pub fn is_orphaned(&self) -> bool {
        let lost = |process: &Process| !process.readiness.ready && (process.resync || process.newcomer);
        self.processes().any(|(_, process)| process.resync) && self.processes().all(|(_, process)| lost(process))
    }

    /// Whether a machine's node is ready.
    #[must_use]
    pub fn is_ready(&self, slot: usize) -> bool {
        self.slots[slot].process.as_ref().is_some_and(|process| process.readiness.ready)
    }
}
