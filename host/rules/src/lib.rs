//! The rule language: reading flagd's targeting, checking it, running it, and compiling it to WebAssembly.
//!
//! Pure: no clock, no randomness, no network, no wasmtime. Both ways of running a rule, the interpreter
//! and the emitted module, call the operators of [`ops`].
//!
//! # Semantics
//!
//! JsonLogic's as json-logic-js has them, flagd's own operators as its reference implementation has them.
//! Known differences, all deliberate:
//!
//! - `var` gives its default also where the attribute is null, as flagd's engines do and json-logic-js does not.
//! - Paths reach members of objects and items of lists, not the properties that JavaScript adds (`length`,
//!   the characters of a text).
//! - A standard operator with too few operands does not compile (JavaScript would compute with `undefined`);
//!   surplus operands are ignored, with a warning.
//! - json-logic-engine fails where a comparison has an operand that is no number, and counts null as zero in
//!   `==`; here both are as in JavaScript.
//! - `fractional` hashes UTF-8. Its first operand decides in the rule, not by its value, whether it is a share:
//!   a list in an attribute to bucket by gives null. A targeting key that is no text gives null. A first operand
//!   that is null counts as none.
//! - Arithmetic gives NaN and infinities where json-logic-engine fails; what goes through lists takes what is no
//!   list as an empty one; an only operand of `+`, `-`, `*`, `min` and `max` that is a list holds the operands.
//! - `missing` counts null and empty texts as missing. In a body, `../` does not lead out of the item.
//! - The comparison of `sem_ver` is a constant.
//! - A list or object is strictly equal to itself only where it is an attribute: `$flagd` as a whole is made anew
//!   wherever it is named, and a constant list in a shared rule is the same list wherever that rule is named.
//! - A rule that gives a list or an object is an error, not the name that the list's text would be.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::needless_pass_by_value))]

pub mod budget;
pub mod check;
pub mod emit;
pub mod explain;
pub mod facts;
pub mod function;
#[cfg(any(test, feature = "generators"))]
pub mod generators;
pub mod interpret;
pub mod ir;
pub mod ops;
pub mod outcome;
pub mod parse;
pub mod prerequisites;
pub mod steps;
pub mod walk;
pub mod weight;

pub use budget::{Budget, EvalError, GUEST_STEPS, SHORT_TEXT_BYTES};
pub use weight::VALUE_LEVELS_MAX;
