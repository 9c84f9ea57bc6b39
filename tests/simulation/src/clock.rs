//! The wall clocks of machines: skewed, stepped, frozen.

use std::time::Duration;

use burgee_model::Millis;

use crate::schedule::{MS, Micros};

/// True time at the beginning of a run: shortly before a midnight (UTC), so that days of history change.
pub const EPOCH: Millis = 1_800_057_600_000 - 40_000;

/// A machine's wall clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wall {
    /// How far ahead of true time it is.
    pub skew_ms: i64,
    /// What it shows, if it stands.
    pub frozen: Option<Millis>,
}

impl Wall {
    /// What it shows.
    #[must_use]
    pub fn at(&self, now: Micros) -> Millis {
        self.frozen.unwrap_or_else(|| true_time(now).saturating_add_signed(self.skew_ms))
    }
}

/// True time.
#[must_use]
pub fn true_time(now: Micros) -> Millis {
    EPOCH + now / MS
}

/// A span of virtual time.
#[must_use]
pub fn span(micros: Micros) -> Duration {
    Duration::from_micros(micros)
}

/// A span as virtual time.
#[must_use]
pub fn micros(span: Duration) -> Micros {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
