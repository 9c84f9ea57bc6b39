//! One node: opened, bound, announced, served and drained. This is the composition root.

use std::{collections::BTreeSet, fmt::Display, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use axum::Router;
use burgee_api::{ApiLimits, ApiState, AuthConfig, StoredModules, UiAssets, UiFile};
use burgee_discovery::Discovery;
use burgee_engine::{
    CacheConfig, Engine, EngineConfig,
    guest::{GuestConfig, Guests},
};
use burgee_model::{Format, Key, Limits, Millis, stamp::MILLIS_MAX};
use burgee_replication::{Replication, ReplicationError, Timekeeping, wall_clock};
use burgee_store::{Store, StoreConfig, StoreLimits};
use futures_util::future::join_all;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{
    admin_token::{self, Established},
    config::{self, Config, Mode},
    demo, import,
    pipeline::{self, Pipeline},
    serving::{self, ConnectionLimits, Door},
    status::Status,
    tls::{Held, Tls},
    waiting,
};

/// How long `/readyz` answers 503 before connections are no longer taken, so that load balancers see it.
const DRAIN_NOTICE: Duration = Duration::from_millis(300);
/// How long open requests may take to end once no new ones are taken.
const DRAIN_GRACE: Duration = Duration::from_millis(1200);
/// How long the whole of stopping may take after the notice: three seconds are promised.
const STOP_GRACE: Duration = Duration::from_millis(2500);
/// How long a failed import waits before it is tried again.
const IMPORT_RETRY: Duration = Duration::from_secs(1);
/// How often the pipeline's thread is looked after.
const WATCH_PERIOD: Duration = Duration::from_millis(500);
/// The longest time between two looks for expired values and for conflicts.
const EXPIRY_PERIOD: Duration = Duration::from_millis(200);

/// Why a node did not start: `burgee: <field>: <reason>`.
#[derive(Debug, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct StartError {
    field: &'static str,
    reason: String,
    /// The process's exit code: 2 for a bad option, 1 for what the machine refused.
    pub exit_code: u8,
}

impl StartError {
    fn option(field: &'static str, reason: &dyn Display) -> Self {
        Self { field, reason: reason.to_string(), exit_code: 2 }
    }

    /// What the machine refused; exit code 1.
    pub(crate) fn machine(field: &'static str, reason: &dyn Display) -> Self {
        Self { field, reason: reason.to_string(), exit_code: 1 }
    }
}

/// A bound port.
struct Port {
    address: SocketAddr,
    listener: TcpListener,
    tls: Option<(Tls, Held)>,
}

impl Port {
    async fn bind(field: &'static str, wanted: SocketAddr, tls: Option<(Tls, Held)>) -> Result<Self, StartError> {
        let failed = |error: std::io::Error| StartError::machine(field, &format!("{wanted}: {error}"));
        let listener = TcpListener::bind(wanted).await.map_err(failed)?;
        Ok(Self { address: listener.local_addr().map_err(failed)?, listener, tls })
    }

    /// Serves until the node stops, then ends what is open.
    async fn serve(self, router: Router, door: Arc<Door>, stop: watch::Receiver<bool>) {
        serving::serve(self.listener, self.tls, router, door, stop).await;
    }
}

/// The certificate that a port shows; none speaks plainly.
fn tls(config: &Config) -> Result<Option<(Tls, Held)>, StartError> {
    let tls = config.tls.clone().map(Tls::new).transpose();
    tls.map_err(|error| StartError::option(error.field, &error.reason))
}

/// A node whose ports are bound and whose parts run.
pub struct Node {
    http: Port,
    grpc: Option<Port>,
    store: Store,
    pipeline: Pipeline,
    guests: Arc<Guests>,
    replication: Arc<Replication>,
    discovery: Discovery,
    status: Status,
    door: Arc<Door>,
    sources: Vec<import::Source>,
    stop: watch::Sender<bool>,
    builder: std::thread::JoinHandle<()>,
    config: Config,
    token: Established,
}

/// Opens the store, binds all ports and starts every part but HTTP.
pub async fn start(config: Config) -> Result<Node, StartError> {
    let sources = sources(&config)?;
    check_clock()?;
    let time = Timekeeping::start();
    let store = open_store(&config, time.clone()).await?;
    let joins = !config.replication.join.is_empty() || config.replication.discovers;
    let token = match config.mode {
        Mode::Dev if config.listen.ip().is_loopback() && config.admin_token.is_none() => Established::None,
        _ => admin_token::establish(config.admin_token.as_deref(), config.data_dir.as_deref(), joins)
            .map_err(|e| StartError::machine("admin-token", &e))?,
    };
    let guests = Guests::new(GuestConfig::new(&config.limits), Arc::new(StoredModules(store.clone())))
        .map_err(|e| StartError::machine("engine", &e))?;
    let settings =
        EngineConfig { limits: config.limits.clone(), cache: code_cache(&config), ..EngineConfig::default() };
    let engine = Engine::with_guests(settings, guests.clone()).map_err(|e| StartError::machine("engine", &e))?;
    let [of_http, of_grpc] = [tls(&config)?, tls(&config)?];
    let http = Port::bind("listen", config.listen, of_http).await?;
    let grpc = match config.grpc_listen {
        Some(wanted) => Some(Port::bind("grpc-listen", wanted, of_grpc).await?),
        None => None,
    };
    let replication = burgee_replication::start(config.replication.clone(), store.clone(), time)
        .await
        .map_err(|e| replication_error(&e))?;
    let replication = Arc::new(replication);
    let door = Arc::new(Door::new(ConnectionLimits::new(&config.limits)));
    let discovery = Discovery::start(&config.discovery, replication.endpoint().as_deref());
    let status = Status::new(store.clone(), replication.clone(), discovery.view(), engine.clone(), door.clone());
    let stop = watch::Sender::new(false);
    let (pipeline, builder) = pipeline::start(&store, &engine);
    let builder = spawn_builder(builder, stop.subscribe())?;
    Ok(Node {
        http,
        grpc,
        store,
        pipeline,
        guests,
        replication,
        discovery,
        status,
        door,
        sources,
        stop,
        builder,
        config,
        token,
    })
}

/// Compiled rules are kept beside the replica. Where that is kept in memory, so are they.
fn code_cache(config: &Config) -> Option<CacheConfig> {
    let dir = config.data_dir.as_ref().filter(|_| config.code_cache_bytes > 0)?;
    Some(CacheConfig { dir: dir.join("code"), bytes_max: config.code_cache_bytes })
}

/// Refuses a clock that HTTP has no date for.
fn check_clock() -> Result<(), StartError> {
    let why = "this machine's clock shows a time before 1970: correct it";
    if wall_clock() == 0 { Err(StartError::machine("clock", &why)) } else { Ok(()) }
}

fn replication_error(error: &ReplicationError) -> StartError {
    match error {
        ReplicationError::Config(error) => StartError::option(error.field(), &error.reason()),
        other => StartError::machine("cluster-listen", other),
    }
}

fn spawn_builder(
    builder: pipeline::Builder,
    stop: watch::Receiver<bool>,
) -> Result<std::thread::JoinHandle<()>, StartError> {
    let runtime = tokio::runtime::Handle::current();
    std::thread::Builder::new()
        .name("pipeline".into())
        .spawn(move || builder.run(&runtime, stop))
        .map_err(|e| StartError::machine("pipeline", &e))
}

/// The files of `--import`, then the demo data: read and checked before anything is bound.
fn sources(config: &Config) -> Result<Vec<import::Source>, StartError> {
    let given = config.imports.iter().map(|file| {
        let failed = |e: &dyn Display| StartError::option("import", &format!("{}: {e}", file.file.display()));
        let text = std::fs::read(&file.file).map_err(|e| failed(&e))?;
        let format = Format::of_file(&file.file.to_string_lossy());
        let place = (&file.tenant, &file.environment);
        import::Source::parse(place, &text, format, &config.limits).map_err(|e| failed(&e))
    });
    let mut sources: Vec<import::Source> = given.collect::<Result<_, _>>()?;
    if config.mode == Mode::Dev {
        sources.extend(demo::sources().map_err(|e| StartError::option("dev", &e))?);
    }
    Ok(sources)
}

async fn open_store(config: &Config, time: Timekeeping) -> Result<Store, StartError> {
    if let Some(dir) = &config.data_dir {
        std::fs::create_dir_all(dir)
            .map_err(|e| StartError::machine("data-dir", &format!("{}: {e}", dir.display())))?;
    }
    let max_skew_ms = Millis::try_from(config.max_skew.as_millis()).unwrap_or(Millis::MAX);
    let limits = StoreLimits { max_skew_ms, ..config::of_store(&config.limits) };
    let digest_key = config.replication.digest_key();
    let store_config = StoreConfig { dir: config.data_dir.clone(), limits, digest_key };
    let clock = Arc::new(move || time.now());
    let opened = tokio::task::spawn_blocking(move || Store::open(store_config, clock)).await;
    let shown = config.data_dir.as_deref().unwrap_or(Path::new("memory")).display();
    match opened {
        Ok(Ok(store)) => Ok(store),
        Ok(Err(error)) => Err(StartError::machine("data-dir", &format!("{shown}: {error}"))),
        Err(error) => Err(StartError::machine("data-dir", &format!("{shown}: {error}"))),
    }
}

impl Node {
    /// Where HTTP is served.
    #[must_use]
    pub fn http(&self) -> SocketAddr {
        self.http.address
    }

    /// The line for `--announce`.
    #[must_use]
    pub fn announcement(&self) -> String {
        serde_json::json!({
            "event": "listening",
            "node": self.config.replication.node_name,
            "http": self.http.address.to_string(),
            "grpc": self.grpc.as_ref().map(|port| port.address.to_string()),
            "cluster": self.replication.endpoint(),
        })
        .to_string()
    }

    /// Shows the admin token that this start generated, if it did, and remembers its hash. A node that
    /// ends between the two generates another one at its next start.
    pub fn hand_over_token(&self, show: impl FnOnce(&str)) -> Result<(), StartError> {
        let Established::Generated(hash, token) = &self.token else { return Ok(()) };
        show(token);
        let Some(dir) = &self.config.data_dir else { return Ok(()) };
        admin_token::remember(dir, hash).map_err(|e| StartError::machine("admin-token", &e))
    }

    /// Serves until `ended` completes, then drains and closes, which takes less than three seconds.
    ///
    /// # Errors
    /// A part of the node that ended without having been told to. The node stops then: one that takes
    /// writes but no longer shows them, or that nobody hears, is worse than one that is gone.
    pub async fn serve(self, ended: impl Future<Output = ()>) -> Result<(), StartError> {
        let routers = burgee_api::routers(self.api_state(), ui_assets());
        let serving = |port: Port, router| tokio::spawn(port.serve(router, self.door.clone(), self.stop.subscribe()));
        let servers = [Some(serving(self.http, routers.http)), self.grpc.map(|port| serving(port, routers.grpc))];
        let background = [
            tokio::spawn(load_sources(
                self.store.clone(),
                self.replication.clone(),
                self.pipeline,
                self.status.clone(),
                self.sources,
            )),
            tokio::spawn(reach(self.discovery.found(), self.replication.clone())),
            tokio::spawn(expire(self.store.clone())),
            tokio::spawn(self.status.clone().watch_sleep()),
            tokio::spawn(self.status.clone().watch_isolation()),
            tokio::spawn(waiting::tell(self.replication.readiness(), waiting::Pace::default())),
        ];
        let ended = tokio::select! {
            () = ended => Ok(()),
            error = failed(&self.store, &self.replication, &self.builder) => Err(error),
        };
        tracing::info!("stopping");
        self.status.set_draining();
        tokio::time::sleep(DRAIN_NOTICE).await;
        self.stop.send_replace(true);
        background.iter().for_each(JoinHandle::abort);
        let stopped = async {
            let servers = join_all(servers.into_iter().flatten().map(drain));
            tokio::join!(servers, self.replication.shutdown(), self.discovery.stop());
            self.store.close().await;
        };
        if tokio::time::timeout(STOP_GRACE, stopped).await.is_err() {
            // what is acknowledged is on disk; what peers sent and is not, they send again
            tracing::warn!("stopped before everything from peers was on disk");
        }
        ended
    }

    fn api_state(&self) -> ApiState {
        let grpc = self.config.grpc_listen.is_none_or(|address| address.ip().is_loopback());
        let is_local = grpc && self.http.address.ip().is_loopback();
        let open = self.config.mode == Mode::Dev && is_local && self.config.admin_token.is_none();
        let admin_token_sha256 = match &self.token {
            Established::Known(hash) | Established::Generated(hash, _) => Some(*hash),
            Established::None => None,
        };
        let demo = Key::new("demo").ok().zip(Key::new("development").ok());
        ApiState {
            store: self.store.clone(),
            snapshots: Arc::new(self.pipeline.clone()),
            guests: self.guests.clone(),
            status: Arc::new(self.status.clone()),
            auth: AuthConfig {
                admin_token_sha256,
                open,
                open_environment: demo.filter(|_| open),
                grpc_open: self.config.grpc_open.clone(),
            },
            limits: within(self.door.max(), &self.config.limits),
            http: ApiLimits {
                max_isolation: self.config.max_isolation,
                request_timeout: Duration::from_millis(self.config.limits.request_ms),
                tls: self.config.tls.is_some(),
                ..ApiLimits::default()
            },
            shutdown: self.stop.subscribe(),
        }
    }
}

/// Completes with the first part that ends by itself, or once replication says that this node cannot take part.
async fn failed(store: &Store, replication: &Replication, builder: &std::thread::JoinHandle<()>) -> StartError {
    let pipeline = async {
        while !builder.is_finished() {
            tokio::time::sleep(WATCH_PERIOD).await;
        }
    };
    let ended = |part| StartError::machine(part, &"ended without having been told to; see the log");
    tokio::select! {
        () = store.failed() => ended("storage"),
        why = replication.failed() => {
            let of = |field| Some((field, why.strip_prefix(field)?.strip_prefix(": ")?));
            let (field, why) = of("node-name").or_else(|| of("data-dir")).unwrap_or(("replication", &why));
            StartError::machine(field, &why)
        },
        () = pipeline => ended("pipeline"),
    }
}

/// Has replication reach whom discovery finds.
async fn reach(mut found: watch::Receiver<BTreeSet<String>>, replication: Arc<Replication>) {
    loop {
        replication.found(found.borrow_and_update().clone());
        if found.changed().await.is_err() {
            return;
        }
    }
}

async fn drain(server: JoinHandle<()>) {
    let abort = server.abort_handle();
    match tokio::time::timeout(DRAIN_GRACE, server).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "HTTP ended badly"),
        Err(_) => {
            tracing::warn!("requests were still open after the grace period");
            abort.abort();
        }
    }
}

/// Loads the given files once the replica is ready; only then does the node call itself ready.
async fn load_sources(
    store: Store,
    replication: Arc<Replication>,
    pipeline: Pipeline,
    status: Status,
    sources: Vec<import::Source>,
) {
    let mut readiness = replication.readiness();
    if readiness.wait_for(|r| r.ready).await.is_err() {
        return;
    }
    for (position, source) in (1..).zip(&sources) {
        load_source(&store, position, source).await;
    }
    let imported = store.feed().position();
    burgee_api::Snapshots::caught_up(&pipeline, imported).await;
    status.set_imported();
    tracing::info!("ready");
}

/// Loads one file; while the disk or the queue refuses it, the node stays unready and tries again.
async fn load_source(store: &Store, position: u64, source: &import::Source) {
    let place = format!("{}/{}", source.tenant, source.environment);
    loop {
        match import::load(store, position, source).await {
            Ok(import::Loaded::Flags(flags)) => return tracing::info!(place, flags, "imported"),
            Ok(import::Loaded::Skipped) => {
                return tracing::info!(place, "not imported: the environment exists or existed");
            }
            Err(error) => tracing::error!(place, %error, "import failed; trying again"),
        }
        tokio::time::sleep(IMPORT_RETRY).await;
    }
}

/// Tells watchers about expired values, and conflicts, within [`EXPIRY_PERIOD`] of their time.
async fn expire(store: Store) {
    loop {
        let wait = store.next_deadline().map_or(EXPIRY_PERIOD, |deadline| {
            Duration::from_millis(deadline.saturating_sub(store.now())).min(EXPIRY_PERIOD)
        });
        tokio::time::sleep(wait.max(Duration::from_millis(1))).await;
        // a clock that shows such a time is broken: nobody is told that everything ended
        if store.now() >= MILLIS_MAX {
            continue;
        }
        store.expire();
        store.announce_conflicts();
    }
}

fn ui_assets() -> UiAssets {
    UiAssets {
        file: |path| {
            burgee_flags_ui::file(path).map(|file| UiFile {
                bytes: file.bytes,
                gzip: file.gzip,
                content_type: file.content_type,
                etag: file.etag,
            })
        },
        absent_page: burgee_flags_ui::absent_page,
        why_not: burgee_flags_ui::WHY_NOT,
    }
}

/// The limits where so many connections may be open: streams leave room for who asks but once, those of one tenant for
/// other tenants', and those of one token for its tenant's others.
fn within(connections: usize, limits: &Limits) -> Limits {
    let share = |streams: usize, of_four: usize| streams.min((connections * of_four / 4).max(1));
    Limits {
        connections,
        streams: share(limits.streams, 3),
        streams_per_tenant: share(limits.streams_per_tenant, 2),
        streams_per_token: share(limits.streams_per_token, 1),
        ..limits.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_leave_room_where_connections_are_few() {
        let few = within(768, &Limits::default());
        assert_eq!((few.streams, few.streams_per_tenant, few.streams_per_token), (576, 384, 192));
        let many = within(100_000, &Limits::default());
        assert_eq!(
            (many.streams, many.streams_per_token),
            (Limits::default().streams, Limits::default().streams_per_token)
        );
    }
}
