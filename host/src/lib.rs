//! Burgee: feature flags and runtime configuration, replicated, in one binary.
//!
//! This package is the composition root. [`node::start`] wires store, replication, engine and HTTP
//! together; [`pipeline`] turns changes into evaluation snapshots; [`cli`] is the command line. What each
//! part does, and what it must never do, is in `ARCHITECTURE.md` beside this package.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod admin_token;
mod certificates;
pub mod cli;
pub mod config;
pub mod demo;
pub mod import;
mod isolation;
pub mod node;
pub mod options;
pub mod pipeline;
mod serving;
pub mod status;
pub mod tls;
mod waiting;

/// Versions are many small allocations that one thread makes and another one frees, long after: with the system's
/// allocator, merging takes twice the processor time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
