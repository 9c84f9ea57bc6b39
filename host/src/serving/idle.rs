//! What a connection asks: whether it gives way where another one needs its room, and since when.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::activity::NEVER;

/// Stands for the admitted requests of a connection that gives way: there will be none.
const CLOSED: usize = usize::MAX;

/// The requests of one connection. Instants are milliseconds since its beginning.
#[derive(Debug)]
pub(super) struct Idle {
    /// Requests whose answer is not over.
    requests: AtomicUsize,
    /// Those of them of which it is known who asks.
    admitted: AtomicUsize,
    /// Since when there are none; or none that is admitted.
    since: AtomicU64,
    /// Since when the head of a request is coming in; only for HTTP/1, where nothing else comes then.
    head_since: AtomicU64,
}

impl Idle {
    pub(super) fn new() -> Self {
        Self {
            requests: AtomicUsize::new(0),
            admitted: AtomicUsize::new(0),
            since: AtomicU64::new(0),
            head_since: AtomicU64::new(NEVER),
        }
    }

    /// A request begins.
    pub(super) fn begins(&self, now: u64) {
        if self.requests.fetch_add(1, Ordering::Relaxed) == 0 {
            self.since.store(now, Ordering::Relaxed);
        }
        self.head_since.store(NEVER, Ordering::Relaxed);
    }

    /// It is known who asks; false where the connection gives way already.
    pub(super) fn admits(&self) -> bool {
        let one_more = |admitted: usize| (admitted != CLOSED).then(|| admitted + 1);
        self.admitted.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).is_ok()
    }

    /// A request is over.
    pub(super) fn ends(&self, was_admitted: bool, now: u64) {
        // told before the counts fall: whoever sees no request sees since when
        if was_admitted || self.requests.load(Ordering::Relaxed) == 1 {
            self.since.store(now, Ordering::Relaxed);
        }
        if was_admitted {
            self.admitted.fetch_sub(1, Ordering::AcqRel);
        }
        self.requests.fetch_sub(1, Ordering::Relaxed);
    }

    /// Bytes came; of HTTP/1, between requests, they are those of a head.
    pub(super) fn read(&self, now: u64) {
        if !self.asks() && self.head_since.load(Ordering::Relaxed) == NEVER {
            self.head_since.store(now, Ordering::Relaxed);
        }
    }

    /// Whether a request's answer is not over.
    pub(super) fn asks(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > 0
    }

    /// Since when it asks for nothing, or only for what nobody admitted.
    pub(super) fn since(&self) -> Option<u64> {
        (self.admitted.load(Ordering::Acquire) == 0).then(|| self.since.load(Ordering::Relaxed))
    }

    /// Since when a head is coming in.
    pub(super) fn head_since(&self) -> Option<u64> {
        Some(self.head_since.load(Ordering::Relaxed)).filter(|since| *since != NEVER)
    }

    /// Admits nothing more, unless something is admitted: whether that is so. What is refused so has changed nothing.
    pub(super) fn close(&self) -> bool {
        self.admitted.compare_exchange(0, CLOSED, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_counts_once_it_is_admitted() {
        let idle = Idle::new();
        idle.begins(10);
        idle.begins(20);
        assert!(idle.asks());
        assert_eq!(idle.since(), Some(10));
        assert!(idle.admits());
        assert_eq!(idle.since(), None);
        idle.ends(true, 30);
        assert_eq!(idle.since(), Some(30), "one is left, that nobody admitted");
        idle.ends(false, 40);
        assert!(!idle.asks());
        assert_eq!(idle.since(), Some(40));
    }

    #[test]
    fn what_is_admitted_is_not_cut_off_and_what_is_cut_off_not_admitted() {
        let idle = Idle::new();
        idle.begins(0);
        assert!(idle.admits() && !idle.close());
        idle.ends(true, 1);
        assert!(idle.close());
        idle.begins(2);
        assert!(!idle.admits());
    }

    #[test]
    fn a_head_comes_between_requests() {
        let idle = Idle::new();
        idle.read(5);
        idle.read(6);
        assert_eq!(idle.head_since(), Some(5));
        idle.begins(7);
        idle.read(8);
        assert_eq!(idle.head_since(), None, "that is its body");
    }
}
