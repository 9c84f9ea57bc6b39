//! The operators as pure functions on values: what the interpreter runs, and what the emitted module calls
//! through its host functions.
//!
//! Semantics are JsonLogic's, so JavaScript's. An operator takes a [`crate::Budget`] where its work grows
//! with its operands beyond a fixed size; what takes none, or meets no text longer than
//! [`crate::SHORT_TEXT_BYTES`], costs none, so that a tier may do it inline.

mod arithmetic;
mod call;
mod cbor;
mod coerce;
mod compare;
pub mod date;
pub mod fractional;
mod list;
pub mod murmur3;
pub mod network;
pub mod number;
pub mod pattern;
pub mod ramp;
pub mod sem_ver;
mod substr;
mod text;

pub use call::{Each, call};
pub use coerce::{to_number, to_text, truthy};
pub use compare::{compare, less, less_or_equal, loose_equal, strict_equal, text_order};
pub use text::{Cat, constant_contains, contains, ends_with, starts_with};
