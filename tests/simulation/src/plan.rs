//! What a run is to be: drawn from its seed, or set by a scenario.

use std::time::Duration;

use burgee_replication::core::Periods;
use burgee_store::HistoryPolicy;

use crate::{
    rng::Rng,
    schedule::{MS, Micros, SECOND},
};

/// What the network does to frames.
#[derive(Clone, Debug)]
pub struct NetworkPlan {
    /// How long a frame travels: from, and up to.
    pub delay: (Micros, Micros),
    /// Frames lost in a thousand.
    pub loss: u32,
    /// News that arrives twice, in a thousand.
    pub duplicates: u32,
    /// Whether frames overtake each other.
    pub reorder: bool,
}

/// What disks do.
#[derive(Clone, Debug)]
pub struct DiskPlan {
    /// How long a commit takes: from, and up to.
    pub commit: (Micros, Micros),
    /// How long merged versions wait until they are written: from, and up to.
    pub behind: (Micros, Micros),
    /// Registers that one commit of merged versions holds.
    pub registers: usize,
}

/// A run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What everything random follows from.
    pub seed: u64,
    /// Machines.
    pub nodes: usize,
    /// For how long there are writes and faults.
    pub chaos: Micros,
    /// Between two writes, on average.
    pub write_gap: Micros,
    /// Between two writes of tenants and tokens, on average; none without them.
    pub access_gap: Option<Micros>,
    /// Between two faults, on average; none without faults.
    pub fault_gap: Option<Micros>,
    /// Whether walls are skewed by hours, stepped and frozen.
    pub skews: bool,
    /// The network.
    pub network: NetworkPlan,
    /// The disks.
    pub disk: DiskPlan,
    /// Merges that a store refuses, in a thousand.
    pub refused_merges: u32,
    /// Local writes that nobody names, in a thousand.
    pub unseen_writes: u32,
    /// Whether a copied data directory is started beside the original.
    pub copies: bool,
    /// The protocol's periods.
    pub periods: Periods,
    /// How much history is kept.
    pub history: HistoryPolicy,
    /// Whether every node's seeds name all others, and not only the first.
    pub all_seeds: bool,
}

/// Periods with which collection happens within a run.
#[must_use]
pub fn short_periods() -> Periods {
    Periods { collect: Duration::from_secs(3), grace: Duration::from_secs(6), ..Periods::default() }
}

impl Plan {
    /// A quiet cluster, for scenarios: a fast network, no faults and no writes but the scenario's.
    #[must_use]
    pub fn calm(seed: u64, nodes: usize) -> Self {
        Self {
            seed,
            nodes,
            chaos: 0,
            write_gap: SECOND,
            access_gap: None,
            fault_gap: None,
            skews: false,
            network: NetworkPlan { delay: (200, MS), loss: 0, duplicates: 0, reorder: false },
            disk: DiskPlan { commit: (MS, 5 * MS), behind: (5 * MS, 50 * MS), registers: 4096 },
            refused_merges: 0,
            unseen_writes: 0,
            copies: false,
            periods: short_periods(),
            history: HistoryPolicy::default(),
            all_seeds: true,
        }
    }

    /// What a seed makes of a run with so many nodes, and so much virtual time with faults.
    #[must_use]
    pub fn drawn(seed: u64, nodes: (usize, usize), chaos: Micros) -> Self {
        let mut rng = Rng::new(seed);
        let nodes = nodes.0 + rng.index(nodes.1 - nodes.0 + 1);
        let mut plan = Self::calm(seed, nodes);
        plan.chaos = rng.between(chaos / 2, chaos + chaos / 2);
        plan.write_gap = *rng.pick(&[20 * MS, 100 * MS, 400 * MS]).unwrap_or(&SECOND);
        plan.fault_gap = rng.chance(950).then(|| rng.between(2 * SECOND, 15 * SECOND));
        plan.skews = rng.chance(400);
        plan.network.delay = *rng.pick(&[(100, 600), (MS, 20 * MS), (20 * MS, 150 * MS)]).unwrap_or(&(MS, MS));
        plan.network.loss = *rng.pick(&[0, 0, 10, 50, 200]).unwrap_or(&0);
        plan.network.duplicates = *rng.pick(&[0, 20, 200]).unwrap_or(&0);
        plan.network.reorder = rng.chance(300);
        plan.disk.behind.1 = *rng.pick(&[20 * MS, 200 * MS, 4 * SECOND]).unwrap_or(&MS);
        plan.disk.registers = *rng.pick(&[1, 5, 4096]).unwrap_or(&4096);
        if plan.disk.behind.1 > SECOND {
            // Slow, but not so slow that nothing is durable before the run ends.
            plan.disk.registers = plan.disk.registers.max(20);
        }
        plan.refused_merges = *rng.pick(&[0, 0, 50]).unwrap_or(&0);
        plan.unseen_writes = *rng.pick(&[0, 0, 50]).unwrap_or(&0);
        plan.all_seeds = rng.chance(700);
        if rng.chance(250) {
            plan.history = HistoryPolicy { min_versions: 2, max_versions: 6, ..plan.history };
        }
        plan.copies = rng.chance(150);
        // Without them a run is what it was before there were any.
        plan.access_gap = *rng.pick(&[None, Some(50 * MS), Some(300 * MS), Some(2 * SECOND)]).unwrap_or(&None);
        plan
    }
}
