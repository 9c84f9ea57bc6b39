//! What the host and the code that it runs agree on.
//!
//! [`abi`] is the private interface of the modules that Burgee emits from rules.
#![no_std]

pub mod abi;
