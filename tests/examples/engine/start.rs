//! A node starts with an environment of ten thousand flags.

use std::{fs, time::Instant};

use harness::{
    metrics::metric,
    node::{Node, Spec},
    proc::{processor_time, resident_mib},
};

use crate::{Row, compiled, document};

const FLAGS: usize = 10_000;

pub(crate) fn measure() -> Vec<Row> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("flags.json");
    fs::write(&file, document(FLAGS, 0).to_string()).unwrap();
    let spec = Spec::serve().import("demo/development", &file);
    let (first, node) = started("first start, with the import", &spec);
    let again = node.stop();
    let (second, node) = started("start with what the first one compiled", &again);
    let hits = metric(&node.client, "burgee_code_cache_total", &[r#"result="hit""#]);
    let misses = metric(&node.client, "burgee_code_cache_total", &[r#"result="miss""#]);
    assert!(hits > 0.0 && misses == 0.0, "{hits} hits, {misses} misses");
    let (third, _node) = started("start without a code cache", &node.stop().option("--code-cache-bytes", "0"));
    vec![first, second, third]
}

fn started(what: &str, spec: &Spec) -> (Row, Node) {
    let start = Instant::now();
    let node = spec.start();
    let ready = start.elapsed();
    compiled(&node, 1.0);
    let measured = format!(
        "ready {ready:.2?}, all compiled {:.2?}; {:.2?} of processor time, {} MiB",
        start.elapsed(),
        processor_time(node.pid()),
        resident_mib(node.pid())
    );
    ((format!("{FLAGS} flags: {what}"), measured, "1.5 s to ready and compiled"), node)
}
