//! `substr`: JavaScript's, which counts UTF-16 code units.

use burgee_model::Value;

use super::{to_number, to_text};
use crate::{Budget, EvalError};

/// The part of a text from a place on, of some length. A negative place counts from the end; a negative length
/// leaves off so many units at the end; null is a length of zero. Every byte is charged. Half a pair becomes U+FFFD.
pub(super) fn substr(
    text: &Value,
    start: &Value,
    length: Option<&Value>,
    budget: &mut Budget,
) -> Result<Value, EvalError> {
    let text = to_text(text, budget)?;
    budget.text(text.len())?;
    let start = to_number(start, budget)?;
    let length = length.map(|length| to_number(length, budget)).transpose()?;
    if text.is_ascii() {
        let (from, to) = range(text.len(), start, length);
        return Ok(Value::text(text.get(from..to).unwrap_or_default()));
    }
    let units: Vec<u16> = text.encode_utf16().collect();
    let (from, to) = range(units.len(), start, length);
    Ok(Value::text(&String::from_utf16_lossy(units.get(from..to).unwrap_or_default())))
}

/// Where the part begins and ends.
fn range(units: usize, start: f64, length: Option<f64>) -> (usize, usize) {
    let from = if start < 0.0 { units.saturating_sub(count(-start)) } else { count(start).min(units) };
    let to = match length {
        None => units,
        Some(length) if length < 0.0 => units.saturating_sub(count(-length)),
        Some(length) => from.saturating_add(count(length)).min(units),
    };
    (from, to.max(from))
}

/// A number of units: without its fraction; what is no number is 0.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates, as is meant")]
fn count(number: f64) -> usize {
    number as usize
}

#[cfg(test)]
mod tests {
    use burgee_model::Limits;

    use super::*;

    fn part(operands: &str) -> String {
        let values: Vec<Value> = serde_json::from_str(operands).unwrap();
        let found = substr(&values[0], &values[1], values.get(2), &mut Budget::new(&Limits::default())).unwrap();
        let Value::Text(text) = found else { panic!("a text") };
        text.to_string()
    }

    #[test]
    fn parts_are_those_of_javascript() {
        for (operands, expected) in [
            (r#"["jsonlogic", 4]"#, "logic"),
            (r#"["jsonlogic", -5]"#, "logic"),
            (r#"["jsonlogic", 1, 3]"#, "son"),
            (r#"["jsonlogic", 4, -2]"#, "log"),
            (r#"["jsonlogic", -5, -2]"#, "log"),
            (r#"["jsonlogic", 20]"#, ""),
            (r#"["jsonlogic", -20, 4]"#, "json"),
            (r#"["jsonlogic", 0, null]"#, ""),
            (r#"["jsonlogic", "4", "1"]"#, "l"),
            (r#"["jsonlogic", 4, -20]"#, ""),
            (r#"["abc", 0.9, 1.9]"#, "a"),
            (r#"["abc", "x"]"#, "abc"),
            (r#"["abc", 1, null]"#, ""),
            ("[12345, 1, 2]", "23"),
            ("[null, 0]", "null"),
            ("[\"a\u{10000}b\", 1, 2]", "\u{10000}"),
            ("[\"a\u{10000}b\", 2]", "\u{fffd}b"),
            ("[\"äöü\", 1, 1]", "ö"),
        ] {
            assert_eq!(part(operands), expected, "{operands}");
        }
    }
}
