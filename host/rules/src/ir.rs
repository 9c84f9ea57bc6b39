//! The typed form of a rule: what the parser makes, what the interpreter runs and the emitter compiles.
//!
//! Everything that does not depend on the context is settled here: `$flagd.flagKey` is a literal but in shared rules, `$ref`
//! is the shared rule itself, operators with arguments that flagd answers with null are that null.

use std::sync::Arc;

use burgee_model::Value;

use crate::{facts::SharedExpr, function::Function, ops::Each};

/// A rule of one flag, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The expression whose value names the variant.
    pub root: Expr,
    /// The most steps that it takes, apart from work that grows with data.
    pub steps: usize,
}

/// An expression. JsonLogic's truth and equality are JavaScript's.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A constant of any type.
    Literal(Value),
    /// An attribute of the context by dotted path (empty: the whole context); where it is absent or null,
    /// the default.
    Var {
        /// The dotted path.
        path: Arc<str>,
        /// What stands in; null where there is none.
        default: Option<Box<Expr>>,
    },
    /// The time of the evaluation, in whole seconds since the Unix epoch.
    Timestamp,
    /// The object `$flagd` itself: `flagKey` and `timestamp`. Only rules that name it whole have it; its
    /// members are a literal and [`Expr::Timestamp`].
    Flagd,
    /// The key of the flag that is evaluated: in a shared rule, which is the same for all. Elsewhere it is a literal.
    FlagKey,
    /// A config entry of the environment: JSON where its type says so, else text; where it is absent, the default.
    Config {
        /// The entry's key.
        key: Arc<str>,
        /// What stands in; null where there is none.
        default: Option<Box<Expr>>,
    },
    /// The variant that another flag gives this context, a text; null where it gives none.
    Flag {
        /// The other flag's key.
        key: Arc<str>,
    },
    /// What a guest of the tenant gives; null where there is no such guest.
    Guest {
        /// Its name.
        name: Arc<str>,
        /// What it is called with; all are evaluated, in order.
        arguments: Box<[Expr]>,
    },
    /// The value of the first arm whose condition is true, else of the last branch.
    If {
        /// Conditions and their values, in order.
        arms: Vec<(Expr, Expr)>,
        /// The value where none holds.
        otherwise: Box<Expr>,
    },
    /// The first operand that is not true, else the last. Never empty.
    And(Vec<Expr>),
    /// The first operand that is true, else the last. Never empty.
    Or(Vec<Expr>),
    /// Whether the operand is not true.
    Not(Box<Expr>),
    /// Whether the operand is true.
    Truthy(Box<Expr>),
    /// A comparison of two values: a boolean.
    Compare {
        /// Which one.
        op: Comparison,
        /// The left operand.
        left: Box<Expr>,
        /// The right operand.
        right: Box<Expr>,
    },
    /// `low op middle && middle op high`, with `<` or `<=`: a boolean. The middle is evaluated once, the last
    /// operand only where the first comparison holds.
    Between {
        /// `Less` or `LessOrEqual`.
        op: Comparison,
        /// The three operands.
        operands: Box<[Expr; 3]>,
    },
    /// Whether a text holds another, or a list a value: a boolean.
    In {
        /// What is looked for.
        needle: Box<Expr>,
        /// Where.
        haystack: Box<Expr>,
    },
    /// A list of values of which not all are constant.
    List(Vec<Expr>),
    /// Texts of all operands, one after the other.
    Cat(Vec<Expr>),
    /// Whether a text begins with another; null where one is no text.
    StartsWith(Box<Expr>, Box<Expr>),
    /// Whether a text ends with another; null where one is no text.
    EndsWith(Box<Expr>, Box<Expr>),
    /// A comparison of semantic versions; null where one is none.
    SemVer {
        /// The left version.
        left: Box<Expr>,
        /// Which one; an operator that is not constant or not known makes the whole null at parse time.
        op: VersionOp,
        /// The right version.
        right: Box<Expr>,
    },
    /// A weighted choice by a hash.
    Fractional(Fractional),
    /// A shared rule (`$ref`), the same for all that refer to it.
    Shared(Arc<SharedExpr>),
    /// A function of the operands' values.
    Call {
        /// Which one.
        function: Function,
        /// Its operands; all are evaluated, in order.
        operands: Box<[Expr]>,
    },
    /// What an expression gives for each item of a list; what is no list counts as an empty one.
    Each {
        /// What becomes of the results.
        each: Each,
        /// The list.
        list: Box<Expr>,
        /// What is evaluated for each item.
        body: Body,
    },
    /// What an expression makes of a value and each item of a list, one after the other.
    Reduce {
        /// The list; what is no list counts as an empty one.
        list: Box<Expr>,
        /// What is evaluated for each item, which is an object of `current` and `accumulator`.
        body: Body,
        /// The first value of the accumulator.
        initial: Box<Expr>,
    },
    /// Within a body: the item, or a part of it by dotted path (empty: the whole); where it is absent or null, the
    /// default.
    Item {
        /// The dotted path.
        path: Arc<str>,
        /// What stands in; null where there is none.
        default: Option<Box<Expr>>,
    },
}

/// An expression that is evaluated for each item of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// The expression.
    pub expr: Box<Expr>,
    /// The steps that an item costs.
    pub steps: u32,
    /// The levels by which what it gives may be deeper than what it is given; the greatest number where nobody knows.
    pub levels: u32,
}

/// flagd's `fractional`, version 2 of its bucketing. Evaluated in order: the value to hash, and where it makes
/// the whole null nothing else; then all shares.
#[derive(Clone, Debug, PartialEq)]
pub struct Fractional {
    /// The value to hash: a text is hashed as it is; null means flag key + targeting key; another value
    /// makes the whole null. `None`: no such argument was given, which means flag key + targeting key.
    pub bucket_by: Option<Box<Expr>>,
    /// The shares, in order.
    pub shares: Vec<Share>,
}

/// One share of a [`Fractional`]. All shares are evaluated, in order, the variant before the weight, whichever
/// is chosen: a list or object among the variants makes the whole null, as does a bad weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// What it gives: text, number, boolean or null. Constant ones are already checked.
    pub variant: Expr,
    /// Its weight: a whole number, negative counts as zero; anything else makes the whole null.
    pub weight: Expr,
}

/// The comparisons of JsonLogic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `==`
    LooseEqual,
    /// `!=`
    LooseNotEqual,
    /// `===`
    StrictEqual,
    /// `!==`
    StrictNotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// The comparisons of `sem_ver`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VersionOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `^`: the same major version.
    SameMajor,
    /// `~`: the same major and minor version.
    SameMinor,
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_expression_is_small() {
        // a node holds a dozen for each of ten thousand flags
        assert!(size_of::<super::Expr>() <= 40, "{}", size_of::<super::Expr>());
    }
}
