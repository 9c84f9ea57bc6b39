//! The router over a store in memory: one file a resource.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub, reason = "tests")]

mod access;
mod bad_input;
mod cluster;
mod config;
mod dev;
mod environments;
mod evaluate;
mod faults;
mod flag_in;
mod flagd;
mod flags;
mod guests;
mod history;
mod metrics;
mod ofrep;
mod openapi;
mod past;
mod queries;
mod segments;
mod server;
mod stream;
mod tenants;
mod ui;
mod watch;
