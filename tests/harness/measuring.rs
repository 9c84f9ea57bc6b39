//! What the benchmarks with real nodes have in common: parts that can be asked for, and a Markdown table.
#![allow(clippy::print_stdout, reason = "a measurement prints what it found")]

/// One line of the table: what was measured, what came out, and what is to be reached.
pub type Row = (String, String, &'static str);

/// A part: its name and how it is measured.
pub type Part = (&'static str, fn() -> Vec<Row>);

/// Measures the parts that the arguments of the program name, all where they name none, and prints a table.
pub fn table(parts: &[Part]) {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("Load average before: {}\n", load.split_whitespace().next().unwrap_or("?"));
    println!("| | measured | to reach |\n|---|---|---|");
    for (name, measure) in parts {
        if wanted.is_empty() || wanted.iter().any(|part| part == name) {
            for (what, measured, bound) in measure() {
                println!("| {what} | {measured} | {bound} |");
            }
        }
    }
}
