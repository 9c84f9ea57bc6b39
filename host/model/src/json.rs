//! Reading JSON whose depth its author chose: bounded, so that no document can exhaust the stack.

pub mod locate;
pub(crate) mod once;

use serde::Deserialize;
use serde_json::Value;

/// Why a JSON text was refused.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// More levels of arrays and objects than allowed.
    #[error("more than {max} levels of nesting")]
    TooDeep {
        /// What is allowed.
        max: usize,
    },
    /// An object names a member twice, so that nobody can say which value was meant.
    #[error("the member at `{path}` is there twice")]
    Doubled {
        /// Where it stands, as a JSON Pointer.
        path: String,
    },
    /// More values than allowed.
    #[error("more than {max} values: the first too many is at `{path}`")]
    TooMany {
        /// Where that one stands, as a JSON Pointer.
        path: String,
        /// What is allowed.
        max: usize,
    },
    /// Not JSON, or not of the type that was asked for; says line and column.
    #[error(transparent)]
    Syntax(#[from] serde_json::Error),
}

/// How much one document may be. A small value takes some hundred bytes of memory, whatever it takes of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Levels of arrays and objects.
    pub depth: usize,
    /// Values: arrays and objects, and what is in them.
    pub values: usize,
}

/// The most levels that a register's value is read with. Writers keep far stricter limits, but what merges in
/// is whatever its author wrote.
pub const STORED_DEPTH_MAX: usize = 1024;

/// Reads a JSON text of at most `max_depth` levels.
pub fn parse<'a, T: Deserialize<'a>>(text: &'a [u8], max_depth: usize) -> Result<T, JsonError> {
    check_depth(text, max_depth)?;
    let mut reader = reader(text);
    let value = T::deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Reads a stored value; none where it is not JSON of that type.
pub fn stored<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Option<T> {
    parse(text, STORED_DEPTH_MAX).ok()
}

/// Reads a document within bounds, of which each object names each of its members once. What people and programs send is
/// read so; what was stored is read by [`parse`].
pub fn document(text: &[u8], bounds: Bounds) -> Result<Value, JsonError> {
    check_depth(text, bounds.depth)?;
    let mut reader = reader(text);
    // texts are no longer than the document
    let room = once::Room { values: bounds.values, bytes: usize::MAX };
    let value = once::read(&mut reader, room).map_err(|fault| match fault {
        once::Fault::Doubled(path) => JsonError::Doubled { path },
        once::Fault::TooMany(path) => JsonError::TooMany { path, max: bounds.values },
        once::Fault::TooLarge => JsonError::TooDeep { max: bounds.depth },
        once::Fault::Reader(error) => error.into(),
    })?;
    reader.end()?;
    Ok(value)
}

fn check_depth(text: &[u8], max: usize) -> Result<(), JsonError> {
    if depth(text) > max { Err(JsonError::TooDeep { max }) } else { Ok(()) }
}

fn reader(text: &[u8]) -> serde_json::Deserializer<serde_json::de::SliceRead<'_>> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    reader.disable_recursion_limit();
    reader
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
