//! A config entry on its way to a guest.

use burgee_model::Value;

use super::convert::json_text;

/// What a guest is told of a config entry.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    /// Its value, null where there is none.
    pub value: Value,
    /// Bytes of it as it is stored: what reading it costs, and what a call is charged.
    pub bytes: usize,
}

impl From<Value> for Entry {
    /// A value that is stored as JSON without blanks.
    fn from(value: Value) -> Self {
        Self { bytes: json_text(&value).len(), value }
    }
}
