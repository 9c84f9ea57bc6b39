//! A walk down a tree of digests, along the branches that differ.
//!
//! What differs at the peer is asked for; what the peer lacks is offered to it. At most one question for
//! branches, one for versions and one offer are under way, so that the memory of a walk is bounded whatever
//! differs.

use std::{collections::VecDeque, sync::Arc};

use burgee_model::{NodeId, RegisterId, Stamp};
use burgee_store::{
    Table,
    digest::{Branch, Path, Prefix, Realm},
};

use super::Asked;
use crate::message::{Check, PATHS_MAX, PREFIXES_MAX, Twigs};

/// Paths that may wait to be asked for or offered; beyond them the walk does not go on.
const PATHS_WAITING: usize = 4 * PATHS_MAX;

/// Places that must have been compared before their share that differs means anything.
const SAMPLE: u64 = 1_024;

/// So many questions in a row may stay without an answer.
const FAILURES_MAX: u32 = 3;

/// One walk.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) realm: Realm,
    /// Whether the peer is offered what it lacks.
    pub(super) pushes: bool,
    /// Prefixes that differ, the last ones first.
    frontier: Vec<Prefix>,
    /// Prefixes below which the peer holds nothing.
    surplus: Vec<Prefix>,
    /// Places that differ at the peer.
    wants: VecDeque<Path>,
    /// Places to be looked at here: the peer lacks what stands there beside what it sent.
    ours: VecDeque<Place>,
    /// Whether it has to be walked again: something that the peer had named was gone when it was asked for
    /// (what killed it came after), or something here was dropped.
    pub(super) vanished: bool,
    /// Questions under way: for branches, for versions (or their merge), and an offer.
    pub(super) branching: bool,
    pub(super) fetching: bool,
    pub(super) offering: bool,
    /// Questions in a row that nobody answered.
    failures: u32,
    compared: u64,
    differing: u64,
}

/// A place, with what the peer sent of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) path: Path,
    pub(super) theirs: Arc<[(RegisterId, Stamp)]>,
}

/// The peer's answer contradicts the question.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Nonsense;

impl Walk {
    pub(super) fn new(realm: Realm, from: Prefix, pushes: bool) -> Self {
        Self {
            realm,
            pushes,
            frontier: vec![from],
            surplus: Vec::new(),
            wants: VecDeque::new(),
            ours: VecDeque::new(),
            vanished: false,
            branching: false,
            fetching: false,
            offering: false,
            failures: 0,
            compared: 0,
            differing: 0,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        let waits =
            !self.frontier.is_empty() || !self.surplus.is_empty() || !self.wants.is_empty() || !self.ours.is_empty();
        !waits && !self.branching && !self.fetching && !self.offering
    }

    /// Whether so much differs that a snapshot is cheaper.
    pub(super) fn is_hopeless(&self) -> bool {
        self.compared >= SAMPLE && self.differing > self.compared / 4
    }

    /// The prefixes to ask for next.
    pub(super) fn next_prefixes(&mut self) -> Vec<Prefix> {
        if self.branching || self.wants.len() > PATHS_WAITING || self.ours.len() > PATHS_WAITING {
            return Vec::new();
        }
        let from = self.frontier.len().saturating_sub(PREFIXES_MAX);
        self.frontier.split_off(from)
    }

    /// The paths to ask for next.
    pub(super) fn next_paths(&mut self) -> Vec<Path> {
        if self.fetching || self.ours.len() > PATHS_WAITING {
            return Vec::new();
        }
        self.wants.drain(..self.wants.len().min(PATHS_MAX)).collect()
    }

    /// A question stays without an answer: what it was about waits again. Says whether to go on.
    pub(super) fn unanswered(&mut self, what: &Asked) -> bool {
        match what {
            Asked::Branches(prefixes) => {
                self.branching = false;
                self.frontier.extend(prefixes);
            }
            Asked::Versions(paths) => {
                self.fetching = false;
                self.want_again(paths);
            }
            // The peer finds by itself what it lacks.
            _ => self.offering = false,
        }
        self.failures += 1;
        self.failures < FAILURES_MAX
    }

    /// A question was answered.
    pub(super) fn heard(&mut self) {
        self.failures = 0;
    }

    /// Paths that did not fit an answer.
    pub(super) fn want_again(&mut self, paths: &[Path]) {
        paths.iter().rev().for_each(|path| self.wants.push_front(*path));
    }

    /// The next places to look at here, at most so many: of those that differed, then of the surplus.
    pub(super) fn next_place(&mut self, table: &Table) -> Option<Place> {
        while self.ours.is_empty() {
            match table.branch(self.realm, self.surplus.pop()?) {
                Branch::Inner(twigs) => self.surplus.extend(twigs.into_iter().map(|(prefix, _)| prefix)),
                Branch::Leaf(places) => self.ours.extend(places.into_iter().map(|(path, _)| Place::empty(path))),
            }
        }
        self.ours.pop_front()
    }

    /// The peer's versions of these places are merged.
    pub(super) fn merged(&mut self, fetched: Fetched) {
        // Which register lies at which path only the table knows: all that came stands for each place.
        let theirs: Arc<[(RegisterId, Stamp)]> = fetched.theirs.into();
        let places = fetched.paths.into_iter().map(|path| Place { path, theirs: Arc::clone(&theirs) });
        self.ours.extend(places);
    }

    /// The peer takes nothing.
    pub(super) fn forget_ours(&mut self) {
        self.ours.clear();
        self.surplus.clear();
        self.pushes = false;
    }

    /// What the peer holds below a prefix.
    pub(super) fn compare(&mut self, table: &Table, prefix: Prefix, theirs: &Twigs) -> Result<(), Nonsense> {
        match theirs {
            Twigs::Inner(twigs) => self.compare_inner(table, prefix, twigs),
            Twigs::Leaf(places) => self.compare_leaf(table, prefix, places),
        }
    }

    fn compare_inner(&mut self, table: &Table, prefix: Prefix, twigs: &[(Prefix, Check)]) -> Result<(), Nonsense> {
        let mut theirs = Vec::with_capacity(twigs.len());
        for (twig, check) in twigs {
            // A twig that is no longer than its branch would be walked for ever.
            if twig.nibbles <= prefix.nibbles || !contains(prefix, *twig) {
                return Err(Nonsense);
            }
            if Check::from(table.sum(self.realm, *twig)) != *check {
                self.frontier.push(*twig);
            }
            theirs.push(*twig);
        }
        self.uncovered(table, prefix, &theirs);
        Ok(())
    }

    fn compare_leaf(&mut self, table: &Table, prefix: Prefix, places: &[(Path, Check)]) -> Result<(), Nonsense> {
        let mut theirs = Vec::with_capacity(places.len());
        for (path, check) in places {
            let place = whole(*path);
            if !contains(prefix, place) {
                return Err(Nonsense);
            }
            self.compared += 1;
            if Check::from(table.sum(self.realm, place)) != *check {
                self.differing += 1;
                self.wants.push_back(*path);
            }
            theirs.push(place);
        }
        self.uncovered(table, prefix, &theirs);
        Ok(())
    }

    /// Notes what stands here below a prefix, but below none of `theirs`.
    fn uncovered(&mut self, table: &Table, prefix: Prefix, theirs: &[Prefix]) {
        match table.branch(self.realm, prefix) {
            Branch::Leaf(places) => {
                let free = places.into_iter().map(|(path, _)| path);
                let free = free.filter(|path| !theirs.iter().any(|twig| contains(*twig, whole(*path))));
                self.ours.extend(free.map(Place::empty));
            }
            Branch::Inner(twigs) => {
                for (twig, _) in twigs {
                    if theirs.iter().any(|their| contains(*their, twig)) {
                        continue;
                    }
                    if twig.nibbles > prefix.nibbles && theirs.iter().any(|their| contains(twig, *their)) {
                        self.uncovered(table, twig, theirs);
                    } else {
                        self.surplus.push(twig);
                    }
                }
            }
        }
    }
}

impl Place {
    fn empty(path: Path) -> Self {
        Self { path, theirs: Arc::default() }
    }
}

fn whole(path: Path) -> Prefix {
    Prefix { path, nibbles: 16 }
}

/// Whether everything below `inner` lies below `outer`.
fn contains(outer: Prefix, inner: Prefix) -> bool {
    let bits = u32::from(outer.nibbles.min(16)) * 4;
    let differing = outer.path ^ inner.path;
    outer.nibbles <= inner.nibbles && (bits == 0 || differing >> (64 - bits) == 0)
}

/// What a merge of a peer's versions is for.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) from: NodeId,
    pub(super) paths: Vec<Path>,
    pub(super) theirs: Vec<(RegisterId, Stamp)>,
}
