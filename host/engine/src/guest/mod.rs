//! Guests: code that tenants wrote, run where it can do no harm.
//!
//! A guest is a WebAssembly component of the world in `guest-sdk/wit/guest.wit`: it exports `evaluate`, and may
//! import the config entries of the flag's environment and nothing else. A core module that was built against
//! the same world is wrapped when it is [prepared](Guests::prepare).
//!
//! Guests have a wasmtime engine, threads and instances of their own. A call is made by the thread that
//! evaluates and blocks it; a thread of the [pool] runs it, because only there is it known how much stack is
//! left, and asks back for config entries. What a call may take is in [`GuestConfig`]. A call that fails is a
//! [`GuestFault`], and its instance is never used again.

mod bindings;
mod callers;
mod config;
mod convert;
mod desk;
mod entry;
mod fault;
mod guests;
mod instance;
mod library;
mod limiter;
mod line;
mod pool;
mod runtime;
mod shelf;
mod size;
mod suspension;
mod ticker;
mod worker;
mod wrap;

pub use config::GuestConfig;
pub use convert::json_text;
pub use entry::Entry;
pub use fault::{GuestFault, GuestFaults};
pub use guests::{GuestCall, Guests, Modules, Prepared};
pub use library::GuestModules;
pub use wrap::ModuleError;
