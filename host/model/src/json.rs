//! Reading JSON whose depth its author chose: bounded, so that no document can exhaust the stack.

use serde::Deserialize;

/// Why a JSON text was refused.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// More levels of arrays and objects than allowed.
    #[error("more than {max} levels of nesting")]
    TooDeep {
        /// What is allowed.
        max: usize,
    },
    /// Not JSON, or not of the type that was asked for; says line and column.
    #[error(transparent)]
    Syntax(#[from] serde_json::Error),
}

/// The most levels that a register's value is read with. Writers keep far stricter limits, but what merges in
/// is whatever its author wrote.
pub const STORED_DEPTH_MAX: usize = 1024;

/// Reads a JSON text of at most `max_depth` levels.
pub fn parse<'a, T: Deserialize<'a>>(text: &'a [u8], max_depth: usize) -> Result<T, JsonError> {
    if depth(text) > max_depth {
        return Err(JsonError::TooDeep { max: max_depth });
    }
    let mut reader = serde_json::Deserializer::from_slice(text);
    reader.disable_recursion_limit();
    let value = T::deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// The most brackets open at once, those within texts aside. Right for valid JSON; for other input an
/// upper bound of how deep the reader goes before it notices.
fn depth(text: &[u8]) -> usize {
    let (mut open, mut most, mut in_text, mut escaped) = (0usize, 0usize, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                open += 1;
                most = most.max(open);
            }
            b'}' | b']' if !in_text => open = open.saturating_sub(1),
            _ => {}
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn depth_counts_brackets_outside_texts() {
        assert_eq!(depth(br#"{"a":["}]\"[[[",{}]}"#), 3);
    }

    #[test]
    fn a_document_may_be_as_deep_as_allowed_and_no_deeper() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(parse::<Value>(nested(600).as_bytes(), 600).is_ok());
        assert!(matches!(parse::<Value>(nested(601).as_bytes(), 600), Err(JsonError::TooDeep { max: 600 })));
        assert!(matches!(parse::<Value>("[".repeat(100).as_bytes(), 600), Err(JsonError::Syntax(_))));
        assert!(matches!(parse::<Value>(b"{} x", 600), Err(JsonError::Syntax(_))));
    }
}
