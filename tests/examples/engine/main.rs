//! What compiled rules cost a real node: `cargo run --release --workspace --example engine -- [PART…]`, with
//! `BURGEE_BIN` naming the program. Parts: `start`, `tenants`, `guests`; all when none is named. Prints a Markdown
//! table.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement ends where something is amiss"
)]

mod guests;
mod start;
mod tenants;

use std::time::Duration;

use harness::{
    measuring::{self, Part, Row},
    metrics::metric,
    node::Node,
    wait,
};
use serde_json::{Value as Json, json};

const PARTS: [Part; 3] = [("start", start::measure), ("tenants", tenants::measure), ("guests", guests::measure)];

/// How long anything may take before the measurement ends.
const BOUND: Duration = Duration::from_secs(300);

/// Flags whose rules have five conditions each on constants of their own.
fn document(flags: usize, salt: usize) -> Json {
    let one = |n: usize| {
        let (n, country) = (n + salt, ["de", "fr", "it", "es", "pl"][n % 5]);
        let rule = json!({"if": [
            {"or": [{"==": [{"var": "plan"}, format!("plan-{n}")]},
                    {"in": [{"var": "country"}, [format!("c{n}"), format!("d{n}"), country]]},
                    {"and": [{">": [{"var": "age"}, 20 + n % 50]}, {"===": [{"var": "beta"}, true]},
                             {"!=": [{"var": "device"}, format!("device-{n}")]}]}]},
            {"fractional": [["on", 10 + n % 80], ["off", 90 - n % 80]]}, "off"]});
        let variants = json!({"on": true, "off": false});
        let flag = json!({"state": "ENABLED", "variants": variants, "defaultVariant": "off", "targeting": rule});
        (format!("flag-{n:05}"), flag)
    };
    json!({"flags": (0..flags).map(one).collect::<serde_json::Map<_, _>>()})
}

/// Waits until no rule waits for the compiler.
fn compiled(node: &Node, at_least: f64) {
    wait::until_true("compiled", BOUND, || {
        let text = |name| metric(&node.client, name, &[]);
        text("burgee_compilations_total") >= at_least && text("burgee_compile_queue") == 0.0
    });
}

fn main() {
    measuring::table(&PARTS);
}
