//! Calling a [`Function`] with its operands.

use std::borrow::Cow;

use burgee_model::Value;

use super::{arithmetic, date, fractional, list, network, substr, truthy};
use crate::{Budget, EvalError, function::Function};

static NULL: Value = Value::Null;

/// The result of a function. Operands that are absent count as null.
pub fn call(function: &Function, operands: &[Cow<'_, Value>], budget: &mut Budget) -> Result<Value, EvalError> {
    let operand = |at: usize| operands.get(at).map_or(&NULL, Cow::as_ref);
    let from = |at: usize| operands.get(at..).unwrap_or_default();
    match function {
        Function::Add => arithmetic::add(operands, budget).map(Value::Number),
        Function::Subtract => arithmetic::subtract(operands, budget).map(Value::Number),
        Function::Multiply => arithmetic::multiply(operands, budget).map(Value::Number),
        Function::Divide => arithmetic::divide(operands, budget).map(Value::Number),
        Function::Remainder => arithmetic::remainder(operands, budget).map(Value::Number),
        Function::Min => arithmetic::min(operands, budget).map(Value::Number),
        Function::Max => arithmetic::max(operands, budget).map(Value::Number),
        Function::Substr => substr::substr(operand(0), operand(1), operands.get(2).map(Cow::as_ref), budget),
        Function::Merge => list::merge(operands, budget),
        Function::Get => {
            let found = list::get(operand(0), operand(1), budget)?.filter(|value| **value != Value::Null);
            Ok(found.unwrap_or(operand(2)).clone())
        }
        Function::Missing => list::missing(operand(0), from(1), budget),
        Function::MissingSome => list::missing_some(operand(0), operand(1), operand(2), budget),
        Function::Matches(pattern) => pattern.matches(operand(0), budget),
        Function::InNetwork(networks) => Ok(network::in_network(operand(0), networks)),
        Function::Date => Ok(date::date(operand(0))),
        Function::DatePart(part) => Ok(date::part(*part, operand(0), operands.get(1).map(Cow::as_ref))),
        Function::Ramp(ramp) => Ok(match operand(0) {
            Value::Number(seconds) => Value::Number(ramp.at(*seconds)),
            _ => Value::Null,
        }),
        Function::Percentage => fractional::percentage(operand(0), operand(1), operand(2), operand(3), budget),
        Function::Fractional(version) => fractional::of_values(*version, operand(0), operand(1), from(2), budget),
    }
}

/// What becomes of each item of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Each {
    /// `map`: the list of the results.
    Map,
    /// `filter`: the list of the items whose result is true.
    Filter,
    /// `all`: whether all results are true; false for an empty list.
    All,
    /// `some`: whether any result is true.
    Some,
    /// `none`: whether no result is true.
    None,
}

impl Each {
    /// Takes an item's result into account; says whether that settles the whole.
    pub fn take(self, item: &Value, result: Value, kept: &mut Vec<Value>) -> bool {
        match self {
            Self::Map => kept.push(result),
            Self::Filter if truthy(&result) => kept.push(item.clone()),
            Self::Filter => {}
            Self::All => return !truthy(&result),
            Self::Some | Self::None => return truthy(&result),
        }
        false
    }

    /// The whole: of a list that was empty or not, after an item settled it or none did.
    #[must_use]
    pub fn finish(self, kept: Vec<Value>, empty: bool, settled: bool) -> Value {
        match self {
            Self::Map | Self::Filter => Value::List(kept.into()),
            Self::All => Value::Bool(!settled && !empty),
            Self::Some => Value::Bool(settled),
            Self::None => Value::Bool(!settled),
        }
    }
}
