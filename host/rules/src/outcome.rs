//! From the value of a rule to the name of a variant.

use std::borrow::Cow;

use burgee_model::Value;

use crate::ops::number::number_text;

/// A rule gave what names nothing: the flag answers with the error GENERAL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAName {
    /// A list or an object.
    #[error("the rule gave a list or an object instead of a variant's name")]
    Composite,
    /// NaN or an infinity, though a variant may have that name.
    #[error("the rule gave {0}, which is no variant's name")]
    NotFinite(&'static str),
}

/// The name that a rule's value gives; `None` for null, which means the default variant.
pub fn variant_name(value: &Value) -> Result<Option<Cow<'_, str>>, NotAName> {
    Ok(match value {
        Value::Null => None,
        Value::Bool(true) => Some(Cow::Borrowed("true")),
        Value::Bool(false) => Some(Cow::Borrowed("false")),
        Value::Number(number) if !number.is_finite() => return Err(not_finite(*number)),
        Value::Number(number) => Some(Cow::Owned(number_text(*number))),
        Value::Text(text) => Some(Cow::Borrowed(text)),
        Value::List(_) | Value::Object(_) => return Err(NotAName::Composite),
    })
}

fn not_finite(number: f64) -> NotAName {
    NotAName::NotFinite(if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let name = |json| variant_name(&serde_json::from_str(json).unwrap()).map(|name| name.map(Cow::into_owned));
        assert_eq!(name("null"), Ok(None));
        assert_eq!(name("true"), Ok(Some("true".into())));
        assert_eq!(name("2.50"), Ok(Some("2.5".into())));
        assert_eq!(name(r#""""#), Ok(Some(String::new())));
        assert_eq!(name("[]"), Err(NotAName::Composite));
        assert_eq!(name("{}"), Err(NotAName::Composite));
        for (number, text) in [(f64::NAN, "NaN"), (f64::INFINITY, "Infinity"), (f64::NEG_INFINITY, "-Infinity")] {
            assert_eq!(variant_name(&Value::Number(number)), Err(NotAName::NotFinite(text)));
        }
    }
}
