//! A cluster for one scenario.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use burgee_model::RegisterId;
use burgee_simulation::{
    Plan, World, invariants, run,
    schedule::{MS, Micros, SECOND},
    trace::Trace,
    workload::{Action, entry},
};
use burgee_store::Version;

/// A cluster in which nothing may be violated.
pub(crate) struct Cluster(World);

impl Deref for Cluster {
    type Target = World;
    fn deref(&self) -> &World {
        &self.0
    }
}

impl DerefMut for Cluster {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.0
    }
}

impl Cluster {
    /// So many nodes, not started.
    pub(crate) fn idle(plan: Plan) -> Self {
        let loud = std::env::var_os("BURGEE_SIMULATION_TRACE").is_some();
        Self(World::new(plan, Trace::new(loud)))
    }

    /// So many nodes, ready.
    pub(crate) fn new(nodes: usize) -> Self {
        Self::of(Plan::calm(7, nodes))
    }

    /// The nodes of a plan, ready.
    pub(crate) fn of(plan: Plan) -> Self {
        let mut cluster = Self::idle(plan);
        (0..cluster.slots.len()).for_each(|slot| cluster.start(slot));
        cluster.settle();
        cluster
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, span: Micros) {
        self.0.run_for(span).unwrap_or_else(|violation| panic!("{violation}"));
    }

    /// Lets time pass until something is so; says how long it took.
    pub(crate) fn until(&mut self, most: Micros, what: &str, so: impl Fn(&World) -> bool) -> Micros {
        let began = self.now;
        let came = self.0.run_until(most, 10 * MS, so).unwrap_or_else(|violation| panic!("{violation}"));
        assert!(came, "not within {} ms: {what}", most / MS);
        self.now - began
    }

    /// Waits until all nodes are ready and alike, and all that must hold then holds; says how long it took.
    pub(crate) fn settle(&mut self) -> Micros {
        let took = run::settle(&mut self.0).unwrap_or_else(|violation| panic!("{violation}"));
        invariants::settled(&self.0).unwrap_or_else(|violation| panic!("{violation}"));
        took
    }

    /// Waits until all nodes hold the same, ready or not in the time by their clocks.
    pub(crate) fn agree_within(&mut self, most: Micros) -> Micros {
        self.until(most, "all nodes hold the same", |world| world.agree() && world.all_ready())
    }

    /// Has a node write, and waits until it is acknowledged.
    pub(crate) fn act(&mut self, slot: usize, action: Action) -> Vec<Arc<Version>> {
        let write = self.write(slot, action).expect("the node takes writes");
        self.until(SECOND, "the write is acknowledged", |world| world.acknowledged(write).is_some());
        self.acknowledged(write).unwrap().to_vec()
    }

    /// Has a node write a config entry.
    pub(crate) fn put(&mut self, slot: usize, key: &str, value: &str) -> Arc<Version> {
        self.act(slot, Action::put(key, value)).remove(0)
    }

    /// Has a node write a config entry that lives for so many milliseconds.
    pub(crate) fn put_for(&mut self, slot: usize, key: &str, value: &str, ttl_ms: u64) -> Arc<Version> {
        self.act(slot, Action::Put(entry(key), value.to_owned(), Some(ttl_ms))).remove(0)
    }

    /// Has a node delete a config entry.
    pub(crate) fn delete(&mut self, slot: usize, key: &str) -> Arc<Version> {
        self.act(slot, Action::Delete(entry(key))).remove(0)
    }

    /// Separates some nodes from all others.
    pub(crate) fn isolate(&mut self, slots: &[usize]) {
        for a in 0..self.slots.len() {
            for b in slots.iter().copied().filter(|b| *b != a && !slots.contains(&a)) {
                self.network.separate(a, b);
            }
        }
    }

    /// Mends all links.
    pub(crate) fn mend(&mut self) {
        self.network.heal();
    }

    /// What a config entry is on a node, now.
    pub(crate) fn value(&self, slot: usize, key: &str) -> Option<String> {
        value(&self.0, slot, key)
    }

    /// What a config entry is on every node that runs, where they agree.
    pub(crate) fn everywhere(&self, key: &str) -> Option<String> {
        let slots: Vec<usize> = self.processes().map(|(slot, _)| slot).collect();
        let values: Vec<_> = slots.iter().map(|slot| self.value(*slot, key)).collect();
        assert!(values.windows(2).all(|pair| pair[0] == pair[1]), "{key}: {values:?}");
        values.into_iter().next().flatten()
    }

    /// The wall clock of a machine is ahead by so much, in milliseconds.
    pub(crate) fn skew(&mut self, slot: usize, skew_ms: i64) {
        self.slots[slot].wall.skew_ms = skew_ms;
    }
}

/// What a config entry is on a node, now.
pub(crate) fn value(world: &World, slot: usize, key: &str) -> Option<String> {
    let process = world.slots[slot].process.as_ref()?;
    let now = process.time(world.slots[slot].wall, world.now).cluster;
    process.table.current(&entry(key), now)?.content.as_ref()?.read()
}

/// The newest version of a register on a node.
pub(crate) fn latest(world: &World, slot: usize, register: &RegisterId) -> Option<Arc<Version>> {
    world.table(slot)?.latest(register)
}

/// Three hours, in milliseconds.
pub(crate) const THREE_HOURS: i64 = 3 * 3_600_000;
