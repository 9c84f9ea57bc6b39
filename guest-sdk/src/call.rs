//! What an evaluation asks of a guest.

use alloc::{string::String, vec::Vec};

use crate::Value;

/// One call of the guest: whom the flag is evaluated for, and with what.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Call {
    pub(crate) flag: String,
    pub(crate) timestamp: u64,
    pub(crate) targeting_key: Option<String>,
    pub(crate) attributes: Vec<(String, Value)>,
    pub(crate) arguments: Vec<Value>,
}

impl Call {
    /// The key of the flag.
    #[must_use]
    pub fn flag(&self) -> &str {
        &self.flag
    }

    /// The time of the evaluation, in seconds since 1970-01-01T00:00:00Z. There is no other clock.
    #[must_use]
    pub fn timestamp(&self) -> u64 {
        self.timestamp
    }

    /// Whom the flag is evaluated for.
    #[must_use]
    pub fn targeting_key(&self) -> Option<&str> {
        self.targeting_key.as_deref()
    }

    /// An attribute of the context; null where there is none.
    #[must_use]
    pub fn attribute(&self, name: &str) -> &Value {
        self.attributes().find(|(known, _)| *known == name).map_or(&Value::NULL, |(_, value)| value)
    }

    /// All attributes, in the context's order.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.attributes.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// An argument that the rule gives, counted from 0; null where there is none.
    #[must_use]
    pub fn argument(&self, at: usize) -> &Value {
        self.arguments.get(at).unwrap_or(&Value::NULL)
    }

    /// All arguments that the rule gives.
    #[must_use]
    pub fn arguments(&self) -> &[Value] {
        &self.arguments
    }
}
