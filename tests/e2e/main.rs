//! The whole system, through its front doors: real processes, real files, real signals.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod bad_rules;
mod bad_values;
mod cli;
mod config;
mod convergence;
mod durability;
mod flags;
mod import;
mod kill;
mod lifecycle;
mod ofrep;
mod refused_start;
mod replication;
mod watch;
