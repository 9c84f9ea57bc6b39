//! The host's side of the WIT world.
#![allow(missing_docs, unsafe_code, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated")]

wasmtime::component::bindgen!({
    path: "../../guest-sdk/wit",
    world: "guest",
    imports: { default: trappable },
});

pub(super) use burgee::guest::{store::Host, types::Host as Types};
