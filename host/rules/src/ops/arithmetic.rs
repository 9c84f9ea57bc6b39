//! Arithmetic: operands become numbers as JavaScript's `Number` makes them, and what comes of it is
//! JavaScript's too: division by zero is infinite, and what is no number spreads as NaN.

use std::borrow::Cow;

use burgee_model::Value;

use super::to_number;
use crate::{Budget, EvalError};

type Operands<'a> = [Cow<'a, Value>];

/// The operands' numbers, folded from the first one on; `empty` where there is none.
fn fold(
    operands: &Operands<'_>,
    empty: f64,
    budget: &mut Budget,
    step: impl Fn(f64, f64) -> f64,
) -> Result<f64, EvalError> {
    let Some((first, rest)) = operands.split_first() else { return Ok(empty) };
    rest.iter().try_fold(to_number(first, budget)?, |sum, operand| Ok(step(sum, to_number(operand, budget)?)))
}

/// An only operand that is a list holds the operands, as flagd's engine has it. Each is charged.
fn spread<'a>(operands: &'a Operands<'a>, budget: &mut Budget) -> Result<Cow<'a, Operands<'a>>, EvalError> {
    if let [only] = operands
        && let Value::List(items) = &**only
    {
        budget.step(items.len())?;
        return Ok(Cow::Owned(items.iter().map(Cow::Borrowed).collect()));
    }
    Ok(Cow::Borrowed(operands))
}

/// `+`: the sum; of one operand its number.
pub(super) fn add(operands: &Operands<'_>, budget: &mut Budget) -> Result<f64, EvalError> {
    fold(&spread(operands, budget)?, 0.0, budget, |a, b| a + b)
}

/// `-`: the first operand less the others; of one operand its negation.
pub(super) fn subtract(operands: &Operands<'_>, budget: &mut Budget) -> Result<f64, EvalError> {
    match &*spread(operands, budget)? {
        [only] => Ok(-to_number(only, budget)?),
        several => fold(several, f64::NAN, budget, |a, b| a - b),
    }
}

/// `*`: the product.
pub(super) fn multiply(operands: &Operands<'_>, budget: &mut Budget) -> Result<f64, EvalError> {
    fold(&spread(operands, budget)?, 1.0, budget, |a, b| a * b)
}

/// `/`: the first operand divided by the others, one after the other.
pub(super) fn divide(operands: &Operands<'_>, budget: &mut Budget) -> Result<f64, EvalError> {
    fold(operands, f64::NAN, budget, |a, b| a / b)
}

/// `%`: the remainder, with the sign of the first operand.
pub(super) fn remainder(operands: &Operands<'_>, budget: &mut Budget) -> Result<f64, EvalError> {
    fold(operands, f64::NAN, budget, |a, b| a % b)
}

/// `min`: the least; NaN where one is no number.
pub(super) fn min(operands: &Operands<'_>, budget: &mut Budget) -> Result<f64, EvalError> {
    fold(&spread(operands, budget)?, f64::INFINITY, budget, |a, b| either(a, b, a < b))
}

/// `max`: the greatest; NaN where one is no number.
pub(super) fn max(operands: &Operands<'_>, budget: &mut Budget) -> Result<f64, EvalError> {
    fold(&spread(operands, budget)?, f64::NEG_INFINITY, budget, |a, b| either(a, b, a > b))
}

fn either(a: f64, b: f64, first: bool) -> f64 {
    if a.is_nan() || first { a } else { b }
}

#[cfg(test)]
mod tests {
    use burgee_model::Limits;

    use super::*;

    type Operation = fn(&Operands<'_>, &mut Budget) -> Result<f64, EvalError>;

    fn result(operation: Operation, operands: &str) -> f64 {
        let values: Vec<Value> = serde_json::from_str(operands).unwrap();
        let operands: Vec<_> = values.iter().map(Cow::Borrowed).collect();
        operation(&operands, &mut Budget::new(&Limits::default())).unwrap()
    }

    #[test]
    fn operands_become_numbers_as_in_javascript() {
        let cases: [(Operation, &str, f64); 28] = [
            (add, r#"[[1, "2", 3]]"#, 6.0),
            (add, "[[[5]]]", 5.0),
            (subtract, "[[5, 1, 1]]", 3.0),
            (multiply, "[[]]", 1.0),
            (min, "[[3, 2]]", 2.0),
            (max, "[[3, 4]]", 4.0),
            (add, r#"[1, "2", true, null]"#, 4.0),
            (add, r#"["3.25"]"#, 3.25),
            (add, r#"[" 0x10 "]"#, 16.0),
            (add, "[]", 0.0),
            (add, "[[5], [[2]]]", 7.0),
            (add, "[0.1, 0.2]", 0.300_000_000_000_000_04),
            (subtract, "[10, 3, 2]", 5.0),
            (subtract, r#"["2"]"#, -2.0),
            (multiply, r#"[2, "3", 4]"#, 24.0),
            (multiply, "[]", 1.0),
            (divide, "[9, 3, 2]", 1.5),
            (divide, "[1, 0]", f64::INFINITY),
            (divide, "[-1, 0]", f64::NEG_INFINITY),
            (remainder, "[7, 3]", 1.0),
            (remainder, "[-7, 3]", -1.0),
            (remainder, "[7, -3]", 1.0),
            (remainder, "[5.5, 2]", 1.5),
            (min, r#"[3, "1", 2]"#, 1.0),
            (max, "[3, 1, 2]", 3.0),
            (min, "[]", f64::INFINITY),
            (max, "[]", f64::NEG_INFINITY),
            (max, "[true, null]", 1.0),
        ];
        for (operation, operands, expected) in cases {
            assert_eq!(result(operation, operands), expected, "{operands}");
        }
    }

    #[test]
    fn what_is_no_number_spreads() {
        let cases: [(Operation, &str); 8] = [
            (add, r#"[1, "x"]"#),
            (subtract, r#"[{}, 1]"#),
            (multiply, "[[1,2], 1]"),
            (divide, "[0, 0]"),
            (remainder, "[1, 0]"),
            (min, r#"[1, "x", 2]"#),
            (min, r#"["x", 2]"#),
            (max, r#"[1, {}, 2]"#),
        ];
        for (operation, operands) in cases {
            assert!(result(operation, operands).is_nan(), "{operands}");
        }
    }
}
