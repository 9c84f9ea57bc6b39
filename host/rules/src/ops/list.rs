//! Lists: `merge`, and the attributes that are missing.

use std::borrow::Cow;

use burgee_model::Value;

use super::{to_number, to_text};
use crate::{Budget, EvalError};

/// `merge`: one list of all operands, the items of those that are lists. Every item is charged.
pub(super) fn merge(operands: &[Cow<'_, Value>], budget: &mut Budget) -> Result<Value, EvalError> {
    let mut items = Vec::new();
    for operand in operands {
        match &**operand {
            Value::List(more) => {
                budget.step(more.len())?;
                items.extend(more.iter().cloned());
            }
            other => items.push(other.clone()),
        }
    }
    Ok(Value::List(items.into()))
}

/// The value at a path that is computed; none where it is absent. Each step of the path is charged.
pub(super) fn get<'a>(root: &'a Value, path: &Value, budget: &mut Budget) -> Result<Option<&'a Value>, EvalError> {
    if *path == Value::Null {
        return Ok(Some(root));
    }
    let path = to_text(path, budget)?;
    budget.look(path.len())?;
    budget.step(path.bytes().filter(|byte| *byte == b'.').count())?;
    Ok(root.path(&path))
}

/// `missing`: those of the names that are absent, null or an empty text. A list among the operands stands for its
/// items.
pub(super) fn missing(root: &Value, names: &[Cow<'_, Value>], budget: &mut Budget) -> Result<Value, EvalError> {
    let listed = match names.first().map(Cow::as_ref) {
        Some(Value::List(listed)) => listed.iter().map(Cow::Borrowed).collect(),
        _ => names.to_vec(),
    };
    absent(root, &listed, budget).map(|absent| Value::List(absent.into()))
}

fn absent(root: &Value, names: &[Cow<'_, Value>], budget: &mut Budget) -> Result<Vec<Value>, EvalError> {
    budget.step(names.len())?;
    let mut absent = Vec::new();
    for name in names {
        let found = get(root, name, budget)?;
        if found.is_none_or(|value| matches!(value, Value::Null) || *value == Value::text("")) {
            absent.push(name.as_ref().clone());
        }
    }
    Ok(absent)
}

/// `missing_some`: nothing where at least so many of the names are there, else those that are missing.
pub(super) fn missing_some(root: &Value, need: &Value, names: &Value, budget: &mut Budget) -> Result<Value, EvalError> {
    let names: Vec<Cow<'_, Value>> = match names {
        Value::List(names) => names.iter().map(Cow::Borrowed).collect(),
        one => vec![Cow::Borrowed(one)],
    };
    let absent = absent(root, &names, budget)?;
    let there = u32::try_from(names.len() - absent.len()).unwrap_or(u32::MAX);
    let enough = f64::from(there) >= to_number(need, budget)?;
    Ok(Value::List(if enough { Vec::new() } else { absent }.into()))
}

#[cfg(test)]
mod tests {
    use burgee_model::Limits;

    use super::*;

    fn read(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    fn operands(text: &str) -> Vec<Cow<'static, Value>> {
        let values: Vec<Value> = serde_json::from_str(text).unwrap();
        values.into_iter().map(Cow::Owned).collect()
    }

    #[test]
    fn lists_are_merged_one_level_deep() {
        let mut budget = Budget::new(&Limits::default());
        assert_eq!(merge(&operands("[1, [2, [3]], [], null]"), &mut budget), Ok(read("[1, 2, [3], null]")));
        assert_eq!(merge(&[], &mut budget), Ok(read("[]")));
        let mut budget = Budget::new(&Limits { evaluation_steps: 2, ..Limits::default() });
        assert_eq!(merge(&operands("[[1, 2, 3]]"), &mut budget), Err(EvalError::TooCostly));
    }

    #[test]
    fn missing_names() {
        let root = read(r#"{"a": 1, "b": null, "c": "", "d": {"e": 0}, "f": [1]}"#);
        let mut budget = Budget::new(&Limits::default());
        for (names, expected) in [
            (r#"["a", "b", "c", "d.e", "d.x", "f.0", "f.1", "z"]"#, r#"["b", "c", "d.x", "f.1", "z"]"#),
            (r#"[["a", "z"], "y"]"#, r#"["z"]"#),
            ("[]", "[]"),
            ("[0]", "[0]"),
        ] {
            assert_eq!(missing(&root, &operands(names), &mut budget), Ok(read(expected)), "{names}");
        }
        for (need, names, expected) in [
            ("1", r#"["a", "z"]"#, "[]"),
            ("2", r#"["a", "z"]"#, r#"["z"]"#),
            ("0", r#"["z"]"#, "[]"),
            ("1", r#""a""#, "[]"),
        ] {
            let found = missing_some(&root, &read(need), &read(names), &mut budget);
            assert_eq!(found, Ok(read(expected)), "{need} of {names}");
        }
    }
}
