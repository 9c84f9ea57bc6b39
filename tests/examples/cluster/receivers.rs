//! Two receivers take in at once all that a third node holds.

use std::time::{Duration, Instant};

use harness::{
    cluster::place,
    disk,
    metrics::metric,
    node::{Node, Spec},
    wait,
};

use crate::Row;

const ENTRIES: usize = 1_000_000;
const VALUE_BYTES: usize = 100;
const BOUND: Duration = Duration::from_secs(300);

pub(crate) fn measure() -> Vec<Row> {
    let a = Spec::serve().cluster("a").start();
    place(&a.client);
    let spec = a.stop();
    disk::fill(spec.data_dir(), ENTRIES, VALUE_BYTES);
    let a = spec.start();
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
    let of_each = |rate: f64| format!("{rate:.0}/s");
    vec![
        ("versions applied in memory by each of two receivers, their starts included", of_each(applied), "50,000/s"),
        ("the same, durable", of_each(durable), "report"),
    ]
    .into_iter()
    .map(|(what, measured, aim)| (what.to_owned(), measured, aim))
    .collect()
}
