//! Namespaces with one node each, all on one bridge.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

/// Nodes of the lab.
const NODES: u8 = 4;
/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A network; it is taken down when dropped.
pub(crate) struct Lab {
    /// In the names of all that is made, so that two labs do not meet.
    tag: String,
    folder: TempDir,
}

/// A node in its namespace; it is killed when dropped.
pub(crate) struct Node {
    number: u8,
    process: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
}

impl Lab {
    /// Four nodes that all reach each other.
    pub(crate) fn with_four_nodes() -> (Self, Vec<Node>) {
        let lab = Self { tag: format!("bg{}", std::process::id()), folder: tempfile::tempdir().unwrap() };
        lab.build();
        lab.write_certificates();
        let mut nodes: Vec<Node> = (1..=NODES).map(|number| lab.start(number)).collect();
        for node in &mut nodes {
            let others: Vec<String> = (1..=NODES).filter(|n| *n != node.number).map(|n| format!("up {n}")).collect();
            let others: Vec<&str> = others.iter().map(String::as_str).collect();
            node.waits_for(&others, Instant::now() + PATIENCE);
        }
        (lab, nodes)
    }

    /// Takes the nodes' cables out: nobody is told.
    pub(crate) fn unplug(&self, nodes: &[Node]) {
        nodes.iter().for_each(|node| ip(&format!("link set {} down", self.port(node.number))));
    }

    /// Puts them back.
    pub(crate) fn plug(&self, nodes: &[Node]) {
        nodes.iter().for_each(|node| ip(&format!("link set {} up", self.port(node.number))));
    }

    /// Sends a signal to the nodes' processes.
    pub(crate) fn signal(&self, nodes: &[Node], signal: &str) {
        for node in nodes {
            run(Command::new("kill").arg(format!("-{signal}")).arg(node.process.id().to_string()));
        }
    }

    fn bridge(&self) -> String {
        format!("{}br", self.tag)
    }

    fn port(&self, number: u8) -> String {
        format!("{}p{number}", self.tag)
    }

    fn namespace(&self, number: u8) -> String {
        format!("{}n{number}", self.tag)
    }

    fn build(&self) {
        let bridge = self.bridge();
        ip(&format!("link add {bridge} type bridge"));
        ip(&format!("link set {bridge} up"));
        for number in 1..=NODES {
            let (namespace, port) = (self.namespace(number), self.port(number));
            ip(&format!("netns add {namespace}"));
            ip(&format!("link add {port} type veth peer name eth0 netns {namespace}"));
            ip(&format!("link set {port} master {bridge} up"));
            ip(&format!("-n {namespace} addr add 10.91.0.{number}/24 dev eth0"));
            ip(&format!("-n {namespace} link set eth0 up"));
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write_certificates(&self) {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let node = CertificateParams::new(vec!["node".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        std::fs::write(self.file("ca"), authority.pem()).unwrap();
        std::fs::write(self.file("cert"), node.pem()).unwrap();
        std::fs::write(self.file("key"), key.serialize_pem()).unwrap();
    }

    /// Each node dials those before it.
    fn start(&self, number: u8) -> Node {
        let endpoint = |number| format!("quic/10.91.0.{number}:7447");
        let mut process = Command::new("ip")
            .args(["netns", "exec", &self.namespace(number)])
            .arg(program())
            .args([number.to_string(), endpoint(number)])
            .args((1..number).map(endpoint))
            .env("CLUSTER_CA", self.file("ca"))
            .env("CLUSTER_CERT", self.file("cert"))
            .env("CLUSTER_KEY", self.file("key"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut node = Node { number, stdin: process.stdin.take().unwrap(), process, lines };
        assert_eq!(node.line(Instant::now() + PATIENCE), format!("listening {}", endpoint(number)));
        node
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // What was not made is not there to be removed.
        for number in 1..=NODES {
            let _ = Command::new("ip").args(["netns", "del", &self.namespace(number)]).output();
            let _ = Command::new("ip").args(["link", "del", &self.port(number)]).output();
        }
        let _ = Command::new("ip").args(["link", "del", &self.bridge()]).output();
    }
}

impl Node {
    fn line(&mut self, until: Instant) -> String {
        let left = until.saturating_duration_since(Instant::now());
        self.lines.recv_timeout(left).unwrap_or_else(|_| panic!("node {} says nothing in time", self.number))
    }

    /// Waits until it has said all of these, in any order, and nothing else.
    pub(crate) fn waits_for(&mut self, expected: &[&str], until: Instant) {
        let mut missing = expected.to_vec();
        while !missing.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line = line.unwrap_or_else(|_| panic!("node {} did not say in time: {missing:?}", self.number));
            let place = missing.iter().position(|expected| *expected == line);
            // What the victims say of each other while they are away is their own affair.
            if let Some(place) = place {
                missing.remove(place);
            } else {
                assert!(self.number > 2, "node {} said `{line}`, not one of {missing:?}", self.number);
            }
        }
    }

    /// The longest silence of each peer since the last call.
    pub(crate) fn gaps(&mut self) -> Vec<(u8, Duration)> {
        self.stdin.write_all(b"gaps\n").unwrap();
        let line = self.line(Instant::now() + PATIENCE);
        let words = line.strip_prefix("gaps").unwrap_or_else(|| panic!("node {}: {line}", self.number));
        words
            .split_whitespace()
            .filter_map(|word| word.split_once('='))
            .map(|(peer, gap)| (peer.parse().unwrap(), Duration::from_millis(gap.parse().unwrap())))
            .collect()
    }

    /// The longest silence of one peer since the last call.
    pub(crate) fn gap_of(&mut self, peer: u8) -> Duration {
        self.gaps().into_iter().find(|(number, _)| *number == peer).expect("heard at all").1
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn ip(arguments: &str) {
    run(Command::new("ip").args(arguments.split_whitespace()));
}

/// Runs a command; a failure says that rights or tools are missing.
fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?} needs iproute2 and procps: {e}"));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} needs the rights to make network namespaces: {error}");
}

/// The example that is a node, built with the tests.
fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().and_then(Path::parent).unwrap().join("examples/link");
    assert!(program.exists(), "{} is missing: build the examples too", program.display());
    program
}
