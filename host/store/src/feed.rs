//! The feed of changes: a ring of the latest, which any number of readers follow at their own pace.
//!
//! Readers only look at the ring; the writer never waits for them, and forgets what is too old for it.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError, RwLock},
};

use burgee_model::{NodeId, RegisterId};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::Version;

/// A place in the feed of one node. Positions of a later start of the node are always greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position(pub u64);

/// One change of one register.
#[derive(Clone, Debug)]
pub struct FeedEntry {
    /// Its place.
    pub position: Position,
    /// The register that changed.
    pub register: RegisterId,
    /// The version that arrived; where a register died by a floor, the floor's version.
    pub version: Arc<Version>,
    /// What became of the register.
    pub op: Op,
    /// Where it was written.
    pub origin: Origin,
    /// Whether the version counts as the register's current one; a version that comes late, or that lost
    /// against a concurrent one, does not.
    pub current: bool,
}

/// A conflict that has stood for a while.
#[derive(Clone, Debug)]
pub struct FeedConflict {
    /// Its place.
    pub position: Position,
    /// The register.
    pub register: RegisterId,
    /// The version that counts.
    pub winner: Arc<Version>,
    /// Those that a concurrent one overwrote and that nobody settled, newest first.
    pub losers: Vec<Arc<Version>>,
}

/// What became of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// It has a value. Floors themselves come as this.
    Put,
    /// It has none any more.
    Delete,
    /// Its deadline passed. Where it had passed before the version came, this follows the version's put.
    Expire,
}

impl Op {
    /// The name under which other programs know it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Delete => "delete",
            Self::Expire => "expire",
        }
    }
}

/// Where a change came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was written here (or its deadline passed here).
    Local,
    /// It was merged; the field holds who sent it.
    Remote(NodeId),
    /// It was dropped here, because the cluster has gone on without it: nobody wrote anything, and nobody is to be told.
    Dropped,
}

/// What a reader gets.
#[derive(Clone, Debug)]
pub enum FeedEvent {
    /// The next change.
    Change(Arc<FeedEntry>),
    /// A conflict is announced: nothing changed with it, so whoever replicates or rebuilds passes over it.
    Conflict(Arc<FeedConflict>),
    /// Changes may be missing: list again. The changes after this moment follow.
    Reset(ResetReason),
}

/// Why changes may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetReason {
    /// The feed does not remember that far back (the reader was slow or away).
    TooOld,
    /// The position is none of this feed's.
    Unknown,
}

impl ResetReason {
    /// The name under which other programs know it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TooOld => "too_old",
            Self::Unknown => "unknown_position",
        }
    }
}

// In the ring stand changes and conflicts, each with its place.
impl FeedEvent {
    fn position(&self) -> u64 {
        match self {
            Self::Change(entry) => entry.position.0,
            Self::Conflict(conflict) => conflict.position.0,
            Self::Reset(_) => 0,
        }
    }

    /// Bytes of versions that it keeps alive.
    fn weight(&self) -> usize {
        match self {
            Self::Change(entry) => entry.version.weight(),
            Self::Conflict(conflict) => conflict.losers.iter().chain([&conflict.winner]).map(|v| v.weight()).sum(),
            Self::Reset(_) => 0,
        }
    }
}

/// A conflict that has no place yet.
pub(crate) struct ConflictDraft {
    pub(crate) register: RegisterId,
    pub(crate) winner: Arc<Version>,
    pub(crate) losers: Vec<Arc<Version>>,
}

/// A change that has no place yet.
pub(crate) struct Draft {
    pub(crate) register: RegisterId,
    pub(crate) version: Arc<Version>,
    pub(crate) op: Op,
    pub(crate) origin: Origin,
    pub(crate) current: bool,
}

#[derive(Debug)]
struct Ring {
    entries: VecDeque<FeedEvent>,
    /// Of the newest entry that ever was.
    newest: u64,
    bytes: usize,
    entries_max: usize,
    bytes_max: usize,
}

impl Ring {
    fn push_change(&mut self, draft: Draft) {
        let Draft { register, version, op, origin, current } = draft;
        let position = Position(self.newest + 1);
        self.push(FeedEvent::Change(Arc::new(FeedEntry { position, register, version, op, origin, current })));
    }

    fn push_conflict(&mut self, draft: ConflictDraft) {
        let ConflictDraft { register, winner, losers } = draft;
        let position = Position(self.newest + 1);
        self.push(FeedEvent::Conflict(Arc::new(FeedConflict { position, register, winner, losers })));
    }

    fn push(&mut self, event: FeedEvent) {
        self.newest += 1;
        self.bytes += event.weight();
        self.entries.push_back(event);
        let over = |ring: &Self| ring.entries.len() > ring.entries_max.max(1) || ring.bytes > ring.bytes_max;
        while self.entries.len() > 1 && over(self) {
            let gone = self.entries.pop_front();
            self.bytes -= gone.map_or(0, |event| event.weight());
        }
    }

    /// The first position that is still remembered, or that the next entry will have.
    fn oldest(&self) -> u64 {
        self.entries.front().map_or(self.newest + 1, FeedEvent::position)
    }

    /// Positions have no gaps within the ring, so the next entry is found by counting.
    fn after(&self, position: u64) -> Option<FeedEvent> {
        let index = usize::try_from((position + 1).checked_sub(self.oldest())?).ok()?;
        self.entries.get(index).cloned()
    }
}

#[derive(Debug)]
struct Inner {
    ring: RwLock<Ring>,
    start: u64,
    wake: watch::Sender<u64>,
}

impl Inner {
    fn with<T>(&self, look: impl FnOnce(&Ring) -> T) -> T {
        look(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The feed of a store. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Feed(Arc<Inner>);

/// One reader of a feed.
#[derive(Debug)]
pub struct FeedReader {
    feed: Feed,
    wake: watch::Receiver<u64>,
    /// The last position that it was given.
    position: u64,
    reset: Option<ResetReason>,
}

impl Feed {
    pub(crate) fn new(start: u64, entries_max: usize, bytes_max: usize) -> Self {
        let ring = Ring { entries: VecDeque::new(), newest: start, bytes: 0, entries_max, bytes_max };
        Self(Arc::new(Inner { ring: RwLock::new(ring), start, wake: watch::Sender::new(start) }))
    }

    pub(crate) fn publish(&self, drafts: Vec<Draft>) -> Position {
        let mut ring = self.0.ring.write().unwrap_or_else(PoisonError::into_inner);
        // What would be pushed out at once need not be pushed in: a purge may be far longer than the ring.
        let skipped = drafts.len().saturating_sub(ring.entries_max.max(1));
        ring.newest += skipped as u64;
        if skipped > 0 {
            ring.entries.clear();
            ring.bytes = 0;
        }
        let any = !drafts.is_empty();
        drafts.into_iter().skip(skipped).for_each(|draft| ring.push_change(draft));
        let newest = ring.newest;
        drop(ring);
        if any {
            self.0.wake.send_replace(newest);
        }
        Position(newest)
    }

    pub(crate) fn announce(&self, drafts: Vec<ConflictDraft>) {
        if drafts.is_empty() {
            return;
        }
        let mut ring = self.0.ring.write().unwrap_or_else(PoisonError::into_inner);
        drafts.into_iter().for_each(|draft| ring.push_conflict(draft));
        let newest = ring.newest;
        drop(ring);
        self.0.wake.send_replace(newest);
    }

    /// The position of the newest entry.
    #[must_use]
    pub fn position(&self) -> Position {
        Position(self.0.with(|ring| ring.newest))
    }

    /// A reader of what comes after a position, or from now on. A position that is none of this feed's
    /// gives a reset first.
    #[must_use]
    pub fn subscribe(&self, after: Option<Position>) -> FeedReader {
        let wake = self.0.wake.subscribe();
        let newest = self.position().0;
        let (position, reset) = match after {
            None => (newest, None),
            Some(Position(after)) if (self.0.start..=newest).contains(&after) => (after, None),
            Some(_) => (newest, Some(ResetReason::Unknown)),
        };
        FeedReader { feed: self.clone(), wake, position, reset }
    }
}

impl FeedReader {
    /// The next event; pending while there is none. Safe to cancel.
    ///
    /// A reader keeps the feed alive, so this never ends: race it against a shutdown signal.
    pub async fn next(&mut self) -> FeedEvent {
        loop {
            if let Some(event) = self.try_next() {
                return event;
            }
            if self.wake.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// The next event, if there is one now.
    pub fn try_next(&mut self) -> Option<FeedEvent> {
        self.wake.mark_unchanged();
        let position = self.position;
        let (oldest, newest, next) = self.feed.0.with(|ring| (ring.oldest(), ring.newest, ring.after(position)));
        let too_old = (position + 1 < oldest).then_some(ResetReason::TooOld);
        if let Some(reason) = self.reset.take().or(too_old) {
            self.position = newest;
            return Some(FeedEvent::Reset(reason));
        }
        let event = next?;
        self.position = event.position();
        Some(event)
    }

    /// The position of the last event.
    #[must_use]
    pub fn position(&self) -> Position {
        Position(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{config, version};

    fn feed(entries: usize) -> Feed {
        Feed::new(100, entries, usize::MAX)
    }

    fn publish(feed: &Feed, times: impl IntoIterator<Item = u64>) {
        let drafts = times.into_iter().map(|time| Draft {
            register: config("k"),
            version: Arc::new(version(config("k"), time, "v")),
            op: Op::Put,
            origin: Origin::Local,
            current: true,
        });
        feed.publish(drafts.collect());
    }

    fn drain(reader: &mut FeedReader) -> Vec<Result<u64, ResetReason>> {
        std::iter::from_fn(|| reader.try_next())
            .map(|event| match event {
                FeedEvent::Change(entry) => Ok(entry.version.stamp.time),
                FeedEvent::Conflict(conflict) => Ok(conflict.winner.stamp.time),
                FeedEvent::Reset(reason) => Err(reason),
            })
            .collect()
    }

    #[test]
    fn readers_get_everything_after_their_position_in_order() {
        let feed = feed(10);
        publish(&feed, [1, 2]);
        let mut from_now = feed.subscribe(None);
        let mut from_first = feed.subscribe(Some(Position(101)));
        let mut from_start = feed.subscribe(Some(Position(100)));
        publish(&feed, [3]);
        assert_eq!(drain(&mut from_now), [Ok(3)]);
        assert_eq!(drain(&mut from_first), [Ok(2), Ok(3)]);
        assert_eq!(drain(&mut from_start), [Ok(1), Ok(2), Ok(3)]);
        assert_eq!((feed.position(), from_now.position()), (Position(103), Position(103)));
    }

    #[test]
    fn a_slow_reader_is_reset_and_goes_on_from_there() {
        let feed = feed(3);
        let mut reader = feed.subscribe(None);
        publish(&feed, 1..=3);
        publish(&feed, [4]);
        assert_eq!(drain(&mut reader), [Err(ResetReason::TooOld)]);
        publish(&feed, [5]);
        assert_eq!(drain(&mut reader), [Ok(5)]);
    }

    #[test]
    fn positions_of_other_starts_are_reset() {
        let feed = feed(3);
        for position in [0, 99, 101, u64::MAX] {
            let mut reader = feed.subscribe(Some(Position(position)));
            assert_eq!(drain(&mut reader), [Err(ResetReason::Unknown)], "{position}");
        }
        publish(&feed, 1..=9);
        assert_eq!(drain(&mut feed.subscribe(Some(Position(101)))), [Err(ResetReason::TooOld)]);
    }

    #[test]
    fn a_flood_leaves_the_newest_and_positions_count_it_all() {
        let feed = feed(3);
        let mut near = feed.subscribe(None);
        publish(&feed, 1..=100);
        assert_eq!(feed.position(), Position(200));
        assert_eq!(drain(&mut near), [Err(ResetReason::TooOld)]);
        assert_eq!(drain(&mut feed.subscribe(Some(Position(197)))), [Ok(98), Ok(99), Ok(100)]);
    }

    #[test]
    fn the_ring_is_bounded_by_bytes_too() {
        let weight = version(config("k"), 1, "v").weight();
        let feed = Feed::new(0, 100, 2 * weight);
        publish(&feed, 1..=5);
        assert_eq!(drain(&mut feed.subscribe(Some(Position(3)))), [Ok(4), Ok(5)]);
        assert_eq!(drain(&mut feed.subscribe(Some(Position(2)))), [Err(ResetReason::TooOld)]);
    }

    #[tokio::test]
    async fn a_waiting_reader_wakes() {
        let feed = feed(3);
        let mut reader = feed.subscribe(None);
        let waiting = tokio::spawn(async move { reader.next().await });
        tokio::task::yield_now().await;
        publish(&feed, [7]);
        assert!(matches!(waiting.await.unwrap(), FeedEvent::Change(entry) if entry.version.stamp.time == 7));
    }
}
