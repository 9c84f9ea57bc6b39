//! A batch of random runs: some from seeds that are always the same, the others from new ones.
#![allow(clippy::print_stderr, reason = "seeds are printed")]

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use burgee_simulation::{Plan, run, schedule::SECOND};

/// Runs from seed 1 on.
const FIXED: u64 = 100;

/// Runs from a seed that is another one each time.
const NEW: u64 = 300;

#[test]
fn random_runs_keep_every_invariant() {
    let new = RandomState::new().hash_one(0) >> 16;
    eprintln!("seeds 1..={FIXED} and {new}..{}", new + NEW);
    let seeds: Vec<u64> = (1..=FIXED).chain(new..new + NEW).collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    check(*seed);
                }
            });
        }
    });
}

fn check(seed: u64) {
    let report = run(Plan::drawn(seed, (2, 5), 60 * SECOND), false);
    let replay = format!(
        "cargo run --release -p burgee-simulation -- --runs 1 --seed-start {seed} --minutes 1 --nodes 2..5 --trace"
    );
    assert!(report.violation.is_none(), "seed {seed}: {:?}\nreplay: {replay}", report.violation);
}
