//! How long writes take to show while the cluster's authority is replaced.

use std::time::{Duration, Instant};

use harness::{
    certificates::{Authority, Files},
    cluster::{CONVERGE_BOUND, meet, place, put, read},
    network::Network,
    node::Spec,
};

use crate::Row;

/// How long each step of the change is watched: certificate files are looked at every 2 s.
const STEP: Duration = Duration::from_secs(5);

pub(crate) fn measure() -> Vec<Row> {
    let (network, old, new) = (Network::with_hosts(2), Authority::new(), Authority::new());
    let files = [(); 2].map(|()| Files::new());
    let [before, after] = [&old, &new].map(|authority| ["a", "b"].map(|name| authority.issue(name)));
    let a = Spec::serve().cluster("a").on(network.host(0), files[0].install(&before[0], &[&old])).start();
    place(&a.client);
    let b = Spec::serve().cluster("b").on(network.host(1), files[1].install(&before[1], &[&old])).join(&a).start();
    meet(&[&a, &b]);
    let (mut number, mut longest) = (0, Duration::ZERO);
    for (believed, certificates) in [(&[&old, &new][..], &before), (&[&old, &new], &after), (&[&new], &after)] {
        files.iter().zip(certificates).for_each(|(files, own)| drop(files.install(own, believed)));
        let start = Instant::now();
        while start.elapsed() < STEP {
            number += 1;
            let value = format!("{number}");
            put(&a.client, "k", &value);
            let acknowledged = Instant::now();
            while read(&b.client, "k").as_ref() != Ok(&value) {
                assert!(acknowledged.elapsed() < CONVERGE_BOUND, "write {number} never showed");
            }
            longest = longest.max(acknowledged.elapsed());
        }
    }
    let what = "both nodes' authority replaced, acknowledged write on A to the first read on B that shows it";
    vec![(what.to_owned(), format!("longest of {number}: {longest:?}"), "no gap: 500 ms")]
}
