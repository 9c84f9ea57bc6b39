//! `--discovery static`: those that are named.

use super::{Seekers, finds, form_a_cluster};
use harness::loopback;

#[test]
fn check_47_three_nodes_form_a_cluster_by_the_hosts_that_they_are_given() {
    let hosts = ["a", "b", "c"].map(|name| (name, format!("{}:7447", loopback::address())));
    let seekers = hosts.iter().fold(Seekers::by("static"), |seekers, (_, host)| seekers.option("--join", host));
    let nodes = hosts.map(|(name, host)| seekers.node(name).reached_at(&format!("tcp/{host}")).launch());
    let [a, b, c] = &nodes;
    form_a_cluster(&[a, b, c]);
    nodes.iter().for_each(|node| finds(node, &[a, b, c]));
}
