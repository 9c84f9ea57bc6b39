//! A batch of random runs, from seeds that are always the same. New seeds are for the command, which runs as
//! many as it is told: about one in a hundred still finds the relaying of hints multiply (see seed 2007).
#![allow(clippy::print_stderr, reason = "seeds are printed")]

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use burgee_simulation::{Plan, run, schedule::SECOND};

/// Runs, from seed 1 on.
const RUNS: u64 = 100;

#[test]
fn random_runs_keep_every_invariant() {
    eprintln!("seeds 1..={RUNS}");
    let next = AtomicU64::new(1);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > RUNS {
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
