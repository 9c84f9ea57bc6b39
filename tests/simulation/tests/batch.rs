//! A batch of random runs: some from seeds that are always the same, some from new ones.
#![allow(clippy::print_stderr, reason = "seeds are printed")]

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use burgee_simulation::{Plan, run, schedule::SECOND};

/// Runs from seeds that are always the same.
const FIXED: u64 = 100;
/// Runs from new seeds.
const NEW: u64 = 50;

#[test]
fn random_runs_keep_every_invariant() {
    let new = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() * 1_000);
    eprintln!("seeds 1..={FIXED} and {new}..={}", new + NEW - 1);
    let next = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let seed = if number < FIXED { number + 1 } else { new + number - FIXED };
                    if number >= FIXED + NEW {
                        break;
                    }
                    let report = run(Plan::drawn(seed, (2, 5), 60 * SECOND), false);
                    let replay = format!(
                        "cargo run --release -p burgee-simulation -- --runs 1 --seed-start {seed} --minutes 1 \
                         --nodes 2..5 --trace"
                    );
                    assert!(report.violation.is_none(), "seed {seed}: {:?}\nreplay: {replay}", report.violation);
                }
            });
        }
    });
}
