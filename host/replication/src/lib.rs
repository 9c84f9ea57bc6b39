//! Replication: how the nodes of a cluster come to hold the same versions.
//!
//! Published updates are a hint that makes changes fast; repair is what makes them correct. A node sends
//! every local write to the peers that it reaches, and nobody waits for anybody. What a hint may have missed
//! is found by comparing digests, and mended in both directions.
//!
//! - [`core`] is the protocol: a pure state machine `(state, event, table, now) -> commands` without clock,
//!   randomness or network.
//! - [`transport`] is what the protocol asks of a network.
//! - [`wire`] are the frames: versioned, bounded, and total to decode.
//! - `driver` executes the commands; [`start`] wires all of it to a store.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod config;
pub mod core;
mod driver;
mod endpoint;
pub mod message;
mod network;
mod refusals;
mod replication;
pub mod status;
mod supervisor;
pub mod time;
mod timekeeping;
pub mod transport;
pub mod wire;

pub use config::{ConfigError, ReplicationConfig, ReplicationLimits};
pub use driver::uses::OwnUses;
pub use refusals::Refusals;
pub use replication::{ForgetError, Replication, ReplicationError, start};
pub use status::{ClusterEvent, Hold, Holder, NodeState, NodeView, Readiness, Status, Traffic};
pub use time::ClusterClock;
pub use timekeeping::{Timekeeping, wall_clock};
