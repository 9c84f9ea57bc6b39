//! Two receivers take in at once all that a third node holds.

use std::time::Instant;

use harness::{
    metrics::metric,
    node::{Node, Spec},
    wait,
};

use crate::{
    Row,
    joining::{BOUND, ENTRIES, filled},
};

pub(crate) fn measure() -> Vec<Row> {
    let a = filled().start();
    let start = Instant::now();
    let receivers = ["b", "c"].map(|name| Spec::serve().cluster(name).join(&a).launch());
    let all = |what: &str, is_so: fn(&Node) -> bool| {
        wait::until_true(what, BOUND, || receivers.iter().all(is_so));
        ENTRIES as f64 / start.elapsed().as_secs_f64()
    };
    let applied = all("ready", |node| node.client.get("/readyz").status == 200);
    let durable = all("durable", |node| metric(&node.client, "burgee_store_backlog_bytes", &[]) == 0.0);
    for node in &receivers {
        let held = metric(&node.client, "burgee_config_entries", &[]);
        assert!(held >= ENTRIES as f64, "{held} entries");
    }
    let row = |what: &str, rate: f64, aim| (what.to_owned(), format!("{rate:.0}/s"), aim);
    vec![
        row("versions applied in memory by each of two receivers, their starts included", applied, "50,000/s"),
        row("the same, durable", durable, "report"),
    ]
}
