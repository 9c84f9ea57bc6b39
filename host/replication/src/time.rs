//! Cluster time: the wall clock, until the live nodes' clocks were compared; from then on the steady clock,
//! set to what most of them show.
//!
//! So a step of this machine's own wall clock moves cluster time only where nobody knows better. Unless it is
//! set outright it never runs backwards: where what it aims at lies behind what was told already, cluster time
//! goes on at half the speed of the steady clock until it is caught up with. Forwards it follows at once. A time
//! that no stamp can bear is told, so that nothing is written, but not kept: nobody waits for the year 2100.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use burgee_model::{Millis, stamp::MILLIS_MAX};

/// Stands for: it follows the wall clock.
const FREE: i64 = i64::MIN;

/// Cluster time. Shared: the store reads it, replication sets it. It reads no clock itself: `wall` is the
/// machine's wall clock in milliseconds since the Unix epoch, `mono` a clock that never jumps, always from the
/// same origin.
#[derive(Debug)]
pub struct ClusterClock {
    /// By how many milliseconds it is ahead of the steady clock.
    course: AtomicI64,
    /// The greatest time told since it was set outright.
    told: AtomicU64,
    slowed: AtomicBool,
    slow: Mutex<Slow>,
}

/// Where half speed began.
#[derive(Debug, Default)]
struct Slow {
    told: Millis,
    mono: Duration,
}

impl Default for ClusterClock {
    fn default() -> Self {
        Self {
            course: AtomicI64::new(FREE),
            told: AtomicU64::default(),
            slowed: AtomicBool::default(),
            slow: Mutex::default(),
        }
    }
}

impl ClusterClock {
    /// Cluster time. Cheap: it takes no lock unless the clock is slowed.
    #[must_use]
    pub fn at(&self, wall: Millis, mono: Duration) -> Millis {
        loop {
            // In this order: whoever sees what was told since it was set, sees what it was set to.
            let told = self.told.load(Ordering::Acquire);
            let aim = self.aim(wall, mono);
            if aim >= MILLIS_MAX {
                return aim;
            }
            if aim < told || self.slowed.load(Ordering::Relaxed) {
                return self.slow(wall, mono);
            }
            if aim == told {
                return aim;
            }
            // Not as a maximum: what was worked out before it was set must not outlast that.
            if self.told.compare_exchange_weak(told, aim, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                return aim;
            }
        }
    }

    /// What cluster time is, or, while it is slowed, goes to.
    #[must_use]
    pub fn aim(&self, wall: Millis, mono: Duration) -> Millis {
        match self.course.load(Ordering::Acquire) {
            FREE => wall,
            course => millis(mono).saturating_add_signed(course),
        }
    }

    /// Half speed, until what it aims at has caught up.
    fn slow(&self, wall: Millis, mono: Duration) -> Millis {
        let mut slow = self.slow.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.slowed.swap(true, Ordering::Relaxed) {
            *slow = Slow { told: self.told.load(Ordering::Acquire), mono };
        }
        let slowed = slow.told.saturating_add(millis(mono.saturating_sub(slow.mono)) / 2);
        // It is set under the same lock.
        let aim = self.aim(wall, mono);
        if aim >= MILLIS_MAX {
            return aim;
        }
        if aim >= slowed {
            self.slowed.store(false, Ordering::Relaxed);
        }
        let now = aim.max(slowed);
        self.told.fetch_max(now, Ordering::AcqRel).max(now)
    }

    /// Sets it: cluster time is to be what the wall clock shows now plus `offset_ms`, at once where `outright`,
    /// else without running backwards. From then on steps of the wall clock are not followed.
    pub fn set(&self, offset_ms: i64, outright: bool, wall: Millis, mono: Duration) {
        let aim = wall.saturating_add_signed(offset_ms);
        let course = i64::try_from(i128::from(aim) - i128::from(millis(mono))).unwrap_or(i64::MAX);
        let _slow = self.slow.lock().unwrap_or_else(PoisonError::into_inner);
        self.course.store(course, Ordering::Release);
        if outright && aim < MILLIS_MAX {
            self.told.store(aim, Ordering::Release);
            self.slowed.store(false, Ordering::Relaxed);
        }
    }
}

fn millis(span: Duration) -> Millis {
    Millis::try_from(span.as_millis()).unwrap_or(Millis::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn outright_it_jumps_both_ways() {
        let clock = ClusterClock::default();
        assert_eq!(clock.at(1_000_000, MS(0)), 1_000_000);
        clock.set(-500_000, true, 1_000_000, MS(0));
        assert_eq!(clock.at(1_000_000, MS(0)), 500_000);
        clock.set(500_000, true, 1_000_000, MS(0));
        assert_eq!(clock.at(1_000_001, MS(1)), 1_500_001);
    }

    #[test]
    fn otherwise_it_goes_forwards_at_once_and_backwards_at_half_speed() {
        let clock = ClusterClock::default();
        assert_eq!(clock.at(10_000, MS(0)), 10_000);
        clock.set(500, false, 10_000, MS(0));
        assert_eq!(clock.at(10_000, MS(0)), 10_500);
        clock.set(-500, false, 10_000, MS(0));
        assert_eq!(clock.at(10_000, MS(0)), 10_500);
        assert_eq!(clock.at(10_500, MS(500)), 10_750);
        assert_eq!(clock.at(11_500, MS(1_500)), 11_250);
        assert_eq!(clock.at(12_000, MS(2_000)), 11_500);
        assert_eq!(clock.at(13_000, MS(3_000)), 12_500);
    }

    #[test]
    fn steps_of_the_wall_clock_are_followed_until_it_was_set() {
        let clock = ClusterClock::default();
        assert_eq!(clock.at(10_000, MS(0)), 10_000);
        assert_eq!(clock.at(3_600_000, MS(1)), 3_600_000);
        assert_eq!(clock.at(3_500_000, MS(101)), 3_600_000, "backwards at half speed");
        assert_eq!(clock.at(3_500_100, MS(301)), 3_600_100);
        clock.set(0, true, 3_500_200, MS(401));
        assert_eq!(clock.at(9_000_000, MS(402)), 3_500_201, "forwards");
        assert_eq!(clock.at(10_000, MS(403)), 3_500_202, "backwards");
    }

    #[test]
    fn what_no_stamp_can_bear_is_told_but_not_kept() {
        let clock = ClusterClock::default();
        assert_eq!(clock.at(10_000, MS(0)), 10_000);
        assert_eq!(clock.at(MILLIS_MAX, MS(1)), MILLIS_MAX);
        assert_eq!(clock.at(10_002, MS(2)), 10_002, "corrected");
        clock.set(i64::MAX, true, 10_003, MS(3));
        assert!(clock.at(10_003, MS(3)) >= MILLIS_MAX);
        clock.set(0, false, 10_004, MS(4));
        assert_eq!(clock.at(10_004, MS(4)), 10_004, "corrected");
        // also where it is slowed
        clock.set(-1_000, false, 10_010, MS(10));
        assert_eq!(clock.at(10_010, MS(10)), 10_004);
        clock.set(i64::MAX, false, 10_010, MS(10));
        assert!(clock.at(10_010, MS(10)) >= MILLIS_MAX);
        clock.set(0, false, 10_020, MS(20));
        assert_eq!(clock.at(10_020, MS(20)), 10_020);
    }

    #[test]
    fn it_never_runs_backwards_unless_set_outright() {
        let clock = ClusterClock::default();
        let mut last = 0;
        for step in 0..10_000u64 {
            let wall = 1_000_000 + step * 10 - (step % 7) * 1_000;
            if step % 50 == 0 {
                clock.set(i64::try_from(step).unwrap() - 5_000, false, wall, MS(step * 10));
            }
            let now = clock.at(wall, MS(step * 10));
            assert!(now >= last);
            last = now;
        }
    }
}
