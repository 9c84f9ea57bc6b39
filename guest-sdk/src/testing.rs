//! For a guest's own unit tests, which run on the machine itself: calls, and config entries.
//!
//! ```
//! use burgee_guest::{Call, Value, testing};
//!
//! fn evaluate(call: &Call) -> Result<Value, String> {
//!     let limit = burgee_guest::config("limit").number().unwrap_or(10.0);
//!     Ok(Value::from(call.attribute("spent").number() > Some(limit)))
//! }
//!
//! let call = testing::call("discount").for_key("ada").with_attribute("spent", 20.0);
//! assert_eq!(evaluate(&call), Ok(true.into()));
//! testing::with_config([("limit", 30.0)], || assert_eq!(evaluate(&call), Ok(false.into())));
//! ```

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::cell::RefCell;

use crate::{Call, Value};

std::thread_local! {
    static CONFIG: RefCell<Vec<(String, Value)>> = const { RefCell::new(Vec::new()) };
}

/// A call for a flag, with nothing else in it.
#[must_use]
pub fn call(flag: &str) -> Call {
    Call { flag: flag.to_string(), ..Call::default() }
}

/// What makes a call, one thing after the other.
impl Call {
    /// With this time, in seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn at(self, timestamp: u64) -> Self {
        Self { timestamp, ..self }
    }

    /// For this user; the context's attribute `targetingKey` too, as evaluations have it.
    #[must_use]
    pub fn for_key(self, key: &str) -> Self {
        Self { targeting_key: Some(key.to_string()), ..self }.with_attribute("targetingKey", key)
    }

    /// With this attribute.
    #[must_use]
    pub fn with_attribute(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.attributes.retain(|(known, _)| known != name);
        self.attributes.push((name.to_string(), value.into()));
        self
    }

    /// With one argument more.
    #[must_use]
    pub fn with_argument(mut self, value: impl Into<Value>) -> Self {
        self.arguments.push(value.into());
        self
    }
}

/// Runs some code with these config entries and no others, on this thread.
pub fn with_config<K: AsRef<str>, V: Into<Value>, T>(
    entries: impl IntoIterator<Item = (K, V)>,
    test: impl FnOnce() -> T,
) -> T {
    let entries = entries.into_iter().map(|(key, value)| (key.as_ref().to_string(), value.into())).collect();
    let _restored = Restored(CONFIG.replace(entries));
    test()
}

/// Puts the entries back that were there, also when a test panics.
struct Restored(Vec<(String, Value)>);

impl Drop for Restored {
    fn drop(&mut self) {
        CONFIG.set(core::mem::take(&mut self.0));
    }
}

pub(crate) fn config(key: &str) -> Value {
    CONFIG
        .with_borrow(|entries| entries.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone()))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_what_was_put_in_it() {
        let call = call("f").at(7).for_key("ada").with_attribute("n", 1.0).with_attribute("n", 2.0).with_argument("x");
        assert_eq!((call.flag(), call.timestamp(), call.targeting_key()), ("f", 7, Some("ada")));
        assert_eq!(call.attribute("n").number(), Some(2.0));
        assert_eq!(call.attribute("targetingKey").text(), Some("ada"));
        assert_eq!((call.argument(0).text(), call.argument(1).is_null()), (Some("x"), true));
        assert!(call.attribute("other").is_null());
    }

    #[test]
    fn config_is_there_within_and_gone_after() {
        let read = || crate::config("k").number();
        assert_eq!(read(), None);
        with_config([("k", 1.0)], || {
            assert_eq!(read(), Some(1.0));
            with_config([("other", 1.0)], || assert_eq!(read(), None));
            assert_eq!(read(), Some(1.0));
        });
        assert_eq!(read(), None);
    }
}
