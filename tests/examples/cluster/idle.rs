//! What three nodes with nothing to say send each other.

use std::{thread, time::Duration};

use harness::cluster::{Apart, CONVERGE_BOUND, equal, put};

use crate::{Row, repair::wire_bytes};

const PERIOD: Duration = Duration::from_secs(20);
const PEERS: f64 = 2.0;

pub(crate) fn measure() -> Vec<Row> {
    let apart = Apart::with_nodes(3);
    (0..100).for_each(|number| put(&apart.nodes[0].client, &format!("k/{number}"), "x"));
    equal(&apart.nodes.iter().collect::<Vec<_>>(), CONVERGE_BOUND);
    thread::sleep(Duration::from_secs(2));
    let host = apart.network.host(0);
    let before = wire_bytes(host);
    thread::sleep(PERIOD);
    let a_second = (wire_bytes(host) - before) as f64 / PERIOD.as_secs_f64() / PEERS;
    let measured = format!("{a_second:.0} B/s a peer, both ways, all headers and keep-alives included");
    vec![("idle, three nodes".to_owned(), measured, "1 kB a round a peer; a round is 1 to 2 s")]
}
