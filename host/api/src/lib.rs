//! The HTTP side of a node: the admin API, OFREP, server-sent events, health and the dashboard's files.
//!
//! Only this crate knows HTTP. The host hands in a store, evaluation snapshots and the node's status
//! ([`ApiState`]) and the dashboard's files ([`UiAssets`]), and gets an [`axum::Router`] back.
//!
//! Three layers: [`admin`] holds the domain operations as pure planners that know no HTTP; `routes` and
//! `ofrep` hold one short handler a route; [`error`] turns refusals into problem documents at the edge.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod access;
pub mod admin;
pub mod cluster;
pub mod error;
mod grpc;
mod guests;
mod http;
mod instant;
mod metrics;
mod ofrep;
pub mod openapi;
mod past;
mod router;
mod routes;
mod selector;
pub mod source;
mod sse;
pub mod state;
pub mod ui;
mod view;

pub use access::{Admission, Asking};
pub use cluster::{
    ClusterDiscovery, ClusterMember, ClusterNews, ClusterNewsStream, ClusterNode, ClusterNodeState, ClusterView,
    ForgetError, Forgotten, StampsAhead,
};
pub use guests::StoredModules;
pub use instant::rfc3339;
pub use router::{Routers, routers};
pub use state::{
    ApiLimits, ApiState, AuthConfig, Caught, NodeFigures, NodeStatus, OwnUses, Readiness, Snapshots, Traffic,
    UsesElsewhere,
};
pub use ui::{UiAssets, UiFile};
