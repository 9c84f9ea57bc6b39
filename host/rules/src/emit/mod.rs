//! From typed rules to a WebAssembly module under the slots ABI ([`burgee_guest::abi`]).
//!
//! Comparisons of attributes with constants, membership in small sets, boolean operators, `if` and the walk
//! over constant shares are emitted inline, with the host's own operators behind them where a value is not
//! of the type at hand. Everything else calls the host, which runs what goes through lists in the interpreter. Rules
//! that differ in constants alone have one function, which takes them as parameters. The bytes depend on the rules
//! alone, so all nodes emit the same module.

mod branch;
mod code;
mod compare;
mod expr;
mod fractional;
mod membership;
mod module;
mod reach;
mod tables;
mod version;

use std::sync::Arc;

use burgee_model::Value;

use crate::{
    function::Function,
    ir::{Comparison, Expr, VersionOp},
};

pub use self::{
    module::module,
    reach::{DEPTH_MAX, Measure, NODES_MAX, fits, results},
    version::pack_version,
};

/// A module with what its host must know to call it.
#[derive(Clone, Debug, PartialEq)]
pub struct Emitted {
    /// The module's bytes.
    pub wasm: Vec<u8>,
    /// What the cells hold, by slot.
    pub inputs: Vec<Input>,
    /// The values of the literal operands; the first three are null, false and true.
    pub literals: Vec<Value>,
    /// The texts that have an id, which is their position + 1.
    pub texts: Vec<Arc<str>>,
    /// The functions that the rules call.
    pub functions: Vec<Function>,
    /// The expressions that the host interprets.
    pub expressions: Vec<Expr>,
    /// The rules, in the order given.
    pub flags: Vec<EmittedFlag>,
}

/// What the host must know of one rule of a module.
#[derive(Clone, Debug, PartialEq)]
pub struct EmittedFlag {
    /// The slots that the rule may read, ascending.
    pub slots: Vec<u32>,
    /// Whether the rule may call host functions.
    pub calls_host: bool,
}

/// What one cell holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Where the value comes from.
    pub source: InputSource,
    /// Whether the cell's text id is read.
    pub needs_text_id: bool,
    /// Whether the cell's version is read.
    pub needs_version: bool,
}

/// Where an input's value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum InputSource {
    /// The context, by dotted path; empty: the whole.
    Attribute(Arc<str>),
    /// A config entry.
    Config(Arc<str>),
    /// The time of the evaluation, in seconds.
    Timestamp,
}

const COMPARISONS: [Comparison; 8] = [
    Comparison::LooseEqual,
    Comparison::LooseNotEqual,
    Comparison::StrictEqual,
    Comparison::StrictNotEqual,
    Comparison::Less,
    Comparison::LessOrEqual,
    Comparison::Greater,
    Comparison::GreaterOrEqual,
];

const VERSION_OPS: [VersionOp; 8] = [
    VersionOp::Equal,
    VersionOp::NotEqual,
    VersionOp::Less,
    VersionOp::LessOrEqual,
    VersionOp::Greater,
    VersionOp::GreaterOrEqual,
    VersionOp::SameMajor,
    VersionOp::SameMinor,
];

/// The number of a comparison in calls of the host.
fn code_of(op: Comparison) -> i32 {
    COMPARISONS.iter().position(|known| *known == op).and_then(|at| i32::try_from(at).ok()).unwrap_or(0)
}

/// The comparison of a number in a call of the host.
#[must_use]
pub fn comparison(code: i32) -> Option<Comparison> {
    usize::try_from(code).ok().and_then(|at| COMPARISONS.get(at)).copied()
}

/// The number of a comparison of versions in calls of the host.
fn code_of_version_op(op: VersionOp) -> i32 {
    VERSION_OPS.iter().position(|known| *known == op).and_then(|at| i32::try_from(at).ok()).unwrap_or(0)
}

/// The comparison of versions of a number in a call of the host.
#[must_use]
pub fn version_op(code: i32) -> Option<VersionOp> {
    usize::try_from(code).ok().and_then(|at| VERSION_OPS.get(at)).copied()
}

#[cfg(test)]
mod tests;
