//! From the acknowledgement of a toggle on one node to the first evaluation on another that shows it.

use std::{
    thread,
    time::{Duration, Instant},
};

use harness::{
    cluster::{CONVERGE_BOUND, all_see, flag, flag_in, trio},
    node::Node,
    proc::Signal,
};
use serde_json::json;

use crate::{Row, kept::Kept};

const TOGGLES: u32 = 1_000;
/// 50 toggles a second.
const PERIOD: Duration = Duration::from_millis(20);

pub(crate) fn measure() -> Vec<Row> {
    let [a, b, c] = trio();
    flag(&a.client, "f");
    all_see("the flag", CONVERGE_BOUND, &json!(true), &[&b, &c], |client| {
        client.ofrep("demo/development", "f", &json!({})).json()["value"].clone()
    });
    let healthy = toggles(&a, &b);
    c.signal(Signal::Stop);
    let beside_stopped = toggles(&a, &b);
    c.signal(Signal::Continue);
    let row = |what: &str, times: &[Duration]| {
        let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
        let measured = format!("p50 {:?}, p99 {:?}, longest {:?}", at(50), at(99), at(100));
        (
            format!("acknowledged toggle on A to the first evaluation on B that shows it, {what}"),
            measured,
            "p50 1 ms, p99 20 ms",
        )
    };
    vec![row("three nodes", &healthy), row("the third one stopped", &beside_stopped)]
}

/// How long each toggle took to show, in order of length.
fn toggles(a: &Node, b: &Node) -> Vec<Duration> {
    let (mut writer, mut reader) = (Kept::to(a), Kept::to(b));
    let start = Instant::now();
    let mut times: Vec<Duration> = (0..TOGGLES)
        .map(|number| {
            thread::sleep((PERIOD * number).saturating_sub(start.elapsed()));
            let on = number % 2 == 1;
            let body = json!({ "defaultVariant": if on { "on" } else { "off" } }).to_string();
            assert_eq!(writer.ask("PATCH", &flag_in("f"), &body).0, 200);
            let acknowledged = Instant::now();
            let wanted = format!("\"value\":{on}");
            loop {
                let (status, answer) =
                    reader.ask("POST", "/e/demo/development/ofrep/v1/evaluate/flags/f", "{\"context\":{}}");
                assert_eq!(status, 200);
                if String::from_utf8_lossy(answer).replace(' ', "").contains(&wanted) {
                    return acknowledged.elapsed();
                }
                assert!(acknowledged.elapsed() < CONVERGE_BOUND, "toggle {number} never showed");
            }
        })
        .collect();
    times.sort_unstable();
    times
}
