//! A network of its own for nodes that must be cut off from each other: one namespace for each host, all on
//! one switch, and the test itself on it too.
//!
//! A cut is silent, as a dead cable is: the sender keeps a wrong hardware address for the receiver, so that
//! what it sends arrives nowhere, and nobody is told. It works one way at a time, and never cuts the test off.

use std::{
    path::Path,
    process::{Command, id},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

/// A hardware address that nobody has.
const NOBODY: &str = "02:00:00:00:00:01";

/// The most networks of 256 addresses within 198.18.0.0/15, which is set aside for tests of networks.
const SUBNETS: u32 = 512;

/// Hosts on one switch. Removed when the last host's user is gone.
#[derive(Clone, Debug)]
pub struct Network {
    hosts: Vec<Host>,
}

/// A place for one node: a namespace with one address.
#[derive(Clone, Debug)]
pub struct Host {
    /// The namespace's name.
    pub namespace: String,
    /// Its address, the only one beside loopback.
    pub address: String,
    _wiring: Arc<Wiring>,
}

/// What was made, so that it is taken away again.
#[derive(Debug, Default)]
struct Wiring {
    namespaces: Mutex<Vec<String>>,
}

impl Network {
    /// Makes a network. Panics, with the reason, where the machine or the user does not allow it: a test that
    /// needs it must not pass without it.
    #[must_use]
    pub fn with_hosts(count: u8) -> Self {
        static NETWORKS: AtomicU32 = AtomicU32::new(0);
        sweep();
        let number = NETWORKS.fetch_add(1, Ordering::Relaxed);
        let (prefix, subnet) = (format!("burgee-{}-{number}", id()), free_subnet());
        let wiring = Arc::new(Wiring::default());
        let switch = wiring.namespace(&prefix, "switch");
        let ours = format!("b{}n{number}", id());
        ip(&format!("link add {ours} type veth peer name test netns {switch}"));
        ip(&format!("address add {subnet}.1/24 dev {ours}"));
        ip(&format!("link set {ours} up"));
        ip(&format!("-n {switch} link add switch type bridge"));
        ip(&format!("-n {switch} link set switch up"));
        ip(&format!("-n {switch} link set test master switch up"));
        let hosts = (0..count).map(|at| wiring.host(&prefix, &switch, &subnet, at)).collect();
        Self { hosts }
    }

    /// A host, from 0.
    #[must_use]
    pub fn host(&self, at: usize) -> &Host {
        &self.hosts[at]
    }

    /// From now on nothing that one host sends arrives at another.
    pub fn cut_one_way(&self, from: usize, to: usize) {
        let (from, to) = (&self.hosts[from], &self.hosts[to]);
        let (namespace, address) = (&from.namespace, &to.address);
        ip(&format!("-n {namespace} neighbour replace {address} lladdr {NOBODY} dev eth0 nud permanent"));
    }

    /// Undoes [`cut_one_way`](Self::cut_one_way).
    pub fn heal_one_way(&self, from: usize, to: usize) {
        let (from, to) = (&self.hosts[from], &self.hosts[to]);
        ip(&format!("-n {} neighbour delete {} dev eth0", from.namespace, to.address));
    }

    /// Cuts two hosts off from each other.
    pub fn cut(&self, one: usize, other: usize) {
        self.cut_one_way(one, other);
        self.cut_one_way(other, one);
    }

    /// Undoes [`cut`](Self::cut).
    pub fn heal(&self, one: usize, other: usize) {
        self.heal_one_way(one, other);
        self.heal_one_way(other, one);
    }

    /// Cuts one host off from all others.
    pub fn isolate(&self, host: usize) {
        (0..self.hosts.len()).filter(|other| *other != host).for_each(|other| self.cut(host, other));
    }

    /// Undoes [`isolate`](Self::isolate).
    pub fn rejoin(&self, host: usize) {
        (0..self.hosts.len()).filter(|other| *other != host).for_each(|other| self.heal(host, other));
    }
}

impl Host {
    /// Runs a program there and gives what it writes.
    #[must_use]
    pub fn run(&self, command: &str) -> String {
        run(&format!("netns exec {} {command}", self.namespace)).unwrap()
    }
}

impl Wiring {
    fn namespace(&self, prefix: &str, name: &str) -> String {
        let namespace = format!("{prefix}-{name}");
        ip(&format!("netns add {namespace}"));
        self.namespaces.lock().unwrap().push(namespace.clone());
        namespace
    }

    fn host(self: &Arc<Self>, prefix: &str, switch: &str, subnet: &str, at: u8) -> Host {
        let namespace = self.namespace(prefix, &at.to_string());
        let address = format!("{subnet}.{}", at + 2);
        ip(&format!("link add eth0 netns {namespace} type veth peer name port{at} netns {switch}"));
        ip(&format!("-n {switch} link set port{at} master switch up"));
        ip(&format!("-n {namespace} address add {address}/24 dev eth0"));
        ip(&format!("-n {namespace} link set lo up"));
        ip(&format!("-n {namespace} link set eth0 up"));
        Host { namespace, address, _wiring: self.clone() }
    }
}

impl Drop for Wiring {
    fn drop(&mut self) {
        // the pairs of interfaces go with their namespaces
        for namespace in self.namespaces.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = run(&format!("netns delete {namespace}"));
        }
    }
}

/// Takes away what a run that was killed has left.
fn sweep() {
    let list = run("netns list").unwrap_or_default();
    for name in list.lines().filter_map(|line| line.split_whitespace().next()) {
        let maker = name.strip_prefix("burgee-").and_then(|rest| rest.split('-').next());
        if maker.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = run(&format!("netns delete {name}"));
        }
    }
}

/// The first three numbers of a subnet that nobody on this machine uses; two tests never get the same.
fn free_subnet() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for _ in 0..SUBNETS {
        let number = (NEXT.fetch_add(1, Ordering::Relaxed) + id() * 7) % SUBNETS;
        let subnet = format!("198.{}.{}", 18 + number / 256, number % 256);
        if run(&format!("route show {subnet}.0/24")).unwrap_or_default().is_empty() {
            return subnet;
        }
    }
    panic!("no subnet of 198.18.0.0/15 is free");
}

fn ip(arguments: &str) {
    if let Err(reason) = run(arguments) {
        panic!("this test needs network namespaces, so root (CAP_NET_ADMIN, CAP_SYS_ADMIN) and iproute2: {reason}");
    }
}

fn run(arguments: &str) -> Result<String, String> {
    let output = Command::new("ip").args(arguments.split(' ')).output();
    let output = output.map_err(|error| format!("`ip` cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("`ip {arguments}`: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
