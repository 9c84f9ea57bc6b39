//! The repository's own rules, as tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod checks;
mod features;
mod imports;
mod layout;
mod manifests;
mod named;
mod packages;
mod source;
mod tree;
