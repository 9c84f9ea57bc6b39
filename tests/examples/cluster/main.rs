//! What replication costs and how fast it is, between real nodes: `cargo run --release -p burgee-tests --example
//! cluster -- [PART…]`, with `BURGEE_BIN` naming the program. Parts: `visibility`, `joining`, `repair`, `idle`,
//! `rotation`; all when none is named. Needs what the tests with networks of their own need. Prints a Markdown table.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measurement ends where something is amiss, and prints what it found"
)]

mod idle;
mod joining;
mod kept;
mod repair;
mod rotation;
mod visibility;

/// One line of the table: what was measured, what came out, and what is to be reached.
type Row = (String, String, &'static str);

/// A part: its name and how it is measured.
type Part = (&'static str, fn() -> Vec<Row>);

const PARTS: [Part; 5] = [
    ("visibility", visibility::measure),
    ("joining", joining::measure),
    ("repair", repair::measure),
    ("idle", idle::measure),
    ("rotation", rotation::measure),
];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("Load average before: {}\n", load.split_whitespace().next().unwrap_or("?"));
    println!("| | measured | to reach |\n|---|---|---|");
    for (name, measure) in PARTS {
        if wanted.is_empty() || wanted.iter().any(|part| part == name) {
            for (what, measured, bound) in measure() {
                println!("| {what} | {measured} | {bound} |");
            }
        }
    }
}
