//! The options of a node as people give them: on the command line, in the environment, in a file.
//!
//! All three speak the same names. The command line wins over the environment, the environment over the
//! file, the file over the defaults. Nothing is checked here: [`crate::config`] does that.

mod discovery;

use std::path::PathBuf;

use burgee_model::Limits;
use clap::Args;
use serde::Deserialize;

pub use self::discovery::DiscoveryOptions;

/// Every option of `burgee serve` and `burgee dev`.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Options {
    /// Read further options from this TOML file; its table `[limits]` holds the limits, which the README lists
    #[arg(long, env = "BURGEE_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Where HTTP listens [default: 127.0.0.1:8080]
    #[arg(long, env = "BURGEE_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// Where flagd's services listen: gRPC, gRPC-web and Connect [default: none; 127.0.0.1:8013 with `dev`]
    #[arg(long, env = "BURGEE_GRPC_LISTEN", value_name = "ADDRESS:PORT")]
    pub grpc_listen: Option<String>,
    /// The environment that flagd's services tell whoever shows no token
    #[arg(long, env = "BURGEE_GRPC_OPEN", value_name = "TENANT/ENV")]
    pub grpc_open: Option<String>,
    /// Where the replica is kept [default: ./burgee-data]
    #[arg(long, env = "BURGEE_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Keep everything in memory only; what was written is gone when the process ends
    #[arg(long, env = "BURGEE_EPHEMERAL")]
    pub ephemeral: bool,
    /// The node's name, unique in its cluster [default: the host's name]
    #[arg(long, env = "BURGEE_NODE_NAME", value_name = "NAME")]
    pub node_name: Option<String>,
    /// The cluster's name; nodes of other clusters are not listened to [default: burgee]
    #[arg(long, env = "BURGEE_CLUSTER_NAME", value_name = "NAME")]
    pub cluster_name: Option<String>,
    /// Where this node listens for other ones, and they reach it, e.g. tcp/127.0.0.1:7447
    #[arg(long, env = "BURGEE_CLUSTER_LISTEN", value_name = "ENDPOINT")]
    pub cluster_listen: Option<String>,
    /// Where other nodes reach this one, if not where it listens, e.g. node-0.nodes:7447 with quic/0.0.0.0:7447;
    /// port 0 is the one that it listens on
    #[arg(long, env = "BURGEE_CLUSTER_ADVERTISE", value_name = "HOST:PORT")]
    pub cluster_advertise: Option<String>,
    /// A node to join, as an ENDPOINT or HOST:PORT; may be given more than once
    #[arg(long, env = "BURGEE_JOIN", value_name = "ENDPOINT", value_delimiter = ',')]
    pub join: Vec<String>,
    /// How to find other nodes: in a file, keys beside the others
    #[command(flatten)]
    #[serde(skip)]
    pub discovery: DiscoveryOptions,
    /// Certificate authority of the cluster, PEM
    #[arg(long, env = "BURGEE_CLUSTER_CA", value_name = "FILE")]
    pub cluster_ca: Option<PathBuf>,
    /// This node's certificate, PEM
    #[arg(long, env = "BURGEE_CLUSTER_CERT", value_name = "FILE")]
    pub cluster_cert: Option<PathBuf>,
    /// This node's key, PEM
    #[arg(long, env = "BURGEE_CLUSTER_KEY", value_name = "FILE")]
    pub cluster_key: Option<PathBuf>,
    /// Certificate for HTTP, PEM, read again when it changes; with it, HTTP is spoken over TLS alone
    #[arg(long, env = "BURGEE_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Key of that certificate, PEM
    #[arg(long, env = "BURGEE_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// The token that may do everything on this node; with fewer than 32 bytes it can be guessed by whoever comes from the
    /// address of a proxy that its owner comes from too
    #[arg(long, env = "BURGEE_ADMIN_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub admin_token: Option<String>,
    /// Load a flagd file into an environment that never existed; may be given more than once
    #[arg(long, env = "BURGEE_IMPORT", value_name = "TENANT/ENV=FILE", value_delimiter = ',')]
    pub import: Vec<String>,
    /// Print one line of JSON with the bound addresses on stdout
    #[arg(long, env = "BURGEE_ANNOUNCE")]
    pub announce: bool,
    /// How to log [default: text]
    #[arg(long, env = "BURGEE_LOG", value_name = "text|json")]
    pub log: Option<String>,
    /// How far a stamp may move this node's clock ahead of the wall clock [default: 60s]
    #[arg(long, env = "BURGEE_MAX_SKEW", value_name = "DURATION")]
    pub max_skew: Option<String>,
    /// How long a deletion is remembered at least before it is collected [default: 1h]
    #[arg(long, env = "BURGEE_COLLECT_GRACE", value_name = "DURATION")]
    pub collect_grace: Option<String>,
    /// How often deletions are looked at that all nodes have seen [default: 30s]
    #[arg(long, env = "BURGEE_COLLECT_PERIOD", value_name = "DURATION")]
    pub collect_period: Option<String>,
    /// The newest version of the cluster's protocol to speak: for tests of clusters in the middle of an upgrade
    #[arg(long, env = "BURGEE_PROTOCOL_MAX", value_name = "VERSION", hide = true)]
    pub protocol_max: Option<u8>,
    /// Serve what this node holds where it finds nobody ready in time: given once to one node, by an operator who knows
    /// that its data is the best there is, where every node of a cluster waits for another one
    #[arg(long)]
    #[serde(skip)]
    pub trust_own_data: bool,
    /// Bytes of compiled rules kept in the data directory from one start to the next; 0 keeps none
    /// [default: 268435456]
    #[arg(long, env = "BURGEE_CODE_CACHE_BYTES", value_name = "BYTES")]
    pub code_cache_bytes: Option<u64>,
    /// How long a node with data waits for its peers before it serves alone [default: 10s]
    #[arg(long, env = "BURGEE_READY_TIMEOUT", value_name = "DURATION")]
    pub ready_timeout: Option<String>,
    /// How long a node that hears of no other one honours tokens with a role, which may have been revoked; those of
    /// applications and its own admin token it always does, so it stays ready. It counts from the last that was heard, and is
    /// never shorter than the two seconds or so after which a node is given up; 0 is for ever [default: 0]
    #[arg(long, env = "BURGEE_MAX_ISOLATION", value_name = "DURATION")]
    pub max_isolation: Option<String>,
    /// Requests of one tenant in a second, to this node; 0 is any number [default: 0]
    #[arg(long, env = "BURGEE_TENANT_REQUESTS_PER_SECOND", value_name = "REQUESTS")]
    pub tenant_requests_per_second: Option<u32>,
    /// Requests with one token in a second, to this node; 0 is any number [default: 0]
    #[arg(long, env = "BURGEE_TOKEN_REQUESTS_PER_SECOND", value_name = "REQUESTS")]
    pub token_requests_per_second: Option<u32>,
    /// Connections open at once, of both ports together; with all in use, those that ask for nothing give way
    /// [default: 16384, or what open files allow]
    #[arg(long, env = "BURGEE_CONNECTIONS", value_name = "CONNECTIONS")]
    pub connections: Option<usize>,
    /// Those of one peer address; 0 is any number [default: 0]
    #[arg(long, env = "BURGEE_CONNECTIONS_PER_ADDRESS", value_name = "CONNECTIONS")]
    pub connections_per_address: Option<usize>,
    /// How long the head of a request may take [default: 10s]
    #[arg(long, env = "BURGEE_HEAD_TIMEOUT", value_name = "DURATION")]
    pub head_timeout: Option<String>,
    /// How long a request may take until its answer begins, its body included [default: 30s]
    #[arg(long, env = "BURGEE_REQUEST_TIMEOUT", value_name = "DURATION")]
    pub request_timeout: Option<String>,
    /// How long a peer may take nothing of what it is sent [default: 30s]
    #[arg(long, env = "BURGEE_UNREAD_TIMEOUT", value_name = "DURATION")]
    pub unread_timeout: Option<String>,
    /// Limits (config file only): the table `[limits]`, see the README
    #[arg(skip)]
    pub limits: Option<Limits>,
}

/// A file of options that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct FileError(String);

impl Options {
    /// Reads the text of a file: TOML, a key for each option.
    ///
    /// # Errors
    /// What is no TOML, a key that is no option, a value of another type.
    pub fn from_toml(text: &str) -> Result<Self, FileError> {
        let failed = |error: toml::de::Error| FileError(error.message().to_owned());
        let mut options: toml::Table = toml::from_str(text).map_err(failed)?;
        let of_discovery: Vec<String> = options.keys().filter(|key| key.starts_with("discovery")).cloned().collect();
        let discovery: toml::Table = of_discovery.into_iter().filter_map(|key| options.remove_entry(&key)).collect();
        let discovery: DiscoveryOptions = discovery.try_into().map_err(failed)?;
        let options: Self = options.try_into().map_err(failed)?;
        Ok(Self { discovery, ..options })
    }

    /// These options, with what they leave open taken from others.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            config: self.config,
            listen: self.listen.or(other.listen),
            grpc_listen: self.grpc_listen.or(other.grpc_listen),
            grpc_open: self.grpc_open.or(other.grpc_open),
            data_dir: self.data_dir.or(other.data_dir),
            ephemeral: self.ephemeral || other.ephemeral,
            node_name: self.node_name.or(other.node_name),
            cluster_name: self.cluster_name.or(other.cluster_name),
            cluster_listen: self.cluster_listen.or(other.cluster_listen),
            cluster_advertise: self.cluster_advertise.or(other.cluster_advertise),
            join: non_empty(self.join, other.join),
            discovery: self.discovery.or(other.discovery),
            cluster_ca: self.cluster_ca.or(other.cluster_ca),
            cluster_cert: self.cluster_cert.or(other.cluster_cert),
            cluster_key: self.cluster_key.or(other.cluster_key),
            tls_cert: self.tls_cert.or(other.tls_cert),
            tls_key: self.tls_key.or(other.tls_key),
            admin_token: self.admin_token.or(other.admin_token),
            import: non_empty(self.import, other.import),
            announce: self.announce || other.announce,
            log: self.log.or(other.log),
            max_skew: self.max_skew.or(other.max_skew),
            collect_grace: self.collect_grace.or(other.collect_grace),
            collect_period: self.collect_period.or(other.collect_period),
            protocol_max: self.protocol_max.or(other.protocol_max),
            trust_own_data: self.trust_own_data || other.trust_own_data,
            code_cache_bytes: self.code_cache_bytes.or(other.code_cache_bytes),
            ready_timeout: self.ready_timeout.or(other.ready_timeout),
            max_isolation: self.max_isolation.or(other.max_isolation),
            tenant_requests_per_second: self.tenant_requests_per_second.or(other.tenant_requests_per_second),
            token_requests_per_second: self.token_requests_per_second.or(other.token_requests_per_second),
            connections: self.connections.or(other.connections),
            connections_per_address: self.connections_per_address.or(other.connections_per_address),
            head_timeout: self.head_timeout.or(other.head_timeout),
            request_timeout: self.request_timeout.or(other.request_timeout),
            unread_timeout: self.unread_timeout.or(other.unread_timeout),
            limits: self.limits.or(other.limits),
        }
    }
}

fn non_empty(first: Vec<String>, second: Vec<String>) -> Vec<String> {
    if first.is_empty() { second } else { first }
}
