//! `--discovery nats`, against Debian's server.

use std::net::SocketAddr;

use harness::{cluster::meet, nats_server::NatsServer, wait};

use super::{Seekers, endpoints, finds, form_a_cluster, goes_on_without, says_that_it_fails, whoever_is_gone_is_left};
use harness::cluster::CONVERGE_BOUND;

fn seekers(server: SocketAddr) -> Seekers {
    over(Seekers::by("nats"), server)
}

fn over(seekers: Seekers, server: SocketAddr) -> Seekers {
    seekers
        .option("--discovery-nats-url", NatsServer::url(server))
        .option("--discovery-nats-subject", "flags.nodes")
        .option("--discovery-nats-attempts", "2")
        .option("--discovery-nats-reconnect-wait", "100ms")
}

#[test]
fn check_47_three_nodes_form_a_cluster_over_a_subject_of_nats() {
    let server = NatsServer::start_at(NatsServer::place(), &[]);
    let seekers = seekers(server.address);
    let [a, b] = ["a", "b"].map(|name| seekers.node(name).launch());
    form_a_cluster(&[&a, &b]);
    // of another cluster, on the same subject
    let stranger = Seekers { cluster: "another".to_owned(), ..self::seekers(server.address) }.node("x").launch();
    let c = seekers.node("c").start();
    meet(&[&a, &b, &c]);
    [&a, &b, &c].into_iter().for_each(|node| finds(node, &[&a, &b, &c]));
    finds(&stranger, &[&stranger]);
    // whoever stops says so
    let _ = c.stop();
    finds(&a, &[&a, &b]);
}

#[test]
fn check_48_nodes_start_while_nats_is_away_and_find_each_other_once_it_is_back() {
    let place = NatsServer::place();
    let seekers = seekers(place);
    let nodes = ["a", "b", "c"].map(|name| seekers.node(name).launch());
    let [a, b, c] = &nodes;
    for node in &nodes {
        let text = says_that_it_fails(node, "nats");
        assert!(text.starts_with(&format!("not reached: {place}")), "{text}");
    }
    let server = NatsServer::start_at(place, &[]);
    form_a_cluster(&[a, b, c]);
    server.kill();
    goes_on_without(&[a, b, c]);
    let _server = NatsServer::start_at(place, &[]);
    let d = seekers.node("d").start();
    meet(&[a, b, c, &d]);
    finds(a, &[a, b, c, &d]);
}

#[test]
fn whoever_nats_hears_no_longer_is_left() {
    let server = NatsServer::start_at(NatsServer::place(), &[]);
    // time enough to be dialled before it counts as gone
    let seekers = over(Seekers::every("2s", "nats"), server.address);
    let nodes = ["a", "b", "c"].map(|name| seekers.node(name).launch());
    form_a_cluster(&nodes.each_ref());
    whoever_is_gone_is_left(nodes, || {}, |_| {});
}

#[test]
fn nats_is_shown_the_password_of_the_url_and_nobody_else() {
    let place = NatsServer::place();
    let server = NatsServer::start_at(place, &["--user", "burgee", "--pass", "secret-of-nats"]);
    let with = |url: String| Seekers::by("nats").option("--discovery-nats-url", url);
    let seekers = with(format!("nats://burgee:secret-of-nats@{}", server.address));
    let nodes = ["a", "b"].map(|name| seekers.node(name).launch());
    form_a_cluster(&nodes.each_ref());
    let stranger = with(format!("nats://burgee:wrong-secret@{}", server.address))
        .option("--discovery-nats-attempts", "1")
        .node("c")
        .launch();
    let text = says_that_it_fails(&stranger, "nats");
    assert!(text.starts_with("refused: "), "{text}");
    for node in nodes.iter().chain([&stranger]) {
        let (out, log) = node.output();
        assert!(!out.iter().chain(&log).any(|line| line.contains("secret")), "{log:?}");
    }
    wait::until_true("it finds nobody", CONVERGE_BOUND, || endpoints(&stranger).is_empty());
}
