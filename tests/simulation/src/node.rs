//! A machine and the process on it.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use burgee_model::{Millis, NodeId, RegisterId, Stamp};
use burgee_replication::{
    ClusterClock, Readiness,
    core::{Core, Now, Settings},
    message::PeerId,
    wire::PROTOCOL,
};
use burgee_store::{Clock, HistoryPolicy, Table, Told, Version};

use crate::{
    clock::{Wall, span},
    disk::Disk,
    invariants::seen::Seen,
    oracle::Taken,
    plan::Plan,
    schedule::Micros,
    workload::Action,
    world::Occurrence,
};

/// By how much clocks may differ, in milliseconds.
pub const MAX_SKEW_MS: Millis = 60_000;

/// What of a stopped process's events waits for it: frames beyond are dropped.
pub const BACKLOG_FRAMES: usize = 4096;

/// A machine: what outlives its processes.
#[derive(Debug)]
pub struct Slot {
    /// The node's label.
    pub name: String,
    /// Where it listens.
    pub endpoint: String,
    /// Whom it looks for.
    pub seeds: Vec<String>,
    /// Its wall clock.
    pub wall: Wall,
    /// Its disk; none before the first start.
    pub disk: Option<Disk>,
    /// A copy of the disk that was made earlier.
    pub backup: Option<Disk>,
    /// What runs there.
    pub process: Option<Process>,
    /// Whether the process is stopped: nothing reaches it until it goes on.
    pub paused: bool,
    /// What waits for a stopped process.
    pub backlog: VecDeque<Occurrence>,
    /// Why it ended, if it gave up.
    pub gave_up: Option<String>,
    /// Nobody starts it before.
    pub down_until: Micros,
    /// Whether it is never to be started again.
    pub retired: bool,
    /// Whether an operator says, at its next start, that what it holds is the cluster's.
    pub trusted: bool,
    /// The machine from which its disk was copied, and whose node goes on.
    pub copy_of: Option<usize>,
}

impl Slot {
    /// A machine that was never used.
    #[must_use]
    pub fn new(number: usize, plan: &Plan) -> Self {
        let endpoint = |n: usize| format!("sim/{n}");
        let seeds = match (number, plan.all_seeds) {
            (_, true) => (0..plan.nodes).filter(|n| *n != number).map(endpoint).collect(),
            (0, false) => Vec::new(),
            (_, false) => vec![endpoint(0)],
        };
        Self {
            name: format!("n{number}"),
            endpoint: endpoint(number),
            seeds,
            wall: Wall::default(),
            disk: None,
            backup: None,
            process: None,
            paused: false,
            backlog: VecDeque::new(),
            gave_up: None,
            down_until: 0,
            retired: false,
            trusted: false,
            copy_of: None,
        }
    }

    /// Whether its disk is a copy of another machine's.
    #[must_use]
    pub fn is_copy(&self) -> bool {
        self.copy_of.is_some()
    }

    /// Whether its process takes part now.
    #[must_use]
    pub fn runs(&self, id: PeerId) -> bool {
        !self.paused && self.process.as_ref().is_some_and(|process| process.id == id)
    }
}

/// A question of a peer that waits for its answer.
#[derive(Clone, Copy, Debug)]
pub struct Ticket {
    /// Who asked.
    pub asker: PeerId,
    /// The question's number there.
    pub request: u64,
    /// When it came, or when the process went on that was stopped since.
    pub since: Micros,
}

/// Versions of a peer on their way into the table.
#[derive(Debug)]
pub struct Merging {
    /// Names the report.
    pub merge: u64,
    /// What.
    pub versions: Vec<Arc<Version>>,
    /// Whose.
    pub from: NodeId,
}

/// A local write on its way to the disk.
#[derive(Debug)]
pub struct Commit {
    /// Names the write.
    pub write: u64,
    /// What it writes.
    pub versions: Vec<Arc<Version>>,
    /// Which conflicting versions it is to settle.
    pub settles: Vec<Stamp>,
}

/// A start of a node.
#[derive(Debug)]
pub struct Process {
    /// Which.
    pub id: PeerId,
    /// The protocol.
    pub core: Core,
    /// What it holds in memory.
    pub table: Table,
    /// Its stamps.
    pub clock: Clock,
    /// Cluster time.
    pub time: ClusterClock,
    /// When it started.
    pub born: Micros,
    /// Whether it was not in the roster then, as far as its disk knew.
    pub newcomer: bool,
    /// The ready peer that last told it how they compare before it wrote that it is a member: it joined by that one.
    pub level_with: Option<PeerId>,
    /// Whether it wrote that it is a member.
    pub accepted: bool,
    /// Whether it serves.
    pub readiness: Readiness,
    /// The verdict on its wall clock.
    pub clock_ahead: Option<Millis>,
    /// Whether its disk says that it must resynchronise.
    pub resync: bool,
    /// What others have of what it wrote.
    pub told: Told,
    /// Whether its disk knows less of that.
    pub told_news: bool,
    /// Questions that wait for an answer.
    pub asked: BTreeMap<u64, PeerId>,
    /// Questions of others.
    pub tickets: BTreeMap<u64, Ticket>,
    /// The number of the last ticket.
    pub last_ticket: u64,
    /// Merges under way.
    pub merges: VecDeque<Merging>,
    /// Local writes that wait.
    pub writes: VecDeque<(u64, Action)>,
    /// The local write under way.
    pub commit: Option<Commit>,
    /// Registers whose rows are behind.
    pub dirty: BTreeSet<RegisterId>,
    /// Those of them whose turn it is. What comes meanwhile has the next one, so that nothing is passed over for ever.
    pub draining: BTreeSet<RegisterId>,
    /// Whether a commit of merged versions is under way.
    pub persisting: bool,
    /// Flushes, with the registers that they wait for.
    pub flushes: Vec<(u64, BTreeSet<RegisterId>)>,
    /// What was seen of it, for the invariants.
    pub seen: Seen,
}

/// What a process is told at its start.
pub struct Start<'a> {
    /// The machine.
    pub slot: &'a Slot,
    /// Its disk.
    pub disk: &'a Disk,
    /// The start's own number.
    pub incarnation: u64,
    /// Random.
    pub seed: u64,
    /// The run.
    pub plan: &'a Plan,
    /// When.
    pub now: Micros,
}

impl Process {
    /// Loads the disk and starts.
    #[must_use]
    pub fn start(start: &Start<'_>) -> Self {
        let mut table = start.disk.load(history(start.plan));
        let time = ClusterClock::default();
        let wall = start.slot.wall.at(start.now);
        let at = time.at(wall, span(start.now));
        while table.lapse(at).is_some() {}
        let stale = start.disk.stale(&table);
        let mut process = Self::around(start, table, time);
        process.dirty = stale;
        process.seen.taken = Taken::default();
        start.disk.versions().for_each(|version| process.seen.taken.take(version));
        process.clock.resume(start.disk.mark, at);
        process
    }

    /// A start of the protocol around a table.
    #[must_use]
    pub fn around(start: &Start<'_>, table: Table, time: ClusterClock) -> Self {
        let id = PeerId { node: start.disk.node, incarnation: start.incarnation };
        let at = time.at(start.slot.wall.at(start.now), span(start.now));
        let grain = u32::try_from(start.seed >> 32).unwrap_or_default();
        let newcomer = !table.members().any(|(node, meta, _)| node == id.node && !meta.joining);
        Self {
            id,
            core: Core::new(settings(start, id, at)),
            seen: Seen::of(&table, at),
            newcomer,
            level_with: None,
            accepted: false,
            table,
            clock: Clock::new(id.node, MAX_SKEW_MS, grain),
            time,
            born: start.now,
            readiness: Readiness { ready: false, reasons: Vec::new(), alone: false },
            clock_ahead: None,
            resync: start.disk.resync,
            told: start.disk.told.clone(),
            told_news: false,
            asked: BTreeMap::new(),
            tickets: BTreeMap::new(),
            last_ticket: 0,
            merges: VecDeque::new(),
            writes: VecDeque::new(),
            commit: None,
            dirty: BTreeSet::new(),
            draining: BTreeSet::new(),
            persisting: false,
            flushes: Vec::new(),
        }
    }

    /// The time as it has it.
    #[must_use]
    pub fn time(&self, wall: Wall, now: Micros) -> Now {
        let (mono, wall) = (span(now - self.born), wall.at(now));
        Now { mono, wall, cluster: self.time.at(wall, span(now)) }
    }
}

fn history(plan: &Plan) -> HistoryPolicy {
    plan.history
}

fn settings(start: &Start<'_>, own: PeerId, started_at: Millis) -> Settings {
    Settings {
        own,
        name: start.slot.name.clone(),
        endpoint: Some(start.slot.endpoint.clone()),
        protocol: PROTOCOL,
        seeds: start.slot.seeds.clone(),
        discovers: false,
        mark: start.disk.mark,
        resync: start.disk.resync,
        aside: start.disk.aside.is_some(),
        trusted: start.slot.trusted,
        started_at,
        random_seed: start.seed,
        max_skew_ms: MAX_SKEW_MS,
        page_bytes: 64 * 1024,
        // A run holds few versions: some of them are to pull snapshots all the same.
        snapshot_versions: if start.seed.is_multiple_of(2) { 12 } else { 5_000 },
        peers: 256,
        periods: start.plan.periods,
    }
}
