;; A guest without a language: answers the config entry `limit`, whatever the call is.
;;
;; It shows how the world of `wit/guest.wit` looks to a core module (the "canonical ABI"): a call comes as ten
;; numbers, with its texts and lists in memory that `cabi_realloc` gave; an answer is the address of
;;
;;     +0   0 for a value, 1 for an error
;;     +8   value: 0 null, 1 boolean, 2 number, 3 text, 4 JSON       error: address and length of the text
;;     +16  the boolean, the number, or address and length of the text
;;
;; `wat2wasm limit.wat -o limit.wasm` makes what `burgee guest put limit limit.wasm` takes.
(module
  (import "burgee:guest/store@0.1.0" "get" (func $get (param $key i32) (param $length i32) (param $value i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "limit")

  ;; Memory is given out from here on, and taken back as a whole when the next call begins.
  (global $free (mut i32) (i32.const 4096))

  (func (export "cabi_realloc")
    (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at
      (i32.and
        (i32.add (global.get $free) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
    (global.set $free (i32.add (local.get $at) (local.get $size)))
    (local.get $at))

  (func (export "evaluate")
    (param $flag i32) (param $flag_length i32)
    (param $timestamp i64)
    (param $has_key i32) (param $key i32) (param $key_length i32)
    (param $attributes i32) (param $attributes_count i32)
    (param $arguments i32) (param $arguments_count i32)
    (result i32)
    (global.set $free (i32.const 4096))
    ;; the value is written to where the answer has it
    (call $get (i32.const 16) (i32.const 5) (i32.const 1032))
    (i32.const 1024)))
