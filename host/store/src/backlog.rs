//! What waits to be persisted: registers whose rows on disk are behind the table.
//!
//! They are listed, up to a bound in bytes. Where more come, or they are most of a large table, the whole table waits:
//! it is swept in the order of its registers, which takes no memory however much changes meanwhile, and then the rows of
//! what it holds no more. So merging never waits for the disk.
//!
//! A long list, and a sweep, is better begun once merging pauses, and anything is while the node catches up: it needs
//! its processors for merging then, and what it has not written yet its peers still hold. It is not held off for long,
//! and not at all where somebody waits for it.
//!
//! There are two sets. One is being filled while the other one is drained; whoever wants to know when
//! what came until now is on disk waits for the end of the set that was being filled.

use std::collections::BTreeSet;

use burgee_model::RegisterId;

use crate::version::encode_register;

/// What a listed register takes in memory beside its bytes: its share of the set's nodes, and the rounding
/// of an allocation.
const LISTED_BYTES: usize = 56;

/// A list of more registers is a flood: there is no hurry to write what is still on its way.
const FLOOD_REGISTERS: usize = 16_384;

/// What waits.
#[derive(Debug)]
pub(crate) struct Backlog {
    filling: Waiting,
    draining: Option<Waiting>,
    /// The number of the set that is being filled; those before the one that is drained are on disk.
    generation: u64,
    /// Whether somebody waits for the set that is being filled.
    awaited: bool,
    /// Bytes that each of the two sets may take.
    bytes_max: usize,
    /// Registers that the table held when versions last came.
    held: usize,
    /// Whether the node still merges what others have, and serves nobody.
    catching_up: bool,
}

#[derive(Debug)]
enum Waiting {
    Listed(Listed),
    Everything(Sweep),
}

#[derive(Debug, Default)]
struct Listed {
    registers: BTreeSet<Box<[u8]>>,
    /// Of those in the set and those that were taken from it.
    bytes: usize,
}

/// How far a sweep has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sweep {
    /// The rows of what the table holds, after a register, are to be written.
    Rows(Option<RegisterId>),
    /// The rows after a key that belong to nothing in the table are to be removed.
    Remains(Option<Box<[u8]>>),
}

/// What to do next.
#[derive(Debug)]
pub(crate) enum Task {
    /// To bring the rows of these registers in line with the table.
    Registers(Vec<Box<[u8]>>),
    /// To go on with a sweep.
    Sweep(Sweep),
}

impl Default for Waiting {
    fn default() -> Self {
        Self::Listed(Listed::default())
    }
}

impl Waiting {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Listed(listed) if listed.bytes == 0)
    }

    fn bytes(&self, most: usize) -> usize {
        match self {
            Self::Listed(listed) => listed.bytes,
            Self::Everything(_) => most.max(1),
        }
    }
}

impl Backlog {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let (filling, bytes_max) = (Waiting::default(), bytes_max / 2);
        Self { filling, draining: None, generation: 1, awaited: false, bytes_max, held: 0, catching_up: false }
    }

    /// Notes how many registers the table holds.
    pub(crate) fn set_held(&mut self, registers: usize) {
        self.held = registers;
    }

    pub(crate) fn set_catching_up(&mut self, catching_up: bool) {
        self.catching_up = catching_up;
    }

    /// Notes that a register's rows are behind the table, which nobody reads or writes meanwhile.
    pub(crate) fn add(&mut self, id: &RegisterId) {
        if let Some(Waiting::Everything(Sweep::Rows(after))) = &self.draining
            && after.as_ref().is_none_or(|after| id > after)
        {
            return;
        }
        let Waiting::Listed(listed) = &mut self.filling else { return };
        let register = encode_register(id).into_boxed_slice();
        let bytes = register.len() + LISTED_BYTES;
        if listed.registers.insert(register) {
            listed.bytes += bytes;
        }
        if listed.bytes > self.bytes_max || listed.registers.len() > FLOOD_REGISTERS.max(self.held / 2) {
            self.filling = Waiting::Everything(Sweep::Rows(None));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.draining.is_none() && self.filling.is_empty()
    }

    /// Bytes that the lists take; all that they may while the whole table waits.
    pub(crate) fn bytes(&self) -> usize {
        let draining = self.draining.as_ref().map_or(0, |waiting| waiting.bytes(self.bytes_max));
        draining + self.filling.bytes(self.bytes_max)
    }

    /// Whether the next set is better begun when no more comes, and nobody waits for it.
    pub(crate) fn may_wait(&self) -> bool {
        let large = match &self.filling {
            Waiting::Listed(listed) => listed.registers.len() > FLOOD_REGISTERS,
            Waiting::Everything(_) => true,
        };
        self.draining.is_none() && !self.filling.is_empty() && (large || self.catching_up) && !self.awaited
    }

    /// The number of the last set that has come to its end once all that waits now is on disk, for which
    /// somebody waits.
    pub(crate) fn await_last(&mut self) -> u64 {
        self.awaited |= !self.filling.is_empty();
        if self.filling.is_empty() { self.generation - 1 } else { self.generation }
    }

    /// The next thing to do, of at most so many registers.
    pub(crate) fn next(&mut self, most: usize) -> Option<Task> {
        if self.draining.is_none() && !self.filling.is_empty() {
            self.draining = Some(std::mem::take(&mut self.filling));
            self.generation += 1;
            self.awaited = false;
        }
        match self.draining.as_mut()? {
            Waiting::Listed(listed) => {
                let taken = std::iter::from_fn(|| listed.registers.pop_first()).take(most.max(1));
                Some(Task::Registers(taken.collect()))
            }
            Waiting::Everything(sweep) => Some(Task::Sweep(sweep.clone())),
        }
    }

    /// Notes how far the sweep has come. To be called while the table is being read, so that no change
    /// falls between what was read and what comes next.
    pub(crate) fn advance(&mut self, to: Sweep) {
        if let Some(Waiting::Everything(sweep)) = &mut self.draining {
            *sweep = to;
        }
    }

    /// Takes a task back that the disk refused.
    pub(crate) fn put_back(&mut self, task: Task) {
        match (&mut self.draining, task) {
            (Some(Waiting::Listed(listed)), Task::Registers(registers)) => listed.registers.extend(registers),
            (Some(Waiting::Everything(sweep)), Task::Sweep(from)) => *sweep = from,
            _ => {}
        }
    }

    /// Notes that registers are on disk; answers the number of the set that has come to its end with it.
    pub(crate) fn written(&mut self, registers: &[Box<[u8]>]) -> Option<u64> {
        let Some(Waiting::Listed(listed)) = &mut self.draining else { return None };
        listed.bytes -= registers.iter().map(|register| register.len() + LISTED_BYTES).sum::<usize>();
        let ended = listed.bytes == 0;
        ended.then(|| self.end())
    }

    /// Notes that the set being drained is on disk; answers its number.
    pub(crate) fn end(&mut self) -> u64 {
        self.draining = None;
        self.generation - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::config;

    fn registers(task: Option<Task>) -> Vec<Box<[u8]>> {
        match task {
            Some(Task::Registers(registers)) => registers,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_comes_during_a_turn_waits_for_the_next_one() {
        let mut backlog = Backlog::new(1_000_000);
        assert_eq!((backlog.is_empty(), backlog.await_last()), (true, 0));
        ["a", "b", "c"].iter().for_each(|name| backlog.add(&config(name)));
        assert_eq!(backlog.await_last(), 1);
        let first = registers(backlog.next(2));
        backlog.add(&config("d"));
        backlog.add(&config("a"));
        assert_eq!((first.len(), backlog.await_last()), (2, 2));
        assert_eq!(backlog.written(&first), None);
        let second = registers(backlog.next(9));
        assert_eq!((second.len(), backlog.written(&second)), (1, Some(1)));
        let third = registers(backlog.next(9));
        assert_eq!((third.len(), backlog.written(&third)), (2, Some(2)));
        assert!(backlog.is_empty() && backlog.bytes() == 0 && backlog.next(9).is_none());
    }

    #[test]
    fn a_flood_is_what_is_large_and_nobody_waits_for() {
        let mut backlog = Backlog::new(1_000);
        backlog.add(&config("a"));
        assert!(!backlog.may_wait(), "one register is none");
        backlog.set_catching_up(true);
        assert!(backlog.may_wait(), "but anything is while the node catches up");
        backlog.await_last();
        assert!(!backlog.may_wait(), "nor then, where somebody waits");
        backlog.set_catching_up(false);
        backlog.next(9);
        backlog.end();
        (0..100).for_each(|n| backlog.add(&config(&format!("k{n:03}"))));
        assert!(backlog.may_wait());
        backlog.await_last();
        assert!(!backlog.may_wait());
        backlog.next(9);
        (0..100).for_each(|n| backlog.add(&config(&format!("k{n:03}"))));
        assert!(!backlog.may_wait(), "the sweep under way goes on");
        backlog.end();
        (0..100).for_each(|n| backlog.add(&config(&format!("k{n:03}"))));
        assert!(backlog.may_wait(), "nobody waits for this one");
    }

    #[test]
    fn most_of_a_large_table_is_swept_and_not_listed() {
        let mut backlog = Backlog::new(1 << 30);
        backlog.set_held(FLOOD_REGISTERS * 4);
        let mut add = |numbers: std::ops::Range<usize>| {
            numbers.for_each(|number| backlog.add(&config(&number.to_string())));
            matches!(backlog.filling, Waiting::Everything(_))
        };
        assert!(!add(0..FLOOD_REGISTERS * 2), "half of it");
        assert!(add(FLOOD_REGISTERS * 2..FLOOD_REGISTERS * 2 + 1));
    }

    #[test]
    fn what_the_disk_refused_waits_again() {
        let mut backlog = Backlog::new(1_000_000);
        backlog.add(&config("a"));
        let bytes = backlog.bytes();
        let taken = backlog.next(9);
        assert_eq!(backlog.bytes(), bytes);
        backlog.put_back(taken.unwrap());
        assert_eq!(registers(backlog.next(9)).len(), 1);
    }

    #[test]
    fn beyond_its_bound_the_whole_table_waits_and_changes_ahead_of_the_sweep_cost_nothing() {
        let mut backlog = Backlog::new(2_000);
        (0..100).for_each(|n| backlog.add(&config(&format!("k{n:03}"))));
        assert_eq!((backlog.bytes(), backlog.await_last()), (1_000, 1));
        assert!(matches!(backlog.next(9), Some(Task::Sweep(Sweep::Rows(None)))));
        backlog.advance(Sweep::Rows(Some(config("k050"))));
        backlog.add(&config("k051"));
        assert_eq!(backlog.await_last(), 1, "the sweep will come to it");
        backlog.add(&config("k050"));
        assert_eq!(backlog.await_last(), 2);
        backlog.put_back(Task::Sweep(Sweep::Rows(None)));
        assert!(matches!(backlog.next(9), Some(Task::Sweep(Sweep::Rows(None)))));
        backlog.advance(Sweep::Remains(None));
        backlog.add(&config("k051"));
        assert_eq!(backlog.end(), 1);
        assert_eq!(registers(backlog.next(9)).len(), 2);
    }
}
