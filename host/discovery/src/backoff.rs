//! The pauses between attempts.

use std::time::Duration;

/// The first pause after a failure.
const PAUSE_MIN: Duration = Duration::from_millis(250);
/// Doublings beyond which the most is reached in any case.
const DOUBLINGS_MAX: u32 = 16;

/// Pauses that grow with each failure in a row, up to a bound.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    most: Duration,
    failures: u32,
}

impl Backoff {
    /// No pause is longer than this, chance aside.
    pub(crate) fn new(most: Duration) -> Self {
        Self { most, failures: 0 }
    }

    /// It worked.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The pause after one more failure: up to a half is added by chance, so that nodes which failed together do not
    /// come back together.
    pub(crate) fn pause(&mut self, random: u64) -> Duration {
        let pause = PAUSE_MIN.saturating_mul(1 << self.failures).min(self.most);
        self.failures = (self.failures + 1).min(DOUBLINGS_MAX);
        jitter(pause, random)
    }
}

/// A period with up to half as much added.
pub(crate) fn jitter(period: Duration, random: u64) -> Duration {
    let thousandths = u32::try_from(random % 501).unwrap_or(0);
    period + period.saturating_mul(thousandths) / 1000
}

/// Chance; none where the system has none, since nothing depends on it.
pub(crate) fn random() -> u64 {
    getrandom::u64().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_bound_and_begin_anew() {
        let mut backoff = Backoff::new(Duration::from_secs(10));
        let pauses: Vec<u128> = (0..8).map(|_| backoff.pause(0).as_millis()).collect();
        assert_eq!(pauses, [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
        assert!((0..100).all(|_| backoff.pause(0) == Duration::from_secs(10)), "however often it fails");
        backoff.reset();
        assert_eq!(backoff.pause(0), PAUSE_MIN);
    }

    #[test]
    fn chance_adds_up_to_a_half() {
        let second = Duration::from_secs(1);
        assert_eq!(jitter(second, 0), second);
        assert_eq!(jitter(second, 500), Duration::from_millis(1500));
        assert!((0..2000).all(|random| (second..=second * 3 / 2).contains(&jitter(second, random))));
    }
}
