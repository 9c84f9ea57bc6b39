//! One fault in a document, with the place where it stands.

use serde::{Deserialize, Serialize};

use crate::Key;

/// Characters of a message: some say names that documents may make as long as they are.
const MESSAGE_CHARACTERS_MAX: usize = 1_000;

/// A fault: where, which, and what to do about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// JSON Pointer (RFC 6901) into the document that was read; empty means the whole.
    pub path: String,
    /// Stable code in snake case, e.g. `unknown_operator`.
    pub code: String,
    /// What is wrong, for people.
    pub message: String,
    /// How to mend it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hint: Option<String>,
    /// The environment in which it shows, where it is not the whole flag's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub environment: Option<Key>,
    /// How grave it is.
    #[serde(skip_serializing_if = "Severity::is_error", default)]
    pub severity: Severity,
}

/// How grave a fault is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// What people write is refused for it.
    #[default]
    Error,
    /// It is told, no more: what comes of it is defined, and may be meant.
    Warning,
}

impl Severity {
    fn is_error(&self) -> bool {
        *self == Self::Error
    }
}

impl Problem {
    /// A fault without hint.
    #[must_use]
    pub fn new(path: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if let Some((at, _)) = message.char_indices().nth(MESSAGE_CHARACTERS_MAX) {
            message.truncate(at);
            message.push('…');
        }
        Self { path: path.into(), code: code.to_owned(), message, ..Self::default() }
    }

    /// What is told, no more.
    #[must_use]
    pub fn warning(path: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::new(path, code, message) }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, placed in an environment.
    #[must_use]
    pub fn in_environment(mut self, environment: &Key) -> Self {
        self.environment = Some(environment.clone());
        self
    }
}

/// Appends one member name or index to a JSON Pointer, escaped as RFC 6901 says.
#[must_use]
pub fn pointer(base: &str, token: impl std::fmt::Display) -> String {
    format!("{base}/{}", token.to_string().replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_no_longer_than_people_read() {
        let of = |count| Problem::new("", "c", "ü".repeat(count)).message;
        assert_eq!(of(MESSAGE_CHARACTERS_MAX), "ü".repeat(MESSAGE_CHARACTERS_MAX));
        assert_eq!(of(300_000).chars().count(), MESSAGE_CHARACTERS_MAX + 1);
    }
}
