//! `--discovery dns`, against a name server of the test's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use harness::{
    cluster::meet,
    loopback,
    name_server::{Entry, NameServer},
    node::Node,
};

use super::{Seekers, finds, form_a_cluster, goes_on_without, says_that_it_fails, whoever_is_gone_is_left};

const NAME: &str = "nodes.burgee.test";
const SERVICE: &str = "_cluster._udp.burgee.test";

fn seekers(server: SocketAddr, name: &str) -> Seekers {
    Seekers::by("dns").option("--discovery-dns-name", name).option("--discovery-dns-server", server.to_string())
}

/// Nodes that listen on one port, each of an address of its own.
fn at_addresses<const N: usize>(seekers: &Seekers, names: [&str; N]) -> [Node; N] {
    names.map(|name| seekers.node(name).reached_at(&format!("tcp/{}:7447", loopback::address())).launch())
}

fn address(node: &Node) -> SocketAddr {
    node.cluster.as_deref().unwrap().strip_prefix("tcp/").unwrap().parse().unwrap()
}

fn addresses(server: &NameServer, nodes: &[&Node]) {
    let entries: Vec<Entry> = nodes.iter().map(|node| Entry::Address(address(node).ip())).collect();
    server.set(NAME, &entries);
}

/// Each node is a service on a host of its own, which has addresses of both families: only one of them leads there.
fn services(server: &NameServer, nodes: &[&Node]) {
    let hosts: Vec<(String, u16)> = nodes
        .iter()
        .map(|node| (format!("{}.burgee.test", node.announcement["node"].as_str().unwrap()), address(node).port()))
        .collect();
    for ((host, _), node) in hosts.iter().zip(nodes) {
        let wrong = match address(node).ip() {
            IpAddr::V4(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
            IpAddr::V6(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        };
        server.set(host, &[Entry::Address(address(node).ip()), Entry::Address(wrong)]);
    }
    let entries: Vec<Entry> = hosts.iter().map(|(host, port)| Entry::Service(host, *port)).collect();
    server.set(SERVICE, &entries);
}

#[test]
fn check_47_three_nodes_form_a_cluster_by_addresses_of_a_name() {
    let server = NameServer::start();
    let seekers = seekers(server.address, NAME);
    let [a, b] = at_addresses(&seekers, ["a", "b"]);
    addresses(&server, &[&a, &b]);
    form_a_cluster(&[&a, &b]);
    let [c] = at_addresses(&seekers, ["c"]);
    addresses(&server, &[&a, &b, &c]);
    c.wait_ready();
    meet(&[&a, &b, &c]);
    finds(&a, &[&a, &b, &c]);
}

#[test]
fn check_47_three_nodes_form_a_cluster_by_services_over_ipv6() {
    let server = NameServer::start();
    let seekers = seekers(server.address, SERVICE).option("--discovery-dns-family", "ipv6");
    let nodes = ["a", "b", "c"].map(|name| seekers.node(name).reached_at("tcp/[::1]:0").launch());
    let [a, b, c] = &nodes;
    services(&server, &[a, b, c]);
    form_a_cluster(&[a, b, c]);
    finds(a, &[a, b, c]);
}

#[test]
fn check_47_three_nodes_form_a_cluster_by_services_over_ipv4() {
    let server = NameServer::start();
    let seekers = seekers(server.address, SERVICE);
    let nodes = ["a", "b", "c"].map(|name| seekers.node(name).launch());
    let [a, b, c] = &nodes;
    services(&server, &[a, b, c]);
    form_a_cluster(&[a, b, c]);
    finds(a, &[a, b, c]);
}

#[test]
fn check_48_nodes_start_while_the_name_server_is_away_and_find_each_other_once_it_is_back() {
    let place = NameServer::start().address;
    let seekers = seekers(place, NAME).option("--discovery-dns-timeout", "200ms");
    let nodes = at_addresses(&seekers, ["a", "b", "c"]);
    let [a, b, c] = &nodes;
    for node in &nodes {
        let text = says_that_it_fails(node, "dns");
        assert!(text.contains(NAME), "{text}");
    }
    let server = NameServer::start_at(place);
    addresses(&server, &[a, b, c]);
    form_a_cluster(&[a, b, c]);
    drop(server);
    goes_on_without(&[a, b, c]);
}

#[test]
fn whoever_a_name_leads_to_no_longer_is_left() {
    let server = NameServer::start();
    let seekers = seekers(server.address, NAME);
    let [a, b, c] = at_addresses(&seekers, ["a", "b", "c"]);
    addresses(&server, &[&a, &b, &c]);
    form_a_cluster(&[&a, &b, &c]);
    let all = [&a, &b, &c].map(|node| Entry::Address(address(node).ip()));
    let away = || server.set(NAME, &all[..2]);
    whoever_is_gone_is_left([a, b, c], away, |_| server.set(NAME, &all));
}

#[test]
fn a_zone_that_is_emptied_takes_nobody_away() {
    let server = NameServer::start();
    let seekers = seekers(server.address, NAME);
    let nodes = at_addresses(&seekers, ["a", "b"]);
    let [a, b] = &nodes;
    addresses(&server, &[a, b]);
    form_a_cluster(&[a, b]);
    server.set(NAME, &[]);
    goes_on_without(&[a, b]);
    let text = super::provider(a)["failing"].as_str().unwrap().to_owned();
    assert!(text.starts_with("nobody is found: ") && text.contains(NAME), "{text}");
}
