//! The rule language: reading flagd's targeting, checking it, running it, and compiling it to WebAssembly.
//!
//! Pure: no clock, no randomness, no network, no wasmtime. Both ways of running a rule, the interpreter
//! and the emitted module, call the operators of [`ops`].
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod budget;
pub mod check;
pub mod emit;
#[cfg(any(test, feature = "generators"))]
pub mod generators;
pub mod interpret;
pub mod ir;
pub mod ops;
pub mod outcome;
pub mod parse;
pub mod walk;

pub use budget::{Budget, EvalError};
