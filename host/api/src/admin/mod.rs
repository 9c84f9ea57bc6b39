//! The domain operations behind the admin API: pure planners that know no HTTP.
//!
//! A planner gets the table, the time and a checked request, and gives back the registers to write or a
//! [`Refusal`]. The store runs it under its write lock, so that what it checks still holds when it is written.

pub mod address;
pub mod config;
pub mod conflict;
pub mod elsewhere;
pub mod environment;
pub mod fixture;
pub mod flag;
pub mod flag_document;
pub mod flag_in;
pub mod flagd;
pub mod guest;
pub mod history;
pub mod idempotency;
pub mod manifest;
pub mod members;
pub mod permit;
pub mod precondition;
pub mod refusal;
pub mod rollout;
pub mod rule;
pub mod segment;
pub mod stamps_read;
pub mod tag;
pub mod tenant;
pub mod token;

pub use precondition::Preconditions;
pub use refusal::{Kind, Refusal};

use burgee_model::{Blob, Key, RegisterId, Scope};
use burgee_store::{Draft, DraftWrite};
use serde_json::Value as Json;

/// The most items of a page of a list.
pub(crate) const PAGE_ITEMS_MAX: usize = 1_000;

/// One register with its new JSON value.
pub(crate) fn put(register: RegisterId, value: &Json) -> DraftWrite {
    DraftWrite::put(register, Blob::json(value))
}

/// A change of registers alone.
pub(crate) fn writes(writes: Vec<DraftWrite>) -> Draft {
    Draft::of(writes)
}

/// A change that only deletes everything in one scope.
pub(crate) fn floor(tenant: &Key, scope: Scope) -> Draft {
    Draft { floors: vec![(tenant.clone(), scope)], ..Draft::default() }
}
