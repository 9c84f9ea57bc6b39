//! The hybrid logical clock: uhlc's, fenced.
//!
//! uhlc reads time through a bare function, asserts that it lies between 1970 and 2106, and adds without
//! looking for overflow. So it runs on a clock that stands at zero, and is fed the wall time that callers
//! pass in and the stamps that passed our checks, both kept below the year 2100.

use std::{collections::BTreeMap, fmt, time::Duration};

use burgee_model::{
    Millis, NodeId, Stamp,
    stamp::{TIME_MAX, millis_to_ntp64},
};
use uhlc::{HLC, HLCBuilder, NTP64, Timestamp};

/// How far ahead of the clock the persisted mark lies: one second.
const MARK_AHEAD: u64 = 1 << 32;

/// Authors of stamps beyond the fence that are told apart; those that come later count as the last one.
const AUTHORS_MAX: usize = 256;

/// Bits of a stamp's time that lie within a millisecond.
const GRAIN_BITS: u32 = 22;

/// Gives out stamps: each above all that it gave or observed before.
pub struct Clock {
    hlc: HLC,
    id: NodeId,
    max_skew_ms: Millis,
    grain: u64,
    /// The greatest time given or observed.
    last: u64,
    /// The greatest time that a stamp bears which had to be given beyond the clock, and of earlier marks: it
    /// does not move the clock, but a peer that remembers it must not take this node for an older self.
    given: u64,
    ahead: BTreeMap<NodeId, u64>,
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").field("id", &self.id).field("last", &self.last).finish_non_exhaustive()
    }
}

impl Clock {
    /// A clock whose stamps bear an id. `grain` is random for each start: it sets the part of the stamps
    /// within a millisecond, so that a node whose wall clock was set back far does not repeat itself.
    #[must_use]
    pub fn new(id: NodeId, max_skew_ms: Millis, grain: u32) -> Self {
        let hlc = HLCBuilder::new()
            .with_clock(uhlc::zero_clock)
            .with_max_delta(Duration::from_secs(u64::from(u32::MAX)))
            .build();
        let grain = u64::from(grain >> (32 - GRAIN_BITS));
        Self { hlc, id, max_skew_ms, grain, last: 0, given: 0, ahead: BTreeMap::new() }
    }

    /// Goes on from the mark of an earlier start, as far as the fence lets it.
    pub fn resume(&mut self, mark: u64, wall: Millis) {
        self.given = self.given.max(mark);
        self.advance(mark.min(self.fence(wall)));
    }

    /// Whose stamps it gives.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// From now on, its stamps bear another id.
    pub fn set_id(&mut self, id: NodeId) {
        self.id = id;
    }

    /// The next stamp. It lies before the year 2100, or the wall clock does not.
    pub fn tick(&mut self, wall: Millis) -> Stamp {
        self.advance(millis_to_ntp64(wall).saturating_add(self.grain).min(TIME_MAX));
        let time = self.hlc.new_timestamp().get_time().as_u64();
        self.last = self.last.max(time);
        Stamp { time, id: self.id }
    }

    /// Takes note of a stamp that had to be given beyond the clock.
    pub fn give(&mut self, stamp: Stamp, wall: Millis) {
        self.given = self.given.max(stamp.time);
        self.observe(stamp, wall);
    }

    /// Takes note of a stamp that was merged. One beyond the fence
    /// does not move the clock: following it there would not reach it, only carry its error on.
    /// Answers whether it moved or could stay.
    pub fn observe(&mut self, stamp: Stamp, wall: Millis) -> bool {
        let within = stamp.time <= self.fence(wall);
        if within {
            self.advance(stamp.time);
        }
        within
    }

    /// The greatest time of a stamp that moves the clock.
    pub(crate) fn fence(&self, wall: Millis) -> u64 {
        millis_to_ntp64(wall.saturating_add(self.max_skew_ms)).min(TIME_MAX)
    }

    /// Counts a stamp beyond the fence for its author.
    pub fn count_ahead(&mut self, author: NodeId) {
        let known = self.ahead.contains_key(&author) || self.ahead.len() < AUTHORS_MAX;
        let author = if known { author } else { NodeId([0xff; 16]) };
        *self.ahead.entry(author).or_default() += 1;
    }

    /// Stamps beyond the fence, by author.
    #[must_use]
    pub fn ahead(&self) -> Vec<(NodeId, u64)> {
        self.ahead.iter().map(|(id, count)| (*id, *count)).collect()
    }

    /// What to persist with every commit: no stamp that the clock gives until the next one lies above.
    #[must_use]
    pub fn mark(&self) -> u64 {
        self.last.saturating_add(MARK_AHEAD).max(self.given)
    }

    fn advance(&mut self, time: u64) {
        if time > self.last {
            let seen = Timestamp::new(NTP64(time), *self.hlc.get_id());
            // Cannot fail: the greatest delta that uhlc knows lies after the year 2100.
            let _ = self.hlc.update_with_timestamp(&seen);
            self.last = time;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_800_000_000_000;
    const SKEW: Millis = 60_000;

    fn clock() -> Clock {
        Clock::new(NodeId([1; 16]), SKEW, 0)
    }

    fn at(wall: Millis) -> Stamp {
        Stamp { time: millis_to_ntp64(wall), id: NodeId([2; 16]) }
    }

    #[test]
    fn a_frozen_or_backward_clock_keeps_the_order() {
        let mut clock = clock();
        let stamps: Vec<Stamp> = (0..200_000).map(|n| clock.tick(NOW - n / 100_000)).collect();
        assert!(stamps.is_sorted_by(|a, b| a < b));
        assert_eq!(stamps[0].millis(), NOW);
    }

    #[test]
    fn stamps_follow_the_wall_clock_to_the_millisecond_whatever_the_grain() {
        for grain in [0, 1, u32::MAX] {
            let mut clock = Clock::new(NodeId([1; 16]), SKEW, grain);
            assert_eq!(clock.tick(NOW).millis(), NOW);
            assert_eq!(clock.tick(NOW + 5).millis(), NOW + 5);
        }
    }

    #[test]
    fn merged_stamps_move_it_up_to_the_fence() {
        let mut clock = clock();
        assert!(clock.observe(at(NOW + SKEW), NOW));
        assert!(clock.tick(NOW) > at(NOW + SKEW));
    }

    #[test]
    fn stamps_beyond_the_fence_do_not_move_it() {
        let mut clock = clock();
        assert!(!clock.observe(at(NOW + SKEW + 1), NOW));
        assert_eq!(clock.tick(NOW).millis(), NOW);
        clock.count_ahead(NodeId([2; 16]));
        assert_eq!(clock.ahead(), [(NodeId([2; 16]), 1)]);
    }

    #[test]
    fn it_resumes_above_all_that_it_gave() {
        let mut before = clock();
        let given = before.tick(NOW);
        let mut after = clock();
        after.resume(before.mark(), NOW - 30_000);
        assert!(after.tick(NOW - 30_000) > given);
    }

    #[test]
    fn a_mark_beyond_the_fence_does_not_lock_a_corrected_clock_out() {
        let mut clock = clock();
        clock.resume(at(NOW + 3_600_000).time, NOW);
        let given = clock.tick(NOW);
        assert!(given.millis() <= NOW + SKEW && given.millis() >= NOW);
    }

    #[test]
    fn the_mark_covers_what_had_to_be_given_beyond_the_fence_also_after_a_restart() {
        let (mut before, far) = (clock(), at(NOW + 3_600_000));
        before.give(far, NOW);
        assert!(before.mark() >= far.time && before.tick(NOW).millis() == NOW);
        let mut after = clock();
        after.resume(before.mark(), NOW);
        assert!(after.mark() >= far.time);
    }

    #[test]
    fn the_ends_of_time_do_no_harm() {
        for wall in [0, u64::MAX] {
            let mut clock = clock();
            clock.resume(u64::MAX, wall);
            clock.observe(Stamp { time: TIME_MAX - 1, ..Stamp::ZERO }, wall);
            assert!(clock.tick(wall) < clock.tick(wall));
        }
    }

    #[test]
    fn the_authors_that_it_counts_are_bounded() {
        let mut clock = clock();
        (0..1_000u128).for_each(|n| clock.count_ahead(NodeId(n.to_be_bytes())));
        assert_eq!(clock.ahead().len(), AUTHORS_MAX + 1);
        assert_eq!(clock.ahead().iter().map(|(_, count)| count).sum::<u64>(), 1_000);
    }
}
