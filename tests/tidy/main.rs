//! The repository's own rules, as tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod checks;
mod imports;
mod layout;
mod manifests;
mod packages;
mod source;
mod tree;
