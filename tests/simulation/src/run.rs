//! One run: nodes start, people write, things fail, everything is mended, and what must hold is looked at.

use crate::{
    invariants::{self, Verdict, Violation},
    oracle::Excused,
    plan::Plan,
    schedule::{MS, Micros, SECOND},
    trace::Trace,
    world::{Counts, Occurrence, World},
};

/// For how long after the mending nodes may take to be ready and alike.
const SETTLE: Micros = 75 * SECOND;
/// For how long after that everything collectable may take to be collected.
const COLLECT: Micros = 60 * SECOND;

/// For how long after that the roster may take to hold nobody who is gone.
const ROSTER: Micros = 30 * SECOND;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// Its machines.
    pub nodes: usize,
    /// Virtual time.
    pub span: Micros,
    /// From the mending until all nodes were ready and alike.
    pub settled_in: Option<Micros>,
    /// What it counted.
    pub counts: Counts,
    /// What was not judged.
    pub excused: Excused,
    /// What did not hold.
    pub violation: Option<Violation>,
    /// Its last lines.
    pub last: Vec<String>,
}

/// Runs a plan from beginning to end.
#[must_use]
pub fn run(plan: Plan, loud: bool) -> Report {
    let mut world = World::new(plan, Trace::new(loud));
    let (mut settled_in, mut excused) = (None, Excused::default());
    let violation = all(&mut world, &mut settled_in, &mut excused).err();
    Report {
        excused,
        seed: world.plan.seed,
        nodes: world.plan.nodes,
        span: world.now,
        settled_in,
        counts: world.counts,
        violation,
        last: world.trace.last().map(str::to_owned).collect(),
    }
}

fn all(world: &mut World, settled_in: &mut Option<Micros>, excused: &mut Excused) -> Verdict {
    crate::say!(world, "plan: {:?}", world.plan);
    begin(world);
    let chaos = world.plan.chaos;
    world.run_for(chaos)?;
    world.heal();
    match settle(world) {
        Err(_) if world.is_orphaned() => {
            excused.orphaned = 1;
            world.account()?;
            // Whomever an operator decides for, the cluster is one again, and has what that node had. (What it had not
            // heard was deleted may be back.)
            let trusted = world.decide();
            settle(world)?;
            return invariants::durability::kept(world, &trusted);
        }
        took => *settled_in = Some(took?),
    }
    world.account()?;
    invariants::settled(world)?;
    collect(world)?;
    world.account()?;
    invariants::settled(world)?;
    // Whoever has a name that a newer one bears is forgotten once that one was heard of for a while.
    world.run_until(ROSTER, SECOND, |world| invariants::bounds::settled(world).is_ok())?;
    invariants::bounds::settled(world)?;
    let held = world.processes().next();
    *excused = held.map(|(_, process)| world.oracle.excused(&process.table)).unwrap_or_default();
    invariants::traffic::quiet(world)?;
    invariants::traffic::repair(world)
}

/// Nodes start one after the other; some join late.
fn begin(world: &mut World) {
    for slot in 0..world.slots.len() {
        let late = slot > 0 && world.rng.chance(200);
        let most = if late { world.plan.chaos } else { 3 * SECOND };
        let at = if slot == 0 { 0 } else { world.rng.below(most) };
        world.after(at, Occurrence::Mend(crate::faults::Mend::Start(slot)));
    }
    world.begin_chaos();
}

/// Waits until all nodes are ready and alike; answers how long that took.
///
/// # Errors
/// Where it takes too long.
pub fn settle(world: &mut World) -> Result<Micros, Violation> {
    let began = world.now;
    let settled = |world: &World| {
        world.all_ready()
            && world.agree()
            && world.copies().next().is_none()
            && invariants::time::settled(world).is_ok()
    };
    if !world.run_until(SETTLE, 250 * MS, settled)? {
        invariants::settled(world)?;
    }
    Ok(world.now - began)
}

/// Waits until everything is collected that can be.
fn collect(world: &mut World) -> Verdict {
    let age = u64::try_from(world.plan.periods.grace.as_millis()).unwrap_or_default();
    let done = world.run_until(COLLECT, SECOND, |world| invariants::collection::is_done(world, age))?;
    settle(world)?;
    if done {
        return Ok(());
    }
    let left = invariants::collection::left(world, age);
    invariants::broken("collection", format!("what could be collected was not in a minute: {left}"))
}
