//! An empty node joins one that holds a million entries.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use harness::{
    cluster::place,
    disk,
    metrics::metric,
    node::Spec,
    proc::{processor_time, resident_mib},
    wait,
};

use crate::Row;

pub(crate) const ENTRIES: usize = 1_000_000;
const VALUE_BYTES: usize = 100;
pub(crate) const BOUND: Duration = Duration::from_secs(300);

/// A node that will hold a million entries.
pub(crate) fn filled() -> Spec {
    let a = Spec::serve().cluster("a").start();
    place(&a.client);
    let spec = a.stop();
    disk::fill(spec.data_dir(), ENTRIES, VALUE_BYTES);
    spec
}

pub(crate) fn measure() -> Vec<Row> {
    let spec = filled();
    let start = Instant::now();
    let a = spec.start();
    let loaded = start.elapsed();
    let idle = processor_time(a.pid());
    let (start, b) = (Instant::now(), Spec::serve().cluster("b").join(&a).launch());
    let mut peak = 0;
    let ready = wait::until_true("ready", BOUND, || {
        peak = peak.max(resident_mib(b.pid()));
        b.client.get("/readyz").status == 200
    });
    let (ready, memory) = (ready.max(start.elapsed()), resident_mib(b.pid()));
    let (joiner, giver) = (processor_time(b.pid()), processor_time(a.pid()) - idle);
    let held = metric(&b.client, "burgee_config_entries", &[]);
    assert!(held >= ENTRIES as f64, "ready with {held} entries");
    wait::until_true("durable", BOUND, || metric(&b.client, "burgee_store_backlog_bytes", &[]) == 0.0);
    let durable = start.elapsed();
    let what = |what: &str| format!("{what}, {ENTRIES} entries of {VALUE_BYTES} bytes");
    vec![
        (
            what("empty joiner, start to ready"),
            format!("{ready:?}; processor time of the joiner {joiner:?}, of the giver {giver:?}"),
            "3 s",
        ),
        (what("its resident memory when ready"), format!("{memory} MiB (most until then {peak} MiB)"), "350 MB"),
        (what("start to durable"), format!("{durable:?}, {} MiB on disk", mib(b.spec().data_dir())), "report"),
        (
            what("restart with its disk to ready"),
            format!("{loaded:?}, {} MiB resident", resident_mib(a.pid())),
            "report",
        ),
    ]
}

fn mib(dir: &Path) -> u64 {
    let bytes: u64 =
        fs::read_dir(dir).unwrap().flatten().filter_map(|file| file.metadata().ok()).map(|m| m.len()).sum();
    bytes >> 20
}
