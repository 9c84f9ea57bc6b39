//! Which pods are nodes to dial.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use k8s_openapi::api::core::v1::{Pod, PodStatus};

use crate::config::Scheme;

/// The pods that were told of.
#[derive(Debug)]
pub(super) struct Pods {
    scheme: Scheme,
    port_name: String,
    most: usize,
    /// Those that run, by name.
    running: BTreeMap<String, Running>,
}

/// A pod that runs and is not about to end.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Running {
    endpoint: String,
    ready: bool,
}

impl Pods {
    /// Remembers so many.
    pub(super) fn new(scheme: Scheme, port_name: &str, most: usize) -> Self {
        Self { scheme, port_name: port_name.to_owned(), most, running: BTreeMap::new() }
    }

    /// These are all.
    pub(super) fn listed(&mut self, pods: &[Pod]) {
        self.running.clear();
        pods.iter().for_each(|pod| self.seen(pod));
    }

    /// A pod is so now.
    pub(super) fn seen(&mut self, pod: &Pod) {
        let Some(name) = &pod.metadata.name else { return };
        match self.running(pod) {
            Some(running) if self.running.len() < self.most || self.running.contains_key(name) => {
                self.running.insert(name.clone(), running);
            }
            Some(_) => {}
            None => {
                self.running.remove(name);
            }
        }
    }

    /// A pod is no more.
    pub(super) fn deleted(&mut self, pod: &Pod) {
        if let Some(name) = &pod.metadata.name {
            self.running.remove(name);
        }
    }

    /// The ready ones. Where none is, those that run: at the first start of a cluster, and when all its nodes start
    /// again, each waits for another one before it is ready.
    pub(super) fn endpoints(&self) -> BTreeSet<String> {
        let any_ready = self.running.values().any(|pod| pod.ready);
        let counts = |pod: &&Running| pod.ready || !any_ready;
        self.running.values().filter(counts).map(|pod| pod.endpoint.clone()).collect()
    }

    fn running(&self, pod: &Pod) -> Option<Running> {
        let status = pod.status.as_ref()?;
        let runs = status.phase.as_deref() == Some("Running") && pod.metadata.deletion_timestamp.is_none();
        let address: IpAddr = status.pod_ip.as_deref().filter(|_| runs)?.parse().ok()?;
        let endpoint = self.scheme.endpoint(address, self.port(pod)?);
        Some(Running { endpoint, ready: is_ready(status) })
    }

    fn port(&self, pod: &Pod) -> Option<u16> {
        let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
        let mut ports = containers.flat_map(|container| container.ports.iter().flatten());
        let port = ports.find(|port| port.name.as_deref() == Some(self.port_name.as_str()))?;
        u16::try_from(port.container_port).ok().filter(|port| *port != 0)
    }
}

fn is_ready(status: &PodStatus) -> bool {
    let mut conditions = status.conditions.iter().flatten();
    conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str, ip: &str, phase: &str, ready: bool) -> Pod {
        let ready = if ready { "True" } else { "False" };
        serde_json::from_value(json!({
            "metadata": { "name": name },
            "spec": { "containers": [
                { "name": "proxy" },
                { "name": "node", "ports": [
                    { "name": "http", "containerPort": 8080 }, { "name": "cluster", "containerPort": 7447 },
                ] },
            ] },
            "status": { "phase": phase, "podIP": ip, "conditions": [
                { "type": "PodScheduled", "status": "True" }, { "type": "Ready", "status": ready },
            ] },
        }))
        .unwrap()
    }

    fn pods() -> Pods {
        Pods::new(Scheme::Quic, "cluster", 8)
    }

    fn endpoints(pods: &Pods) -> Vec<String> {
        pods.endpoints().into_iter().collect()
    }

    #[test]
    fn ready_pods_are_found_under_the_port_of_that_name() {
        let mut pods = pods();
        pods.listed(&[
            pod("a", "10.0.0.1", "Running", true),
            pod("b", "fd00::2", "Running", true),
            pod("c", "10.0.0.3", "Running", false),
            pod("d", "10.0.0.4", "Succeeded", true),
            pod("e", "", "Running", true),
        ]);
        assert_eq!(endpoints(&pods), ["quic/10.0.0.1:7447", "quic/[fd00::2]:7447"]);
        pods.port_name = "other".into();
        pods.listed(&[pod("a", "10.0.0.1", "Running", true)]);
        assert!(pods.endpoints().is_empty());
    }

    #[test]
    fn where_none_is_ready_those_that_run_are_found() {
        let mut pods = pods();
        pods.listed(&[pod("a", "10.0.0.1", "Running", false), pod("b", "10.0.0.2", "Pending", false)]);
        assert_eq!(endpoints(&pods), ["quic/10.0.0.1:7447"]);
        pods.seen(&pod("b", "10.0.0.2", "Running", true));
        assert_eq!(endpoints(&pods), ["quic/10.0.0.2:7447"]);
    }

    #[test]
    fn pods_change_and_go() {
        let mut pods = pods();
        pods.seen(&pod("a", "10.0.0.1", "Running", true));
        pods.seen(&pod("b", "10.0.0.2", "Running", true));
        pods.seen(&pod("a", "10.0.0.9", "Running", true));
        assert_eq!(endpoints(&pods), ["quic/10.0.0.2:7447", "quic/10.0.0.9:7447"]);
        let mut ending = pod("a", "10.0.0.9", "Running", true);
        ending.metadata.deletion_timestamp = serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap();
        pods.seen(&ending);
        assert_eq!(endpoints(&pods), ["quic/10.0.0.2:7447"]);
        pods.deleted(&pod("b", "10.0.0.2", "Running", true));
        assert!(pods.endpoints().is_empty());
    }

    #[test]
    fn no_more_are_remembered_than_the_bound_says() {
        let mut pods = Pods { most: 2, ..pods() };
        for at in 1..6 {
            pods.seen(&pod(&format!("pod-{at}"), &format!("10.0.0.{at}"), "Running", true));
        }
        assert_eq!(pods.endpoints().len(), 2);
    }
}
