//! Nodes that replicate to each other.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::{
    certificates::Authority,
    http::Client,
    network::Network,
    node::{Node, Spec},
    wait,
};

/// Replication is allowed this long by the tests that state no bound of their own.
pub const CONVERGE_BOUND: Duration = Duration::from_secs(20);

/// The bound that the product promises for a change to show on another node.
pub const VISIBLE_BOUND: Duration = Duration::from_secs(1);
/// By how much two nodes' views of cluster time may differ: a correction's grain, and half a round trip on a busy
/// machine.
pub const CLOCK_ERROR: Duration = Duration::from_millis(50);

/// Nodes that were apart are equal again within this: the product's promise.
pub const HEAL_BOUND: Duration = Duration::from_secs(5);

/// The config entries of `development`.
pub const CONFIG: &str = "/api/v1/tenants/demo/environments/development/config";

/// Nodes on hosts of their own, which can be cut off from each other.
#[derive(Debug)]
pub struct Apart {
    /// `a`, `b`, …
    pub nodes: Vec<Node>,
    /// The host of node `n` is host `n`.
    pub network: Network,
    /// Who certified them.
    pub authority: Authority,
}

impl Apart {
    /// Ready nodes that all see each other, with tenant `demo` and environment `development`.
    #[must_use]
    pub fn with_nodes(count: u8) -> Self {
        Self::with_spec(count, |spec| spec)
    }

    /// The same, each started as the function says.
    #[must_use]
    pub fn with_spec(count: u8, more: impl Fn(Spec) -> Spec) -> Self {
        let (network, authority) = (Network::with_hosts(count), Authority::new());
        let mut nodes: Vec<Node> = Vec::new();
        for (at, name) in (0..count).zip('a'..) {
            let name = name.to_string();
            let credentials = authority.issue(&name);
            let spec = more(Spec::serve().cluster(&name).on(network.host(at.into()), credentials));
            let spec = nodes.first().map_or_else(|| spec.clone(), |seed| spec.clone().join(seed));
            nodes.push(spec.start());
            if at == 0 {
                place(&nodes[0].client);
            }
        }
        meet(&nodes.iter().collect::<Vec<_>>());
        Self { nodes, network, authority }
    }
}

/// Three ready nodes that all see each other, `b` and `c` joined to `a`, with tenant `demo` and environment
/// `development`.
#[must_use]
pub fn trio() -> [Node; 3] {
    trio_with(|spec| spec)
}

/// The same, each started as the function says.
#[must_use]
pub fn trio_with(more: impl Fn(Spec) -> Spec) -> [Node; 3] {
    let a = more(Spec::serve().cluster("a")).start();
    place(&a.client);
    let [b, c] = ["b", "c"].map(|name| more(Spec::serve().cluster(name).join(&a)).start());
    meet(&[&a, &b, &c]);
    [a, b, c]
}

/// Two ready nodes, `b` joined to `a`, with tenant `demo` and environment `development`.
#[must_use]
pub fn pair() -> (Node, Node) {
    let a = Spec::serve().cluster("a").start();
    place(&a.client);
    let b = Spec::serve().cluster("b").join(&a).start();
    (a, b)
}

/// Creates tenant `demo` with environment `development`.
pub fn place(client: &Client) {
    client.post("/api/v1/tenants", &json!({ "key": "demo" })).check(201);
    client.post("/api/v1/tenants/demo/environments", &json!({ "key": "development" })).check(201);
}

/// Creates a boolean flag that is on in `development`.
pub fn flag(client: &Client, key: &str) {
    let body = json!({ "key": key, "variants": { "on": true, "off": false } });
    client.post("/api/v1/tenants/demo/flags", &body).check(201);
    client.patch(&flag_in(key), &json!({ "state": "ENABLED", "defaultVariant": "on" })).check(200);
}

/// The path of a flag in `development`.
#[must_use]
pub fn flag_in(key: &str) -> String {
    format!("/api/v1/tenants/demo/flags/{}/environments/development", crate::http::encode(key))
}

/// The path of a config entry in `development`.
#[must_use]
pub fn entry(key: &str) -> String {
    format!("/api/v1/tenants/demo/environments/development/config/{key}")
}

/// Waits until a question about a node has this answer; gives the time that it took.
pub fn sees<T: PartialEq + std::fmt::Debug>(
    what: &str,
    bound: Duration,
    wanted: &T,
    mut ask: impl FnMut() -> T,
) -> Duration {
    let mut last = None;
    let start = std::time::Instant::now();
    loop {
        let answer = ask();
        if answer == *wanted {
            return start.elapsed();
        }
        last = Some(answer).or(last);
        assert!(start.elapsed() < bound, "{what}: still {last:?} instead of {wanted:?} after {bound:?}");
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// The text of a config entry, or the status where it is not 200.
pub fn read(client: &Client, key: &str) -> Result<String, u16> {
    let answer = client.get(&entry(key));
    if answer.status == 200 { Ok(answer.text()) } else { Err(answer.status) }
}

/// Waits until both nodes give the same, non-error answer for a path.
pub fn converge(a: &Node, b: &Node, path: &str) -> String {
    let (same, _) = wait::until(&format!("{path} converges"), CONVERGE_BOUND, || {
        let (left, right) = (a.client.get(path), b.client.get(path));
        (left.status == 200 && right.status == 200 && left.body == right.body).then(|| left.text())
    });
    same
}

/// What a node tells of its cluster.
#[must_use]
pub fn cluster(client: &Client) -> Json {
    client.get("/api/v1/cluster").expect(200).json()
}

/// What a node tells of the nodes that bear a name: usually one.
#[must_use]
pub fn views(client: &Client, name: &str) -> Vec<Json> {
    let cluster = cluster(client);
    let nodes = cluster["nodes"].as_array().unwrap();
    nodes.iter().filter(|node| node["name"] == name && node["state"] != "forgotten").cloned().collect()
}

/// The id of a node, as it tells itself.
#[must_use]
pub fn id_of(node: &Node) -> String {
    let name = cluster(&node.client)["self"].as_str().unwrap().to_owned();
    let live = views(&node.client, &name).into_iter().find(|view| view["state"] == "live");
    live.expect("a node sees itself")["id"].as_str().unwrap().to_owned()
}

/// The names of the nodes that a node sees live, itself included, in order.
#[must_use]
pub fn live(client: &Client) -> Vec<String> {
    let cluster = cluster(client);
    let nodes = cluster["nodes"].as_array().unwrap().iter();
    let live = nodes.filter(|node| node["state"] == "live").map(|node| node["name"].as_str().unwrap().to_owned());
    let mut names: Vec<String> = live.collect();
    names.sort_unstable();
    names
}

/// Waits until each of these nodes sees all of them live, and nobody else.
pub fn meet(nodes: &[&Node]) {
    let mut names: Vec<String> =
        nodes.iter().map(|node| node.announcement["node"].as_str().unwrap().to_owned()).collect();
    names.sort_unstable();
    for node in nodes {
        sees("all of them", CONVERGE_BOUND, &names, || live(&node.client));
    }
}

/// The digest of a node's replica, as the node tells itself.
#[must_use]
pub fn root(node: &Node) -> Option<String> {
    let name = cluster(&node.client)["self"].as_str()?.to_owned();
    let live = views(&node.client, &name).into_iter().find(|view| view["state"] == "live")?;
    live["root"].as_str().map(str::to_owned)
}

/// Waits until the replicas of these nodes are equal, and stay so for a moment; gives the time until they were.
pub fn equal(nodes: &[&Node], bound: Duration) -> Duration {
    let first =
        || root(nodes[0]).is_some_and(|root_of_first| nodes.iter().all(|n| root(n) == Some(root_of_first.clone())));
    let took = wait::until_true("equal replicas", bound, first);
    // what a node tells of itself may be a tenth of a second old
    std::thread::sleep(Duration::from_millis(250));
    took + wait::until_true("equal replicas", bound, first)
}

/// Waits until each node gives this answer; gives the time until the last did.
pub fn all_see<T: PartialEq + std::fmt::Debug>(
    what: &str,
    bound: Duration,
    wanted: &T,
    nodes: &[&Node],
    ask: impl Fn(&Client) -> T,
) -> Duration {
    let start = std::time::Instant::now();
    for node in nodes {
        let what = format!("{what} on {}", node.announcement["node"]);
        sees(&what, bound.saturating_sub(start.elapsed()), wanted, || ask(&node.client));
    }
    start.elapsed()
}

/// Holds for a while: each node gives this answer whenever it is asked.
pub fn stays<T: PartialEq + std::fmt::Debug>(
    what: &str,
    period: Duration,
    wanted: &T,
    nodes: &[&Node],
    ask: impl Fn(&Client) -> T,
) {
    let start = std::time::Instant::now();
    while start.elapsed() < period {
        for node in nodes {
            assert_eq!(
                ask(&node.client),
                *wanted,
                "{what} on {} after {:?}",
                node.announcement["node"],
                start.elapsed()
            );
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Writes a config entry, new or not.
pub fn put(client: &Client, key: &str, value: &str) {
    let answer = client.put(&entry(key), value);
    assert!(matches!(answer.status, 200 | 201), "{key}: {} {}", answer.status, answer.text());
}

/// The keys of the config entries, in the order of the list, from one page of at most a thousand.
#[must_use]
pub fn keys(client: &Client, prefix: &str) -> Vec<String> {
    let path = format!("{CONFIG}?limit=1000&prefix={}", crate::http::encode(prefix));
    let list = client.get(&path).expect(200).json();
    list["items"].as_array().unwrap().iter().map(|item| item["key"].as_str().unwrap().to_owned()).collect()
}
