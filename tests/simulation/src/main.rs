//! Runs many simulations: `cargo run --release -p burgee-simulation -- --runs 10000 --seed-start 1`.
//!
//! Ends with exit code 1 at the first run in which an invariant does not hold, and says how to replay it; also where
//! more runs had to be excused than a judge may excuse who is to be believed.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people at a terminal")]

use std::{
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use burgee_simulation::{Plan, Report, oracle::Excused, run, schedule::SECOND};

/// What is to be run.
struct Order {
    runs: u64,
    seed_start: u64,
    minutes: u64,
    nodes: (usize, usize),
    threads: usize,
    trace: bool,
    keep_going: bool,
}

const USAGE: &str =
    "burgee-simulation [--runs N] [--seed-start N] [--minutes N] [--nodes A..B] [--threads N] [--trace] [--keep-going]";

fn order(mut arguments: impl Iterator<Item = String>) -> Option<Order> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut order =
        Order { runs: 100, seed_start: 1, minutes: 2, nodes: (2, 5), threads, trace: false, keep_going: false };
    while let Some(name) = arguments.next() {
        match name.as_str() {
            "--trace" => order.trace = true,
            "--keep-going" => order.keep_going = true,
            _ => {}
        }
        if matches!(name.as_str(), "--trace" | "--keep-going") {
            continue;
        }
        let value = arguments.next()?;
        match name.as_str() {
            "--runs" => order.runs = value.parse().ok()?,
            "--seed-start" => order.seed_start = value.parse().ok()?,
            "--minutes" => order.minutes = value.parse().ok()?,
            "--threads" => order.threads = value.parse().ok()?,
            "--nodes" => order.nodes = range(&value)?,
            _ => return None,
        }
    }
    Some(order)
}

fn range(text: &str) -> Option<(usize, usize)> {
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let (from, to) = (from.parse().ok()?, to.parse().ok()?);
    (1 <= from && from <= to && to <= 6).then_some((from, to))
}

fn main() -> ExitCode {
    let Some(order) = order(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let (next, done, failed) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let total = Mutex::new(Total::default());
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..order.threads.max(1) {
            scope.spawn(|| {
                while !failed.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= order.runs {
                        break;
                    }
                    let plan = Plan::drawn(order.seed_start + number, order.nodes, order.minutes * 60 * SECOND);
                    let report = run(plan, order.trace);
                    done.fetch_add(1, Ordering::Relaxed);
                    let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                    if total.take(&report, &order) {
                        failed.store(true, Ordering::Relaxed);
                    }
                    total.progress(done.load(Ordering::Relaxed), &order, began.elapsed());
                }
            });
        }
    });
    let total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("{} runs in {:?}: {}", done.into_inner(), began.elapsed(), total.text());
    println!("not judged: {}", total.excused);
    let too_many = total.excused.too_many(total.runs);
    too_many.iter().for_each(|text| println!("{text}"));
    if failed.into_inner() || total.failed > 0 || too_many.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// What all runs came to.
#[derive(Default)]
struct Total {
    runs: u64,
    virtual_seconds: u64,
    occurrences: u64,
    frames: u64,
    acknowledged: u64,
    revoked: u64,
    faults: u64,
    starts: u64,
    reidentified: u64,
    repeated: u64,
    horizons: u64,
    lapsed: u64,
    slowest: (u64, u64),
    excused: Excused,
    shown: u64,
    failed: u64,
}

impl Total {
    /// Adds a run; says whether it failed.
    fn take(&mut self, report: &Report, order: &Order) -> bool {
        self.runs += 1;
        self.virtual_seconds += report.span / SECOND;
        let counts = report.counts;
        for (sum, one) in [
            (&mut self.occurrences, counts.occurrences),
            (&mut self.frames, counts.frames),
            (&mut self.acknowledged, counts.acknowledged),
            (&mut self.revoked, counts.revoked),
            (&mut self.faults, counts.faults),
            (&mut self.starts, counts.starts),
            (&mut self.reidentified, counts.reidentified),
            (&mut self.repeated, counts.repeated),
            (&mut self.horizons, counts.horizons),
            (&mut self.lapsed, counts.lapsed),
        ] {
            *sum += one;
        }
        self.excused.add(&report.excused);
        self.slowest = self.slowest.max((report.settled_in.unwrap_or(0), report.seed));
        if order.keep_going && report.excused.orphaned > 0 {
            println!("seed {}: orphaned", report.seed);
        }
        let Some(violation) = &report.violation else { return false };
        self.failed += 1;
        if order.keep_going {
            println!("seed {}: {:.400}", report.seed, violation.to_string());
            return false;
        }
        report.last.iter().for_each(|line| println!("  {line}"));
        println!("seed {}: {violation}", report.seed);
        let Order { minutes, nodes: (from, to), .. } = order;
        println!(
            "replay: cargo run --release -p burgee-simulation -- --runs 1 --seed-start {} --minutes {minutes} \
             --nodes {from}..{to} --trace",
            report.seed
        );
        true
    }

    fn progress(&mut self, done: u64, order: &Order, elapsed: Duration) {
        if done >= self.shown + (order.runs / 20).max(1) {
            self.shown = done;
            let pace = done as f64 / elapsed.as_secs_f64().max(0.001);
            println!("{done} of {} runs, {pace:.1} a second", order.runs);
        }
    }

    fn text(&self) -> String {
        let (settled, seed) = self.slowest;
        format!(
            "{} failed; {} s of virtual time, {} occurrences, {} frames, {} writes acknowledged, {} revocations, {} expiries, \
             {} faults, {} starts, {} new identities, {} writes repeated, {} horizons; settled after at most {:.1} s (seed {seed})",
            self.failed,
            self.virtual_seconds,
            self.occurrences,
            self.frames,
            self.acknowledged,
            self.revoked,
            self.lapsed,
            self.faults,
            self.starts,
            self.reidentified,
            self.repeated,
            self.horizons,
            settled as f64 / SECOND as f64
        )
    }
}
