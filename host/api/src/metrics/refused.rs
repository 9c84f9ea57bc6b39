//! Writes that a node refused for reasons of its own, not of the request's.

use std::sync::atomic::{AtomicU64, Ordering};

const REASONS: [&str; 4] = ["not_ready", "clock_ahead", "overloaded", "storage"];

/// The counters, by the code of the answer.
#[derive(Debug, Default)]
pub(crate) struct Refused([AtomicU64; REASONS.len()]);

impl Refused {
    /// Counts an answer's code, where it is one of those.
    pub(crate) fn count(&self, code: &str) {
        let counter = REASONS.iter().position(|reason| *reason == code).and_then(|at| self.0.get(at));
        if let Some(counter) = counter {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn totals(&self) -> impl Iterator<Item = (&'static str, u64)> {
        REASONS.into_iter().zip(self.0.iter().map(|count| count.load(Ordering::Relaxed)))
    }
}
