//! The engine from outside: what snapshots answer, what they reuse, and that compiled rules answer what the
//! interpreter does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod answers;
mod budgets;
mod cache;
mod changes;
mod choice;
mod differential;
mod earlier;
mod guests;
mod isolation;
mod mutation;
mod prerequisites;
mod reuse;
mod support;
