//! The values that guests take and give.

use alloc::string::String;

/// A JSON value. Lists and objects are JSON text, to be read with a library of the guest's choice.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// `null`, and what is not there.
    #[default]
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// Any number. A guest that answers with one that is not finite has answered nothing.
    Number(f64),
    /// Text.
    Text(String),
    /// A list or an object, as JSON text.
    Json(String),
}

impl Value {
    /// What everything that is absent gives.
    pub(crate) const NULL: Self = Self::Null;

    /// Whether it is null or absent.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The boolean that it is.
    #[must_use]
    pub fn boolean(&self) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    /// The number that it is.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(value) => Some(*value),
            _ => None,
        }
    }

    /// The text that it is.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(value) => Some(value),
            _ => None,
        }
    }

    /// The JSON text of the list or object that it is.
    #[must_use]
    pub fn json(&self) -> Option<&str> {
        match self {
            Self::Json(value) => Some(value),
            _ => None,
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
