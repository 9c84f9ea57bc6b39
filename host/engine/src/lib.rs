//! Evaluation: immutable snapshots of environments, whose rules run as WebAssembly.
//!
//! A snapshot answers at once, by the interpreter of [`burgee_rules`]; in the background the rules are
//! compiled, a chunk of flags at a time, and the artefact appears in the snapshot. Values (state, kill,
//! default variant, variants, config entries) are data: changing one compiles nothing.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod allowance;
mod asking;
mod build;
mod cache;
mod changes;
mod chunk;
mod clients;
mod code;
mod compiler;
mod digest;
mod engine;
mod evaluation;
mod flag;
pub mod guest;
mod hash;
mod host;
mod input;
mod joined;
mod modules;
mod named;
mod part;
mod patterns;
mod prerequisites;
mod reads;
mod runtime;
mod shared;
mod snapshot;
mod source;
mod tally;
mod targeting;
mod worker;

pub use build::{ReadConfig, ReadRules, Reads};
pub use cache::{CacheConfig, CacheUse};
pub use changes::FlagChange;
pub use digest::etag;
pub use engine::{Engine, EngineError};
pub use evaluation::{ErrorCode, Evaluation, Outcome, Reason};
pub use modules::{Module, modules};
pub use part::{Audience, Seen};
pub use snapshot::{Snapshot, Tiers};
pub use source::{ConfigValue, EngineConfig, EnvironmentSource, FlagSource};
pub use tally::{Evaluations, Tier};
