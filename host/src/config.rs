//! A node's configuration: the options, checked. A bad value is found here, before any port is bound.

mod discovery;

use std::{
    fmt::Display,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use burgee_model::{Key, Limits, register::is_reserved_tenant};

use crate::{options::Options, tls::TlsFiles};

/// What `burgee` was started as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// On a developer's machine: demo data, no login on loopback.
    Dev,
    /// In production.
    Serve,
}

/// How log lines are written to stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// A flagd file to load into an environment that never existed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportFile {
    /// The tenant; created where it does not exist.
    pub tenant: Key,
    /// The environment; created by the import.
    pub environment: Key,
    /// The file.
    pub file: PathBuf,
}

/// A node's checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Started as what.
    pub mode: Mode,
    /// Where HTTP listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where flagd's services listen; port 0 takes a free one; none does not serve them.
    pub grpc_listen: Option<SocketAddr>,
    /// The environment that they tell whoever shows no token: (tenant, environment).
    pub grpc_open: Option<(Key, Key)>,
    /// Where the replica is kept; `None` keeps it in memory.
    pub data_dir: Option<PathBuf>,
    /// The node's and the cluster's names, and how other nodes are reached.
    pub replication: burgee_replication::ReplicationConfig,
    /// How other nodes are found, beside those of `--join`.
    pub discovery: burgee_discovery::DiscoveryConfig,
    /// The token that may do everything, where one was given.
    pub admin_token: Option<String>,
    /// Files to load, in the order of their options.
    pub imports: Vec<ImportFile>,
    /// Whether to announce the bound addresses on stdout.
    pub announce: bool,
    /// How to log.
    pub log: LogFormat,
    /// Bytes of compiled rules in the data directory; 0 keeps none.
    pub code_cache_bytes: u64,
    /// How far a stamp may move the clock ahead.
    pub max_skew: Duration,
    /// The files by which HTTP is spoken over TLS; none speaks it plainly.
    pub tls: Option<TlsFiles>,
    /// How long a node that hears of no other one honours tokens with a role; zero is for ever.
    pub max_isolation: Duration,
    /// What the node accepts.
    pub limits: Limits,
}

/// An option that cannot be used: `burgee: <field>: <reason>`, exit code 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct ConfigError {
    /// The option's name, without dashes in front.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
}

impl ConfigError {
    fn new(field: &str, reason: &dyn Display) -> Self {
        Self { field: field.to_owned(), reason: reason.to_string().replace('\n', " ") }
    }
}

impl Config {
    /// Reads the file that the options name, fills in the defaults and checks everything.
    pub fn new(mode: Mode, options: Options) -> Result<Self, ConfigError> {
        let file = options.config.as_deref().map(read_file).transpose()?.unwrap_or_default();
        let options = options.or(file);
        let max_skew = duration("max-skew", options.max_skew.as_deref(), 60)?;
        let replication = replication(&options, max_skew)?;
        replication.validate().map_err(|e| ConfigError::new(e.field(), &e.reason()))?;
        let discovery = discovery::config(&options.discovery, &replication)?;
        discovery.validate().map_err(|e| ConfigError::new(e.field(), &e.reason()))?;
        Ok(Self {
            mode,
            listen: address("listen", options.listen.as_deref().unwrap_or("127.0.0.1:8080"))?,
            grpc_listen: grpc_listen(mode, options.grpc_listen.as_deref())?,
            grpc_open: options.grpc_open.as_deref().map(|text| place("grpc-open", text)).transpose()?,
            data_dir: data_dir(&options)?,
            replication,
            discovery,
            admin_token: options.admin_token.clone().map(admin_token).transpose()?,
            imports: options.import.iter().map(|text| import(text)).collect::<Result<_, _>>()?,
            announce: options.announce,
            log: log_format(options.log.as_deref())?,
            code_cache_bytes: options.code_cache_bytes.unwrap_or(CODE_CACHE_BYTES),
            max_skew,
            tls: tls(&options)?,
            max_isolation: duration("max-isolation", options.max_isolation.as_deref(), 0)?,
            limits: limits(&options)?,
        })
    }
}

fn read_file(path: &Path) -> Result<Options, ConfigError> {
    let text =
        std::fs::read_to_string(path).map_err(|e| ConfigError::new("config", &format!("{}: {e}", path.display())))?;
    Options::from_toml(&text).map_err(|e| ConfigError::new("config", &format!("{}: {e}", path.display())))
}

fn tls(options: &Options) -> Result<Option<TlsFiles>, ConfigError> {
    match (&options.tls_cert, &options.tls_key) {
        (Some(cert), Some(key)) => Ok(Some(TlsFiles { cert: cert.clone(), key: key.clone() })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(ConfigError::new("tls-key", &"is missing beside tls-cert")),
        (None, Some(_)) => Err(ConfigError::new("tls-cert", &"is missing beside tls-key")),
    }
}

/// Those of the file, under those that are options of their own.
fn limits(options: &Options) -> Result<Limits, ConfigError> {
    let limits = options.limits.clone().unwrap_or_default();
    let limits = Limits {
        tenant_requests_per_second: options.tenant_requests_per_second.unwrap_or(limits.tenant_requests_per_second),
        token_requests_per_second: options.token_requests_per_second.unwrap_or(limits.token_requests_per_second),
        connections: options.connections.unwrap_or(limits.connections),
        connections_per_address: options.connections_per_address.unwrap_or(limits.connections_per_address),
        head_ms: milliseconds("head-timeout", options.head_timeout.as_deref(), limits.head_ms)?,
        request_ms: milliseconds("request-timeout", options.request_timeout.as_deref(), limits.request_ms)?,
        unread_ms: milliseconds("unread-timeout", options.unread_timeout.as_deref(), limits.unread_ms)?,
        ..limits
    };
    // without these nothing is served at all
    for (field, zero) in [
        ("connections", limits.connections == 0),
        ("bodies_bytes", limits.bodies_bytes == 0),
        ("connection_requests", limits.connection_requests == 0),
        ("head-timeout", limits.head_ms == 0),
        ("request-timeout", limits.request_ms == 0),
        ("unread-timeout", limits.unread_ms == 0),
        ("idle_ms", limits.idle_ms == 0),
        ("handshake_ms", limits.handshake_ms == 0),
        ("guest_queue_modules", limits.guest_queue_modules == 0),
        ("guest_uploads", limits.guest_uploads == 0),
        ("guest_uploads_waiting", limits.guest_uploads_waiting == 0),
        ("looks_back", limits.looks_back == 0),
        ("looks_back_waiting", limits.looks_back_waiting == 0),
        ("request_steps", limits.request_steps == 0),
        ("request_evaluation_ms", limits.request_evaluation_ms == 0),
        ("long_evaluations_waiting", limits.long_evaluations_waiting == 0),
        ("imports", limits.imports == 0),
        ("imports_waiting", limits.imports_waiting == 0),
    ] {
        if zero {
            return Err(ConfigError::new(field, &"is more than 0"));
        }
    }
    if limits.head_bytes < HEAD_BYTES_MIN {
        return Err(ConfigError::new("head_bytes", &format!("is at least {HEAD_BYTES_MIN}")));
    }
    Ok(limits)
}

/// The least that a request's head may have: its path may hold keys of three times 512 bytes, percent-encoded.
const HEAD_BYTES_MIN: usize = 8 * 1024;

fn milliseconds(field: &str, text: Option<&str>, default: u64) -> Result<u64, ConfigError> {
    let Some(text) = text else { return Ok(default) };
    burgee_model::duration::parse(text).map_err(|e| ConfigError::new(field, &format!("`{text}`: {e}")))
}

fn replication(options: &Options, max_skew: Duration) -> Result<burgee_replication::ReplicationConfig, ConfigError> {
    let default = burgee_replication::ReplicationConfig::default();
    Ok(burgee_replication::ReplicationConfig {
        node_name: options.node_name.clone().unwrap_or_else(host_name),
        cluster_name: options.cluster_name.clone().unwrap_or_else(|| "burgee".to_owned()),
        listen: options.cluster_listen.clone(),
        advertise: options.cluster_advertise.clone(),
        join: options.join.iter().map(|text| discovery::endpoint(options, text)).collect(),
        discovers: !options.discovery.discovery.is_empty(),
        ca: options.cluster_ca.clone(),
        cert: options.cluster_cert.clone(),
        key: options.cluster_key.clone(),
        trust_own_data: options.trust_own_data,
        ready_timeout: duration("ready-timeout", options.ready_timeout.as_deref(), 10)?,
        max_skew,
        collect_grace: duration("collect-grace", options.collect_grace.as_deref(), 3600)?,
        collect_period: collect_period(options.collect_period.as_deref())?,
        protocol_max: options.protocol_max.unwrap_or(default.protocol_max),
        ..default
    })
}

/// 10,000 flags of a few conditions each take 9 MB.
const CODE_CACHE_BYTES: u64 = 256 * 1024 * 1024;

/// The least time between two steps of collection: each step writes, and every node hears of it.
const COLLECT_PERIOD_MIN: Duration = Duration::from_millis(100);

fn collect_period(text: Option<&str>) -> Result<Duration, ConfigError> {
    match duration("collect-period", text, 30)? {
        period if period < COLLECT_PERIOD_MIN => Err(ConfigError::new("collect-period", &"at least 100ms")),
        period => Ok(period),
    }
}

/// The host's name where the system tells it, else `burgee`.
fn host_name() -> String {
    let told = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| std::env::var("HOSTNAME").ok());
    told.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).unwrap_or_else(|| "burgee".to_owned())
}

fn address(field: &str, text: &str) -> Result<SocketAddr, ConfigError> {
    let wrong = || ConfigError::new(field, &format!("`{text}` is no ADDRESS:PORT"));
    let spelled = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    spelled.as_deref().unwrap_or(text).parse().map_err(|_| wrong())
}

fn data_dir(options: &Options) -> Result<Option<PathBuf>, ConfigError> {
    match (&options.data_dir, options.ephemeral) {
        (Some(_), true) => Err(ConfigError::new("ephemeral", &"a data directory is given as well")),
        (None, true) => Ok(None),
        (Some(dir), false) => Ok(Some(dir.clone())),
        (None, false) => Ok(Some(PathBuf::from("burgee-data"))),
    }
}

/// The least length of an admin token, in bytes: what can be guessed protects nothing.
const ADMIN_TOKEN_BYTES_MIN: usize = 8;

fn admin_token(token: String) -> Result<String, ConfigError> {
    if token.len() < ADMIN_TOKEN_BYTES_MIN || !token.bytes().all(|b| b.is_ascii_graphic()) {
        let reason = format!("at least {ADMIN_TOKEN_BYTES_MIN} printable ASCII characters without spaces");
        return Err(ConfigError::new("admin-token", &reason));
    }
    Ok(token)
}

fn import(text: &str) -> Result<ImportFile, ConfigError> {
    let wrong = |reason: String| ConfigError::new("import", &reason);
    let (at, file) = text.split_once('=').ok_or_else(|| wrong(format!("`{text}` is no TENANT/ENV=FILE")))?;
    let (tenant, environment) = place("import", at)?;
    let file = PathBuf::from(file);
    if !file.is_file() {
        return Err(wrong(format!("{}: no such file", file.display())));
    }
    Ok(ImportFile { tenant, environment, file })
}

/// An environment of a tenant.
fn place(field: &str, text: &str) -> Result<(Key, Key), ConfigError> {
    let wrong = |reason: String| ConfigError::new(field, &reason);
    let (tenant, environment) = text.split_once('/').ok_or_else(|| wrong(format!("`{text}` is no TENANT/ENV")))?;
    let key = |text| Key::new(text).map_err(|e| wrong(format!("`{text}`: {e}")));
    if is_reserved_tenant(tenant) {
        return Err(wrong(format!("`{tenant}`: tenants that begin with `$` are the cluster's own")));
    }
    Ok((key(tenant)?, key(environment)?))
}

/// On a developer's machine flagd's services are there without being asked for.
fn grpc_listen(mode: Mode, given: Option<&str>) -> Result<Option<SocketAddr>, ConfigError> {
    let default = (mode == Mode::Dev).then_some("127.0.0.1:8013");
    given.or(default).map(|text| address("grpc-listen", text)).transpose()
}

fn log_format(text: Option<&str>) -> Result<LogFormat, ConfigError> {
    match text {
        None | Some("text") => Ok(LogFormat::Text),
        Some("json") => Ok(LogFormat::Json),
        Some(other) => Err(ConfigError::new("log", &format!("`{other}` is neither `text` nor `json`"))),
    }
}

/// A bare `0` is a duration too: it switches something off.
fn duration(field: &str, text: Option<&str>, default_seconds: u64) -> Result<Duration, ConfigError> {
    match text {
        None => Ok(Duration::from_secs(default_seconds)),
        Some("0") => Ok(Duration::ZERO),
        Some(text) => burgee_model::duration::parse(text)
            .map(Duration::from_millis)
            .map_err(|e| ConfigError::new(field, &format!("`{text}`: {e}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field_of(options: Options) -> String {
        Config::new(Mode::Serve, options).unwrap_err().field
    }

    #[test]
    fn a_bad_value_names_its_field() {
        let text = |t: &str| Some(t.to_owned());
        assert_eq!(field_of(Options { listen: text("nowhere"), ..Options::default() }), "listen");
        assert_eq!(field_of(Options { grpc_listen: text("here"), ..Options::default() }), "grpc-listen");
        for place in ["demo", "$cluster/dev", "/dev", "demo/"] {
            assert_eq!(field_of(Options { grpc_open: text(place), ..Options::default() }), "grpc-open");
        }
        assert_eq!(field_of(Options { log: text("xml"), ..Options::default() }), "log");
        assert_eq!(field_of(Options { max_skew: text("soon"), ..Options::default() }), "max-skew");
        assert_eq!(field_of(Options { collect_grace: text("soon"), ..Options::default() }), "collect-grace");
        for period in ["0", "99ms", "often"] {
            assert_eq!(field_of(Options { collect_period: text(period), ..Options::default() }), "collect-period");
        }
        let own = vec!["$cluster/dev=/dev/null".into()];
        assert_eq!(field_of(Options { import: own, ..Options::default() }), "import");
        assert_eq!(field_of(Options { admin_token: text("short"), ..Options::default() }), "admin-token");
        assert_eq!(field_of(Options { import: vec!["demo=x".into()], ..Options::default() }), "import");
        assert_eq!(field_of(Options { tls_cert: Some("x.pem".into()), ..Options::default() }), "tls-key");
        assert_eq!(field_of(Options { tls_key: Some("x.pem".into()), ..Options::default() }), "tls-cert");
        assert_eq!(field_of(Options { max_isolation: text("soon"), ..Options::default() }), "max-isolation");
        assert_eq!(field_of(Options { config: Some("/nonexistent".into()), ..Options::default() }), "config");
        assert_eq!(field_of(Options { connections: Some(0), ..Options::default() }), "connections");
        assert_eq!(field_of(Options { head_timeout: text("0"), ..Options::default() }), "head-timeout");
        assert_eq!(field_of(Options { unread_timeout: text("soon"), ..Options::default() }), "unread-timeout");
        let limits = Some(Limits { head_bytes: 1, ..Limits::default() });
        assert_eq!(field_of(Options { limits, ..Options::default() }), "head_bytes");
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("burgee.toml");
        std::fs::write(&path, "listen = '127.0.0.1:1'\nlog = 'json'\n[limits]\ncontext_attributes = 7\n").unwrap();
        let options =
            Options { config: Some(path), listen: Some("127.0.0.1:2".into()), ephemeral: true, ..Options::default() };
        let config = Config::new(Mode::Serve, options).unwrap();
        assert_eq!((config.listen.port(), config.log, config.limits.context_attributes), (2, LogFormat::Json, 7));
    }
}
