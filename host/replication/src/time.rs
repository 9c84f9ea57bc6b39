//! Cluster time: the wall clock, corrected to what most live nodes have.
//!
//! Unless it is set outright it never runs backwards: where the corrected wall clock lies behind what was
//! told already, cluster time goes on at half the speed of the steady clock until it is caught up with.
//! Forwards it follows at once.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use burgee_model::Millis;

/// A wall clock with a correction. Shared: the store reads it, replication corrects it. It reads no clock
/// itself: `wall` is the machine's wall clock in milliseconds since the Unix epoch, `mono` a clock that
/// never jumps, from any origin.
#[derive(Debug, Default)]
pub struct ClusterClock {
    offset_ms: AtomicI64,
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

impl ClusterClock {
    /// Cluster time. Cheap: it takes no lock unless the clock is slowed.
    #[must_use]
    pub fn at(&self, wall: Millis, mono: Duration) -> Millis {
        loop {
            // In this order: whoever sees what was told since it was set, sees the correction it was set with.
            let told = self.told.load(Ordering::Acquire);
            let corrected = self.corrected(wall);
            if corrected < told || self.slowed.load(Ordering::Relaxed) {
                return self.slow(wall, mono);
            }
            if corrected == told {
                return corrected;
            }
            // Not as a maximum: what was worked out with an old correction must not outlast its being set.
            let swapped = self.told.compare_exchange_weak(told, corrected, Ordering::AcqRel, Ordering::Relaxed);
            if swapped.is_ok() {
                return corrected;
            }
        }
    }

    fn corrected(&self, wall: Millis) -> Millis {
        wall.saturating_add_signed(self.offset_ms.load(Ordering::Acquire))
    }

    /// Half speed, until the corrected wall clock has caught up.
    fn slow(&self, wall: Millis, mono: Duration) -> Millis {
        let mut slow = self.slow.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.slowed.swap(true, Ordering::Relaxed) {
            *slow = Slow { told: self.told.load(Ordering::Acquire), mono };
        }
        let passed = Millis::try_from(mono.saturating_sub(slow.mono).as_millis() / 2).unwrap_or(Millis::MAX);
        let slowed = slow.told.saturating_add(passed);
        // It is set under the same lock.
        let corrected = self.corrected(wall);
        if corrected >= slowed {
            self.slowed.store(false, Ordering::Relaxed);
        }
        let now = corrected.max(slowed);
        self.told.fetch_max(now, Ordering::AcqRel).max(now)
    }

    /// Sets the correction: cluster time is to be the wall clock plus `offset_ms`, at once where `outright`,
    /// else without running backwards.
    pub fn set(&self, offset_ms: i64, outright: bool, wall: Millis) {
        let _slow = self.slow.lock().unwrap_or_else(PoisonError::into_inner);
        self.offset_ms.store(offset_ms, Ordering::Release);
        if outright {
            self.told.store(wall.saturating_add_signed(offset_ms), Ordering::Release);
            self.slowed.store(false, Ordering::Relaxed);
        }
    }

    /// The correction, in milliseconds.
    #[must_use]
    pub fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn outright_it_jumps_both_ways() {
        let clock = ClusterClock::default();
        assert_eq!(clock.at(1_000_000, MS(0)), 1_000_000);
        clock.set(-500_000, true, 1_000_000);
        assert_eq!(clock.at(1_000_000, MS(0)), 500_000);
        clock.set(500_000, true, 1_000_000);
        assert_eq!(clock.at(1_000_001, MS(1)), 1_500_001);
    }

    #[test]
    fn otherwise_it_goes_forwards_at_once_and_backwards_at_half_speed() {
        let clock = ClusterClock::default();
        assert_eq!(clock.at(10_000, MS(0)), 10_000);
        clock.set(500, false, 10_000);
        assert_eq!(clock.at(10_000, MS(0)), 10_500);
        clock.set(-500, false, 10_000);
        assert_eq!(clock.at(10_000, MS(0)), 10_500);
        assert_eq!(clock.at(10_500, MS(500)), 10_750);
        assert_eq!(clock.at(11_500, MS(1_500)), 11_250);
        assert_eq!(clock.at(12_000, MS(2_000)), 11_500);
        assert_eq!(clock.at(13_000, MS(3_000)), 12_500);
    }

    #[test]
    fn steps_of_its_own_wall_clock_are_followed_the_same_way() {
        let clock = ClusterClock::default();
        assert_eq!(clock.at(10_000, MS(0)), 10_000);
        assert_eq!(clock.at(3_600_000, MS(1)), 3_600_000);
        assert_eq!(clock.at(3_500_000, MS(101)), 3_600_000);
        assert_eq!(clock.at(3_500_100, MS(301)), 3_600_100);
    }

    #[test]
    fn it_never_runs_backwards_unless_set_outright() {
        let clock = ClusterClock::default();
        let mut last = 0;
        for step in 0..10_000u64 {
            let wall = 1_000_000 + step * 10 - (step % 7) * 1_000;
            if step % 50 == 0 {
                clock.set(i64::try_from(step).unwrap() - 5_000, false, wall);
            }
            let now = clock.at(wall, MS(step * 10));
            assert!(now >= last);
            last = now;
        }
    }
}
