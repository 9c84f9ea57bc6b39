//! A node: options, start, announcement, readiness, restart on the same data and addresses.

use std::{
    path::{Path, PathBuf},
    process::ExitStatus,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::{
    TOKEN,
    certificates::Credentials,
    clock::FakeClock,
    http::Client,
    network::Host,
    proc::{self, Disk, Process, Signal},
    wait,
};

/// How long a start may take until the ports are bound, and until the node is ready.
const START_BOUND: Duration = Duration::from_secs(30);

/// How a node is started. Keeps the data directory alive.
#[derive(Clone, Debug)]
pub struct Spec {
    mode: &'static str,
    listen: String,
    grpc: Option<String>,
    cluster: Option<String>,
    /// A name of its own for each cluster: a port that one test gave up may be another's.
    cluster_name: Option<String>,
    data: Option<Data>,
    token: Option<String>,
    more: Vec<String>,
    environment: Vec<(String, String)>,
    /// How many, and whether it may ask for more.
    files: Option<(u32, bool)>,
    /// What the data directory lies on, if that is special.
    disk: Option<Disk>,
    host: Option<Host>,
    /// Kept alive for the process that reads it.
    clock: Option<FakeClock>,
    credentials: Option<Credentials>,
}

#[derive(Clone, Debug)]
struct Data {
    path: PathBuf,
    /// Removes the directory when the last user is gone.
    _guard: Option<Arc<TempDir>>,
}

impl Spec {
    /// `burgee serve` on free ports of loopback, with an empty data directory of its own.
    #[must_use]
    pub fn serve() -> Self {
        let dir = tempfile::Builder::new().prefix("burgee-test-").tempdir().unwrap();
        let path = dir.path().join("data");
        Self {
            mode: "serve",
            listen: "127.0.0.1:0".into(),
            grpc: None,
            cluster: None,
            cluster_name: None,
            data: Some(Data { path, _guard: Some(Arc::new(dir)) }),
            token: Some(TOKEN.into()),
            more: Vec::new(),
            environment: Vec::new(),
            files: None,
            disk: None,
            host: None,
            clock: None,
            credentials: None,
        }
    }

    /// `burgee dev --ephemeral` on a free port of loopback.
    #[must_use]
    pub fn dev() -> Self {
        Self { mode: "dev", data: None, token: None, ..Self::serve().grpc() }.arg("--ephemeral")
    }

    /// Serves flagd's services on a free port of loopback.
    #[must_use]
    pub fn grpc(self) -> Self {
        Self { grpc: Some("127.0.0.1:0".into()), ..self }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.more.push(arg.into());
        self
    }

    /// One more option with its value.
    #[must_use]
    pub fn option(self, name: &str, value: impl Into<String>) -> Self {
        self.arg(name).arg(value)
    }

    /// One more environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// May have so many files open.
    #[must_use]
    pub fn files(self, files: u32) -> Self {
        Self { files: Some((files, false)), ..self }
    }

    /// May have so many files open until it asks for more.
    #[must_use]
    pub fn files_unless_asked(self, files: u32) -> Self {
        Self { files: Some((files, true)), ..self }
    }

    /// Has its data directory, which it makes, on such a disk.
    #[must_use]
    pub fn disk(self, disk: Disk) -> Self {
        std::fs::create_dir_all(self.data_dir()).unwrap();
        Self { disk: Some(disk), ..self }
    }

    /// Listens there for HTTP.
    #[must_use]
    pub fn listen(mut self, address: &str) -> Self {
        self.listen = address.into();
        self
    }

    /// Takes part in a cluster, a new one unless it joins, on a free port of loopback.
    #[must_use]
    pub fn cluster(mut self, name: &str) -> Self {
        static CLUSTERS: AtomicU32 = AtomicU32::new(0);
        let number = CLUSTERS.fetch_add(1, Ordering::Relaxed);
        self.cluster = Some("tcp/127.0.0.1:0".into());
        self.cluster_name = Some(format!("test-{}-{number}", std::process::id()));
        self.option("--node-name", name)
    }

    /// Is reached there by other nodes.
    #[must_use]
    pub fn reached_at(self, endpoint: &str) -> Self {
        Self { cluster: Some(endpoint.into()), ..self }
    }

    /// Joins another node's cluster.
    #[must_use]
    pub fn join(mut self, other: &Node) -> Self {
        self.cluster_name.clone_from(&other.spec.cluster_name);
        let endpoint = other.cluster.clone().expect("the other node takes part in a cluster");
        self.option("--join", endpoint)
    }

    /// Joins another node's cluster by this endpoint alone, and is not to be reached itself.
    #[must_use]
    pub fn join_by(mut self, other: &Node, endpoint: &str) -> Self {
        self.cluster = None;
        self.cluster_name.clone_from(&other.spec.cluster_name);
        self.option("--join", endpoint)
    }

    /// Runs on a host of its own, where it takes part in a cluster by QUIC.
    #[must_use]
    pub fn on(mut self, host: &Host, credentials: Credentials) -> Self {
        self.listen = format!("{}:0", host.address);
        self.cluster = Some(format!("quic/{}:0", host.address));
        self.host = Some(host.clone());
        self.credentials = Some(credentials);
        self
    }

    /// Believes this wall clock.
    #[must_use]
    pub fn clock(mut self, clock: &FakeClock) -> Self {
        self.clock = Some(clock.clone());
        self
    }

    /// Bears this cluster's name.
    #[must_use]
    pub fn cluster_named(mut self, name: &str) -> Self {
        self.cluster_name = Some(name.into());
        self
    }

    /// Has lost its disk: an empty data directory of its own in place of the one before.
    #[must_use]
    pub fn wiped(mut self) -> Self {
        self.data = Self::serve().data;
        self
    }

    /// Loads a flagd file at start.
    #[must_use]
    pub fn import(self, place: &str, file: &Path) -> Self {
        self.option("--import", format!("{place}={}", file.display()))
    }

    /// Uses this token, or leaves the option out.
    #[must_use]
    pub fn token(mut self, token: Option<&str>) -> Self {
        self.token = token.map(str::to_owned);
        self
    }

    /// Uses this data directory; the caller keeps it alive.
    #[must_use]
    pub fn data(mut self, path: &Path) -> Self {
        self.data = Some(Data { path: path.to_owned(), _guard: None });
        self
    }

    /// The data directory.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data.as_ref().expect("it has a data directory").path
    }

    /// Starts the process and waits for nothing.
    #[must_use]
    pub fn spawn(&self) -> Process {
        let mut command = match (self.files, self.disk) {
            (_, Some(disk)) => proc::command_on_disk(disk, self.data_dir()),
            (Some((files, may_ask)), None) => proc::command_with_files(files, may_ask),
            (None, None) => proc::command_on(self.host.as_ref().map(|host| host.namespace.as_str())),
        };
        command.arg(self.mode).args(["--announce", "--listen", &self.listen]);
        if let Some(data) = &self.data {
            command.arg("--data-dir").arg(&data.path);
        }
        if let Some(address) = &self.grpc {
            command.args(["--grpc-listen", address]);
        }
        if let Some(endpoint) = &self.cluster {
            command.args(["--cluster-listen", endpoint]);
        }
        if let Some(name) = &self.cluster_name {
            command.args(["--cluster-name", name]);
        }
        if let Some(token) = &self.token {
            command.args(["--admin-token", token]);
        }
        if let Some(Credentials { ca, cert, key, .. }) = &self.credentials {
            command.arg("--cluster-ca").arg(ca).arg("--cluster-cert").arg(cert).arg("--cluster-key").arg(key);
        }
        let clock = self.clock.as_ref().map(FakeClock::environment).unwrap_or_default();
        command.args(&self.more).envs(clock).envs(self.environment.iter().map(|(name, value)| (name, value)));
        Process::spawn(command)
    }

    /// Starts the node and waits until its ports are bound.
    #[must_use]
    pub fn launch(&self) -> Node {
        let mut process = self.spawn();
        let (line, _) = wait::until("the announcement", START_BOUND, || {
            let line = process.stdout.all().into_iter().next();
            assert!(line.is_some() || process.ended().is_none(), "the node ended: {:?}", process.stderr.all());
            line
        });
        Node::announced(self.clone(), process, &line)
    }

    /// Starts the node and waits until it is ready.
    #[must_use]
    pub fn start(&self) -> Node {
        let node = self.launch();
        node.wait_ready();
        node
    }

    /// Starts a node that must refuse to start; gives the exit code and all of stderr.
    #[must_use]
    pub fn refuses(&self) -> (Option<i32>, Vec<String>) {
        let mut process = self.spawn();
        let status = process.wait(START_BOUND);
        // the readers end with the process's streams, a moment later
        wait::until_true("a line on stderr", Duration::from_secs(5), || !process.stderr.all().is_empty());
        assert_eq!(process.stdout.all(), Vec::<String>::new(), "nothing was announced");
        (status.code(), process.stderr.all())
    }
}

/// A running node.
#[derive(Debug)]
pub struct Node {
    spec: Spec,
    process: Process,
    /// The announcement.
    pub announcement: Json,
    /// Where HTTP listens.
    pub http: String,
    /// Where flagd's services listen.
    pub grpc: Option<String>,
    /// Where other nodes reach it.
    pub cluster: Option<String>,
    /// A client with the node's token.
    pub client: Client,
}

impl Node {
    fn announced(spec: Spec, process: Process, line: &str) -> Self {
        let announcement: Json = serde_json::from_str(line).unwrap_or_else(|e| panic!("announcement {line:?}: {e}"));
        let http = announcement["http"].as_str().unwrap_or_else(|| panic!("no http in {line}")).to_owned();
        let [grpc, cluster] = ["grpc", "cluster"].map(|name| announcement[name].as_str().map(str::to_owned));
        let client = Client::new(&http, spec.token.as_deref());
        Self { spec, process, announcement, http, grpc, cluster, client }
    }

    /// Waits until the node is ready.
    pub fn wait_ready(&self) {
        wait::until_true("the node is ready", START_BOUND, || {
            self.client.try_send("GET", "/readyz", &[], b"").is_ok_and(|answer| answer.status == 200)
        });
    }

    /// How it was started.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// How to start it again: same data, same addresses.
    #[must_use]
    pub fn again(&self) -> Spec {
        Spec { listen: self.http.clone(), grpc: self.grpc.clone(), cluster: self.cluster.clone(), ..self.spec.clone() }
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// `kill -9`; gives how to start it again.
    #[must_use]
    pub fn kill(mut self) -> Spec {
        self.process.signal(Signal::Kill);
        self.process.wait(Duration::from_secs(10));
        self.again()
    }

    /// SIGTERM; gives how to start it again.
    #[must_use]
    pub fn stop(mut self) -> Spec {
        self.process.signal(Signal::Term);
        let status = self.process.wait(Duration::from_secs(10));
        assert_eq!(status.code(), Some(0), "after SIGTERM");
        self.again()
    }

    /// Waits for the end of the process.
    pub fn wait(&mut self, bound: Duration) -> ExitStatus {
        self.process.wait(bound)
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// What it wrote to stdout and stderr so far, by lines.
    #[must_use]
    pub fn output(&self) -> (Vec<String>, Vec<String>) {
        (self.process.stdout.all(), self.process.stderr.all())
    }
}
