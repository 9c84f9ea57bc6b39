//! JavaScript's conversions: to a boolean, to a number, to a text.

use std::borrow::Cow;

use burgee_model::Value;

use super::number::{number_text, parse_number};
use crate::{Budget, EvalError};

/// What `String(object)` gives for an object that is no list.
const OBJECT: &str = "[object Object]";

/// JsonLogic's truth as flagd's engines have it: JavaScript's, but an empty list is false, and so is an empty object.
#[must_use]
pub fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Number(n) => *n != 0.0 && !n.is_nan(),
        Value::Text(text) => !text.is_empty(),
        Value::List(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

/// `Number(value)`. Lists and objects go through their text, which is charged; so is reading a long text.
pub fn to_number(value: &Value, budget: &mut Budget) -> Result<f64, EvalError> {
    Ok(match value {
        Value::Null => 0.0,
        Value::Bool(b) => f64::from(*b),
        Value::Number(n) => *n,
        Value::Text(text) => read_number(text, budget)?,
        Value::List(_) | Value::Object(_) => read_number(&to_text(value, budget)?, budget)?,
    })
}

fn read_number(text: &str, budget: &mut Budget) -> Result<f64, EvalError> {
    budget.look(text.len())?;
    Ok(parse_number(text))
}

/// `String(value)`. The text of a list is charged, byte by byte; other texts are free.
pub fn to_text<'a>(value: &'a Value, budget: &mut Budget) -> Result<Cow<'a, str>, EvalError> {
    Ok(match value {
        Value::Null => Cow::Borrowed("null"),
        Value::Bool(true) => Cow::Borrowed("true"),
        Value::Bool(false) => Cow::Borrowed("false"),
        Value::Number(n) => Cow::Owned(number_text(*n)),
        Value::Text(text) => Cow::Borrowed(text),
        Value::Object(_) => Cow::Borrowed(OBJECT),
        Value::List(items) => {
            let mut out = String::new();
            join(items, &mut out, budget)?;
            Cow::Owned(out)
        }
    })
}

/// Appends a value as `Array.prototype.join` does: null is nothing. Every byte is charged.
pub(super) fn append(value: &Value, out: &mut String, budget: &mut Budget) -> Result<(), EvalError> {
    match value {
        Value::Null => Ok(()),
        Value::List(items) => join(items, out, budget),
        other => push(&to_text(other, budget)?, out, budget),
    }
}

/// The recursion is as deep as the list, which its reader or `reduce` has bounded.
fn join(items: &[Value], out: &mut String, budget: &mut Budget) -> Result<(), EvalError> {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            push(",", out, budget)?;
        }
        append(item, out, budget)?;
    }
    Ok(())
}

fn push(text: &str, out: &mut String, budget: &mut Budget) -> Result<(), EvalError> {
    budget.text(text.len())?;
    out.push_str(text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use burgee_model::Limits;

    use super::*;

    fn read(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn truth() {
        for text in ["null", "false", "0", "-0.0", r#""""#, "[]"] {
            assert!(!truthy(&read(text)), "{text}");
        }
        for text in ["true", "1", "-0.5", r#""0""#, r#""false""#, "[0]", "[[]]", "[{}]", r#"{"a":0}"#] {
            assert!(truthy(&read(text)), "{text}");
        }
        assert!(!truthy(&Value::Number(f64::NAN)));
    }

    #[test]
    fn texts() {
        let mut budget = Budget::new(&Limits::default());
        for (json, text) in [
            ("null", "null"),
            ("true", "true"),
            ("1.0", "1"),
            (r#""x""#, "x"),
            ("{}", OBJECT),
            ("[]", ""),
            ("[null]", ""),
            (r#"[1,[2,null,"x"],{},false]"#, "1,2,,x,[object Object],false"),
        ] {
            assert_eq!(to_text(&read(json), &mut budget).unwrap(), text, "{json}");
        }
    }

    #[test]
    fn numbers() {
        let mut budget = Budget::new(&Limits::default());
        for (json, number) in
            [("null", 0.0), ("true", 1.0), ("[]", 0.0), ("[[7]]", 7.0), (r#"["0x10"]"#, 16.0), (r#"" 12 ""#, 12.0)]
        {
            assert_eq!(to_number(&read(json), &mut budget), Ok(number), "{json}");
        }
        for json in ["{}", "[1,2]", r#""x""#] {
            assert!(to_number(&read(json), &mut budget).unwrap().is_nan(), "{json}");
        }
    }

    #[test]
    fn the_text_of_a_list_is_charged() {
        let mut budget = Budget::new(&Limits { evaluation_bytes: 4, ..Limits::default() });
        assert_eq!(to_text(&read("[1,23]"), &mut budget).unwrap(), "1,23");
        assert_eq!(to_text(&read("[1]"), &mut budget), Err(EvalError::TooCostly));
    }
}
