//! What the host hands in: the store, the snapshots, the node's status and the rules of access.

use std::{collections::BTreeMap, fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use burgee_engine::{CacheUse, Evaluations, Snapshot, guest::Guests};
use burgee_model::{Key, Limits, Millis, NodeId, TokenId};
use burgee_store::{Position, Store};
use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::cluster::{ClusterNewsStream, ClusterView, Forgotten};

/// Everything that handlers work with. Cloning is not needed: the router shares one.
pub struct ApiState {
    /// The replica.
    pub store: Store,
    /// What evaluations read.
    pub snapshots: Arc<dyn Snapshots>,
    /// Code that tenants wrote.
    pub guests: Arc<Guests>,
    /// Readiness and the cluster as this node sees it.
    pub status: Arc<dyn NodeStatus>,
    /// Who may do what.
    pub auth: AuthConfig,
    /// What a request may cost, as contracts.md section 5 has it.
    pub limits: Limits,
    /// Bounds of the HTTP layer itself.
    pub http: ApiLimits,
    /// Becomes true when the node shuts down: streams end at once, so that draining does not wait for them.
    pub shutdown: watch::Receiver<bool>,
}

/// Bounds of the HTTP layer that no other layer knows. Units are in the names.
#[derive(Clone, Debug)]
pub struct ApiLimits {
    /// How long a request may take, body included; streams are exempt.
    pub request_timeout: Duration,
    /// How long a write waits until this node's snapshots show it, before it is answered all the same.
    pub caught_up_timeout: Duration,
    /// Time between the heartbeats of a stream.
    pub heartbeat: Duration,
    /// How long a stream of events of flagd's services is silent before it gives a sign of life.
    pub grpc_keep_alive: Duration,
    /// How long a node that hears of no other honours tokens with a role; zero is for ever.
    pub max_isolation: Duration,
    /// Whether this node is reached by TLS alone.
    pub tls: bool,
}

impl Default for ApiLimits {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(30),
            caught_up_timeout: Duration::from_secs(1),
            heartbeat: Duration::from_secs(15),
            grpc_keep_alive: Duration::from_secs(20),
            max_isolation: Duration::ZERO,
            tls: false,
        }
    }
}

/// Who may do what beside those who have tokens.
#[derive(Clone, Default)]
pub struct AuthConfig {
    /// SHA-256 of the node's own key to everything; none refuses every request that needs one. The host
    /// keeps no more of a generated token than this.
    pub admin_token_sha256: Option<[u8; 32]>,
    /// `burgee dev` on loopback: no login. Requests must then name a loopback host, so that no web page
    /// can reach the node under a name of its own.
    pub open: bool,
    /// What `/ofrep/…` means where `open` is set and no token names an environment: (tenant, environment).
    pub open_environment: Option<(Key, Key)>,
    /// The environment that flagd's services tell whoever shows no token: (tenant, environment). Where `open` is
    /// set, it is what they mean where no selector names another.
    pub grpc_open: Option<(Key, Key)>,
}

impl fmt::Debug for AuthConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.admin_token_sha256.as_ref().map(|_| "set");
        f.debug_struct("AuthConfig").field("admin_token", &token).field("open", &self.open).finish_non_exhaustive()
    }
}

/// Completes when a snapshot shows what was waited for.
pub type Caught<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// The published snapshots of this node. The host's pipeline implements it.
pub trait Snapshots: Send + Sync {
    /// The newest snapshot of an environment; `None` where the environment does not exist, or where its
    /// first snapshot is not built yet.
    fn get(&self, tenant: &Key, environment: &Key) -> Option<Arc<Snapshot>>;

    /// Changes, to the position in the feed that every snapshot reflects, when there are new snapshots.
    fn changes(&self) -> watch::Receiver<Position>;

    /// Waits until every snapshot reflects the feed up to a position.
    fn caught_up(&self, position: Position) -> Caught<'_>;
}

/// Tells when this node last heard of tokens, by cluster time; those that it did not hear of since its start are left out.
pub type OwnUses = Box<dyn Fn(&[TokenId]) -> Vec<(TokenId, Millis)> + Send + Sync>;

/// Completes with the last use of tokens on other nodes.
pub type UsesElsewhere<'a> = Pin<Box<dyn Future<Output = BTreeMap<TokenId, Millis>> + Send + 'a>>;

/// What the node knows of itself and of its cluster.
pub trait NodeStatus: Send + Sync {
    /// Whether the node serves evaluations and takes writes. Called for every evaluation: must be cheap.
    fn ready(&self) -> Readiness;

    /// Whether the node was told to stop. `/readyz` then answers 503, while requests that still come are
    /// answered as before.
    fn draining(&self) -> bool {
        false
    }

    /// By how many milliseconds the node's clock is ahead of the cluster's, where that is a reason to refuse
    /// writes. Called for every write: must be cheap.
    fn clock_ahead(&self) -> Option<Millis> {
        None
    }

    /// For how long the node has heard of no other one; without end where it has not since it started; none where it
    /// hears of one, or has nobody to hear of. Called for every request of a person: must be cheap.
    fn isolated_for(&self) -> Option<Duration> {
        None
    }

    /// Whether the node slept and has not heard of another one since. Called for every request of a person: must be
    /// cheap.
    fn waking(&self) -> bool {
        false
    }

    /// The cluster as this node sees it.
    fn cluster(&self) -> ClusterView;

    /// Who comes and goes from now on, this node aside.
    fn cluster_news(&self) -> ClusterNewsStream;

    /// Has a node forgotten that will not return; done once that is durable here.
    fn forget(&self, node: NodeId) -> Forgotten<'_>;

    /// Takes what other nodes are told of the use of tokens here. Called once.
    fn tell_uses(&self, own: OwnUses);

    /// When other live nodes last heard of tokens: the latest of what those say that answer soon. Must not wait long.
    fn uses_elsewhere(&self, tokens: Vec<TokenId>) -> UsesElsewhere<'_>;

    /// What only metrics tell.
    fn figures(&self) -> NodeFigures;
}

/// Whether a node is ready, and if not, why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Readiness {
    /// Whether it serves evaluations and takes writes.
    pub ready: bool,
    /// Why it is not, e.g. `joining`, `no_peer`, `name_in_use`, `resynchronising`, `operator_decides`, `importing`,
    /// `shutting_down`; beside another one `discovery_failing`.
    pub reasons: Vec<String>,
}

/// What only metrics tell of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeFigures {
    /// By how many milliseconds the machine's clock is ahead of cluster time.
    pub clock_skew_ms: i64,
    /// How often cluster time was set outright since the start.
    pub clock_sets: u64,
    /// Frames of other nodes that were not read, by reason.
    pub frames_refused: BTreeMap<&'static str, u64>,
    /// Frames exchanged with other nodes.
    pub traffic: Vec<Traffic>,
    /// Versions that repair brought, in both directions.
    pub versions_repaired: u64,
    /// What was evaluated.
    pub evaluations: Vec<Evaluations>,
    /// Chunks of rules that wait for the compiler, the one at hand included.
    pub compile_queue: usize,
    /// Chunks of rules that were made ready to run compiled since the start.
    pub compilations: u64,
    /// How often the code cache was asked; none without one.
    pub code_cache: Option<CacheUse>,
    /// Connections of both ports that are open.
    pub connections: usize,
    /// Those that the node ended by itself or did not take, by reason.
    pub connections_shed: Vec<(&'static str, u64)>,
}

/// Frames of one kind in one direction since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// What they say.
    pub kind: &'static str,
    /// `sent` or `received`.
    pub direction: &'static str,
    /// How many.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
}
