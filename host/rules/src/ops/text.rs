//! Operators on texts and lists: `in`, `cat`, `starts_with`, `ends_with`.

use burgee_model::{Value, value::same_text};

use super::{coerce::append, strict_equal, to_text};
use crate::{Budget, EvalError, SHORT_TEXT_BYTES};

/// `in` with a haystack that is no constant: one step for each item of a list, beside what
/// [`constant_contains`] takes. Whether a text holds the needle's text, or a list a value that is strictly equal.
pub fn contains(needle: &Value, haystack: &Value, budget: &mut Budget) -> Result<bool, EvalError> {
    if let Value::List(items) = haystack {
        budget.step(items.len())?;
    }
    constant_contains(needle, haystack, budget)
}

/// `in` with a haystack that is a constant of the rule: the items of a list cost nothing, for the rule's size
/// bounds them. Looking through long texts is charged, and the needle's text where it is a list and the
/// haystack is a text.
pub fn constant_contains(needle: &Value, haystack: &Value, budget: &mut Budget) -> Result<bool, EvalError> {
    match haystack {
        Value::List(items) => holds(items, needle, budget),
        Value::Text(text) => {
            budget.look(text.len())?;
            Ok(!text.is_empty() && text.contains(&*to_text(needle, budget)?))
        }
        _ => Ok(false),
    }
}

/// Whether a list holds a value that is strictly equal. Short texts, which are most of what is looked for, go apart.
fn holds(items: &[Value], needle: &Value, budget: &mut Budget) -> Result<bool, EvalError> {
    if let Value::Text(needle) = needle
        && needle.len() <= SHORT_TEXT_BYTES
    {
        return Ok(items.iter().any(|item| matches!(item, Value::Text(text) if same_text(text, needle))));
    }
    for item in items {
        if strict_equal(item, needle, budget)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `cat` while it is built: every byte is charged.
#[derive(Debug, Default)]
pub struct Cat(String);

impl Cat {
    /// Appends one operand: null is nothing, lists are joined by commas.
    pub fn push(&mut self, value: &Value, budget: &mut Budget) -> Result<(), EvalError> {
        append(value, &mut self.0, budget)
    }

    /// The whole text.
    #[must_use]
    pub fn finish(self) -> Value {
        Value::Text(self.0.into())
    }
}

/// `starts_with`: null where one is no text.
pub fn starts_with(text: &Value, prefix: &Value, budget: &mut Budget) -> Result<Value, EvalError> {
    affix(text, prefix, |text, prefix| text.starts_with(prefix), budget)
}

/// `ends_with`: null where one is no text.
pub fn ends_with(text: &Value, suffix: &Value, budget: &mut Budget) -> Result<Value, EvalError> {
    affix(text, suffix, |text, suffix| text.ends_with(suffix), budget)
}

fn affix(
    text: &Value,
    part: &Value,
    holds: impl Fn(&str, &str) -> bool,
    budget: &mut Budget,
) -> Result<Value, EvalError> {
    let (Value::Text(text), Value::Text(part)) = (text, part) else { return Ok(Value::Null) };
    budget.look(text.len().min(part.len()))?;
    Ok(Value::Bool(holds(text, part)))
}

#[cfg(test)]
mod tests {
    use burgee_model::Limits;

    use super::*;

    fn read(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    fn found(needle: &str, haystack: &str) -> bool {
        contains(&read(needle), &read(haystack), &mut Budget::new(&Limits::default())).unwrap()
    }

    #[test]
    fn texts_hold_texts_and_lists_hold_values() {
        for (needle, haystack) in [
            (r#""b""#, r#""abc""#),
            (r#""""#, r#""abc""#),
            ("1", r#""a1""#),
            ("null", r#""a null""#),
            ("[1,2]", r#""0,1,2""#),
            ("1", "[0,1]"),
            ("null", "[null]"),
            ("-0.0", "[0]"),
        ] {
            assert!(found(needle, haystack), "{needle} in {haystack}");
        }
        for (needle, haystack) in [
            (r#""""#, r#""""#),
            (r#""1""#, "[1]"),
            ("[1]", "[[1]]"),
            ("1", "12"),
            ("1", "null"),
            (r#""a""#, r#"{"a":1}"#),
            ("true", "[1]"),
        ] {
            assert!(!found(needle, haystack), "{needle} in {haystack}");
        }
    }

    #[test]
    fn looking_through_data_costs_steps() {
        let limits = Limits { evaluation_steps: 2, ..Limits::default() };
        let look = |haystack: &Value| contains(&Value::Null, haystack, &mut Budget::new(&limits));
        assert_eq!(look(&read("[1,2]")), Ok(false));
        assert_eq!(look(&read("[1,2,3]")), Err(EvalError::TooCostly));
        assert_eq!(look(&Value::text(&"x".repeat(191))), Ok(false));
        assert_eq!(look(&Value::text(&"x".repeat(192))), Err(EvalError::TooCostly));
        let constant = constant_contains(&read("3"), &read("[1,2,3]"), &mut Budget::new(&limits));
        assert_eq!(constant, Ok(true));
    }

    #[test]
    fn long_texts_of_constants_cost_steps() {
        let limits = Limits { evaluation_steps: 2, ..Limits::default() };
        let look = |needle: &Value, haystack: &Value| constant_contains(needle, haystack, &mut Budget::new(&limits));
        let text = |bytes| Value::text(&"x".repeat(bytes));
        assert_eq!(look(&Value::Null, &text(191)), Ok(false));
        assert_eq!(look(&Value::Null, &text(192)), Err(EvalError::TooCostly));
        let list = |bytes| Value::List(vec![Value::Null, text(bytes)].into());
        assert_eq!(look(&text(191), &list(191)), Ok(true));
        assert_eq!(look(&text(192), &list(192)), Err(EvalError::TooCostly));
        assert_eq!(look(&text(191), &list(192)), Ok(false));
    }

    #[test]
    fn cat_joins_texts() {
        let mut budget = Budget::new(&Limits { evaluation_bytes: 15, ..Limits::default() });
        let mut cat = Cat::default();
        for value in [r#""a""#, "null", "1.0", "[1,[null,2]]", "true"] {
            cat.push(&read(value), &mut budget).unwrap();
        }
        assert_eq!(cat.push(&Value::text("123456"), &mut budget), Err(EvalError::TooCostly));
        assert_eq!(cat.finish(), Value::text("a11,,2true"));
    }

    #[test]
    fn prefixes_and_suffixes_are_texts_or_null() {
        let mut budget = Budget::new(&Limits { evaluation_steps: 2, ..Limits::default() });
        assert_eq!(starts_with(&read(r#""abc""#), &read(r#""ab""#), &mut budget), Ok(Value::Bool(true)));
        assert_eq!(ends_with(&read(r#""abc""#), &read(r#""ab""#), &mut budget), Ok(Value::Bool(false)));
        assert_eq!(starts_with(&read("1"), &read(r#""1""#), &mut budget), Ok(Value::Null));
        assert_eq!(ends_with(&read(r#""1""#), &Value::Null, &mut budget), Ok(Value::Null));
        let long = Value::text(&"x".repeat(192));
        assert_eq!(starts_with(&long, &read(r#""x""#), &mut budget), Ok(Value::Bool(true)));
        assert_eq!(ends_with(&long, &long, &mut budget), Err(EvalError::TooCostly));
    }
}
