//! Waiting for a state, with a bound.

use std::{
    thread,
    time::{Duration, Instant},
};

/// How often a state is looked at.
const PERIOD: Duration = Duration::from_millis(3);

/// Asks until there is an answer; gives it with the time that it took. Panics when the bound has passed.
pub fn until<T>(what: &str, bound: Duration, mut probe: impl FnMut() -> Option<T>) -> (T, Duration) {
    let start = Instant::now();
    loop {
        if let Some(answer) = probe() {
            return (answer, start.elapsed());
        }
        assert!(start.elapsed() < bound, "{what}: not within {bound:?}");
        thread::sleep(PERIOD);
    }
}

/// Like [`until`], for a question with yes or no; gives the time that it took.
pub fn until_true(what: &str, bound: Duration, mut probe: impl FnMut() -> bool) -> Duration {
    until(what, bound, || probe().then_some(())).1
}
