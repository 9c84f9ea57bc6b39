//! The slots ABI: how an emitted rule module and its host exchange contexts and results.
//!
//! Private and versioned: the same release emits and runs, so nothing here is a promise to others.
//!
//! # Memory
//! Every module imports one memory (`burgee`.`memory`, [`MEMORY_PAGES`], fixed), that of the worker thread:
//!
//! | from | what | written by |
//! |---|---|---|
//! | [`STATE_AT`] | one byte for each flag of the module: whether `evaluate_all` runs its rule | host |
//! | [`OUT_AT`] | one `i32` for each flag: the operand that its rule gave | module |
//! | [`SLOTS_AT`] | one [cell](CELL_BYTES) for each input of the module | host |
//!
//! Before a call the host writes the cell of every input that the called rules declare, absent ones
//! included, so no rule can read what another request left. All numbers are little-endian.
//!
//! # Cells
//! | offset | type | what |
//! |---|---|---|
//! | [`CELL_TAG`] | `u8` | the type of the value, see [`Tag`] |
//! | [`CELL_TRUTHY`] | `u8` | 1 where the value is true in a condition |
//! | [`CELL_TEXT_ID`] | `u32` | of a text: its number in the module's table of texts, from 1; else 0 |
//! | [`CELL_NUMBER`] | `f64` | of a number: itself |
//! | [`CELL_VERSION`] | `u64` | of a text that is a plain version: see [`pack_version`]; else [`VERSION_UNKNOWN`] |
//!
//! Text ids and versions are filled only for inputs that declare their use. A text longer than 64 bytes has
//! neither: looking through it is charged, which only the host can do.
//!
//! # Operands
//! A value is an `i32`, the *operand*; the values themselves stay with the host:
//!
//! | range | what |
//! |---|---|
//! | below 0 | literal number `-1 - operand` of the module; the first three are null, false and true |
//! | from 0 | the input of this slot |
//! | from [`TEMP_BASE`] | a value that a host function made during this call |
//! | from [`RESULT_BASE`] | only as a result: this constant result of the flag's own rule, counted as the rule counts them |
//!
//! # Exports
//! `evaluate(flag) -> operand` runs one rule; `evaluate_all()` runs those whose STATE byte is 1 and leaves
//! their operands in OUT. Both run in time bounded by the rules' size, host functions aside, which charge
//! the evaluation's budget; beyond it they trap.

/// The version of this interface; part of what identifies a compiled artefact.
pub const VERSION: u32 = 2;

/// The module name of all imports.
pub const MODULE: &str = "burgee";
/// The import that is the memory.
pub const MEMORY: &str = "memory";
/// The memory's size, in pages of 64 KiB.
pub const MEMORY_PAGES: u32 = 5;
/// The export that runs one rule.
pub const EVALUATE: &str = "evaluate";
/// The export that runs all rules that are on.
pub const EVALUATE_ALL: &str = "evaluate_all";

/// The most flags of a module.
pub const FLAGS_MAX: u32 = 128;
/// The most inputs of one rule.
pub const INPUTS_PER_FLAG_MAX: u32 = 64;
/// The most inputs of a module.
pub const SLOTS_MAX: u32 = FLAGS_MAX * INPUTS_PER_FLAG_MAX;

/// Where the flags' states begin.
pub const STATE_AT: u32 = 0;
/// Where the results begin.
pub const OUT_AT: u32 = STATE_AT + FLAGS_MAX;
/// Where the cells begin.
pub const SLOTS_AT: u32 = 1024;

/// The bytes of a cell.
pub const CELL_BYTES: u32 = 32;
/// Where a cell's tag stands.
pub const CELL_TAG: u32 = 0;
/// Where a cell's truth stands.
pub const CELL_TRUTHY: u32 = 1;
/// Where a cell's text id stands.
pub const CELL_TEXT_ID: u32 = 4;
/// Where a cell's number stands.
pub const CELL_NUMBER: u32 = 8;
/// Where a cell's version stands.
pub const CELL_VERSION: u32 = 16;

const _: () = assert!(OUT_AT + 4 * FLAGS_MAX <= SLOTS_AT);
const _: () = assert!(SLOTS_AT + CELL_BYTES * SLOTS_MAX <= MEMORY_PAGES * 65_536);
const _: () = assert!(SLOTS_MAX.cast_signed() <= TEMP_BASE);

/// The type of a cell's value. Absent and null come first, so that `tag <= Null` tells both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Tag {
    /// No such attribute.
    Absent = 0,
    /// `null`
    Null = 1,
    /// `false`
    False = 2,
    /// `true`
    True = 3,
    /// A number.
    Number = 4,
    /// A text.
    Text = 5,
    /// A list.
    List = 6,
    /// An object.
    Object = 7,
}

/// The operand of null.
pub const NULL: i32 = -1;
/// The operand of false.
pub const FALSE: i32 = -2;
/// The operand of true.
pub const TRUE: i32 = -3;
/// The first operand of values that host functions make.
pub const TEMP_BASE: i32 = 1 << 20;
/// The first operand of a rule's own constant results.
pub const RESULT_BASE: i32 = 1 << 24;

/// The operand of a boolean.
#[must_use]
pub const fn boolean(value: bool) -> i32 {
    if value { TRUE } else { FALSE }
}

/// What a cell holds that is no plain version: the host must be asked.
pub const VERSION_UNKNOWN: u64 = u64::MAX;
/// Where the major number begins in a packed version, in bits from the lowest.
pub const VERSION_MAJOR_SHIFT: u32 = 42;
/// Where the minor number begins.
pub const VERSION_MINOR_SHIFT: u32 = 21;

/// A release (no pre-release) whose three numbers are below 2^21, so that versions compare as numbers.
#[must_use]
pub const fn pack_version(major: u64, minor: u64, patch: u64) -> Option<u64> {
    const END: u64 = 1 << VERSION_MINOR_SHIFT;
    if major < END && minor < END && patch < END {
        Some(major << VERSION_MAJOR_SHIFT | minor << VERSION_MINOR_SHIFT | patch)
    } else {
        None
    }
}

/// The functions that a module may call: all that it imports beside the memory, in this order. Parameters
/// and results are `i32`; `flag` is the flag's position in the module and selects whose budget is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum HostFunction {
    /// `(value) -> 0 | 1`: whether it is true in a condition.
    Truthy = 0,
    /// `(flag, comparison, left, right) -> 0 | 1`
    Compare = 1,
    /// `(flag, needle, haystack) -> 0 | 1`
    Contains = 2,
    /// `(flag, needle, haystack) -> 0 | 1`, the haystack being a literal.
    ConstantContains = 3,
    /// `(flag, text, prefix) -> operand`
    StartsWith = 4,
    /// `(flag, text, suffix) -> operand`
    EndsWith = 5,
    /// `(flag, comparison, left, right) -> operand`
    SemVer = 6,
    /// `(value)`: lays an operand of the next function aside.
    Push = 7,
    /// `(flag, count) -> operand`: a list of the last `count` that were pushed.
    List = 8,
    /// `(flag, count) -> operand`: the text of the last `count` that were pushed.
    Cat = 9,
    /// `(flag, bucket by, total) -> bucket`, or -1 where the choice is null.
    Bucket = 10,
    /// `(flag, shares) -> operand`: a weighted choice; pushed were the value to bucket by, then each share's
    /// variant and weight.
    Fractional = 11,
    /// `(flag, function, count) -> operand`: the result of the module's function of this number for the last
    /// `count` that were pushed.
    Call = 12,
    /// `(flag, expression) -> operand`: the value of the module's expression of this number, which the host
    /// interprets.
    Interpret = 13,
}

impl HostFunction {
    /// All, in the order in which modules import them.
    pub const ALL: [Self; 14] = [
        Self::Truthy,
        Self::Compare,
        Self::Contains,
        Self::ConstantContains,
        Self::StartsWith,
        Self::EndsWith,
        Self::SemVer,
        Self::Push,
        Self::List,
        Self::Cat,
        Self::Bucket,
        Self::Fractional,
        Self::Call,
        Self::Interpret,
    ];

    /// The name under which it is imported.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Truthy => "truthy",
            Self::Compare => "compare",
            Self::Contains => "contains",
            Self::ConstantContains => "constant_contains",
            Self::StartsWith => "starts_with",
            Self::EndsWith => "ends_with",
            Self::SemVer => "sem_ver",
            Self::Push => "push",
            Self::List => "list",
            Self::Cat => "cat",
            Self::Bucket => "bucket",
            Self::Fractional => "fractional",
            Self::Call => "call",
            Self::Interpret => "interpret",
        }
    }

    /// How many parameters it takes.
    #[must_use]
    pub const fn parameters(self) -> usize {
        match self {
            Self::Truthy | Self::Push => 1,
            Self::List | Self::Cat | Self::Fractional | Self::Interpret => 2,
            Self::Contains | Self::ConstantContains | Self::StartsWith | Self::EndsWith | Self::Bucket | Self::Call => {
                3
            }
            Self::Compare | Self::SemVer => 4,
        }
    }

    /// Whether it gives a result.
    #[must_use]
    pub const fn returns(self) -> bool {
        !matches!(self, Self::Push)
    }
}
