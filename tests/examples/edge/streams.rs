//! A thousand event streams of OFREP, over HTTP/1.1 as browsers' proxies open them, and as many of flagd's by gRPC, hear a
//! toggle.

use std::time::{Duration, Instant};

use harness::{
    TOKEN,
    cluster::{flag, flag_in, place},
    http::Client,
    http2,
    measuring::Row,
    node::{Node, Spec},
    proc::resident_mib,
};
use serde_json::json;
use tokio::{runtime::Runtime, task::JoinSet};

use crate::{BOUND, connection::Connection, quantile};

const STREAMS: usize = 1_000;
const TOGGLES: usize = 10;
/// More than a stream tells here.
const WINDOW_BYTES: u32 = 1 << 20;

/// How a stream is opened, where, what it says at first, and what it says of a toggle.
struct Kind {
    name: &'static str,
    address: String,
    request: Vec<u8>,
    /// What its client sends between two toggles, so that it is not asked whether it is there.
    alive: Vec<u8>,
    first: &'static str,
    toggled: &'static str,
}

pub(crate) fn measure() -> Vec<Row> {
    let node = Spec::serve().grpc().start();
    place(&node.client);
    flag(&node.client, "f");
    let runtime = Runtime::new().unwrap();
    [of_ofrep(&node), of_grpc(&node)].into_iter().map(|kind| measured(&node, &kind, &runtime)).collect()
}

fn of_ofrep(node: &Node) -> Kind {
    let bulk = node.client.post("/e/demo/development/ofrep/v1/evaluate/flags", &json!({})).expect(200).json();
    let path = bulk["eventStreams"][0]["endpoint"]["requestUri"].as_str().unwrap().to_owned();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").into_bytes();
    let told = "refetchEvaluation";
    let (address, alive) = (node.http.clone(), Vec::new());
    Kind { name: "OFREP (SSE)", address, request, alive, first: told, toggled: told }
}

fn of_grpc(node: &Node) -> Kind {
    let path = "/flagd.evaluation.v1.Service/EventStream";
    let call = http2::call(1, path, TOKEN, "flagSetId=demo/development", &[]);
    let (request, address) = ([http2::preface(WINDOW_BYTES), call].concat(), node.grpc.clone().unwrap());
    let (first, toggled) = ("provider_ready", "configuration_change");
    Kind { name: "flagd EventStream (gRPC)", address, request, alive: http2::ping(), first, toggled }
}

fn measured(node: &Node, kind: &Kind, runtime: &Runtime) -> Row {
    let before = resident_mib(node.pid());
    let mut open = runtime.block_on(open(kind));
    let mib = resident_mib(node.pid()).saturating_sub(before);
    let mut times = Vec::new();
    for toggle in 0..TOGGLES {
        let state = if toggle % 2 == 0 { "DISABLED" } else { "ENABLED" };
        let (heard, streams) = runtime.block_on(toggled(node.client.clone(), state, open, kind.toggled));
        times.extend(heard);
        open = streams;
        for connection in &mut open {
            runtime.block_on(connection.send(&kind.alive));
        }
    }
    times.sort_unstable();
    let [half, most, last] = [0.5, 0.99, 1.0].map(|share| quantile(&times, share));
    let what = format!("{STREAMS} streams of {} hear a toggle, from its request on", kind.name);
    (what, format!("p50 {half:.1?}, p99 {most:.1?}, last {last:.1?}; {mib} MiB above before"), "-")
}

async fn open(kind: &Kind) -> Vec<Connection> {
    let mut open = Vec::with_capacity(STREAMS);
    for _ in 0..STREAMS {
        let mut connection = Connection::open(&kind.address).await;
        connection.send(&kind.request).await;
        connection.until(kind.first).await;
        open.push(connection);
    }
    open
}

/// Toggles the flag, and gives how long after that each stream said so.
async fn toggled(
    client: Client,
    state: &'static str,
    open: Vec<Connection>,
    text: &'static str,
) -> (Vec<Duration>, Vec<Connection>) {
    let mut waiting = JoinSet::new();
    for mut connection in open {
        waiting.spawn(async move {
            connection.until(text).await;
            (Instant::now(), connection)
        });
    }
    tokio::task::yield_now().await;
    let began = Instant::now();
    let write = move || client.patch(&flag_in("f"), &json!({ "state": state })).check(200);
    tokio::task::spawn_blocking(write).await.unwrap();
    let heard = tokio::time::timeout(BOUND, waiting.join_all()).await.expect("all hear of it");
    heard.into_iter().map(|(at, connection)| (at.duration_since(began), connection)).unzip()
}
