//! Replication: how the nodes of a cluster come to hold the same versions.
//!
//! Published updates are a hint that makes changes fast; repair is what makes them correct. A node
//! publishes every local write to whoever listens, and nobody waits for anybody. What a hint may have
//! missed (a peer that joined, came back, slept, or skipped a sequence number) is repaired by pulling a
//! paged snapshot through the same merge.
//!
//! - [`core`] is the protocol: a pure state machine `(state, event, now) -> commands` without clock,
//!   randomness or network.
//! - [`transport`] is what the protocol asks of a network; one implementation over Zenoh, one in memory.
//! - [`wire`] are the frames: versioned, bounded, and total to decode.
//! - `driver` executes the commands; [`start`] wires all of it to a store.
//!
//! Only `transport::zenoh` knows Zenoh. User keys never appear in key expressions.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod config;
pub mod core;
mod driver;
mod endpoint;
pub mod message;
mod refusals;
mod replication;
mod status;
pub mod transport;
pub mod wire;

pub use config::{ConfigError, ReplicationConfig, ReplicationLimits};
pub use replication::{Replication, ReplicationError, start};
pub use status::{PeerStatus, Readiness, SelfStatus, Status};
