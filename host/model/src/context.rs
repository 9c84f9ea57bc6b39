//! Evaluation contexts: what an application tells about the user, the request or itself.

mod kept;
mod name;
mod reader;
mod scan;
mod wire;

pub use kept::Kept;
pub use wire::WireError;

use crate::{Limits, Value};

/// The member of a context that the engine alone fills in, with the flag's key and the time: what an application puts
/// there counts for nothing.
pub const RESERVED: &str = "$flagd";

/// A checked evaluation context. The root is always an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Context {
    root: Value,
    /// Whether a member of the root has a name that cannot be a path to it, because it is empty or has a dot.
    unreachable: bool,
}

/// Why a context was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    /// Too many bytes of JSON.
    #[error("the context has {bytes} bytes, {max} are allowed")]
    TooLarge {
        /// What it has.
        bytes: usize,
        /// What is allowed.
        max: usize,
    },
    /// Too many members, nested ones included.
    #[error("the context has more than {max} attributes")]
    TooManyAttributes {
        /// What is allowed.
        max: usize,
    },
    /// Too many levels.
    #[error("the context has more than {max} levels of objects and lists")]
    TooDeep {
        /// What is allowed.
        max: usize,
    },
    /// Not an object.
    #[error("the context must be a JSON object")]
    NotAnObject,
}

impl Default for Context {
    fn default() -> Self {
        Self::of_object(Value::Object([].into()))
    }
}

impl Context {
    /// Takes a JSON value as a context; null stands for an empty one. The bytes are checked by
    /// [`Context::check_bytes`], for only the reader of the request knows them.
    pub fn new(root: Value, limits: &Limits) -> Result<Self, ContextError> {
        match root {
            Value::Null => Ok(Self::default()),
            Value::Object(_) => {
                let max = limits.context_depth;
                check_depth(&root, max).ok_or(ContextError::TooDeep { max })?;
                let max = limits.context_attributes;
                count(&root, max).ok_or(ContextError::TooManyAttributes { max })?;
                Ok(Self::of_object(root))
            }
            _ => Err(ContextError::NotAnObject),
        }
    }

    fn of_object(root: Value) -> Self {
        let Value::Object(members) = &root else { return Self { root, unreachable: false } };
        let unreachable = members.iter().any(|(name, _)| name.is_empty() || name.contains('.'));
        if !members.iter().any(|(name, _)| **name == *RESERVED) {
            return Self { root, unreachable };
        }
        let kept = members.iter().filter(|(name, _)| **name != *RESERVED).cloned().collect();
        Self { root: Value::Object(kept), unreachable }
    }

    /// Checks the size of a context's JSON text.
    pub fn check_bytes(bytes: usize, limits: &Limits) -> Result<(), ContextError> {
        let max = limits.context_bytes;
        if bytes > max { Err(ContextError::TooLarge { bytes, max }) } else { Ok(()) }
    }

    /// The root object.
    #[must_use]
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// What a dotted path leads to; the empty path leads to the root. Quicker than [`Value::path`] where it is the
    /// name of a member, which most are.
    #[must_use]
    #[inline]
    pub fn attribute(&self, path: &str) -> Option<&Value> {
        match self.root.member(path) {
            Some(found) if !self.unreachable => Some(found),
            None if !path.is_empty() && !path.contains('.') => None,
            _ => self.root.path(path),
        }
    }

    /// The OpenFeature targeting key, where it is there and a text.
    #[must_use]
    pub fn targeting_key(&self) -> Option<&str> {
        match self.root.member("targetingKey") {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// Whether a value has no more levels than are left.
fn check_depth(value: &Value, left: usize) -> Option<()> {
    match value {
        Value::Object(members) => {
            let left = left.checked_sub(1)?;
            members.iter().try_for_each(|(_, value)| check_depth(value, left))
        }
        Value::List(items) => {
            let left = left.checked_sub(1)?;
            items.iter().try_for_each(|item| check_depth(item, left))
        }
        _ => Some(()),
    }
}

/// Takes the members of a value, and of all within it, from what is left of the allowance.
fn count(value: &Value, left: usize) -> Option<usize> {
    match value {
        Value::Object(members) => {
            let left = left.checked_sub(members.len())?;
            members.iter().try_fold(left, |left, (_, v)| count(v, left))
        }
        Value::List(items) => items.iter().try_fold(left, |left, v| count(v, left)),
        _ => Some(left),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_nested_attributes() {
        let limits = Limits { context_attributes: 3, ..Limits::default() };
        let read = |text| Context::new(serde_json::from_str(text).unwrap(), &limits);
        assert!(read(r#"{"a":{"b":1},"c":1}"#).is_ok());
        assert_eq!(read(r#"{"a":{"b":1},"c":[{"d":1}]}"#), Err(ContextError::TooManyAttributes { max: 3 }));
        assert_eq!(read("[]"), Err(ContextError::NotAnObject));
        assert_eq!(read("null"), Ok(Context::default()));
    }
}
