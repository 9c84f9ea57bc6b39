//! Guests for the tests: modules in WebAssembly's text format, and those of the SDK's examples.

use std::{path::PathBuf, process::Command};

/// The guest of `guest-sdk/examples/wat`: it answers the config entry `limit`.
pub const LIMIT_WAT: &str = include_str!("../../guest-sdk/examples/wat/limit.wat");

/// A module of a text.
#[must_use]
pub fn module(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

/// The guest that answers the config entry `limit`.
#[must_use]
pub fn limit() -> Vec<u8> {
    module(LIMIT_WAT)
}

/// The same, of exactly so many bytes.
#[must_use]
pub fn limit_of(bytes: usize) -> Vec<u8> {
    let mut module = limit();
    // a custom section: 0, its length in five bytes, its name with a length, and anything
    let content = bytes.checked_sub(module.len() + 6).expect("it is larger than that already");
    let length = u32::try_from(content).unwrap();
    module.push(0);
    module.extend((0..5).map(|at| (length >> (7 * at)) as u8 & 0x7f | if at < 4 { 0x80 } else { 0 }));
    module.extend(b"\x07padding");
    module.extend((0..content - 8).map(|at| (at * 31 % 251) as u8));
    module
}

/// Builds an example of the SDK as its README says, and gives its module.
#[must_use]
pub fn example(name: &str) -> Vec<u8> {
    let top = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let built = Command::new(top.join("guest-sdk/examples/build")).arg(name).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let path = String::from_utf8(built.stdout).unwrap();
    std::fs::read(path.trim()).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A guest with such a body of `evaluate`, and what stands before it in the module.
fn with_body(before: &str, body: &str) -> Vec<u8> {
    module(&format!(
        r#"(module {before} (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
            (func (export "evaluate") (param i32 i32 i64 i32 i32 i32 i32 i32 i32 i32) (result i32) {body}))"#
    ))
}

/// Guests that misbehave, by name: an endless loop, endless growth, endless recursion, an answer that is none.
#[must_use]
pub fn bad() -> [(&'static str, Vec<u8>); 4] {
    let dive = "(func $dive (param i32) (result i32) (i32.add (call $dive (local.get 0)) (i32.const 1)))";
    [
        ("endless", with_body("", "(loop (br 0)) (unreachable)")),
        ("greedy", with_body("", "(loop (drop (memory.grow (i32.const 16))) (br 0)) (unreachable)")),
        ("deep", with_body(dive, "(call $dive (i32.const 0))")),
        ("rubbish", with_body("", "(i32.const -8)")),
    ]
}
