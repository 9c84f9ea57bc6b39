//! Pulling one peer's snapshot, page by page: one pull at a time, repeated until it is whole.

use std::time::Duration;

use super::Moment;
use crate::message::{Cursor, PeerId};

/// Names one request for a page; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PullId {
    /// Who was asked.
    pub peer: PeerId,
    /// Which request.
    pub number: u64,
}

/// The first wait after a failure; it doubles with each.
const RETRY_MIN: Duration = Duration::from_millis(50);
/// The longest wait after a failure.
const RETRY_MAX: Duration = Duration::from_secs(1);
/// The shortest pause between two pulls for gaps; a long pull is followed by as long a pause, so that
/// repair takes no more than half of a peer's time.
const PAUSE_MIN: Duration = Duration::from_millis(100);

/// The waits that are configured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    pub(super) request_timeout: Duration,
}

/// What came of a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Merged {
    /// The pull goes on, or was given up meanwhile.
    Partly,
    /// All pages are merged.
    Complete {
        /// Whether the peer was ready when the first page was read.
        peer_was_ready: bool,
        /// Since the first request.
        took: Duration,
    },
}

#[derive(Debug)]
enum State {
    Idle,
    /// A request is to be made, not before a moment.
    Due {
        at: Moment,
        cursor: Option<Cursor>,
    },
    /// A request is under way.
    Asked {
        id: PullId,
        cursor: Option<Cursor>,
        until: Moment,
    },
    /// Its page is being merged.
    Merging {
        id: PullId,
        cursor: Option<Cursor>,
        next: Option<Cursor>,
    },
}

/// The pull against one peer.
#[derive(Debug)]
pub(super) struct Pull {
    state: State,
    timing: Timing,
    /// Another whole pull is wanted after this one.
    again: bool,
    failures: u32,
    /// When the first request of this pull was made.
    started: Moment,
    /// Whether the peer was ready at the first page; none before it came.
    peer_was_ready: Option<bool>,
    /// No pull for a gap begins before.
    pause_until: Moment,
}

impl Pull {
    pub(super) fn new(timing: Timing) -> Self {
        Self {
            state: State::Idle,
            timing,
            again: false,
            failures: 0,
            started: Moment::ZERO,
            peer_was_ready: None,
            pause_until: Moment::ZERO,
        }
    }

    /// Forgets what is under way and begins anew at once.
    pub(super) fn restart(&mut self, now: Moment) {
        *self = Self { state: State::Due { at: now, cursor: None }, started: now, ..Self::new(self.timing) };
    }

    /// Forgets what is under way.
    pub(super) fn cancel(&mut self) {
        *self = Self::new(self.timing);
    }

    /// Something is missing: a pull that began before now does not count.
    pub(super) fn want(&mut self, now: Moment) {
        match self.state {
            State::Idle => self.begin(now.max(self.pause_until)),
            State::Due { cursor: None, .. } if self.peer_was_ready.is_none() => {}
            _ => self.again = true,
        }
    }

    /// As [`want`](Self::want), but the store needs time first.
    pub(super) fn want_later(&mut self, now: Moment) {
        self.pause_until = self.pause_until.max(now + PAUSE_MIN);
        self.want(now);
    }

    fn begin(&mut self, at: Moment) {
        self.state = State::Due { at, cursor: None };
        self.peer_was_ready = None;
        self.failures = 0;
        self.again = false;
    }

    /// How many requests failed since one succeeded.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    pub(super) fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// The request to make now, where there is one.
    pub(super) fn poll(&mut self, peer: PeerId, now: Moment, pulls: &mut u64) -> Option<(PullId, Option<Cursor>)> {
        if matches!(self.state, State::Asked { until, .. } if now >= until) {
            self.failed(now);
        }
        let State::Due { at, cursor } = &self.state else { return None };
        if now < *at {
            return None;
        }
        let cursor = cursor.clone();
        if cursor.is_none() && self.failures == 0 {
            self.started = now;
        }
        *pulls += 1;
        let id = PullId { peer, number: *pulls };
        self.state = State::Asked { id, cursor: cursor.clone(), until: now + self.timing.request_timeout };
        Some((id, cursor))
    }

    /// Whether this request is still the one that counts.
    pub(super) fn awaits(&self, pull: PullId) -> bool {
        matches!(self.state, State::Asked { id, .. } if id == pull)
    }

    /// A page came. Says whether it is the first of its pull.
    pub(super) fn began(&mut self, pull: PullId, peer_is_ready: bool) -> bool {
        let first = matches!(&self.state, State::Asked { id, cursor: None, .. } if *id == pull);
        if first {
            self.peer_was_ready = Some(peer_is_ready);
        }
        first
    }

    /// The page of the request under way is handed to the store.
    pub(super) fn merging(&mut self, next: Option<Cursor>) {
        if let State::Asked { id, cursor, .. } = std::mem::replace(&mut self.state, State::Idle) {
            self.state = State::Merging { id, cursor, next };
        }
    }

    /// The store took the page or could not.
    pub(super) fn merged(&mut self, pull: PullId, taken: bool, now: Moment) -> Merged {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Merging { id, cursor, next } if id == pull => match (taken, next) {
                (false, _) => self.retry(cursor, now),
                (true, None) => return self.complete(now),
                (true, next) => self.go_on(next, now),
            },
            other => self.state = other,
        }
        Merged::Partly
    }

    /// The request under way failed: the same page is asked for again after a while.
    pub(super) fn failed(&mut self, now: Moment) {
        if let State::Asked { cursor, .. } = std::mem::replace(&mut self.state, State::Idle) {
            self.retry(cursor, now);
        }
    }

    fn retry(&mut self, cursor: Option<Cursor>, now: Moment) {
        let wait = RETRY_MIN.saturating_mul(1 << self.failures.min(8)).min(RETRY_MAX);
        self.failures = self.failures.saturating_add(1);
        self.state = State::Due { at: now + wait, cursor };
    }

    fn go_on(&mut self, next: Option<Cursor>, now: Moment) {
        self.failures = 0;
        self.state = State::Due { at: now, cursor: next };
    }

    fn complete(&mut self, now: Moment) -> Merged {
        let took = now.saturating_sub(self.started);
        let peer_was_ready = self.peer_was_ready.take().unwrap_or(false);
        self.pause_until = now + took.max(PAUSE_MIN);
        if self.again {
            self.begin(self.pause_until);
        }
        Merged::Complete { peer_was_ready, took }
    }
}
