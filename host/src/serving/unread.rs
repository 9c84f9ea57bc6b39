//! What a peer leaves unread: answers that are owed to it, each by itself, and bytes that the network does not take.
//!
//! Bytes that are written tell nothing about an answer: in HTTP/2 a peer that allows none of it is still sent frames.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::activity::NEVER;

/// What one connection owes. Instants are milliseconds since its beginning.
#[derive(Debug)]
pub(super) struct Unread {
    /// As many as a connection may have requests.
    answers: Mutex<Answers>,
    /// Since when the network takes nothing.
    blocked_since: AtomicU64,
}

#[derive(Debug, Default)]
struct Answers {
    next: u64,
    open: HashMap<u64, Owed>,
}

/// How far an answer is.
#[derive(Debug)]
struct Owed {
    /// Parts that were given, and are not taken yet.
    parts: usize,
    /// Whether it has nothing to give at the moment.
    waits: bool,
    /// When it was last asked for more, or a part was taken.
    since: u64,
}

impl Unread {
    pub(super) fn new() -> Self {
        Self { answers: Mutex::default(), blocked_since: AtomicU64::new(NEVER) }
    }

    /// An answer is there, of which nothing was asked for yet; gives what it goes by.
    pub(super) fn begins(&self, now: u64) -> u64 {
        let mut answers = self.lock();
        let id = answers.next;
        answers.next += 1;
        answers.open.insert(id, Owed { parts: 0, waits: false, since: now });
        id
    }

    /// It is asked for more; it has nothing at the moment, or something.
    pub(super) fn asked(&self, id: u64, waits: bool, now: u64) {
        self.change(id, |owed| (owed.waits, owed.since) = (waits, now));
    }

    /// It gave a part.
    pub(super) fn gave(&self, id: u64) {
        self.change(id, |owed| owed.parts += 1);
    }

    /// A part was taken.
    pub(super) fn taken(&self, id: u64, now: u64) {
        self.change(id, |owed| (owed.parts, owed.since) = (owed.parts.saturating_sub(1), now));
    }

    /// It is over.
    pub(super) fn ends(&self, id: u64) {
        self.lock().open.remove(&id);
    }

    /// The network takes bytes, or takes none.
    pub(super) fn wrote(&self, any: bool, now: u64) {
        if any {
            self.blocked_since.store(NEVER, Ordering::Relaxed);
        } else if !self.is_blocked() {
            self.blocked_since.store(now, Ordering::Relaxed);
        }
    }

    /// Whether the network takes nothing.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked_since.load(Ordering::Relaxed) != NEVER
    }

    /// Since when the peer takes nothing of what has waited for it longest.
    pub(super) fn since(&self) -> Option<u64> {
        let answers = self.lock();
        let owed = answers.open.values().filter(|owed| owed.parts > 0 || !owed.waits).map(|owed| owed.since);
        let oldest = owed.min().unwrap_or(NEVER).min(self.blocked_since.load(Ordering::Relaxed));
        Some(oldest).filter(|since| *since != NEVER)
    }

    fn change(&self, id: u64, change: impl FnOnce(&mut Owed)) {
        if let Some(owed) = self.lock().open.get_mut(&id) {
            change(owed);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_that_waits_longest_counts_whatever_is_written() {
        let unread = Unread::new();
        assert_eq!(unread.since(), None);
        let (first, second) = (unread.begins(1), unread.begins(2));
        assert_eq!(unread.since(), Some(1), "nothing was asked for yet");
        unread.wrote(true, 3);
        unread.asked(second, false, 4);
        assert_eq!(unread.since(), Some(1));
        unread.asked(first, true, 5);
        assert_eq!(unread.since(), Some(4), "the first has nothing to say");
        unread.ends(second);
        assert_eq!(unread.since(), None);
    }

    #[test]
    fn an_answer_is_owed_until_its_last_part_is_taken() {
        let unread = Unread::new();
        let id = unread.begins(0);
        unread.asked(id, false, 1);
        unread.gave(id);
        unread.asked(id, true, 2);
        assert_eq!(unread.since(), Some(2), "its part is on its way");
        unread.taken(id, 3);
        assert_eq!(unread.since(), None);
    }

    #[test]
    fn a_network_that_takes_nothing_counts_from_the_first_time() {
        let unread = Unread::new();
        unread.wrote(false, 1);
        unread.wrote(false, 2);
        assert!(unread.is_blocked());
        assert_eq!(unread.since(), Some(1));
        unread.wrote(true, 3);
        assert_eq!(unread.since(), None);
    }
}
