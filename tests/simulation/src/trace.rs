//! What happened in a run, as text: written as it happens, or kept for when the run fails.

use std::{collections::VecDeque, fmt};

use crate::schedule::{Micros, SECOND};

/// Lines kept of a run that is not written out.
const KEPT: usize = 60;

/// Takes the lines of a run.
#[derive(Debug, Default)]
pub struct Trace {
    /// Whether every line is written to the standard error.
    loud: bool,
    last: VecDeque<String>,
}

impl Trace {
    /// A trace that is written out as it comes, or not.
    #[must_use]
    pub fn new(loud: bool) -> Self {
        Self { loud, last: VecDeque::new() }
    }

    /// Whether detail is wanted that is costly to make.
    #[must_use]
    pub fn is_loud(&self) -> bool {
        self.loud
    }

    /// Takes a line that matters.
    #[allow(clippy::print_stderr, reason = "this is what it is for")]
    pub fn say(&mut self, now: Micros, line: fmt::Arguments<'_>) {
        let line = format!("{:>4}.{:06} {line}", now / SECOND, now % SECOND);
        if self.loud {
            eprintln!("{line}");
        } else {
            self.last.push_back(line);
            if self.last.len() > KEPT {
                self.last.pop_front();
            }
        }
    }

    /// The last lines of a run that was not written out.
    pub fn last(&self) -> impl Iterator<Item = &str> {
        self.last.iter().map(String::as_str)
    }
}

/// Says a line of a world's trace.
#[macro_export]
macro_rules! say {
    ($world:expr, $($line:tt)*) => {{
        let now = $world.now;
        $world.trace.say(now, format_args!($($line)*));
    }};
}
