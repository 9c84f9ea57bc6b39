//! What the macro `guest!` builds on: the world's bindings, and the way between them and this crate's types.

use alloc::{string::String, vec::Vec};

pub use bindings::{
    Guest,
    burgee::guest::types::{Call, Value},
    export_guest,
};
pub use wit_bindgen;

/// The bindings of the WIT world.
#[allow(missing_docs, unsafe_code, unreachable_pub, clippy::all, reason = "generated")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "guest",
        pub_export_macro: true,
        export_macro_name: "export_guest",
        default_bindings_module: "::burgee_guest::export::bindings",
        runtime_path: "::burgee_guest::export::wit_bindgen::rt",
    });
}

/// What the host gets.
pub type Answer = Result<Value, String>;

/// Asks the rule.
///
/// # Errors
/// The rule's own.
pub fn answer<E: Into<String>>(call: Call, rule: impl FnOnce(&crate::Call) -> Result<crate::Value, E>) -> Answer {
    rule(&call.into()).map(Value::from).map_err(Into::into)
}

pub(crate) fn config(key: &str) -> crate::Value {
    bindings::burgee::guest::store::get(key).into()
}

impl From<Call> for crate::Call {
    fn from(call: Call) -> Self {
        Self {
            flag: call.flag,
            timestamp: call.timestamp,
            targeting_key: call.targeting_key,
            attributes: call.attributes.into_iter().map(|(name, value)| (name, value.into())).collect(),
            arguments: call.arguments.into_iter().map(Into::into).collect::<Vec<_>>(),
        }
    }
}

impl From<Value> for crate::Value {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Boolean(value) => Self::Boolean(value),
            Value::Number(value) => Self::Number(value),
            Value::Text(value) => Self::Text(value),
            Value::Json(value) => Self::Json(value),
        }
    }
}

impl From<crate::Value> for Value {
    fn from(value: crate::Value) -> Self {
        match value {
            crate::Value::Null => Self::Null,
            crate::Value::Boolean(value) => Self::Boolean(value),
            crate::Value::Number(value) => Self::Number(value),
            crate::Value::Text(value) => Self::Text(value),
            crate::Value::Json(value) => Self::Json(value),
        }
    }
}
