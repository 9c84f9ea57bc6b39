//! What misfortune does: machines, links and clocks fail, and most of it passes.

use crate::{
    clock::Wall,
    disk::Disk,
    rng::Rng,
    say,
    schedule::{MS, Micros, SECOND},
    workload::Action,
    world::{Occurrence, World},
};
use burgee_replication::core::SystemWrite;

const HOUR_MS: u64 = 3_600_000;

/// How a fault passes.
#[derive(Clone, Debug)]
pub enum Mend {
    /// Links between machines are whole again.
    Links(Vec<(usize, usize)>),
    /// A process goes on.
    Resume(usize),
    /// A machine's node dies, and is not to be started again for so long.
    Crash(usize, Micros),
    /// A machine's node starts.
    Start(usize),
    /// A wall clock goes on.
    Thaw(usize),
    /// An operator has what last ran on a machine forgotten.
    Forget(usize),
}

/// One fault.
pub fn step(world: &mut World) {
    if world.now >= world.plan.chaos {
        return;
    }
    let gap = world.plan.fault_gap.unwrap_or(SECOND);
    let next = world.rng.below(2 * gap);
    world.after(next, Occurrence::Fault);
    world.counts.faults += 1;
    let slot = world.rng.index(world.plan.nodes);
    let lasting = lasting(&mut world.rng);
    if world.plan.copies && copy(world, slot, lasting) || world.is_copied(slot) {
        // While a copy runs, the original is not to start after it.
        return;
    }
    match world.rng.below(100) {
        0..14 => partition(world, lasting),
        14..22 => cut(world, slot, lasting, true),
        22..30 => cut(world, slot, lasting, false),
        30..36 => flap(world, slot),
        36..48 => pause(world, slot, lasting),
        48..64 => crash(world, slot, lasting),
        64..70 => stop(world, slot, lasting),
        70..75 => wipe(world, slot, lasting),
        75..82 => world.back_up(slot),
        82..87 => restore(world, slot, lasting),
        87..94 => set_wall(world, slot, lasting),
        _ => forget(world, slot, lasting),
    }
}

/// A copy of a machine's disk is started beside it, once in a run; often the two do not reach each other. Says whether
/// it is.
fn copy(world: &mut World, slot: usize, lasting: Micros) -> bool {
    let is_member = world.slots[slot].disk.as_ref().is_some_and(Disk::is_enrolled);
    let is_first = world.slots.len() == world.plan.nodes;
    let starts = is_first && is_member && world.serves(slot) && world.now > world.plan.chaos / 4;
    if starts {
        let copy = world.copy(slot);
        if world.rng.chance(500) {
            cut_between(world, slot, copy, lasting);
        }
    }
    starts
}

/// Most faults are short, some are long.
fn lasting(rng: &mut Rng) -> Micros {
    match rng.below(10) {
        0..5 => rng.between(50 * MS, 3 * SECOND),
        5..9 => rng.between(SECOND, 15 * SECOND),
        _ => rng.between(10 * SECOND, 60 * SECOND),
    }
}

fn partition(world: &mut World, lasting: Micros) {
    let sides: Vec<bool> = (0..world.slots.len()).map(|_| world.rng.chance(500)).collect();
    let all = 0..sides.len();
    let across = all.clone().flat_map(|a| all.clone().map(move |b| (a, b)));
    let across: Vec<(usize, usize)> = across.filter(|(a, b)| a < b && sides[*a] != sides[*b]).collect();
    across.iter().for_each(|(a, b)| world.network.separate(*a, *b));
    say!(world, "cut: {across:?}");
    world.after(lasting, Occurrence::Mend(Mend::Links(across)));
}

fn cut(world: &mut World, slot: usize, lasting: Micros, both: bool) {
    let other = world.rng.index(world.slots.len());
    if both {
        world.network.separate(slot, other);
    } else {
        world.network.cut(slot, other);
    }
    say!(world, "cut: n{slot} to n{other}, both ways {both}");
    world.after(lasting, Occurrence::Mend(Mend::Links(vec![(slot, other)])));
}

fn cut_between(world: &mut World, slot: usize, other: usize, lasting: Micros) {
    world.network.separate(slot, other);
    say!(world, "cut: n{slot} to n{other}");
    world.after(lasting, Occurrence::Mend(Mend::Links(vec![(slot, other)])));
}

fn flap(world: &mut World, slot: usize) {
    let other = world.rng.index(world.slots.len());
    world.flap(slot, other);
}

fn pause(world: &mut World, slot: usize, lasting: Micros) {
    world.pause(slot);
    world.after(lasting, Occurrence::Mend(Mend::Resume(slot)));
}

fn crash(world: &mut World, slot: usize, lasting: Micros) {
    world.crash(slot);
    world.after(lasting, Occurrence::Mend(Mend::Start(slot)));
}

fn stop(world: &mut World, slot: usize, lasting: Micros) {
    world.stop(slot);
    world.after(lasting, Occurrence::Mend(Mend::Start(slot)));
}

fn wipe(world: &mut World, slot: usize, lasting: Micros) {
    world.wipe(slot);
    world.after(lasting, Occurrence::Mend(Mend::Start(slot)));
}

fn restore(world: &mut World, slot: usize, lasting: Micros) {
    world.restore(slot);
    world.after(lasting, Occurrence::Mend(Mend::Start(slot)));
}

fn set_wall(world: &mut World, slot: usize, lasting: Micros) {
    let (rng, now) = (&mut world.rng, world.now);
    let most = if world.plan.skews { 4 * HOUR_MS } else { 300 };
    let skew = i64::try_from(rng.below(2 * most)).unwrap_or_default() - i64::try_from(most).unwrap_or_default();
    let frozen = world.plan.skews && rng.chance(200);
    let before = world.slots[slot].wall;
    world.slots[slot].wall = Wall { skew_ms: skew, frozen: frozen.then(|| before.at(now)) };
    say!(world, "n{slot}'s wall clock is set {skew} ms from true time, frozen {frozen}");
    world.after(lasting, Occurrence::Mend(Mend::Thaw(slot)));
}

/// A node dies, often after it was by itself for a while, and an operator has it forgotten; it returns all the same, in
/// that case when what it wrote by itself lies below the horizon.
fn forget(world: &mut World, slot: usize, lasting: Micros) {
    let until = world.rng.between(5 * SECOND, 8 * SECOND);
    let (alone, away) = if until.is_multiple_of(2) { (until, lasting + 25 * SECOND) } else { (0, lasting) };
    world.after(alone, Occurrence::Mend(Mend::Crash(slot, until + away)));
    if alone > 0 {
        let links: Vec<_> = (0..world.slots.len()).filter(|other| *other != slot).map(|other| (slot, other)).collect();
        links.iter().for_each(|(a, b)| world.network.separate(*a, *b));
        say!(world, "cut: n{slot} from all");
        world.after(alone, Occurrence::Mend(Mend::Links(links)));
    }
    world.after(alone + until, Occurrence::Mend(Mend::Forget(slot)));
    world.after(alone + until + away, Occurrence::Mend(Mend::Start(slot)));
}

/// A fault passes.
pub fn mend(world: &mut World, mend: Mend) {
    match mend {
        Mend::Links(links) => links.into_iter().for_each(|(a, b)| world.network.mend(a, b)),
        Mend::Resume(slot) => world.resume(slot),
        Mend::Crash(slot, lasting) if world.now < world.plan.chaos => {
            world.crash(slot);
            world.slots[slot].down_until = world.now + lasting;
        }
        Mend::Crash(..) => {}
        Mend::Start(slot) => world.start(slot),
        Mend::Thaw(slot) => world.slots[slot].wall.frozen = None,
        Mend::Forget(slot) => {
            world.forget(slot);
        }
    }
}

impl World {
    /// Breaks the links between two machines; they may be made again at once.
    pub fn flap(&mut self, a: usize, b: usize) {
        say!(self, "the links between n{a} and n{b} break");
        for change in self.network.flap(a, b) {
            self.after(0, Occurrence::Change(change));
        }
    }

    /// An operator has what last ran on a machine forgotten, on any node that serves; says whether one does.
    pub fn forget(&mut self, slot: usize) -> bool {
        let Some(node) = self.slots[slot].disk.as_ref().map(|disk| disk.node) else { return false };
        let by = (0..self.slots.len()).find(|by| *by != slot && self.serves(*by));
        let (Some(by), None) = (by, &self.slots[slot].process) else { return false };
        let name = self.slots[slot].name.clone();
        say!(self, "n{by} is told to forget n{slot}, {node:?}");
        self.write(by, Action::System(SystemWrite::Forgotten { node, name })).is_some()
    }

    /// Everything is mended, and every node that is to run runs.
    pub fn heal(&mut self) {
        say!(self, "everything is mended");
        self.network.heal();
        for slot in 0..self.slots.len() {
            self.resume(slot);
            self.slots[slot].wall.frozen = None;
            self.slots[slot].down_until = 0;
            if !self.slots[slot].retired {
                self.start(slot);
            }
        }
    }
}
