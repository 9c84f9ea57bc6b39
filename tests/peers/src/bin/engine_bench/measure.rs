//! Measuring, and the tables of what came out.

use std::time::{Duration, Instant};

const SAMPLES: usize = 400;
const SAMPLE: Duration = Duration::from_micros(500);

/// Nanoseconds a call: the least and the median of many samples.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) least: f64,
    pub(crate) median: f64,
}

impl Cost {
    /// The cost of each of so many things that a call did.
    pub(crate) fn each(self, things: usize) -> Self {
        Self { least: self.least / things as f64, median: self.median / things as f64 }
    }
}

/// Measures something that is done again and again.
pub(crate) fn measure(mut work: impl FnMut()) -> Cost {
    (0..3).for_each(|_| work());
    let once = Instant::now();
    work();
    let calls = (SAMPLE.as_nanos() / once.elapsed().as_nanos().max(20)).clamp(1, 100_000);
    let mut samples: Vec<f64> = (0..SAMPLES)
        .map(|_| {
            let start = Instant::now();
            (0..calls).for_each(|_| work());
            start.elapsed().as_nanos() as f64 / calls as f64
        })
        .collect();
    samples.sort_by(f64::total_cmp);
    Cost { least: samples[0], median: samples[SAMPLES / 2] }
}

/// Milliseconds that something takes once.
pub(crate) fn millis<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let made = work();
    (start.elapsed().as_secs_f64() * 1000.0, made)
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
            let ratio = self.rows[0].1.least / cost.least;
            println!("| {what} | {:.0} ({:.0}) | {ratio:.2} |", cost.least, cost.median);
        }
        println!();
    }
}
