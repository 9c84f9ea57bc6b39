//! Keys: the names that people and programs give to tenants, environments, flags and entries.

use std::{fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, Visitor},
};

/// The most bytes that a key may have, whatever the configured limit says.
pub const KEY_BYTES_MAX: usize = 512;

/// A checked key: 1 to 512 bytes of UTF-8 without control characters, and neither `.` nor `..`.
///
/// Slashes, spaces and any other Unicode are allowed. Cloning is cheap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Key(Arc<str>);

/// Why a text cannot be a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text has no characters.
    #[error("a key must not be empty")]
    Empty,
    /// The text has more than [`KEY_BYTES_MAX`] bytes; the field holds how many it has.
    #[error("a key has at most {KEY_BYTES_MAX} bytes, this one has {0}")]
    TooLong(usize),
    /// The text is `.` or `..`, which paths cannot carry.
    #[error("a key must not be `.` or `..`")]
    Dots,
    /// The text has a control character; the field holds its byte offset.
    #[error("a key must not hold control characters (byte {0})")]
    Control(usize),
}

impl Key {
    /// Checks a text and makes it a key.
    pub fn new(text: &str) -> Result<Self, KeyError> {
        Self::check(text)?;
        Ok(Self(Arc::from(text)))
    }

    /// Checks whether a text can be a key.
    pub fn check(text: &str) -> Result<(), KeyError> {
        match text {
            "" => Err(KeyError::Empty),
            "." | ".." => Err(KeyError::Dots),
            _ => Self::check_prefix(text),
        }
    }

    /// Checks whether a key can begin with a text.
    pub fn check_prefix(text: &str) -> Result<(), KeyError> {
        if text.len() > KEY_BYTES_MAX {
            return Err(KeyError::TooLong(text.len()));
        }
        match text.char_indices().find(|(_, c)| c.is_control()) {
            Some((at, _)) => Err(KeyError::Control(at)),
            None => Ok(()),
        }
    }

    /// The tenant of the cluster's own registers.
    #[must_use]
    pub fn system_tenant() -> Self {
        static KEY: std::sync::LazyLock<Key> =
            std::sync::LazyLock::new(|| Key(Arc::from(crate::register::SYSTEM_TENANT)));
        KEY.clone()
    }

    /// The key's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Key {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl std::str::FromStr for Key {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::new(text)
    }
}

impl TryFrom<&str> for Key {
    type Error = KeyError;
    fn try_from(text: &str) -> Result<Self, KeyError> {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_str(Text)
    }
}

/// Makes a key of a text without a copy of it in between.
struct Text;

impl Visitor<'_> for Text {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Key, E> {
        Key::new(text).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_is_wrong() {
        assert_eq!(Key::new(""), Err(KeyError::Empty));
        assert_eq!(Key::new(".."), Err(KeyError::Dots));
        assert_eq!(Key::new("a\u{7}"), Err(KeyError::Control(1)));
        assert_eq!(Key::new(&"x".repeat(513)), Err(KeyError::TooLong(513)));
    }

    #[test]
    fn a_prefix_is_what_a_key_can_begin_with() {
        for text in ["", ".", "..", "a/", &"x".repeat(512)] {
            assert_eq!(Key::check_prefix(text), Ok(()), "{text}");
        }
        assert_eq!(Key::check_prefix("a\0"), Err(KeyError::Control(1)));
        assert_eq!(Key::check_prefix(&"x".repeat(513)), Err(KeyError::TooLong(513)));
    }

    #[test]
    fn takes_slashes_spaces_and_unicode() {
        for text in ["a/b c", "ünï[1]", "...", &"x".repeat(512)] {
            assert_eq!(Key::new(text).unwrap().as_str(), text);
        }
    }
}
