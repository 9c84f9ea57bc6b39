//! The queue of what happens when. What happens at the same instant happens in the order it was put in.

use std::{cmp::Ordering, collections::BinaryHeap};

/// Virtual time: microseconds since the beginning of the run.
pub type Micros = u64;

/// A millisecond of virtual time.
pub const MS: Micros = 1_000;
/// A second of virtual time.
pub const SECOND: Micros = 1_000_000;

/// What will happen.
#[derive(Debug)]
pub struct Schedule<T> {
    heap: BinaryHeap<Entry<T>>,
    count: u64,
}

#[derive(Debug)]
struct Entry<T> {
    at: Micros,
    order: u64,
    what: T,
}

impl<T> Entry<T> {
    fn key(&self) -> (Micros, u64) {
        (self.at, self.order)
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The heap gives the greatest first, and that is to be the earliest.
impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

impl<T> Default for Schedule<T> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), count: 0 }
    }
}

impl<T> Schedule<T> {
    /// Puts something in.
    pub fn put(&mut self, at: Micros, what: T) {
        self.count += 1;
        self.heap.push(Entry { at, order: self.count, what });
    }

    /// Takes the next out if it happens before an instant.
    pub fn next_before(&mut self, end: Micros) -> Option<(Micros, T)> {
        if self.heap.peek()?.at >= end {
            return None;
        }
        self.heap.pop().map(|entry| (entry.at, entry.what))
    }

    /// How much waits.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gives_the_earliest_and_keeps_the_order_of_equals() {
        let mut schedule = Schedule::default();
        [(3, 'c'), (1, 'a'), (1, 'b'), (9, 'z')].into_iter().for_each(|(at, what)| schedule.put(at, what));
        let order: String = std::iter::from_fn(|| schedule.next_before(9)).map(|(_, what)| what).collect();
        assert_eq!((order.as_str(), schedule.len()), ("abc", 1));
    }
}
