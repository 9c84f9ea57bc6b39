//! The manifests for Kubernetes say what the product knows.

use serde_json::Value as Json;

use crate::tree;

fn text(path: &str) -> &'static str {
    &tree::TEXTS.iter().find(|text| text.path == path).unwrap_or_else(|| panic!("{path}")).text
}

fn objects() -> Vec<Json> {
    serde_saphyr::from_multiple(text("host/deploy/kubernetes.yaml")).unwrap()
}

fn only<'a>(objects: &'a [Json], kind: &str) -> &'a Json {
    let mut found = objects.iter().filter(|object| object["kind"] == kind);
    let one = found.next().unwrap_or_else(|| panic!("no {kind}"));
    assert!(found.next().is_none(), "one {kind}");
    one
}

fn strings(list: &Json) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect()
}

/// The value that the node is given for an option.
fn given<'a>(args: &[&'a str], option: &str) -> &'a str {
    args.iter().find_map(|arg| arg.strip_prefix(option)?.strip_prefix('=')).unwrap_or_else(|| panic!("{option}"))
}

#[test]
fn the_node_is_given_options_that_it_has_and_finds_its_own_pods() {
    let objects = objects();
    let template = &only(&objects, "StatefulSet")["spec"]["template"];
    let container = &template["spec"]["containers"][0];
    let args = strings(&container["args"]);
    let known = [text("host/src/options.rs"), text("host/src/options/discovery.rs")].concat();
    for arg in args.iter().filter_map(|arg| arg.strip_prefix("--")) {
        let field = arg.split('=').next().unwrap().replace('-', "_");
        assert!(known.contains(&format!("pub {field}: ")), "--{arg} is no option");
    }
    let (label, value) = given(&args, "--discovery-kubernetes-labels").split_once('=').unwrap();
    assert_eq!(template["metadata"]["labels"][label], value, "the selector is that of the pods");
    let port = given(&args, "--discovery-kubernetes-port-name");
    let ports = container["ports"].as_array().unwrap();
    let port = ports.iter().find(|own| own["name"] == port).expect("a port of that name");
    assert!(given(&args, "--cluster-listen").ends_with(&format!(":{}", port["containerPort"])), "{port}");
    assert_eq!((&port["protocol"], given(&args, "--discovery")), (&"UDP".into(), "kubernetes"));
}

#[test]
fn the_account_may_do_what_discovery_asks_and_no_more() {
    let objects = objects();
    let (role, binding) = (only(&objects, "Role"), only(&objects, "RoleBinding"));
    let rules = role["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 1);
    assert_eq!((strings(&rules[0]["resources"]), strings(&rules[0]["verbs"])), (vec!["pods"], vec!["list", "watch"]));
    assert_eq!(binding["roleRef"]["name"], role["metadata"]["name"]);
    let account = &only(&objects, "ServiceAccount")["metadata"]["name"];
    assert_eq!(&binding["subjects"][0]["name"], account);
    assert_eq!(&only(&objects, "StatefulSet")["spec"]["template"]["spec"]["serviceAccountName"], account);
}

#[test]
fn nodes_start_together_are_probed_and_drained_one_at_a_time() {
    let objects = objects();
    let set = &only(&objects, "StatefulSet")["spec"];
    assert_eq!((&set["podManagementPolicy"], &set["replicas"]), (&"Parallel".into(), &3.into()));
    let container = &set["template"]["spec"]["containers"][0];
    for (probe, path) in [("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")] {
        assert_eq!(container[probe]["httpGet"]["path"], path, "{probe}");
    }
    let headless = objects.iter().find(|object| object["metadata"]["name"] == set["serviceName"]).unwrap();
    assert_eq!((&headless["kind"], &headless["spec"]["clusterIP"]), (&"Service".into(), &"None".into()));
    assert_eq!(headless["spec"]["publishNotReadyAddresses"], true);
    let budget = &only(&objects, "PodDisruptionBudget")["spec"];
    assert_eq!(budget["maxUnavailable"], 1);
    assert_eq!(budget["selector"], set["selector"]);
}
