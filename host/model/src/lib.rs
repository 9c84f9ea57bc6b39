//! The words that every other part of Burgee speaks: keys, stamps, registers, flags, contexts, limits.
//!
//! Nothing here reads a clock, a random number, a file or the network, and nothing here depends on
//! another crate of the project.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod answer;
pub mod blob;
pub mod context;
pub mod duration;
pub mod flag;
pub mod flagd;
pub mod format;
pub mod guest;
pub mod hex;
pub mod import;
pub mod json;
pub mod key;
pub mod limits;
pub mod materialise;
pub mod place;
pub mod problem;
pub mod register;
pub mod rollout;
pub mod shown;
pub mod stamp;
pub mod token;
pub mod value;
pub mod yaml;

pub use answer::KeptAnswer;
pub use blob::{Blob, Media};
pub use context::Context;
pub use flag::{Bucketing, EnvironmentMeta, Flag, FlagIn, Kill, State, TenantMeta};
pub use format::Format;
pub use guest::{Digest, GuestMeta};
pub use key::{Key, KeyError};
pub use limits::Limits;
pub use place::Place;
pub use problem::{Problem, Severity};
pub use register::{Address, FlagField, FlagInField, ForgottenMeta, MemberMeta, RegisterId, SYSTEM_TENANT, Scope};
pub use rollout::{By, Next, Rollout};
pub use stamp::{NodeId, Stamp};
pub use token::{SigningKey, TokenId, TokenKind, TokenMeta};
pub use value::Value;

/// A wall-clock instant in milliseconds since the Unix epoch.
pub type Millis = u64;
