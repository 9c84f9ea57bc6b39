//! What the host and the code that it runs agree on, and what that code is written with.
//!
//! - [`abi`] is the private interface of the modules that Burgee emits from rules.
//! - Everything else is for people who write a *guest*: a rule in Rust, for what a rule in JSON cannot say.
//!   Its contract is the WIT world in `wit/guest.wit`; here it is in Rust.
//!
//! ```
//! use burgee_guest::{Call, Value};
//!
//! fn evaluate(call: &Call) -> Result<Value, String> {
//!     let spent = call.attribute("spent").number().ok_or("`spent` must be a number")?;
//!     Ok(Value::from(if spent > 100.0 { "gold" } else { "plain" }))
//! }
//!
//! burgee_guest::guest!(evaluate);
//! ```
#![no_std]

extern crate alloc;
// by which name the macros find this crate, here as in others
#[cfg(target_arch = "wasm32")]
extern crate self as burgee_guest;
#[cfg(not(target_arch = "wasm32"))]
extern crate std;

pub mod abi;
mod call;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod export;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod value;

pub use call::Call;
pub use value::Value;

/// The WIT package of guests.
pub const WIT: &str = include_str!("../wit/guest.wit");

/// The value of a config entry of the flag's environment; null where there is none. In tests on the machine
/// itself: what [`testing::with_config`] holds.
#[must_use]
pub fn config(key: &str) -> Value {
    #[cfg(target_arch = "wasm32")]
    return export::config(key);
    #[cfg(not(target_arch = "wasm32"))]
    return testing::config(key);
}

/// Compiles where a function is a rule.
#[doc(hidden)]
pub const fn is_rule<E>(_: fn(&Call) -> Result<Value, E>)
where
    alloc::string::String: From<E>,
{
}

/// Declares the guest's rule, once in a crate: a function `fn(&Call) -> Result<Value, E>`, where an error is
/// anything that becomes a `String`. Outside of WebAssembly it only checks the function's type.
#[macro_export]
macro_rules! guest {
    ($rule:path) => {
        const _: () = $crate::is_rule($rule);

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Rule;

            impl $crate::export::Guest for Rule {
                fn evaluate(call: $crate::export::Call) -> $crate::export::Answer {
                    $crate::export::answer(call, $rule)
                }
            }

    $crate::export::export_guest!(Rule with_types_in $crate::export::bindings);
        };
    };
}
