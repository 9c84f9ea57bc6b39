//! What the host hands in: the store, the snapshots, the node's status and the rules of access.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use burgee_engine::Snapshot;
use burgee_model::{Key, Limits};
use burgee_store::{Position, Store};
use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;

/// Everything that handlers work with. Cloning is not needed: the router shares one.
pub struct ApiState {
    /// The replica.
    pub store: Store,
    /// What evaluations read.
    pub snapshots: Arc<dyn Snapshots>,
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
}

impl Default for ApiLimits {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(30),
            caught_up_timeout: Duration::from_secs(1),
            heartbeat: Duration::from_secs(15),
        }
    }
}

/// Who may do what. Until tokens exist there is one key to everything.
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

    /// Waits until every snapshot reflects the feed up to a position.
    fn caught_up(&self, position: Position) -> Caught<'_>;
}

/// What the node knows of itself and of its cluster.
pub trait NodeStatus: Send + Sync {
    /// Whether the node serves evaluations and takes writes. Called for every evaluation: must be cheap.
    fn ready(&self) -> Readiness;

    /// Whether the node was told to stop. `/readyz` then answers 503, while requests that still come are
    /// answered as before.
    fn draining(&self) -> bool {
        false
    }

    /// The cluster as this node sees it.
    fn cluster(&self) -> ClusterView;
}

/// Whether a node is ready, and if not, why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Readiness {
    /// Whether it serves evaluations and takes writes.
    pub ready: bool,
    /// Why it is not, e.g. `joining`, `importing`, `shutting_down`.
    pub reasons: Vec<String>,
}

/// The cluster as one node sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterView {
    /// This node's name.
    #[serde(rename = "self")]
    pub this: String,
    /// The eldest live node's name; informational, nothing depends on a leader.
    pub leader: Option<String>,
    /// The known nodes, this one included.
    pub nodes: Vec<ClusterNode>,
    /// Stamps that were merged although they lie beyond the tolerated clock skew.
    pub stamps_ahead: u64,
    /// Tombstones held.
    pub tombstones: u64,
    /// The nodes that collection of tombstones waits for.
    pub collection_held_by: Vec<String>,
    /// The stamp up to which all nodes have collected, as text.
    pub horizon: Option<String>,
}

/// One node of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterNode {
    /// Its label.
    pub name: String,
    /// The id in its stamps, as text.
    pub id: String,
    /// Where it is reached, e.g. `tcp/127.0.0.1:7447`.
    pub address: Option<String>,
    /// `live`, `gone` or `forgotten`.
    pub state: String,
    /// Whether it is ready.
    pub ready: bool,
    /// How far this node is behind it, in milliseconds, where known.
    pub lag_ms: Option<u64>,
    /// By how much its clock is ahead of this node's, in milliseconds, where known.
    pub skew_ms: Option<i64>,
    /// The digest of its replica, where known.
    pub root: Option<String>,
    /// The oldest of its stamps that not every member has yet, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_unacked_stamp: Option<String>,
}
