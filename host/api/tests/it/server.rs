//! A node without a network: the router, a store in memory, and snapshots built when they are asked for.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body};
use burgee_api::{
    ApiLimits, ApiState, AuthConfig, Caught, ClusterNews, ClusterNewsStream, ClusterNode, ClusterNodeState,
    ClusterView, ForgetError, Forgotten, NodeFigures, NodeStatus, OwnUses, Readiness, Routers, Snapshots,
    StoredModules, UiAssets, UiFile, UsesElsewhere, routers, source,
};
use burgee_engine::{
    Engine, EngineConfig, EnvironmentSource, FlagSource, Reads, Snapshot,
    guest::{GuestConfig, Guests},
};
use burgee_model::{Key, Limits, Millis, NodeId, RegisterId, TokenId};
use burgee_store::{Position, Store, StoreConfig};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use tokio::sync::{broadcast, watch};
use tower::ServiceExt;

pub const TOKEN: &str = "token-of-the-test";
/// The first instant of the tests' clock.
pub const START: Millis = 1_700_000_000_000;

pub struct Server {
    pub router: Router,
    pub grpc: Router,
    pub store: Store,
    pub clock: Arc<AtomicU64>,
    pub status: Arc<Status>,
    pub snapshots: Arc<dyn Snapshots>,
    pub shutdown: watch::Sender<bool>,
}

#[derive(Clone)]
pub struct Options {
    pub auth: AuthConfig,
    pub limits: Limits,
    pub http: ApiLimits,
    pub ui: UiAssets,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            auth: AuthConfig { admin_token_sha256: Some(Sha256::digest(TOKEN).into()), ..AuthConfig::default() },
            limits: Limits::default(),
            http: ApiLimits::default(),
            ui: UiAssets { file: ui_file, absent_page: || "absent".into(), why_not: None },
        }
    }
}

fn ui_file(path: &str) -> Option<UiFile> {
    let file = |bytes, gzip, content_type| UiFile { bytes, gzip, content_type, etag: "\"ui\"" };
    match path {
        "" | "index.html" => Some(file(b"<html>", None, "text/html; charset=utf-8")),
        "assets/a.js" => Some(file(b"let a", Some(&b"gzipped"[..]), "text/javascript; charset=utf-8")),
        _ => None,
    }
}

/// Snapshots that are always up to date, because each is built for its reader.
struct Fresh {
    store: Store,
    engine: Arc<Engine>,
    changes: watch::Sender<Position>,
}

impl Fresh {
    fn new(store: &Store, engine: Arc<Engine>) -> Arc<Self> {
        let (feed, changes) = (store.feed(), watch::Sender::new(Position(0)));
        let (told, mut reader) = (changes.clone(), feed.subscribe(None));
        tokio::spawn(async move {
            loop {
                reader.next().await;
                told.send_replace(feed.position());
            }
        });
        Arc::new(Self { store: store.clone(), engine, changes })
    }
}

impl Snapshots for Fresh {
    fn get(&self, tenant: &Key, environment: &Key) -> Option<Arc<Snapshot>> {
        let (table, now) = (self.store.read(), self.store.now());
        table.current(&RegisterId::tenant(tenant), now)?;
        table.current(&RegisterId::environment(tenant, environment), now)?;
        let flag = |key: &Key| {
            let flag = source::flag(&table, tenant, key, now)?;
            Some((key.clone(), Arc::new(FlagSource::from(&source::in_environment(&flag, environment)))))
        };
        let flags = table.flags(tenant, now, None).filter_map(flag).collect();
        let state = EnvironmentSource { flags, ..source::environment(&table, tenant, environment, now) };
        let config = |key: &str| {
            let entry = RegisterId::config(tenant, environment, &Key::new(key).ok()?);
            source::config_value(&table, &entry, now)
        };
        let earlier = |flag: &Key| source::earlier_rules(&table, tenant, environment, flag);
        Some(self.engine.build_from(None, state, Reads { config: &config, earlier: &earlier }))
    }

    fn changes(&self) -> watch::Receiver<Position> {
        self.changes.subscribe()
    }

    fn caught_up(&self, _position: Position) -> Caught<'_> {
        Box::pin(async {})
    }
}

/// What a test says of the node and its cluster.
pub struct Status {
    pub ready: AtomicBool,
    /// Milliseconds; 0 is not ahead.
    pub clock_ahead: AtomicU64,
    /// Milliseconds; 0 is not isolated.
    pub isolated: AtomicU64,
    pub waking: AtomicBool,
    pub nodes: Mutex<Vec<ClusterNode>>,
    pub news: broadcast::Sender<ClusterNews>,
    pub figures: Mutex<NodeFigures>,
    /// What other nodes are told of the use of tokens.
    pub own_uses: Mutex<Option<OwnUses>>,
    /// What other nodes say of it.
    pub uses_elsewhere: Mutex<BTreeMap<TokenId, Millis>>,
    engine: Arc<Engine>,
}

impl Status {
    fn new(engine: Arc<Engine>) -> Self {
        Self {
            ready: AtomicBool::new(true),
            clock_ahead: AtomicU64::new(0),
            isolated: AtomicU64::new(0),
            waking: AtomicBool::new(false),
            nodes: Mutex::default(),
            news: broadcast::Sender::new(4),
            figures: Mutex::default(),
            own_uses: Mutex::default(),
            uses_elsewhere: Mutex::default(),
            engine,
        }
    }

    fn forgotten(&self, id: &str) -> Result<(), ForgetError> {
        let mut nodes = self.nodes.lock().unwrap();
        let node = nodes.iter_mut().find(|node| node.id == id).ok_or(ForgetError::Unknown)?;
        if node.state == ClusterNodeState::Live {
            return Err(ForgetError::Live);
        }
        node.state = ClusterNodeState::Forgotten;
        Ok(())
    }
}

impl NodeStatus for Status {
    fn ready(&self) -> Readiness {
        let ready = self.ready.load(Ordering::Relaxed);
        Readiness { ready, reasons: if ready { Vec::new() } else { vec!["joining".into()] } }
    }

    fn clock_ahead(&self) -> Option<Millis> {
        Some(self.clock_ahead.load(Ordering::Relaxed)).filter(|ms| *ms > 0)
    }

    fn isolated_for(&self) -> Option<Duration> {
        Some(self.isolated.load(Ordering::Relaxed)).filter(|ms| *ms > 0).map(Duration::from_millis)
    }

    fn waking(&self) -> bool {
        self.waking.load(Ordering::Relaxed)
    }

    fn cluster(&self) -> ClusterView {
        let nodes = self.nodes.lock().unwrap().clone();
        let leader = Some("a".into());
        ClusterView {
            this: "a".into(),
            leader,
            nodes,
            stamps_ahead: Some(0),
            stamps_ahead_by: Some(Vec::new()),
            tombstones: Some(0),
            versions_unknown: Some(0),
            versions_invalid: Some(0),
            ..ClusterView::default()
        }
    }

    fn cluster_news(&self) -> ClusterNewsStream {
        Box::pin(stream::unfold(self.news.subscribe(), |mut news| async move {
            match news.recv().await {
                Ok(item) => Some((item, news)),
                Err(broadcast::error::RecvError::Lagged(_)) => Some((ClusterNews::Missed, news)),
                Err(broadcast::error::RecvError::Closed) => None,
            }
        }))
    }

    fn forget(&self, node: NodeId) -> Forgotten<'_> {
        Box::pin(std::future::ready(self.forgotten(&node.to_string())))
    }

    fn tell_uses(&self, own: OwnUses) {
        *self.own_uses.lock().unwrap() = Some(own);
    }

    fn uses_elsewhere(&self, tokens: Vec<TokenId>) -> UsesElsewhere<'_> {
        let known = self.uses_elsewhere.lock().unwrap().clone();
        Box::pin(std::future::ready(known.into_iter().filter(|(token, _)| tokens.contains(token)).collect()))
    }

    fn figures(&self) -> NodeFigures {
        NodeFigures { evaluations: self.engine.evaluations(), ..self.figures.lock().unwrap().clone() }
    }
}

impl Server {
    pub fn new() -> Self {
        Self::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        let engine =
            Engine::new(EngineConfig { compile: false, limits: options.limits.clone(), ..EngineConfig::default() })
                .unwrap();
        let (clock, status) = (Arc::new(AtomicU64::new(START)), Arc::new(Status::new(engine.clone())));
        let (tick, (shutdown, down)) = (clock.clone(), watch::channel(false));
        let store = Store::open(StoreConfig::default(), Arc::new(move || tick.load(Ordering::Relaxed))).unwrap();
        let snapshots = Fresh::new(&store, engine);
        let state = ApiState {
            store: store.clone(),
            snapshots: snapshots.clone(),
            guests: Guests::new(GuestConfig::new(&options.limits), Arc::new(StoredModules(store.clone()))).unwrap(),
            status: status.clone(),
            auth: options.auth,
            limits: options.limits,
            http: options.http,
            shutdown: down,
        };
        let Routers { http: router, grpc } = routers(state, options.ui);
        Self { router, grpc, store, clock, status, snapshots, shutdown }
    }

    /// With tenant `t` and its environments `dev` and `prod`.
    pub async fn placed() -> Self {
        Self::new().place().await
    }

    pub async fn place(self) -> Self {
        self.post("/api/v1/tenants", json!({ "key": "t" })).await.expect(201);
        for environment in ["dev", "prod"] {
            self.post("/api/v1/tenants/t/environments", json!({ "key": environment })).await.expect(201);
        }
        self
    }

    /// A boolean flag that is on in `dev`.
    pub async fn flag(&self, key: &str) {
        let settings = json!({ "dev": { "state": "ENABLED", "defaultVariant": "on" } });
        let flag = json!({ "key": key, "variants": { "on": true, "off": false }, "environments": settings });
        self.post("/api/v1/tenants/t/flags", flag).await.expect(201);
    }

    pub async fn respond(&self, request: Request<Body>) -> http::Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn respond_grpc(&self, request: Request<Body>) -> http::Response<Body> {
        self.grpc.clone().oneshot(request).await.unwrap()
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.header("authorization", format!("Bearer {TOKEN}"));
        }
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, *value);
        }
        let response = self.respond(request.body(body.into()).unwrap()).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body, asked: format!("{method} {path}") }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], "").await
    }

    pub async fn json(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Json) -> Answer {
        let headers = [&[("content-type", "application/json")], headers].concat();
        self.send(method, path, &headers, body.to_string()).await
    }

    pub async fn post(&self, path: &str, body: Json) -> Answer {
        self.json("POST", path, &[], &body).await
    }

    pub async fn patch(&self, path: &str, body: Json) -> Answer {
        self.json("PATCH", path, &[], &body).await
    }

    pub async fn put(&self, path: &str, body: &str) -> Answer {
        self.send("PUT", path, &[("content-type", "text/plain")], body.to_owned()).await
    }

    /// Creates a token of tenant `t`; gives its text and its id.
    pub async fn token(&self, kind: &str, more: Json) -> (String, String) {
        let mut body = json!({ "name": kind, "kind": kind });
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        let created = self.post("/api/v1/tenants/t/tokens", body).await.expect(201).body();
        let text = |name: &str| created[name].as_str().unwrap().to_owned();
        (text("token"), text("id"))
    }

    /// Asks with a token. Of what is answered without end it reads nothing.
    pub async fn with_token(
        &self,
        token: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Json,
    ) -> Answer {
        let bearer = format!("Bearer {token}");
        let mut request = Request::builder().method(method).uri(path).header("authorization", bearer);
        for (name, value) in headers.iter().chain(&[("content-type", "application/json")]) {
            request = request.header(*name, *value);
        }
        let response = self.respond(request.body(Body::from(body.to_string())).unwrap()).await;
        let (parts, body) = response.into_parts();
        let endless = parts.headers.get("content-type").is_some_and(|value| value == "text/event-stream");
        let body = if endless { Bytes::new() } else { body.collect().await.unwrap().to_bytes() };
        Answer { status: parts.status, headers: parts.headers, body, asked: format!("{method} {path}") }
    }

    /// Evaluates one flag in `dev`.
    pub async fn value(&self, flag: &str, context: Json) -> Json {
        self.value_in("dev", flag, context).await
    }

    /// Evaluates one flag in an environment.
    pub async fn value_in(&self, environment: &str, flag: &str, context: Json) -> Json {
        let path = format!("/e/t/{environment}/ofrep/v1/evaluate/flags/{flag}");
        self.post(&path, json!({ "context": context })).await.body()
    }

    pub fn pass(&self, ms: Millis) {
        self.clock.fetch_add(ms, Ordering::Relaxed);
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    asked: String,
}

impl Answer {
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.asked, String::from_utf8_lossy(&self.body));
        self
    }

    pub fn body(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{}: {error}: {:?}", self.asked, self.body))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn tag(&self) -> String {
        let tag = self.header("etag");
        assert!(tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"'), "{}: ETag {tag:?}", self.asked);
        tag.to_owned()
    }

    /// A whole problem document with this status and code; gives the paths and codes of its faults.
    pub fn problem(self, status: u16, code: &str) -> Vec<(String, String)> {
        let answer = self.expect(status);
        if answer.asked.contains("/openfeature/") {
            return answer.faults_of_manifest(status);
        }
        assert_eq!(answer.header("content-type"), "application/problem+json", "{}", answer.asked);
        let body = answer.body();
        assert_eq!((&body["code"], &body["status"]), (&json!(code), &json!(status)), "{}: {body}", answer.asked);
        assert!(["type", "title", "detail"].iter().all(|name| body[name].is_string()), "{}: {body}", answer.asked);
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        let text = |error: &Json, name: &str| error[name].as_str().unwrap().to_owned();
        errors.iter().map(|error| (text(error, "path"), text(error, "code"))).collect()
    }
}

impl Answer {
    /// The same in the shape of the manifest API, which has no codes.
    fn faults_of_manifest(&self, status: u16) -> Vec<(String, String)> {
        let error = self.body()["error"].take();
        assert_eq!((&error["status"], error["message"].is_string()), (&json!(status), true), "{}: {error}", self.asked);
        let text = |fault: &Json, name: &str| fault[name].as_str().unwrap().to_owned();
        error["details"].as_array().unwrap().iter().map(|fault| (text(fault, "field"), text(fault, "code"))).collect()
    }
}

/// The paths of faults.
pub fn paths(faults: &[(String, String)]) -> Vec<&str> {
    faults.iter().map(|(path, _)| path.as_str()).collect()
}

/// The keys of a list's items.
pub fn keys(list: &Json) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["key"].as_str().unwrap()).collect()
}
