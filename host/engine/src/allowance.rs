//! What all flags of one request may cost together, beside what each may cost alone.

use std::time::{Duration, Instant};

use burgee_model::Limits;

/// Steps after which the clock is looked at: some tens of microseconds of work.
pub(crate) const STEPS_A_LOOK: u64 = 1_000;
/// Flags after which it is looked at whatever they cost, for plain rules take no steps.
const FLAGS_A_LOOK: u32 = 64;

/// What is left to a request. A flag that has begun is finished, for it has a budget of its own; what comes when nothing is
/// left is not begun. Steps are counted in the order of the flags' keys and alike in both tiers, so that on all nodes
/// the same flags have answers; the clock bounds what no step counts.
#[derive(Debug)]
pub(crate) struct Allowance {
    steps: u64,
    start: Instant,
    time: Duration,
    /// Steps and flags since the clock was last looked at.
    steps_unseen: u64,
    flags_unseen: u32,
    late: bool,
}

impl Allowance {
    /// What the limits allow to a request that begins now.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            steps: limits.request_steps,
            start: Instant::now(),
            time: Duration::from_millis(limits.request_evaluation_ms),
            steps_unseen: 0,
            flags_unseen: 0,
            late: false,
        }
    }

    /// Whether a next flag may be evaluated. Time for which the request waited for guests does not count: it has a limit
    /// of its own.
    pub(crate) fn has_left(&mut self, waited: impl FnOnce() -> Duration) -> bool {
        self.flags_unseen += 1;
        if self.flags_unseen >= FLAGS_A_LOOK || self.steps_unseen >= STEPS_A_LOOK {
            (self.flags_unseen, self.steps_unseen) = (0, 0);
            self.late |= self.start.elapsed().saturating_sub(waited()) >= self.time;
        }
        self.steps > 0 && !self.late
    }

    /// Whether it is the clock that ended it: another time, or on another node, more or fewer flags have answers.
    pub(crate) fn is_late(&self) -> bool {
        self.late
    }

    /// Takes the steps of a flag that was evaluated.
    pub(crate) fn spend(&mut self, steps: u64) {
        self.steps = self.steps.saturating_sub(steps);
        self.steps_unseen = self.steps_unseen.saturating_add(steps);
    }

    /// The steps that are left.
    pub(crate) fn steps_left(&self) -> u64 {
        self.steps
    }

    /// When the time will be over, if nothing waits for guests until then; none where that is never.
    pub(crate) fn until(&self, waited: Duration) -> Option<Instant> {
        self.start.checked_add(self.time)?.checked_add(waited)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_begun_is_finished_and_nothing_more_begins() {
        let mut allowance = Allowance::new(&Limits { request_steps: 10, ..Limits::default() });
        for _ in 0..3 {
            assert!(allowance.has_left(|| Duration::ZERO));
            allowance.spend(4);
        }
        assert!(!allowance.has_left(|| Duration::ZERO));
    }

    #[test]
    fn the_clock_counts_but_for_the_time_of_guests() {
        let allowed = |limit_ms, waited| {
            let mut allowance = Allowance::new(&Limits { request_evaluation_ms: limit_ms, ..Limits::default() });
            allowance.spend(STEPS_A_LOOK);
            allowance.has_left(|| waited)
        };
        assert!(allowed(60_000, Duration::ZERO));
        assert!(!allowed(0, Duration::ZERO));
        let mut plain = Allowance::new(&Limits { request_evaluation_ms: 0, ..Limits::default() });
        assert!((1..FLAGS_A_LOOK).all(|_| plain.has_left(|| Duration::ZERO)), "flags that cost nothing");
        assert!(!plain.has_left(|| Duration::ZERO));
    }
}
