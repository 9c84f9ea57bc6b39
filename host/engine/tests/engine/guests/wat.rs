//! Guests in WebAssembly's text format, good ones and bad ones.

/// What all of them have: memory, an allocator that begins anew with each call, and a place for the answer at
/// 1024. `before` stands outside of functions; `body` leaves the address of the answer.
fn module(before: &str, body: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
            {before}
            (memory (export "memory") 1)
            (data (i32.const 16) "limit")
            (data (i32.const 32) "{{\"open\":")
            (data (i32.const 48) "\ff\fe")
            (global $free (mut i32) (i32.const 4096))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (local $at i32)
                (local.set $at (i32.and
                    (i32.add (global.get $free) (i32.sub (local.get 2) (i32.const 1)))
                    (i32.sub (i32.const 0) (local.get 2))))
                (global.set $free (i32.add (local.get $at) (local.get 3)))
                (local.get $at))
            (func (export "evaluate")
                (param i32 i32 i64 i32 i32 i32 i32 i32 i32 i32) (result i32)
                (global.set $free (i32.const 4096))
                {body}))"#
    );
    wat::parse_str(text).unwrap()
}

const GET: &str = r#"(import "burgee:guest/store@0.1.0" "get" (func $get (param i32 i32 i32)))"#;

/// Answers what an expression gives, as a number.
fn number(before: &str, expression: &str) -> Vec<u8> {
    let body = format!(
        "(i32.store8 (i32.const 1032) (i32.const 2)) (f64.store (i32.const 1040) {expression}) (i32.const 1024)"
    );
    module(before, &body)
}

/// Answers a text or JSON of that length at that address, of the value's case of that number.
fn text(case: u32, at: u32, length: u32) -> Vec<u8> {
    let body = format!(
        "(i32.store8 (i32.const 1032) (i32.const {case}))
         (i32.store (i32.const 1040) (i32.const {at})) (i32.store (i32.const 1044) (i32.const {length}))
         (i32.const 1024)"
    );
    module("", &body)
}

/// Answers 7.
pub(super) fn seven() -> Vec<u8> {
    number("", "(f64.const 7)")
}

/// Answers how many attributes the context has.
pub(super) fn counts_attributes() -> Vec<u8> {
    number("", "(f64.convert_i32_u (local.get 7))")
}

/// Answers the config entry `limit`.
pub(super) fn limit() -> Vec<u8> {
    module(GET, "(call $get (i32.const 16) (i32.const 5) (i32.const 1032)) (i32.const 1024)")
}

/// Answers how often this instance was called; with an argument it counts a hundred calls more, and traps.
pub(super) fn counter() -> Vec<u8> {
    let count = "(global $calls (mut f64) (f64.const 0))
        (func $count (param $poison i32) (result f64)
            (global.set $calls (f64.add (global.get $calls) (f64.const 1)))
            (if (local.get $poison) (then
                (global.set $calls (f64.add (global.get $calls) (f64.const 100)))
                (unreachable)))
            (global.get $calls))";
    number(count, "(call $count (local.get 9))")
}

/// Answers with an error of its own.
pub(super) fn fails() -> Vec<u8> {
    module(
        "",
        "(i32.store8 (i32.const 1024) (i32.const 1))
         (i32.store (i32.const 1032) (i32.const 16)) (i32.store (i32.const 1036) (i32.const 5))
         (i32.const 1024)",
    )
}

/// Runs for ever.
pub(super) fn endless() -> Vec<u8> {
    module("", "(loop (br 0)) (unreachable)")
}

/// Runs for ever when it is started, before it is called.
pub(super) fn endless_start() -> Vec<u8> {
    module("(func $run (loop (br 0))) (start $run)", "(i32.const 1024)")
}

/// Fills fifteen mebibytes so many times, and answers. Seen from a loop this is next to nothing.
pub(super) fn fills(times: u32) -> Vec<u8> {
    let fill = "(func $fill (param $left i32)
        (drop (memory.grow (i32.const 240)))
        (loop $again
            (memory.fill (i32.const 65536) (local.get $left) (i32.const 15728640))
            (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))";
    module(fill, &format!("(call $fill (i32.const {times})) (i32.const 1024)"))
}

/// Reads the config entry `limit` as often as it has arguments, and answers it.
pub(super) fn reads() -> Vec<u8> {
    let read = "(func $read (param $left i32)
        (loop $again
            (call $get (i32.const 16) (i32.const 5) (i32.const 1032))
            (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))";
    module(&format!("{GET} {read}"), "(call $read (local.get 9)) (i32.const 1024)")
}

/// Asks for memory for ever.
pub(super) fn greedy() -> Vec<u8> {
    module("", "(loop (drop (memory.grow (i32.const 16))) (br 0)) (unreachable)")
}

/// Wants more memory than there is from the start.
pub(super) fn born_greedy() -> Vec<u8> {
    let text = r#"(module (memory (export "memory") 257)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (unreachable))
        (func (export "evaluate") (param i32 i32 i64 i32 i32 i32 i32 i32 i32 i32) (result i32) (unreachable)))"#;
    wat::parse_str(text).unwrap()
}

/// Wants a table of a hundred thousand elements.
pub(super) fn tabular() -> Vec<u8> {
    module("(table $t 0 funcref)", "(drop (table.grow $t (ref.null func) (i32.const 100000))) (i32.const 1024)")
}

/// Calls itself for ever.
pub(super) fn deep() -> Vec<u8> {
    let dive = "(func $dive (param i32) (result i32) (i32.add (call $dive (local.get 0)) (i32.const 1)))";
    module(dive, "(call $dive (i32.const 0))")
}

/// Does what is forbidden.
pub(super) fn traps() -> Vec<u8> {
    module("", "(i32.load (i32.const -4))")
}

/// Divides nothing by nothing, and answers it.
pub(super) fn not_a_number() -> Vec<u8> {
    number("", "(f64.div (f64.const 0) (f64.const 0))")
}

/// Answers that are none, with what is wrong with each.
pub(super) fn rubbish() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("an address beyond the memory", module("", "(i32.const -8)")),
        ("an address that is not aligned", module("", "(i32.const 1027)")),
        ("a case that there is not", text(9, 16, 5)),
        ("a text beyond the memory", text(3, 65_530, 100)),
        ("a text that is no UTF-8", text(3, 48, 2)),
        ("JSON that is none", text(4, 32, 8)),
        ("a text that is too long", text(3, 100_000, 70_000)),
        ("not a number", not_a_number()),
    ]
}

/// Imports what it may not.
pub(super) fn nosy() -> Vec<u8> {
    module(r#"(import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32)))"#, "(i32.const 1024)")
}

/// Has another function in the place of `evaluate`.
pub(super) fn other_world() -> Vec<u8> {
    let text = r#"(module (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (unreachable))
        (func (export "run") (result i32) (i32.const 1)))"#;
    wat::parse_str(text).unwrap()
}
