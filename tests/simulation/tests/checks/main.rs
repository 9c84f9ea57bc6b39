//! What a replicated store must do (the acceptance checks by their numbers), in virtual time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod basics;
mod clocks;
mod cluster;
mod deletion;
mod expiry;
mod healing;
mod members;
mod tokens;
