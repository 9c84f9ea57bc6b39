//! Rates: how many requests, or attempts, may come in a time.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// A number in a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) count: NonZeroU32,
    pub(crate) period: Duration,
}

impl Rate {
    /// So many a second; 0 is any number.
    pub(crate) fn per_second(count: u32) -> Option<Self> {
        Self::new(count, Duration::from_secs(1))
    }

    /// So many a minute; 0 is any number.
    pub(crate) fn per_minute(count: u32) -> Option<Self> {
        Self::new(count, Duration::from_secs(60))
    }

    fn new(count: u32, period: Duration) -> Option<Self> {
        NonZeroU32::new(count).map(|count| Self { count, period })
    }

    /// So many times as many in the same time.
    pub(crate) fn times(self, factor: u32) -> Self {
        let count = self.count.get().saturating_mul(factor);
        Self { count: NonZeroU32::new(count).unwrap_or(self.count), ..self }
    }

    /// Microseconds between two of them.
    fn interval(self) -> u64 {
        let period = u64::try_from(self.period.as_micros()).unwrap_or(u64::MAX);
        (period / u64::from(self.count.get())).max(1)
    }
}

/// How much of a rate is used up. Whoever asked for nothing for one period may use it whole at once.
///
/// It holds the instant, in microseconds, at which nothing is used up any more.
#[derive(Debug, Default)]
pub(crate) struct Bucket(AtomicU64);

impl Bucket {
    /// Takes one, at an instant in microseconds; or tells after how many seconds there is one again.
    pub(crate) fn take(&self, rate: Rate, now: u64) -> Result<(), u32> {
        let interval = rate.interval();
        let room = interval.saturating_mul(u64::from(rate.count.get()));
        let next = |empty: u64| Some(empty.max(now).saturating_add(interval)).filter(|next| next - now <= room);
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) {
            Ok(_) => Ok(()),
            Err(empty) => {
                let wait = empty.saturating_add(interval).saturating_sub(now).saturating_sub(room);
                Err(u32::try_from(wait.div_ceil(1_000_000)).unwrap_or(u32::MAX).max(1))
            }
        }
    }

    /// Whether there is one at an instant; or after how many seconds there is.
    pub(crate) fn peek(&self, rate: Rate, now: u64) -> Result<(), u32> {
        Self(AtomicU64::new(self.0.load(Ordering::Relaxed))).take(rate, now)
    }

    /// Whether nothing is used up.
    pub(crate) fn is_idle(&self, now: u64) -> bool {
        self.0.load(Ordering::Relaxed) <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_holds_its_number_and_refills_evenly() {
        let (bucket, rate) = (Bucket::default(), Rate::per_second(4).unwrap());
        let taken = |now: u64| (0..20).filter(|_| bucket.take(rate, now).is_ok()).count();
        assert_eq!(taken(5_000_000), 4);
        assert_eq!(bucket.take(rate, 5_000_000), Err(1));
        assert_eq!(taken(5_500_000), 2);
        assert!(!bucket.is_idle(6_000_000) && bucket.is_idle(7_000_000));
        assert_eq!(taken(60_000_000), 4);
    }

    #[test]
    fn the_wait_is_told_in_whole_seconds() {
        let (bucket, rate) = (Bucket::default(), Rate::per_minute(2).unwrap());
        assert_eq!([0, 0, 0].map(|now| bucket.take(rate, now)), [Ok(()), Ok(()), Err(30)]);
        assert_eq!(bucket.take(rate, 29_500_000), Err(1));
        assert_eq!([29_500_000, 30_000_000, 30_000_000].map(|now| bucket.peek(rate, now)), [Err(1), Ok(()), Ok(())]);
        assert_eq!(bucket.take(rate, 30_000_000), Ok(()));
        assert_eq!(Rate::per_second(0), None);
    }
}
