//! Cluster time: what the live nodes' wall clocks say.
//!
//! Each peer's wall clock is measured with each comparison, at half a round trip; of the last few measures
//! the one with the shortest round trip counts. The lower median of all live nodes' clocks, this one's
//! included, is cluster time. A node without live peers keeps its last correction. A clock that shows a time that
//! no stamp can bear says nothing.

use std::{collections::VecDeque, time::Duration};

use burgee_model::{Millis, stamp::MILLIS_MAX};

use super::{Command, Core, Note, Now, Turn};

/// Measures of one peer that are kept.
const MEASURES: usize = 8;
/// For how long a measure counts.
const FRESH: Duration = Duration::from_secs(120);
/// A correction that differs by less is no news, in milliseconds.
const GRAIN_MS: u64 = 5;
/// From how many milliseconds on setting the time outright is worth telling.
const NOTED_MS: u64 = 100;
/// A lead of this node's clock that differs by less from what was told is no news, in milliseconds.
const TOLD_MS: u64 = 1_000;
/// For how long after a leap of this clock what was said of it before stands, while peers are not measured anew.
const STANDS: Duration = Duration::from_secs(30);
/// By how many milliseconds wall and steady clock may part between two ticks without a step.
const STEP_MS: u64 = 50;
/// From how many milliseconds on a step makes all measures worthless.
const LEAP_MS: u64 = 1_000;

/// How far cluster time may be ahead of the middle clocks, in milliseconds, to wait for them at half speed. Beyond a
/// day, which would take two, it is set back: the clocks were wrong together, and whoever starts anew meanwhile would
/// be right.
const WAITED_FOR_MS: i64 = 24 * 3_600_000;

/// How a peer's wall clock differs from this node's.
#[derive(Clone, Debug, Default)]
pub(super) struct Offset(VecDeque<Measure>);

#[derive(Clone, Copy, Debug)]
struct Measure {
    at: Duration,
    round_trip: Duration,
    ahead_ms: i64,
}

impl Offset {
    /// A peer that was asked at `asked` answered, now, that its clock shows `wall`.
    ///
    /// A measure is off by at most half its round trip: where an older one differs by more than both may be
    /// off, the peer's clock was set in between, and the older one says nothing any more.
    pub(super) fn measured(&mut self, asked: Duration, wall: Millis, now: Now) {
        let round_trip = now.mono.saturating_sub(asked);
        let half = Millis::try_from(round_trip.as_millis() / 2).unwrap_or(Millis::MAX);
        let ahead_ms = signed_difference(wall.saturating_add(half), now.wall);
        self.0.retain(|old| {
            let most = old.round_trip.saturating_add(round_trip).as_millis() / 2;
            u128::from(old.ahead_ms.abs_diff(ahead_ms)) <= most + u128::from(STEP_MS)
        });
        self.0.push_back(Measure { at: now.mono, round_trip, ahead_ms });
        if self.0.len() > MEASURES {
            self.0.pop_front();
        }
    }

    /// By how many milliseconds the peer's wall clock is ahead.
    pub(super) fn ahead_ms(&self, now: Duration) -> Option<i64> {
        let fresh = self.0.iter().rev().filter(|measure| now.saturating_sub(measure.at) <= FRESH);
        fresh.min_by_key(|measure| measure.round_trip).map(|measure| measure.ahead_ms)
    }

    /// This node's own clock jumped.
    fn stepped(&mut self, step_ms: i64) {
        self.0.iter_mut().for_each(|measure| measure.ahead_ms = measure.ahead_ms.saturating_sub(step_ms));
    }
}

/// What the core knows of time.
#[derive(Clone, Debug, Default)]
pub(super) struct Clock {
    last: Option<Now>,
    /// The last correction of the wall clock that was set.
    set_ms: Option<i64>,
    pub(super) sets: u64,
    pub(super) ahead: Option<Millis>,
    /// When this clock last leapt.
    leapt: Option<Duration>,
}

impl Core {
    /// Looks at this node's own clock. Cluster time does not follow its steps, where it was set once.
    pub(super) fn watch_clock(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now;
        let Some(last) = self.clock.last.replace(now) else { return };
        let passed = Millis::try_from(now.mono.saturating_sub(last.mono).as_millis()).unwrap_or(Millis::MAX);
        let step = signed_difference(now.wall, last.wall.saturating_add(passed));
        if step.unsigned_abs() <= STEP_MS {
            return;
        }
        if step.unsigned_abs() <= LEAP_MS {
            return self.peers.values_mut().for_each(|peer| peer.offset.stepped(step));
        }
        // Either it was set, or the machine slept and the steady clock did not count that: peers know.
        self.peers.values_mut().for_each(|peer| peer.offset = Offset::default());
        self.clock.leapt = Some(now.mono);
        self.compare_with_all(turn);
        let is_alone = !self.peers.values().any(|peer| peer.live);
        if let Some(offset_ms) = self.clock.set_ms.filter(|_| is_alone) {
            turn.out.push(Command::SetClusterTime { offset_ms, outright: self.is_free() });
        }
    }

    /// Corrects cluster time, and judges this node's own clock.
    pub(super) fn correct_clock(&mut self, turn: &mut Turn<'_>) {
        let wall = turn.now.wall;
        let tells = |ahead: &i64| wall.saturating_add_signed(*ahead) < MILLIS_MAX;
        let mut ahead: Vec<i64> = self.live_offsets(turn.now.mono).filter(tells).collect();
        self.judge_clock(&ahead, turn);
        if ahead.is_empty() {
            return;
        }
        ahead.extend(Some(0).filter(tells));
        ahead.sort_unstable();
        let (median, upper) = (ahead[(ahead.len() - 1) / 2], ahead[ahead.len() / 2]);
        let in_force = signed_difference(turn.now.cluster, turn.now.wall);
        let change = median.abs_diff(in_force);
        let is_news = change >= GRAIN_MS;
        if !is_news && self.clock.set_ms.is_some() {
            return;
        }
        // It is set once in any case, so that from then on it does not follow the wall clock's steps.
        let offset_ms = if is_news { median } else { in_force };
        // Of two clocks, either may be the wrong one: both must say that it is.
        let all_wrong = in_force.saturating_sub(upper) > WAITED_FOR_MS;
        let outright = self.is_free() || self.is_first(change) || all_wrong;
        self.clock.set_ms = Some(offset_ms);
        turn.out.push(Command::SetClusterTime { offset_ms, outright });
        if outright && change >= NOTED_MS {
            self.clock.sets += 1;
            turn.out.push(Command::Note(Note::ClusterTimeSet(median)));
        }
    }

    /// Whether cluster time was compared with somebody's.
    pub(super) fn is_corrected(&self) -> bool {
        self.clock.set_ms.is_some()
    }

    /// Whether cluster time may be set outright: nobody has relied on this node's yet.
    fn is_free(&self) -> bool {
        !self.readiness.ready || self.readiness.alone
    }

    /// Whether a founder, which had nobody's time but its own, meets somebody; where they are years apart, who is
    /// right is for others to say.
    fn is_first(&self, change: u64) -> bool {
        !self.is_corrected() && change <= WAITED_FOR_MS.unsigned_abs()
    }

    fn live_offsets(&self, now: Duration) -> impl Iterator<Item = i64> {
        self.peers.values().filter(|peer| peer.live).filter_map(move |peer| peer.offset.ahead_ms(now))
    }

    /// At least two live peers must agree, and so must most of the nodes.
    fn judge_clock(&mut self, ahead: &[i64], turn: &mut Turn<'_>) {
        let mut leads: Vec<Millis> = ahead.iter().map(|ms| ms.min(&0).unsigned_abs()).collect();
        leads.sort_unstable_by(|a, b| b.cmp(a));
        // Those that are not ready are not measured as a rule.
        let others = self.peers.values().filter(|peer| peer.is_ready()).count().max(leads.len());
        let majority = (others + 1).div_ceil(2).max(2);
        // After a leap, which makes all measures worthless, what was said stands until those who are there are measured
        // anew: that is done at once.
        let is_leaping = self.clock.leapt.is_some_and(|at| turn.now.mono.saturating_sub(at) < STANDS);
        if self.clock.ahead.is_some() && is_leaping && leads.len() < others.min(majority) {
            return;
        }
        let lead = leads.get(majority - 1).copied().filter(|lead| *lead > self.settings.max_skew_ms);
        let is_news = match (lead, self.clock.ahead) {
            (Some(lead), Some(told)) => lead.abs_diff(told) >= TOLD_MS,
            (lead, told) => lead.is_some() != told.is_some(),
        };
        if is_news {
            self.clock.ahead = lead;
            turn.out.push(Command::SetClockAhead(lead));
        }
    }
}

fn signed_difference(a: Millis, b: Millis) -> i64 {
    let size = i64::try_from(a.abs_diff(b)).unwrap_or(i64::MAX);
    if a >= b { size } else { -size }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Now {
        let wall = 1_800_000_000_000 + 1_000 * seconds;
        Now { mono: Duration::from_secs(seconds), wall, cluster: wall }
    }

    /// A peer that was asked `ms` ago shows a clock that is ahead by so much.
    fn measure(offset: &mut Offset, seconds: u64, ms: u64, ahead_ms: i64) {
        let now = at(seconds);
        let wall = (now.wall - ms / 2).saturating_add_signed(ahead_ms);
        offset.measured(now.mono - Duration::from_millis(ms), wall, now);
    }

    #[test]
    fn the_shortest_round_trip_counts() {
        let mut offset = Offset::default();
        measure(&mut offset, 10, 200, 70);
        measure(&mut offset, 11, 20, 5);
        measure(&mut offset, 12, 100, -30);
        assert_eq!(offset.ahead_ms(at(12).mono), Some(5));
    }

    #[test]
    fn a_peer_whose_clock_was_set_is_believed_at_once() {
        let mut offset = Offset::default();
        (10..15).for_each(|second| measure(&mut offset, second, 2, 0));
        measure(&mut offset, 15, 200, 3_600_000);
        assert_eq!(offset.ahead_ms(at(15).mono), Some(3_600_000));
    }
}
