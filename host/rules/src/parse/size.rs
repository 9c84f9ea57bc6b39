//! How large a document is, before anything goes through it by recursion.

use std::io;

use burgee_model::{Limits, Problem};
use serde_json::Value as Json;

/// Refuses a document beyond the limits of rules.
pub(super) fn check(document: &Json, limits: &Limits) -> Result<(), Problem> {
    if !fits_depth(document, limits.rule_depth) {
        let message = format!("a rule has at most {} levels of nesting, this one has more", limits.rule_depth);
        return Err(Problem::new("", "too_deep", message));
    }
    let bytes = bytes(document);
    if bytes > limits.rule_bytes {
        let message = format!("a rule has at most {} bytes, this one has {bytes}", limits.rule_bytes);
        return Err(Problem::new("", "too_large", message));
    }
    Ok(())
}

/// Whether the document has at most so many levels of arrays and objects. Goes no deeper than that itself.
fn fits_depth(document: &Json, levels: usize) -> bool {
    match document {
        Json::Array(items) => levels > 0 && items.iter().all(|item| fits_depth(item, levels - 1)),
        Json::Object(members) => levels > 0 && members.values().all(|value| fits_depth(value, levels - 1)),
        _ => true,
    }
}

/// The bytes of the document's compact text.
fn bytes(document: &Json) -> usize {
    let mut counter = Counter(0);
    // Counting cannot fail, and what was read as JSON can be written as JSON.
    serde_json::to_writer(&mut counter, document).map_or(usize::MAX, |()| counter.0)
}

struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_levels_and_bytes() {
        let document = json!({"a": [1, {"b": "\""}]});
        assert!(fits_depth(&document, 3));
        assert!(!fits_depth(&document, 2));
        assert_eq!(bytes(&document), r#"{"a":[1,{"b":"\""}]}"#.len());
    }
}
