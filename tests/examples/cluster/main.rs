//! What replication costs and how fast it is, between real nodes: `cargo run --release -p burgee-tests --example
//! cluster -- [PART…]`, with `BURGEE_BIN` naming the program. Parts: `visibility`, `joining`, `receivers`, `repair`, `idle`,
//! `rotation`; all when none is named. Needs what the tests with networks of their own need. Prints a Markdown table.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a measurement ends where something is amiss, and prints what it found"
)]

mod idle;
mod joining;
mod kept;
mod receivers;
mod repair;
mod rotation;
mod visibility;

use harness::measuring::{self, Part, Row};

const PARTS: [Part; 6] = [
    ("visibility", visibility::measure),
    ("joining", joining::measure),
    ("receivers", receivers::measure),
    ("repair", repair::measure),
    ("idle", idle::measure),
    ("rotation", rotation::measure),
];

fn main() {
    measuring::table(&PARTS);
}
