//! Functions: operations whose operands are all evaluated first, and whose result is a pure function of them.
//!
//! What a function needs of the request (the context, the time, the flag's key) is an operand too, so that
//! both tiers call the same function with the same values.

use std::sync::Arc;

use burgee_model::Bucketing;

use crate::ops::{date::Part, network::Network, pattern::Pattern, ramp::Ramp};

/// Which function; constants of the rule that need preparing are part of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Function {
    /// `+`, of any number of operands.
    Add,
    /// `-`, of at least one.
    Subtract,
    /// `*`, of any number.
    Multiply,
    /// `/`, of at least two.
    Divide,
    /// `%`, of at least two.
    Remainder,
    /// `min`, of any number.
    Min,
    /// `max`, of any number.
    Max,
    /// `substr`: text, start, perhaps length.
    Substr,
    /// `merge`, of any number.
    Merge,
    /// `var` with a computed path: the root, the path, perhaps a default.
    Get,
    /// `missing`: the root, the names.
    Missing,
    /// `missing_some`: the root, how many are needed, the names.
    MissingSome,
    /// `matches`: the text.
    Matches(Arc<Pattern>),
    /// `in_network`: the address.
    InNetwork(Arc<[Network]>),
    /// `date`: the date.
    Date,
    /// `date_part`: the date, perhaps an offset in minutes.
    DatePart(Part),
    /// `ramp`: the time.
    Ramp(Arc<Ramp>),
    /// `percentage`: the share in percent, the value to bucket by (null: the default), the flag's key, the targeting
    /// key.
    Percentage,
    /// `fractional` where a share is computed, or what is hashed is any value: the flag's key, the targeting key, then
    /// its operands.
    Fractional(Bucketing),
}
