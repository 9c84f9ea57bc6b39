//! The cluster as a node tells of it.

use std::{future::Future, pin::Pin};

use futures_util::Stream;
use serde::Serialize;
use utoipa::ToSchema;

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
    /// Stamps that were merged although they lie beyond the tolerated clock skew; absent for a token that is bound to a
    /// tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub stamps_ahead: Option<u64>,
    /// The same, by the node that gave them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub stamps_ahead_by: Option<Vec<StampsAhead>>,
    /// Tombstones held, of all tenants: absent for a token that is bound to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tombstones: Option<u64>,
    /// The nodes that collection of tombstones waits for.
    pub collection_held_by: Vec<String>,
    /// The stamp up to which all nodes have collected, as text.
    pub horizon: Option<String>,
    /// How often a version was left out of what others sent because it is of a kind that this node's release does not
    /// know: each time that it came, for as long as the node is not upgraded. Absent for a token that is bound to a tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub versions_unknown: Option<u64>,
    /// The same, of versions that no node which keeps the rules writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub versions_invalid: Option<u64>,
    /// How other nodes are found; absent where only those are looked for that were named at the start.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub discovery: Vec<ClusterDiscovery>,
}

impl ClusterView {
    /// What of it is for a token that is bound to a tenant: nothing by which the writes of others could be counted.
    #[must_use]
    pub(crate) fn for_tenants(self) -> Self {
        let nodes = self.nodes.into_iter();
        let nodes = nodes.map(|node| ClusterNode { root: None, oldest_unacked_stamp: None, ..node }).collect();
        Self {
            nodes,
            tombstones: None,
            stamps_ahead: None,
            stamps_ahead_by: None,
            versions_unknown: None,
            versions_invalid: None,
            ..self
        }
    }
}

/// One way in which a node finds others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct ClusterDiscovery {
    /// `static`, `dns`, `nats` or `kubernetes`.
    pub provider: &'static str,
    /// Where it found nodes when it last answered, this one among them.
    pub endpoints: Vec<String>,
    /// Why it finds nobody now; it is asked again. Null where it works, or has not answered yet.
    pub failing: Option<String>,
    /// How often it failed since the node started.
    pub failures: u64,
}

/// How many stamps of one node lie beyond the tolerated clock skew.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StampsAhead {
    /// The node's label, where it is known.
    pub name: Option<String>,
    /// The id in its stamps, as text; all `f` stands for those beyond the first 256 nodes.
    pub id: String,
    /// Stamps that were merged, each counted once, since this node started.
    pub stamps: u64,
}

/// Whether a node takes part in its cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClusterNodeState {
    /// It is reached.
    #[default]
    Live,
    /// It belongs to the cluster, but is not reached.
    Gone,
    /// An operator had it forgotten.
    Forgotten,
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
    /// Whether it takes part.
    pub state: ClusterNodeState,
    /// Whether it is ready.
    pub ready: bool,
    /// Whether it only began to join; absent where it did not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub joining: bool,
    /// How far this node is behind it, in milliseconds, where known.
    pub lag_ms: Option<u64>,
    /// By how much its clock is ahead of this node's, in milliseconds, where known.
    pub skew_ms: Option<i64>,
    /// The digest of its replica, where known, and not for a token that is bound to a tenant: it changes with every
    /// write of any.
    pub root: Option<String>,
    /// The oldest stamp of this node that it is not known to have; absent for a token that is bound to a tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_unacked_stamp: Option<String>,
    /// Why collection waits for it, where it does: `away`, `late`, `left_out` (of what it sends,
    /// this node leaves something out) or `clock_ahead`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holds_collection: Option<&'static str>,
}

/// A node that came or went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ClusterMember {
    /// Its label, once known.
    pub name: Option<String>,
    /// The id in its stamps, as text.
    pub id: String,
    /// Where it is reached.
    pub address: Option<String>,
}

/// What happens to a cluster, as one node sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterNews {
    /// A node is reached.
    Joined(ClusterMember),
    /// A node is no longer reached.
    Left(ClusterMember),
    /// The reader was too slow: some news is missing.
    Missed,
}

/// News as it happens; ends with the node.
pub type ClusterNewsStream = Pin<Box<dyn Stream<Item = ClusterNews> + Send>>;

/// Why a node was not forgotten.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForgetError {
    /// No node of the cluster has the id.
    #[error("no node of the cluster has this id")]
    Unknown,
    /// It is reached, or it is the node that was asked.
    #[error("the node is live: stop it before it is forgotten")]
    Live,
    /// The node that was asked cannot write that down now; the text says why.
    #[error("{0}")]
    Refused(String),
}

/// Completes when a node is forgotten.
pub type Forgotten<'a> = Pin<Box<dyn Future<Output = Result<(), ForgetError>> + Send + 'a>>;
