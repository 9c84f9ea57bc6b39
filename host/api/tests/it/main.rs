//! The router over a store in memory: one file a resource.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub, reason = "tests")]

mod access;
mod bad_input;
mod cluster;
mod config;
mod dev;
mod documents;
mod environments;
mod evaluate;
mod faults;
mod flag_in;
mod flagd;
mod flags;
mod grpc;
mod grpc_streams;
mod guests;
mod history;
mod limits;
mod manifest;
mod metrics;
mod ofrep;
mod ofrep_events;
mod openapi;
mod past;
mod protection;
mod queries;
mod roles;
mod segments;
mod server;
mod sessions;
mod stream;
mod tenants;
mod tokens;
mod ui;
mod watch;
