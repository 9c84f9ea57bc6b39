//! The whole system, through its front doors: real processes, real files, real signals.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod bad_rules;
mod bad_values;
mod basics;
mod cli;
mod clocks;
mod config;
mod conflicts;
mod convergence;
mod copies;
mod durability;
mod expiry;
mod flags;
mod grpc;
mod guests;
mod import;
mod isolation;
mod joining;
mod kill;
mod large;
mod lifecycle;
mod limits;
mod membership;
mod ofrep;
mod partitions;
mod queries;
mod refused_start;
mod replication;
mod rules;
mod sessions;
mod strangers;
mod tls;
mod tokens;
mod traffic;
mod watch;
