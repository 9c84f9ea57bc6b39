//! What many clients cost a real node, and each other: `cargo run --release --workspace --example edge -- [PART…]`, with
//! `BURGEE_BIN` naming the program. Parts: `streams`, `flood`; all when none is named. Prints a Markdown table.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement ends where something is amiss"
)]

mod connection;
mod flood;
mod streams;

use std::time::Duration;

use harness::measuring::{self, Part};

const PARTS: [Part; 2] = [("streams", streams::measure), ("flood", flood::measure)];

/// How long anything may take before the measurement ends.
const BOUND: Duration = Duration::from_secs(60);

/// The value below which a share of sorted ones lies.
fn quantile(sorted: &[Duration], share: f64) -> Duration {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "an index")]
    let at = (sorted.len() as f64 * share) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}

fn main() {
    measuring::table(&PARTS);
}
