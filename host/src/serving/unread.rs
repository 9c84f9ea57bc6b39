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
    /// Since when there is something of it to be taken, and bytes that were.
    begun: Option<u64>,
    bytes: u64,
}

/// The least at which an answer is to be taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Zero is any.
    pub(super) bytes_per_second: u64,
    /// Milliseconds for which any will do.
    pub(super) grace: u64,
}

impl Owed {
    fn is_owed(&self) -> bool {
        self.parts > 0 || !self.waits
    }

    /// Until when what was taken of it suffices; of what nothing was taken, `since` tells.
    fn due(&self, pace: Pace) -> Option<u64> {
        let bytes = Some(self.bytes).filter(|bytes| *bytes > 0)?;
        let millis = bytes.saturating_mul(1_000).checked_div(pace.bytes_per_second)?;
        Some(self.begun?.saturating_add(pace.grace).saturating_add(millis))
    }
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
        answers.open.insert(id, Owed { parts: 0, waits: false, since: now, begun: Some(now), bytes: 0 });
        id
    }

    /// It is asked for more; it has nothing at the moment, or something.
    pub(super) fn asked(&self, id: u64, waits: bool, now: u64) {
        self.change(id, now, |owed| (owed.waits, owed.since) = (waits, now));
    }

    /// It gave a part.
    pub(super) fn gave(&self, id: u64, now: u64) {
        self.change(id, now, |owed| owed.parts += 1);
    }

    /// A part of so many bytes was taken.
    pub(super) fn taken(&self, id: u64, bytes: usize, now: u64) {
        self.change(id, now, |owed| {
            (owed.parts, owed.since) = (owed.parts.saturating_sub(1), now);
            owed.bytes = owed.bytes.saturating_add(bytes as u64);
        });
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
        let owed = answers.open.values().filter(|owed| owed.is_owed()).map(|owed| owed.since);
        let oldest = owed.min().unwrap_or(NEVER).min(self.blocked_since.load(Ordering::Relaxed));
        Some(oldest).filter(|since| *since != NEVER)
    }

    /// Until when what is taken of each suffices.
    pub(super) fn due(&self, pace: Pace) -> Option<u64> {
        self.lock().open.values().filter_map(|owed| owed.due(pace)).min()
    }

    fn change(&self, id: u64, now: u64, change: impl FnOnce(&mut Owed)) {
        if let Some(owed) = self.lock().open.get_mut(&id) {
            change(owed);
            if !owed.is_owed() {
                (owed.begun, owed.bytes) = (None, 0);
            } else if owed.begun.is_none() {
                owed.begun = Some(now);
            }
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
        unread.gave(id, 1);
        unread.asked(id, true, 2);
        assert_eq!(unread.since(), Some(2), "its part is on its way");
        unread.taken(id, 1, 3);
        assert_eq!(unread.since(), None);
    }

    #[test]
    fn an_answer_is_to_be_taken_at_a_rate_from_when_there_is_some_of_it() {
        let (unread, pace) = (Unread::new(), Pace { bytes_per_second: 10, grace: 1_000 });
        let id = unread.begins(0);
        unread.gave(id, 100);
        assert_eq!(unread.due(pace), None, "nothing was taken");
        unread.taken(id, 50, 900);
        assert_eq!(unread.due(pace), Some(6_000));
        assert_eq!(unread.due(Pace { bytes_per_second: 0, ..pace }), None);
        unread.asked(id, true, 950);
        assert_eq!(unread.due(pace), None, "a stream that has nothing to say");
        unread.asked(id, false, 9_000);
        unread.gave(id, 9_000);
        unread.taken(id, 10, 9_100);
        assert_eq!(unread.due(pace), Some(11_000), "what was taken before is of no account");
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
