//! As much of the API of Kubernetes as is asked for pods: lists, and watches that go on from a version.
//!
//! It answers as the API's conventions have it: each change takes the next version, a watch tells what happened since
//! the one that it names and ends in time, and where that is not known any more it tells an error with the code 410.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread::{self, JoinHandle},
    time::Duration,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use serde_json::{Value as Json, json};

use crate::{certificates::Credentials, http};

/// The namespace of the pods.
pub const NAMESPACE: &str = "flags";
/// The token that the API wants to be shown.
pub const SERVICE_TOKEN: &str = "token-of-the-service-account";
/// How often a watch looks whether it is to end.
const LOOK: Duration = Duration::from_millis(20);

/// A running server. Dropping it ends it, and its connections.
#[derive(Debug)]
pub struct Api {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    version: u64,
    /// By name.
    pods: BTreeMap<String, Json>,
    /// What happened: the version, what, and the pod.
    events: Vec<(u64, &'static str, Json)>,
    /// What happened up to here is not known any more.
    forgotten: u64,
    lists: usize,
    watches: usize,
    refused: usize,
    stopped: bool,
    /// Watches that began before are to end.
    ending: u64,
}

/// A pod.
#[derive(Clone, Copy, Debug)]
pub struct Pod<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its address and the port named `cluster`.
    pub address: SocketAddr,
    /// Its label `app`.
    pub app: &'a str,
    /// Its phase.
    pub phase: &'a str,
    /// Whether its probe succeeds.
    pub ready: bool,
}

impl<'a> Pod<'a> {
    /// A pod of the cluster that runs and is ready.
    #[must_use]
    pub fn ready(name: &'a str, address: SocketAddr) -> Self {
        Self { name, address, app: "burgee", phase: "Running", ready: true }
    }

    fn object(&self, version: u64) -> Json {
        let ready = if self.ready { "True" } else { "False" };
        let port = |name: &str, port: u16| json!({ "name": name, "containerPort": port, "protocol": "UDP" });
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": self.name, "namespace": NAMESPACE, "resourceVersion": version.to_string(),
                "labels": { "app": self.app },
            },
            "spec": { "containers": [
                { "name": "node", "ports": [port("http", 8080), port("cluster", self.address.port())] },
            ] },
            "status": {
                "phase": self.phase, "podIP": self.address.ip().to_string(), "podIPs": [{ "ip": self.address.ip() }],
                "conditions": [
                    { "type": "Initialized", "status": "True" }, { "type": "Ready", "status": ready },
                ],
            },
        })
    }
}

impl Api {
    /// A server without pods.
    #[must_use]
    pub fn start() -> Self {
        Self::start_at(SocketAddr::from((IpAddr::from([127, 0, 0, 1]), 0)))
    }

    /// The same at an address.
    #[must_use]
    pub fn start_at(address: SocketAddr) -> Self {
        Self::serving(address, None)
    }

    /// The same over TLS, as a cluster's own is.
    #[must_use]
    pub fn start_over_tls(credentials: &Credentials) -> Self {
        let chain = CertificateDer::pem_file_iter(&credentials.cert).unwrap().collect::<Result<_, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_file(&credentials.key).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = config.with_single_cert(chain, key).unwrap();
        Self::serving(SocketAddr::from((IpAddr::from([127, 0, 0, 1]), 0)), Some(Arc::new(config)))
    }

    fn serving(address: SocketAddr, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        // a real one's versions begin nowhere in particular
        shared.lock().version = 1000;
        let serving = Arc::clone(&shared);
        let thread = thread::spawn(move || serve(&listener, &serving, tls.as_ref()));
        Self { address, shared, thread: Some(thread) }
    }

    /// Its URL.
    #[must_use]
    pub fn url(address: SocketAddr) -> String {
        format!("http://{address}")
    }

    /// A pod is so from now on.
    pub fn put(&self, pod: &Pod) {
        let mut state = self.shared.lock();
        state.version += 1;
        let version = state.version;
        let object = pod.object(version);
        let is_new = state.pods.insert(pod.name.to_owned(), object.clone()).is_none();
        state.events.push((version, if is_new { "ADDED" } else { "MODIFIED" }, object));
        self.shared.changed.notify_all();
    }

    /// A pod is no more.
    pub fn delete(&self, name: &str) {
        let mut state = self.shared.lock();
        state.version += 1;
        let version = state.version;
        let mut object = state.pods.remove(name).expect("there is such a pod");
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        state.events.push((version, "DELETED", object));
        self.shared.changed.notify_all();
    }

    /// Forgets what happened, and ends all watches: who watches has to list again.
    pub fn forget(&self) {
        let mut state = self.shared.lock();
        state.version += 1;
        (state.forgotten, state.ending) = (state.version, state.ending + 1);
        state.events.clear();
        self.shared.changed.notify_all();
    }

    /// Ends all watches, as the API does from time to time.
    pub fn end_watches(&self) {
        self.shared.lock().ending += 1;
        self.shared.changed.notify_all();
    }

    /// How many lists, watches and refusals there were.
    #[must_use]
    pub fn asked(&self) -> (usize, usize, usize) {
        let state = self.shared.lock();
        (state.lists, state.watches, state.refused)
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.changed.notify_all();
        // the thread waits for a connection
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

/// A connection, encrypted or not.
trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

fn serve(listener: &TcpListener, shared: &Arc<Shared>, tls: Option<&Arc<ServerConfig>>) {
    for stream in listener.incoming() {
        if shared.lock().stopped {
            return;
        }
        let (Ok(stream), shared) = (stream, Arc::clone(shared)) else { continue };
        let tls = tls.cloned();
        thread::spawn(move || {
            let mut stream: Box<dyn Stream> = match tls {
                Some(tls) => Box::new(StreamOwned::new(ServerConnection::new(tls).unwrap(), stream)),
                None => Box::new(stream),
            };
            // who asked may hang up at any time
            let _ = converse(&mut *stream, &shared);
        });
    }
}

/// One request a connection.
fn converse(stream: &mut dyn Stream, shared: &Shared) -> io::Result<()> {
    let mut lines = BufReader::new(&mut *stream).lines();
    let target = lines.next().transpose()?.unwrap_or_default();
    let head: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let shows = head.iter().any(|line| line.eq_ignore_ascii_case(&format!("authorization: Bearer {SERVICE_TOKEN}")));
    let target = target.strip_prefix("GET ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if !shows {
        shared.lock().refused += 1;
        return reply(stream, 401, &status(401, "Unauthorized"));
    }
    if path != format!("/api/v1/namespaces/{NAMESPACE}/pods") {
        shared.lock().refused += 1;
        return reply(stream, 403, &status(403, "pods is forbidden in this namespace"));
    }
    let parameter = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let selector = parameter("labelSelector").unwrap_or_default();
    let app = selector.strip_prefix(&http::encode("app=")).or(selector.strip_prefix("app=")).unwrap_or_default();
    match parameter("watch") {
        Some("true") => watch(stream, shared, app, parameter("resourceVersion").unwrap_or_default()),
        _ => list(stream, shared, app),
    }
}

fn status(code: u16, message: &str) -> Json {
    json!({ "apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "message": message, "reason": "" })
}

fn reply(stream: &mut dyn Stream, code: u16, body: &Json) -> io::Result<()> {
    let body = body.to_string();
    write!(
        stream,
        "HTTP/1.1 {code} X\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    stream.flush()
}

fn is_of(pod: &Json, app: &str) -> bool {
    pod["metadata"]["labels"]["app"] == app
}

fn list(stream: &mut dyn Stream, shared: &Shared, app: &str) -> io::Result<()> {
    let body = {
        let mut state = shared.lock();
        state.lists += 1;
        let pods: Vec<&Json> = state.pods.values().filter(|pod| is_of(pod, app)).collect();
        let version = state.version.to_string();
        json!({ "apiVersion": "v1", "kind": "PodList", "metadata": { "resourceVersion": version }, "items": pods })
    };
    reply(stream, 200, &body)
}

fn watch(stream: &mut dyn Stream, shared: &Shared, app: &str, version: &str) -> io::Result<()> {
    let mut told: u64 = version.parse().expect("a watch names the version of a list");
    let mut state = shared.lock();
    state.watches += 1;
    let (began, is_gone) = (state.ending, told < state.forgotten);
    drop(state);
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    )?;
    stream.flush()?;
    if is_gone {
        let event = json!({ "type": "ERROR", "object": status(410, "too old resource version") });
        chunk(stream, &event)?;
        return write!(stream, "0\r\n\r\n");
    }
    loop {
        let state = shared.lock();
        let news: Vec<(u64, &str, Json)> = state.events.iter().filter(|(at, ..)| *at > told).cloned().collect();
        if news.is_empty() {
            if state.stopped {
                return Ok(());
            }
            if state.ending > began {
                return write!(stream, "0\r\n\r\n");
            }
            let _ = shared.changed.wait_timeout(state, LOOK).unwrap();
            continue;
        }
        drop(state);
        for (at, what, pod) in news {
            told = at;
            if is_of(&pod, app) {
                chunk(stream, &json!({ "type": what, "object": pod }))?;
            }
        }
    }
}

fn chunk(stream: &mut dyn Stream, event: &Json) -> io::Result<()> {
    let line = format!("{event}\n");
    write!(stream, "{:x}\r\n{line}\r\n", line.len())?;
    stream.flush()
}
