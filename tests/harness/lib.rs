//! What the end-to-end tests stand on: real processes, a small HTTP client, waiting with a bound.
//!
//! Nothing here sleeps for a fixed time and hopes: everything waits for a state, up to a bound, and says
//! what it saw when the bound has passed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

pub mod certificates;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod disk;
pub mod flags;
pub mod guests;
pub mod http;
pub mod http2;
pub mod kubernetes;
pub mod loopback;
pub mod measuring;
pub mod metrics;
pub mod name_server;
pub mod nats_server;
pub mod network;
pub mod node;
pub mod proc;
pub mod random;
pub mod stream;
pub mod tap;
pub mod terminal;
pub mod wait;

/// The admin token of every node that a test starts, unless it says otherwise.
pub const TOKEN: &str = "token-of-the-tests";
