//! How many evaluations there were: counted by each thread in a place of its own, so that none waits for another.

use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
};

use crate::evaluation::{ErrorCode, Reason};

/// What answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tier {
    /// Nothing had to run: the flag is off, unknown, broken, or has no rule.
    Fixed,
    /// Compiled code.
    Compiled,
    /// The interpreter.
    Interpreted,
}

impl Tier {
    const ALL: [Self; 3] = [Self::Fixed, Self::Compiled, Self::Interpreted];

    /// The tier's name in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Compiled => "compiled",
            Self::Interpreted => "interpreted",
        }
    }
}

/// What an evaluation counts as: a position in [`RESULTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind(u8);

impl From<Reason> for Kind {
    fn from(reason: Reason) -> Self {
        Self(match reason {
            Reason::Static => 0,
            Reason::TargetingMatch => 1,
            Reason::Default => 2,
            Reason::Disabled => 3,
            Reason::Error => 7,
        })
    }
}

impl From<ErrorCode> for Kind {
    fn from(code: ErrorCode) -> Self {
        Self(match code {
            ErrorCode::FlagNotFound => 4,
            ErrorCode::ParseError => 5,
            ErrorCode::General => 6,
        })
    }
}

/// The names of results in metrics: OpenFeature's reasons and error codes.
const RESULTS: [&str; 8] =
    ["static", "targeting_match", "default", "disabled", "flag_not_found", "parse_error", "general", "error"];
const CELLS: usize = Tier::ALL.len() * RESULTS.len();

/// Places to count in; more threads than this share them.
const SHARDS: usize = 16;

/// How often a tier gave a result since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evaluations {
    /// What answered.
    pub tier: Tier,
    /// The result: a reason or an error code of OpenFeature, in lower case.
    pub result: &'static str,
    /// How often.
    pub count: u64,
}

/// The counters of an engine.
#[derive(Default)]
pub(crate) struct Tally([Shard; SHARDS]);

/// On cache lines of its own.
#[derive(Default)]
#[repr(align(128))]
struct Shard([AtomicU64; CELLS]);

/// The counts of one bulk evaluation.
#[derive(Default)]
pub(crate) struct Counts([u32; CELLS]);

impl Counts {
    pub(crate) fn count(&mut self, tier: Tier, kind: Kind) {
        if let Some(count) = self.0.get_mut(cell(tier, kind)) {
            *count += 1;
        }
    }
}

impl Tally {
    pub(crate) fn count(&self, tier: Tier, kind: Kind) {
        self.add_to(cell(tier, kind), 1);
    }

    pub(crate) fn add(&self, counts: &Counts) {
        let counted = counts.0.iter().enumerate().filter(|(_, count)| **count > 0);
        counted.for_each(|(cell, count)| self.add_to(cell, u64::from(*count)));
    }

    fn add_to(&self, cell: usize, count: u64) {
        if let Some(counter) = self.0.get(shard()).and_then(|shard| shard.0.get(cell)) {
            counter.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// All counters that are not zero.
    pub(crate) fn totals(&self) -> Vec<Evaluations> {
        let total = |cell: usize| -> u64 {
            self.0.iter().filter_map(|shard| shard.0.get(cell)).map(|count| count.load(Ordering::Relaxed)).sum()
        };
        let kinds = Tier::ALL.into_iter().flat_map(|tier| RESULTS.map(|result| (tier, result)));
        let all = kinds.enumerate().map(|(cell, (tier, result))| Evaluations { tier, result, count: total(cell) });
        all.filter(|evaluations| evaluations.count > 0).collect()
    }
}

fn cell(tier: Tier, Kind(kind): Kind) -> usize {
    tier as usize * RESULTS.len() + usize::from(kind)
}

/// This thread's place.
fn shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    OWN.with(|own| {
        if own.get() == usize::MAX {
            own.set(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
        }
        own.get()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_and_bulk_counts_add_up() {
        let tally = Tally::default();
        let (missing, matched) = (Kind::from(ErrorCode::FlagNotFound), Kind::from(Reason::TargetingMatch));
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| (0..100).for_each(|_| tally.count(Tier::Fixed, missing)));
            }
        });
        let mut counts = Counts::default();
        (0..3).for_each(|_| counts.count(Tier::Compiled, matched));
        tally.add(&counts);
        let expected = [
            Evaluations { tier: Tier::Fixed, result: "flag_not_found", count: 2000 },
            Evaluations { tier: Tier::Compiled, result: "targeting_match", count: 3 },
        ];
        assert_eq!(tally.totals(), expected);
    }

    #[test]
    fn every_outcome_has_a_cell_of_its_own() {
        let reasons = [Reason::Static, Reason::TargetingMatch, Reason::Default, Reason::Disabled, Reason::Error];
        let codes = [ErrorCode::FlagNotFound, ErrorCode::ParseError, ErrorCode::General];
        let named = reasons.map(|reason| (Kind::from(reason), reason.as_str())).into_iter();
        let failed = codes.map(|code| (Kind::from(code), code.as_str()));
        for (kind, name) in named.chain(failed) {
            let tally = Tally::default();
            tally.count(Tier::Interpreted, kind);
            assert_eq!(tally.totals()[0].result, name.to_lowercase());
        }
    }
}
