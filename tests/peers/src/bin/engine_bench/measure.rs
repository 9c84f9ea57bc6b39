//! Measuring, and the tables of what came out.

use std::{
    fmt,
    time::{Duration, Instant},
};

use burgee_peers::cpu;

const SAMPLES: usize = 101;
/// Long beside giving up the processor, which each sample does.
const SAMPLE: Duration = Duration::from_millis(2);

/// Nanoseconds of CPU time a call, of many samples: the lowest tenth's highest, for single accounts come late, and the
/// median.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) low: f64,
    pub(crate) median: f64,
}

impl Cost {
    /// The cost of each of so many things that a call did.
    pub(crate) fn each(self, things: usize) -> Self {
        Self { low: self.low / things as f64, median: self.median / things as f64 }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} ({:.0})", self.low, self.median)
    }
}

/// Measures something that is done again and again.
pub(crate) fn measure(mut work: impl FnMut()) -> Cost {
    let calls = calls_of_a_sample(&mut work);
    let mut samples: Vec<f64> = (0..SAMPLES)
        .map(|_| {
            let start = cpu::of_this_thread().unwrap();
            (0..calls).for_each(|_| work());
            (cpu::of_this_thread().unwrap() - start).as_nanos() as f64 / calls as f64
        })
        .collect();
    samples.sort_by(f64::total_cmp);
    Cost { low: samples[SAMPLES / 10], median: samples[SAMPLES / 2] }
}

/// How often something is done in a sample: by the quickest of some tries, for others may hold the processors.
fn calls_of_a_sample(work: &mut impl FnMut()) -> u128 {
    let mut timed = |calls: u128| {
        let start = Instant::now();
        (0..calls).for_each(|_| work());
        start.elapsed().as_nanos().max(1) / calls
    };
    timed(3);
    let rough = SAMPLE.as_nanos() / 20 / timed(10).max(20);
    let quickest = (0..5).map(|_| timed(rough.max(1))).min().unwrap_or(1);
    (SAMPLE.as_nanos() / quickest.max(1)).clamp(1, 1_000_000)
}

/// Milliseconds of CPU time that something takes once, on this thread.
pub(crate) fn millis<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = cpu::of_this_thread().unwrap();
    let made = work();
    ((cpu::of_this_thread().unwrap() - start).as_secs_f64() * 1000.0, made)
}

/// Milliseconds of CPU time that something takes once, on whatever threads.
pub(crate) fn millis_of_all<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = cpu::of_all_threads().unwrap();
    let made = work();
    ((cpu::of_all_threads().unwrap() - start).as_secs_f64() * 1000.0, made)
}

/// Rows that are compared with the first.
pub(crate) struct Table {
    title: String,
    rows: Vec<(String, Cost)>,
}

impl Table {
    pub(crate) fn new(title: &str) -> Self {
        Self { title: title.to_owned(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, what: &str, cost: Cost) {
        self.rows.push((what.to_owned(), cost));
    }

    pub(crate) fn print(&self) {
        println!("| {} | ns | first / this |\n|---|---|---|", self.title);
        for (what, cost) in &self.rows {
            let ratio = self.rows[0].1.low / cost.low;
            println!("| {what} | {cost} | {ratio:.2} |");
        }
        println!();
    }
}
