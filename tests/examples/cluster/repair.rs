//! Two nodes with a million equal entries are cut off, ten entries change, the cut heals.
//!
//! Bytes are those on the wire at one node, both ways, with all headers; the streams by which this program hears
//! of the repair end at the other node.

use std::{
    thread,
    time::{Duration, Instant},
};

use harness::{
    TOKEN,
    certificates::Authority,
    cluster::{CONVERGE_BOUND, equal, live, meet, place, put, sees},
    disk,
    metrics::metric,
    network::{Host, Network},
    node::{Node, Spec},
    stream::Stream,
};

use crate::Row;

const ENTRIES: usize = 1_000_000;
const CHANGES: usize = 10;
const ROUNDS: usize = 5;
/// For the load on one node's wire while nothing is to be repaired.
const QUIET: Duration = Duration::from_secs(5);

/// What one healed cut took.
struct Healed {
    /// From the heal until the link is up.
    linked: Duration,
    /// From the link until the last change has arrived.
    repaired: Duration,
    /// On the wire from the heal until a second after the last change.
    bytes: u64,
    /// Of those, frames of the protocol that compare and repair.
    frames: u64,
}

pub(crate) fn measure() -> Vec<Row> {
    let (network, authority) = (Network::with_hosts(2), Authority::new());
    let a = Spec::serve().cluster("a").on(network.host(0), authority.issue("a")).start();
    place(&a.client);
    let spec = a.stop();
    disk::fill(spec.data_dir(), ENTRIES, 100);
    let a = spec.start();
    let b = Spec::serve().cluster("b").on(network.host(1), authority.issue("b")).join(&a).launch();
    harness::wait::until_true("ready", Duration::from_secs(120), || b.client.get("/readyz").status == 200);
    meet(&[&a, &b]);
    equal(&[&a, &b], Duration::from_secs(120));
    let quiet = quiet_bytes(network.host(0));
    let mut all: Vec<Healed> = (0..ROUNDS).map(|round| round_of(round, &network, &a, &b)).collect();
    all.sort_by_key(|healed| healed.repaired);
    let (middle, slowest) = (&all[ROUNDS / 2], &all[ROUNDS - 1]);
    let linked = all.iter().map(|healed| healed.linked).max().unwrap_or_default();
    let bytes = |healed: &Healed| healed.bytes / 1_000;
    let name = format!("{CHANGES} of {ENTRIES} differ");
    vec![
        (
            format!("{name}: link up to the last one repaired"),
            format!("median {:?}, longest of {ROUNDS} {:?}", middle.repaired, slowest.repaired),
            "100 ms",
        ),
        (
            format!("{name}: bytes on the wire for all of it, handshake and idle traffic included"),
            format!(
                "median {} kB, most {} kB (idle: {quiet} B/s)",
                bytes(middle),
                all.iter().map(bytes).max().unwrap_or(0)
            ),
            "report",
        ),
        (
            format!("{name}: bytes of the frames that compare and repair, both ways"),
            format!("median {} B, most {} B", middle.frames, all.iter().map(|healed| healed.frames).max().unwrap_or(0)),
            "16 kB",
        ),
        ("healed cut to the link being up, longest".to_owned(), format!("{linked:?}"), "5 s together with repair"),
    ]
}

fn round_of(round: usize, network: &Network, a: &Node, b: &Node) -> Healed {
    let stream = |path: &str| Stream::open(&format!("{}{path}", b.client.base), TOKEN, None);
    let changes = stream("/api/v1/tenants/demo/environments/development/watch?kind=config");
    let news = stream("/api/v1/cluster/events");
    network.cut(0, 1);
    sees("b is away", CONVERGE_BOUND, &vec!["a".to_owned()], || live(&a.client));
    sees("a is away", CONVERGE_BOUND, &vec!["b".to_owned()], || live(&b.client));
    for number in 0..CHANGES {
        // scattered over all of the entries
        let at = (number * 99_991 + round * 7) % ENTRIES;
        put(&a.client, &format!("bulk/{at:09}"), &format!("changed in round {round}"));
    }
    thread::sleep(Duration::from_millis(500));
    // in this order, so that the question itself is not counted
    let frames = repair_bytes(a);
    let before = wire_bytes(network.host(0));
    let start = Instant::now();
    network.heal(0, 1);
    let _ = news.wait_for("joined", CONVERGE_BOUND, |event| event.name == "joined");
    let linked = start.elapsed();
    (0..CHANGES).for_each(|_| drop(changes.wait_for("change", CONVERGE_BOUND, |event| event.name == "change")));
    let repaired = start.elapsed().saturating_sub(linked);
    thread::sleep(Duration::from_secs(1));
    let bytes = wire_bytes(network.host(0)) - before;
    Healed { linked, repaired, bytes, frames: repair_bytes(a) - frames }
}

/// Bytes of all frames but beats that a node has exchanged so far.
fn repair_bytes(node: &Node) -> u64 {
    let bytes = |labels: &[&str]| metric(&node.client, "burgee_frame_bytes_total", labels);
    (bytes(&[]) - bytes(&["kind=\"beat\""])) as u64
}

/// Bytes a second on the wire of a host while nothing happens.
fn quiet_bytes(host: &Host) -> u64 {
    let before = wire_bytes(host);
    thread::sleep(QUIET);
    (wire_bytes(host) - before) / QUIET.as_secs()
}

/// Bytes that a host has sent and received so far, with all headers.
pub(crate) fn wire_bytes(host: &Host) -> u64 {
    let table = host.run("cat /proc/net/dev");
    let line = table.lines().find_map(|line| line.trim().strip_prefix("eth0:")).unwrap();
    let numbers: Vec<u64> = line.split_whitespace().map(|number| number.parse().unwrap()).collect();
    numbers[0] + numbers[8]
}
