//! The network: links between processes, made by dialling and lost by silence.
//!
//! As over QUIC: a frame arrives whole or not at all, those of one direction of a link in their order, and
//! an end that hears nothing for the lease is closed. Each end of a link notices for itself.

use std::collections::{BTreeMap, BTreeSet};

use burgee_replication::message::{Answer, News, PeerId, Question};

use crate::{
    plan::NetworkPlan,
    rng::Rng,
    schedule::{MS, Micros, SECOND},
};

/// For how long an end may hear nothing.
pub const LEASE: Micros = 2 * SECOND;
/// How often ends look whether they hear anything.
pub const SWEEP: Micros = 250 * MS;

/// One end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// On which machine.
    pub slot: usize,
    /// Which process.
    pub id: PeerId,
}

/// What travels.
#[derive(Clone, Debug)]
pub enum Payload {
    /// News.
    News(News),
    /// A question.
    Question {
        /// Its number at the asker.
        request: u64,
        /// What is asked.
        question: Question,
    },
    /// An answer.
    Answer {
        /// The number of the question.
        request: u64,
        /// What is answered.
        answer: Answer,
    },
}

#[derive(Debug)]
struct Link {
    ends: [End; 2],
    open: [bool; 2],
    deaf_since: [Option<Micros>; 2],
    /// When the last frame to each end arrives.
    busy_until: [Micros; 2],
}

/// A process whose first link to a peer was made, or whose last one was lost.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// Whose.
    pub at: End,
    /// To whom.
    pub peer: PeerId,
    /// Made or lost.
    pub up: bool,
}

/// Where and when a frame arrives.
#[derive(Clone, Debug)]
pub struct Flight {
    /// By which link.
    pub link: u64,
    /// To whom.
    pub to: End,
    /// When: more than once where the network repeats it.
    pub at: Vec<Micros>,
}

/// All links, and what is wrong with them.
#[derive(Debug)]
pub struct Network {
    plan: NetworkPlan,
    rng: Rng,
    links: BTreeMap<u64, Link>,
    count: u64,
    /// From which machine nothing reaches which.
    cuts: BTreeSet<(usize, usize)>,
}

impl Network {
    /// Without links.
    #[must_use]
    pub fn new(plan: NetworkPlan, rng: Rng) -> Self {
        Self { plan, rng, links: BTreeMap::new(), count: 0, cuts: BTreeSet::new() }
    }

    /// Cuts one direction.
    pub fn cut(&mut self, from: usize, to: usize) {
        self.cuts.insert((from, to));
    }

    /// Cuts both directions.
    pub fn separate(&mut self, a: usize, b: usize) {
        self.cut(a, b);
        self.cut(b, a);
    }

    /// Mends both directions.
    pub fn mend(&mut self, a: usize, b: usize) {
        self.cuts.remove(&(a, b));
        self.cuts.remove(&(b, a));
    }

    /// Mends everything; from now on nothing is lost, repeated or out of order.
    pub fn heal(&mut self) {
        self.cuts.clear();
        self.plan.loss = 0;
        self.plan.duplicates = 0;
        self.plan.reorder = false;
    }

    /// Whether frames get from one machine to another.
    #[must_use]
    pub fn passes(&self, from: usize, to: usize) -> bool {
        !self.cuts.contains(&(from, to))
    }

    /// How long something takes to get somewhere.
    pub fn delay(&mut self) -> Micros {
        self.rng.between(self.plan.delay.0, self.plan.delay.1)
    }

    fn is_linked(&self, from: PeerId, to: PeerId) -> bool {
        self.links.values().any(|link| link.side(from, to).is_some_and(|side| link.open[side]))
    }

    /// Makes a link unless both ends have one.
    pub fn connect(&mut self, a: End, b: End) -> Vec<Change> {
        let (from_a, from_b) = (self.is_linked(a.id, b.id), self.is_linked(b.id, a.id));
        if from_a && from_b {
            return Vec::new();
        }
        self.count += 1;
        let link = Link { ends: [a, b], open: [true; 2], deaf_since: [None; 2], busy_until: [0; 2] };
        self.links.insert(self.count, link);
        let change = |at, peer: End| Change { at, peer: peer.id, up: true };
        [(!from_a).then(|| change(a, b)), (!from_b).then(|| change(b, a))].into_iter().flatten().collect()
    }

    /// Sends a frame; none where there is no link, or where it is lost.
    pub fn send(&mut self, from: PeerId, to: PeerId, now: Micros, droppable: bool) -> Option<Flight> {
        let open = |link: &Link| link.side(from, to).filter(|side| link.open[*side]);
        let (id, side) = self.links.iter().rev().find_map(|(id, link)| Some((*id, open(link)?)))?;
        let (delay, again) = (self.delay(), self.rng.chance(self.plan.duplicates).then(|| self.delay()));
        let lost = self.rng.chance(self.plan.loss);
        let link = self.links.get_mut(&id)?;
        let [sender, receiver] = [link.ends[side], link.ends[1 - side]];
        if lost || self.cuts.contains(&(sender.slot, receiver.slot)) {
            return None;
        }
        let busy_until = &mut link.busy_until[1 - side];
        let first = if self.plan.reorder { now + delay } else { (now + delay).max(*busy_until) };
        *busy_until = first;
        let again = again.filter(|_| droppable).map(|again| first + again);
        Some(Flight { link: id, to: receiver, at: std::iter::once(first).chain(again).collect() })
    }

    /// Who sent a frame that arrives by a link; none where the receiving end is closed.
    #[must_use]
    pub fn arrives(&self, link: u64, to: End) -> Option<PeerId> {
        let link = self.links.get(&link)?;
        let side = link.ends.iter().position(|end| *end == to)?;
        link.open[side].then_some(link.ends[1 - side].id)
    }

    /// Closes one process's ends to a peer, and the peer's, which is told.
    pub fn hang_up(&mut self, own: PeerId, peer: PeerId) -> Vec<Change> {
        self.close_where(|link, side| {
            let of = [link.ends[side].id, link.ends[1 - side].id];
            of == [own, peer] || of == [peer, own]
        })
    }

    /// A process leaves: all who have a link to it are told.
    pub fn leave(&mut self, id: PeerId) -> Vec<Change> {
        let mut changes = self.close_where(|link, _| link.ends.iter().any(|end| end.id == id));
        changes.retain(|change| change.at.id != id);
        changes
    }

    /// A process is gone without a word.
    pub fn vanish(&mut self, id: PeerId) {
        self.close_where(|link, side| link.ends[side].id == id);
    }

    /// Breaks the links between two machines, so that both notice at once.
    pub fn flap(&mut self, a: usize, b: usize) -> Vec<Change> {
        self.close_where(|link, side| {
            let slots = [link.ends[side].slot, link.ends[1 - side].slot];
            slots == [a, b] || slots == [b, a]
        })
    }

    /// Closes the ends that have heard nothing for the lease. `runs` says whether a process is there and not
    /// stopped.
    pub fn sweep(&mut self, now: Micros, runs: impl Fn(End) -> bool) -> Vec<Change> {
        let cuts = &self.cuts;
        for link in self.links.values_mut() {
            for side in [0, 1] {
                let [own, other] = [link.ends[side], link.ends[1 - side]];
                let hears = link.open[1 - side] && runs(other) && !cuts.contains(&(other.slot, own.slot));
                let since = &mut link.deaf_since[side];
                *since = if hears { None } else { since.or(Some(now)) };
            }
        }
        let deaf = |since: Option<Micros>| since.is_some_and(|since| now - since >= LEASE);
        self.close_where(|link, side| deaf(link.deaf_since[side]) && runs(link.ends[side]))
    }

    fn close_where(&mut self, chosen: impl Fn(&Link, usize) -> bool) -> Vec<Change> {
        let mut lost = Vec::new();
        for link in self.links.values_mut() {
            let close: Vec<usize> = [0, 1].into_iter().filter(|side| link.open[*side] && chosen(link, *side)).collect();
            for side in close {
                link.open[side] = false;
                lost.push(Change { at: link.ends[side], peer: link.ends[1 - side].id, up: false });
            }
        }
        self.links.retain(|_, link| link.open.contains(&true));
        lost.retain(|change| !self.is_linked(change.at.id, change.peer));
        lost.dedup_by_key(|change| (change.at.id, change.peer));
        lost
    }
}

impl Link {
    fn side(&self, from: PeerId, to: PeerId) -> Option<usize> {
        [0, 1].into_iter().find(|side| self.ends[*side].id == from && self.ends[1 - side].id == to)
    }
}
