//! A cluster: machines, the network between them, and what happens when.

mod copies;
mod deliver;
mod execute;
mod lifecycle;
mod look;
mod standing;
mod write;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use burgee_replication::core::{Event, Note};
use burgee_store::Version;

use crate::{
    invariants::{self, Violation},
    network::{Change, End, Network, Payload, SWEEP},
    node::Slot,
    oracle::Oracle,
    plan::Plan,
    rng::Rng,
    schedule::{MS, Micros, Schedule},
    trace::Trace,
    workload::access::Access,
};

/// Between two ticks of a process.
pub const TICK: Micros = 100 * MS;

/// Notes of nodes that are kept.
pub const NOTES_MAX: usize = 10_000;

/// What happens.
#[derive(Clone, Debug)]
pub enum Occurrence {
    /// A process's timer.
    Tick(End),
    /// A frame arrives.
    Frame {
        /// By which link.
        link: u64,
        /// Where.
        to: End,
        /// What.
        payload: Payload,
    },
    /// A link is there or gone.
    Change(Change),
    /// Somebody who was dialled picks up, or does not.
    Dialled {
        /// Who dialled.
        by: End,
        /// What.
        endpoint: String,
    },
    /// A question was not answered in time.
    Timeout {
        /// Whose.
        by: End,
        /// Its number.
        request: u64,
    },
    /// The next merge is executed.
    Merge(End),
    /// The local write under way is on disk.
    Commit(End),
    /// A commit of merged versions is on disk.
    Persist(End),
    /// What a node had set aside is written again.
    Repeated(End),
    /// Something that the core wanted flushed is on disk.
    Flushed {
        /// Whose.
        by: End,
        /// Which.
        flush: u64,
    },
    /// Ends of links look whether they hear anything.
    Sweep,
    /// A write of the workload.
    Write,
    /// A write of a tenant or token.
    Access,
    /// A fault of the plan.
    Fault,
    /// A fault passes.
    Mend(crate::faults::Mend),
}

impl Occurrence {
    /// The process that it happens to.
    fn at(&self) -> Option<End> {
        match self {
            Self::Tick(end) | Self::Merge(end) | Self::Commit(end) | Self::Persist(end) | Self::Repeated(end) => {
                Some(*end)
            }
            Self::Frame { to, .. } => Some(*to),
            Self::Change(change) => Some(change.at),
            Self::Dialled { by, .. } | Self::Timeout { by, .. } | Self::Flushed { by, .. } => Some(*by),
            Self::Sweep | Self::Write | Self::Access | Self::Fault | Self::Mend(_) => None,
        }
    }
}

/// What a run counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Occurrences.
    pub occurrences: u64,
    /// Frames sent.
    pub frames: u64,
    /// Their bytes, as the product's codec writes them, without the headers of links.
    pub bytes: u64,
    /// The bytes of those that repair: all but beats, hints, comparisons, endpoints and snapshots.
    pub repair_bytes: u64,
    /// Writes acknowledged.
    pub acknowledged: u64,
    /// Tokens revoked, as far as that was acknowledged.
    pub revoked: u64,
    /// Faults.
    pub faults: u64,
    /// Starts of nodes.
    pub starts: u64,
    /// New identities.
    pub reidentified: u64,
    /// Versions that returning nodes wrote again.
    pub repeated: u64,
    /// Horizons written.
    pub horizons: u64,
    /// Expiries.
    pub lapsed: u64,
}

/// A cluster in virtual time.
#[derive(Debug)]
pub struct World {
    /// The run.
    pub plan: Plan,
    /// Virtual time.
    pub now: Micros,
    /// The machines.
    pub slots: Vec<Slot>,
    /// The network.
    pub network: Network,
    /// Who knows everything.
    pub oracle: Oracle,
    /// What happened.
    pub trace: Trace,
    /// What the run counted.
    pub counts: Counts,
    /// What nodes noted, with their machines: the last [`NOTES_MAX`].
    pub notes: VecDeque<(usize, Note)>,
    /// Randomness for workload and faults.
    pub rng: Rng,
    /// Writes of tenants and tokens, with dice of their own.
    pub access: Access,
    /// Randomness for disks and processes.
    dice: Rng,
    schedule: Schedule<Occurrence>,
    incarnations: u64,
    writes: u64,
    acknowledged: BTreeMap<u64, Vec<Arc<Version>>>,
    violation: Option<Violation>,
}

impl World {
    /// Machines that nothing runs on yet.
    #[must_use]
    pub fn new(plan: Plan, trace: Trace) -> Self {
        let mut rng = Rng::new(plan.seed ^ 0x5eed);
        let slots = (0..plan.nodes).map(|number| Slot::new(number, &plan)).collect();
        let mut schedule = Schedule::default();
        schedule.put(SWEEP, Occurrence::Sweep);
        Self {
            now: 0,
            slots,
            network: Network::new(plan.network.clone(), rng.fork()),
            oracle: Oracle::new(plan.history),
            trace,
            counts: Counts::default(),
            notes: VecDeque::new(),
            dice: rng.fork(),
            rng,
            access: Access::new(plan.seed),
            schedule,
            incarnations: 0,
            writes: 0,
            acknowledged: BTreeMap::new(),
            violation: None,
            plan,
        }
    }

    /// Puts something into the queue, to happen after a while.
    pub fn after(&mut self, delay: Micros, what: Occurrence) {
        self.schedule.put(self.now + delay, what);
    }

    /// Lets time pass; ends early at the first violation.
    ///
    /// # Errors
    /// The first violation.
    pub fn run_for(&mut self, span: Micros) -> Result<(), Violation> {
        let end = self.now + span;
        while let Some((at, what)) = self.schedule.next_before(end) {
            self.now = at;
            self.counts.occurrences += 1;
            self.happen(what);
            if let Some(violation) = &self.violation {
                return Err(violation.clone());
            }
        }
        self.now = end;
        Ok(())
    }

    /// Lets time pass until something is so, looking every so often; says whether it came to be so.
    ///
    /// # Errors
    /// The first violation.
    pub fn run_until(&mut self, most: Micros, step: Micros, so: impl Fn(&Self) -> bool) -> Result<bool, Violation> {
        let end = self.now + most;
        while !so(self) {
            if self.now >= end {
                return Ok(false);
            }
            self.run_for(step)?;
        }
        Ok(true)
    }

    /// An invariant does not hold. The first one counts.
    pub fn violate(&mut self, invariant: &'static str, what: String) {
        self.violation.get_or_insert(Violation { invariant, what });
    }

    fn happen(&mut self, what: Occurrence) {
        if let Some(end) = what.at() {
            let slot = &mut self.slots[end.slot];
            if slot.process.as_ref().is_none_or(|process| process.id != end.id) {
                return;
            }
            if slot.paused {
                return slot.wait(what);
            }
        }
        match what {
            Occurrence::Tick(end) => self.tick(end),
            Occurrence::Frame { link, to, payload } => self.arrive(link, to, payload),
            Occurrence::Change(change) => self.changed(change),
            Occurrence::Dialled { by, endpoint } => self.dialled(by, endpoint),
            Occurrence::Timeout { by, request } => self.timed_out(by, request),
            Occurrence::Merge(end) => self.merge(end),
            Occurrence::Commit(end) => self.committed(end),
            Occurrence::Persist(end) => self.persist(end),
            Occurrence::Repeated(end) => self.repeated(end),
            Occurrence::Flushed { by, flush } => self.handle(by.slot, Event::Flushed { flush }),
            Occurrence::Sweep => self.sweep(),
            Occurrence::Write => self.next_write(),
            Occurrence::Access => self.next_access(),
            Occurrence::Fault => crate::faults::step(self),
            Occurrence::Mend(mend) => crate::faults::mend(self, mend),
        }
    }

    fn sweep(&mut self) {
        let slots = &self.slots;
        let changes = self.network.sweep(self.now, |end| slots[end.slot].runs(end.id));
        self.tell(changes);
        invariants::reach::look(self);
        self.after(SWEEP, Occurrence::Sweep);
    }

    /// Tells processes of links that are there or gone.
    fn tell(&mut self, changes: Vec<Change>) {
        for change in changes {
            self.after(0, Occurrence::Change(change));
        }
    }

    /// Writes of the workload go on until the end of the chaos.
    fn next_write(&mut self) {
        if self.now < self.plan.chaos {
            crate::workload::step(self);
            let gap = self.rng.below(2 * self.plan.write_gap);
            self.after(gap, Occurrence::Write);
        }
    }

    /// Those of tenants and tokens likewise.
    fn next_access(&mut self) {
        let Some(gap) = self.plan.access_gap.filter(|_| self.now < self.plan.chaos) else { return };
        crate::workload::access::step(self);
        let next = self.access.dice.below(2 * gap);
        self.after(next, Occurrence::Access);
    }

    /// Begins the plan's writes and faults.
    pub fn begin_chaos(&mut self) {
        self.after(0, Occurrence::Write);
        if self.plan.access_gap.is_some() {
            self.after(0, Occurrence::Access);
        }
        if let Some(gap) = self.plan.fault_gap {
            self.after(gap, Occurrence::Fault);
        }
    }
}
