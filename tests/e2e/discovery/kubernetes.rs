//! `--discovery kubernetes`, against a server that answers as the API does.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use harness::{
    certificates::Authority,
    cluster::{CONVERGE_BOUND, meet},
    kubernetes::{Api, NAMESPACE, Pod, SERVICE_TOKEN},
    node::Node,
    wait,
};
use tempfile::TempDir;

use super::{Seekers, finds, form_a_cluster, goes_on_without, provider, says_that_it_fails, whoever_is_gone_is_left};

/// A folder as a pod has one for its service account.
fn account() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("token"), SERVICE_TOKEN).unwrap();
    dir
}

fn seekers(api: SocketAddr, account: &Path) -> Seekers {
    Seekers::by("kubernetes")
        .option("--discovery-kubernetes-api", Api::url(api))
        .option("--discovery-kubernetes-token", account.join("token").to_str().unwrap())
        .option("--discovery-kubernetes-namespace", NAMESPACE)
        .option("--discovery-kubernetes-labels", "app=burgee")
}

fn address(node: &Node) -> SocketAddr {
    node.cluster.as_deref().unwrap().strip_prefix("tcp/").unwrap().parse().unwrap()
}

fn name(node: &Node) -> &str {
    node.announcement["node"].as_str().unwrap()
}

/// The pod of a node, ready.
fn pod(node: &Node) -> Pod<'_> {
    Pod::ready(name(node), address(node))
}

#[test]
fn check_47_three_nodes_form_a_cluster_by_pods() {
    let (api, account) = (Api::start(), account());
    let seekers = seekers(api.address, account.path());
    let [a, b] = ["a", "b"].map(|name| seekers.node(name).launch());
    // nobody is ready before they have met
    [&a, &b].into_iter().for_each(|node| api.put(&Pod { ready: false, ..pod(node) }));
    form_a_cluster(&[&a, &b]);
    [&a, &b].into_iter().for_each(|node| api.put(&pod(node)));
    // what is none of theirs: another label, one that has ended, one that is not ready
    api.put(&Pod { app: "other", ..Pod::ready("other-0", "127.0.0.1:9".parse().unwrap()) });
    api.put(&Pod { phase: "Succeeded", ..Pod::ready("old", "127.0.0.1:9".parse().unwrap()) });
    let c = seekers.node("c").launch();
    api.put(&Pod { ready: false, ..pod(&c) });
    finds(&a, &[&a, &b]);
    // it finds the ready ones itself
    c.wait_ready();
    meet(&[&a, &b, &c]);
    finds(&c, &[&a, &b]);
    api.put(&pod(&c));
    [&a, &b, &c].into_iter().for_each(|node| finds(node, &[&a, &b, &c]));
    let (lists, watches, refused) = api.asked();
    assert_eq!(refused, 0, "the token is shown, and no other namespace is asked");
    assert_eq!(lists, 3, "each lists once, then watches ({watches} watches)");
}

#[test]
fn check_48_nodes_start_while_the_api_is_away_and_find_each_other_once_it_is_back() {
    let (place, account) = (Api::start().address, account());
    let seekers = seekers(place, account.path());
    let nodes = ["a", "b", "c"].map(|name| seekers.node(name).launch());
    let [a, b, c] = &nodes;
    for node in &nodes {
        let text = says_that_it_fails(node, "kubernetes");
        assert!(text.contains(&place.to_string()), "{text}");
    }
    let api = Api::start_at(place);
    nodes.iter().for_each(|node| api.put(&pod(node)));
    form_a_cluster(&[a, b, c]);
    drop(api);
    goes_on_without(&[a, b, c]);
}

#[test]
fn whoever_has_no_pod_any_more_is_left() {
    let (api, account) = (Api::start(), account());
    let seekers = seekers(api.address, account.path());
    let nodes = ["a", "b", "c"].map(|name| seekers.node(name).launch());
    nodes.iter().for_each(|node| api.put(&pod(node)));
    form_a_cluster(&nodes.each_ref());
    whoever_is_gone_is_left(nodes, || api.delete("c"), |c| api.put(&pod(c)));
}

#[test]
fn watches_that_end_and_versions_that_are_forgotten_lose_nobody() {
    let (api, account) = (Api::start(), account());
    let seekers = seekers(api.address, account.path());
    let nodes = ["a", "b"].map(|name| seekers.node(name).launch());
    let [a, b] = &nodes;
    nodes.iter().for_each(|node| api.put(&pod(node)));
    form_a_cluster(&[a, b]);
    let ((lists, watches, _), failures) = (api.asked(), provider(a)["failures"].clone());
    api.end_watches();
    wait::until_true("they watch on", CONVERGE_BOUND, || api.asked().1 >= watches + 2);
    assert_eq!(api.asked().0, lists, "from where they were");
    api.forget();
    wait::until_true("they list again", CONVERGE_BOUND, || api.asked().0 >= lists + 2);
    let c = seekers.node("c").launch();
    api.put(&pod(&c));
    [a, b].into_iter().for_each(|node| finds(node, &[a, b, &c]));
    assert_eq!(provider(a)["failures"], failures, "neither is a failure");
}

#[test]
fn the_api_is_asked_over_tls_where_its_authority_is_believed() {
    let (authority, account) = (Authority::new(), account());
    let credentials = authority.issue("127.0.0.1");
    let api = Api::start_over_tls(&credentials);
    let asks = |ca: PathBuf| {
        Seekers::by("kubernetes")
            .option("--discovery-kubernetes-api", format!("https://{}", api.address))
            .option("--discovery-kubernetes-token", account.path().join("token").to_str().unwrap())
            .option("--discovery-kubernetes-ca", ca.to_str().unwrap())
            .option("--discovery-kubernetes-namespace", NAMESPACE)
            .option("--discovery-kubernetes-labels", "app=burgee")
    };
    let seekers = asks(credentials.ca);
    let nodes = ["a", "b"].map(|name| seekers.node(name).launch());
    nodes.iter().for_each(|node| api.put(&pod(node)));
    form_a_cluster(&nodes.each_ref());
    let other = Authority::new();
    let stranger = asks(other.certificate()).node("c").launch();
    let text = says_that_it_fails(&stranger, "kubernetes");
    assert!(text.starts_with("not reached: ") && text.contains("certificate"), "{text}");
}

#[test]
fn a_token_that_is_refused_is_told() {
    let (api, account) = (Api::start(), account());
    std::fs::write(account.path().join("token"), "another").unwrap();
    let node = seekers(api.address, account.path()).node("a").launch();
    let text = says_that_it_fails(&node, "kubernetes");
    assert!(text.starts_with("refused: 401"), "{text}");
    assert!(!text.contains("another"), "{text}");
}
