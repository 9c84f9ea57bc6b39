//! Equality and order as JavaScript has them.

use std::{cmp::Ordering, sync::Arc};

use burgee_model::{Value, value::same_text};

use super::{coerce::to_text, to_number};
use crate::{Budget, EvalError, ir::Comparison};

/// Any of the comparisons.
pub fn compare(op: Comparison, left: &Value, right: &Value, budget: &mut Budget) -> Result<bool, EvalError> {
    match op {
        Comparison::LooseEqual => loose_equal(left, right, budget),
        Comparison::LooseNotEqual => loose_equal(left, right, budget).map(|equal| !equal),
        Comparison::StrictEqual => strict_equal(left, right, budget),
        Comparison::StrictNotEqual => strict_equal(left, right, budget).map(|equal| !equal),
        Comparison::Less => less(left, right, budget),
        Comparison::LessOrEqual => less_or_equal(left, right, budget),
        Comparison::Greater => less(right, left, budget),
        Comparison::GreaterOrEqual => less_or_equal(right, left, budget),
    }
}

/// `===`: same type and value. A list or object equals only itself: the same attribute of the context, not
/// another one with the same content.
pub fn strict_equal(left: &Value, right: &Value, budget: &mut Budget) -> Result<bool, EvalError> {
    match (left, right) {
        (Value::Null, Value::Null) => Ok(true),
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::Number(a), Value::Number(b)) => Ok(a == b),
        (Value::Text(a), Value::Text(b)) => equal_texts(a, b, budget),
        (Value::List(a), Value::List(b)) => Ok(Arc::ptr_eq(a, b)),
        (Value::Object(a), Value::Object(b)) => Ok(Arc::ptr_eq(a, b)),
        _ => Ok(false),
    }
}

/// Whether two texts are the same: only those of the same length are looked through.
fn equal_texts(left: &str, right: &str, budget: &mut Budget) -> Result<bool, EvalError> {
    if left.len() != right.len() {
        return Ok(false);
    }
    budget.look(left.len())?;
    Ok(same_text(left, right))
}

/// `==`: null equals null only; a boolean counts as number; a text equals a number by its numeric value; a
/// list or object equals a scalar by its text.
pub fn loose_equal(left: &Value, right: &Value, budget: &mut Budget) -> Result<bool, EvalError> {
    use Value::{Bool, List, Null, Number, Object, Text};
    match (left, right) {
        (Null, _) | (_, Null) => Ok(matches!((left, right), (Null, Null))),
        (Bool(_), Bool(_)) | (Number(_), Number(_)) | (Text(_), Text(_)) => strict_equal(left, right, budget),
        (List(_) | Object(_), List(_) | Object(_)) => strict_equal(left, right, budget),
        (Text(text), List(_) | Object(_)) => equal_texts(text, &to_text(right, budget)?, budget),
        (List(_) | Object(_), Text(text)) => equal_texts(&to_text(left, budget)?, text, budget),
        (Number(_) | Bool(_), _) | (_, Number(_) | Bool(_)) => {
            Ok(to_number(left, budget)? == to_number(right, budget)?)
        }
    }
}

/// `<`: texts by UTF-16 code units, anything else as numbers; false where one is none.
pub fn less(left: &Value, right: &Value, budget: &mut Budget) -> Result<bool, EvalError> {
    Ok(order(left, right, budget)? == Some(Ordering::Less))
}

/// `<=`, with the rules of [`less`].
pub fn less_or_equal(left: &Value, right: &Value, budget: &mut Budget) -> Result<bool, EvalError> {
    Ok(matches!(order(left, right, budget)?, Some(Ordering::Less | Ordering::Equal)))
}

fn order(left: &Value, right: &Value, budget: &mut Budget) -> Result<Option<Ordering>, EvalError> {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => Ok(a.partial_cmp(b)),
        _ if is_texty(left) && is_texty(right) => {
            let (left, right) = (to_text(left, budget)?, to_text(right, budget)?);
            budget.look(left.len().min(right.len()))?;
            Ok(Some(text_order(&left, &right)))
        }
        _ => Ok(to_number(left, budget)?.partial_cmp(&to_number(right, budget)?)),
    }
}

/// Whether the value is a text, or becomes one where a comparison asks for a scalar.
fn is_texty(value: &Value) -> bool {
    matches!(value, Value::Text(_) | Value::List(_) | Value::Object(_))
}

/// The order of texts by UTF-16 code units, as JavaScript compares them.
#[must_use]
pub fn text_order(left: &str, right: &str) -> Ordering {
    let differing = left.bytes().zip(right.bytes()).find(|(a, b)| a != b);
    match differing {
        // UTF-8 and UTF-16 agree on the order but for U+E000 to U+FFFF (leading byte EE or EF), which
        // UTF-16 places after the characters that take two units (leading byte F0 and more).
        Some((a @ 0xee..=0xef, b @ 0xf0..)) | Some((a @ 0xf0.., b @ 0xee..=0xef)) => b.cmp(&a),
        Some((a, b)) => a.cmp(&b),
        None => left.len().cmp(&right.len()),
    }
}

#[cfg(test)]
mod tests {
    use burgee_model::Limits;
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    fn holds(op: Comparison, left: &str, right: &str) -> bool {
        compare(op, &read(left), &read(right), &mut Budget::new(&Limits::default())).unwrap()
    }

    #[test]
    fn loosely_equal() {
        for (a, b) in [
            ("null", "null"),
            ("1", r#""1""#),
            ("1", r#"" 1.0 ""#),
            ("true", r#""1""#),
            ("true", "1"),
            ("false", r#""""#),
            ("false", "[]"),
            ("0", r#""""#),
            ("0", "[]"),
            (r#""""#, "[]"),
            (r#""""#, "[null]"),
            ("[1]", "1"),
            ("[1]", "true"),
            (r#""1,2""#, "[1,2]"),
            (r#""[object Object]""#, "{}"),
            ("0", "-0.0"),
        ] {
            assert!(holds(Comparison::LooseEqual, a, b), "{a} == {b}");
            assert!(holds(Comparison::LooseEqual, b, a), "{b} == {a}");
        }
    }

    #[test]
    fn not_loosely_equal() {
        for (a, b) in [
            ("null", "0"),
            ("null", "false"),
            ("null", r#""""#),
            ("null", "[]"),
            ("true", r#""true""#),
            ("true", "2"),
            (r#""a""#, r#""A""#),
            ("[1]", "[1]"),
            ("{}", "{}"),
            ("{}", "[]"),
            ("0", r#""x""#),
            ("[1,2]", "1"),
        ] {
            assert!(holds(Comparison::LooseNotEqual, a, b), "{a} != {b}");
            assert!(holds(Comparison::LooseNotEqual, b, a), "{b} != {a}");
        }
    }

    #[test]
    fn strict_equality_knows_a_list_again() {
        let strict_equal = |a: &Value, b: &Value| super::strict_equal(a, b, &mut Budget::new(&Limits::default()));
        let (one, other) = (read("[1]"), read("[1]"));
        assert_eq!(strict_equal(&one, &one.clone()), Ok(true));
        assert_eq!(strict_equal(&one, &other), Ok(false));
        assert_eq!(strict_equal(&read("1"), &read(r#""1""#)), Ok(false));
        assert_eq!(strict_equal(&Value::Number(f64::NAN), &Value::Number(f64::NAN)), Ok(false));
    }

    #[test]
    fn looking_through_long_texts_costs_steps() {
        let limits = Limits { evaluation_steps: 2, ..Limits::default() };
        let compare = |op, a: &Value, b: &Value| compare(op, a, b, &mut Budget::new(&limits));
        let text = |bytes| Value::text(&"1".repeat(bytes));
        for op in [Comparison::LooseEqual, Comparison::StrictNotEqual, Comparison::Less, Comparison::GreaterOrEqual] {
            assert!(compare(op, &text(191), &text(191)).is_ok(), "{op:?}");
            assert_eq!(compare(op, &text(192), &text(192)), Err(EvalError::TooCostly), "{op:?}");
            assert!(compare(op, &text(10), &text(10_000)).is_ok(), "{op:?} looks at the shorter one at most");
        }
        for op in [Comparison::LooseEqual, Comparison::Less, Comparison::GreaterOrEqual] {
            assert_eq!(compare(op, &text(192), &Value::Number(1.0)), Err(EvalError::TooCostly), "{op:?}");
        }
        assert_eq!(compare(Comparison::StrictEqual, &text(192), &Value::Number(1.0)), Ok(false));
    }

    #[test]
    fn order_of_mixed_values() {
        for (a, b) in [
            ("1", "2"),
            (r#""10""#, r#""9""#),
            (r#""9""#, "10"),
            ("null", "1"),
            ("false", "true"),
            (r#""""#, "1"),
            ("[1]", "2"),
            ("[10]", "[9]"),
            (r#""a""#, "[\"b\"]"),
            ("\"\u{10000}\"", "\"\u{ffff}\""),
        ] {
            assert!(holds(Comparison::Less, a, b), "{a} < {b}");
            assert!(holds(Comparison::Greater, b, a), "{b} > {a}");
            assert!(!holds(Comparison::GreaterOrEqual, a, b), "{a} >= {b}");
        }
        for (a, b) in [("1", r#""x""#), ("{}", "1"), ("[1,2]", "1")] {
            for op in [Comparison::Less, Comparison::LessOrEqual, Comparison::Greater, Comparison::GreaterOrEqual] {
                assert!(!holds(op, a, b), "{a} {op:?} {b}");
            }
        }
        assert!(holds(Comparison::LessOrEqual, "null", "0"));
    }

    proptest! {
        #[test]
        fn texts_are_ordered_by_code_units(a in "[a\u{7ff}\u{d7ff}\u{e000}\u{ffff}\u{10000}]{0,4}", b in "[a\u{7ff}\u{d7ff}\u{e000}\u{ffff}\u{10000}]{0,4}") {
            prop_assert_eq!(text_order(&a, &b), a.encode_utf16().cmp(b.encode_utf16()));
        }
    }
}
