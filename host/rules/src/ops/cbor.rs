//! Canonical CBOR (RFC 7049, section 3.9) of a value: what version 3 of flagd's bucketing hashes.
//!
//! Every integer, length and float is as short as it can be without loss, names stand by length and then by bytes, and
//! a number without a fraction that 64 bits can hold is an integer.

use std::sync::Arc;

use burgee_model::Value;

use crate::{Budget, EvalError, weight::weigh};

const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const TEXT: u8 = 3;
const LIST: u8 = 4;
const MAP: u8 = 5;

const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;
const NULL: u8 = 0xf6;
const HALF: u8 = 0xf9;
const SINGLE: u8 = 0xfa;
const DOUBLE: u8 = 0xfb;
/// What stands for all that is not a number.
const NAN: [u8; 3] = [HALF, 0x7e, 0x00];

/// The bytes of a value, every one of which is charged as text that is looked through.
pub(super) fn canonical(value: &Value, budget: &mut Budget) -> Result<Vec<u8>, EvalError> {
    // What is written out may be far larger than what a rule has built, which may share its items.
    weigh(value, budget)?;
    let mut bytes = Vec::new();
    write(value, &mut bytes);
    budget.look(bytes.len())?;
    Ok(bytes)
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(NULL),
        Value::Bool(truth) => out.push(if *truth { TRUE } else { FALSE }),
        Value::Number(number) => write_number(*number, out),
        Value::Text(text) => write_text(text, out),
        Value::List(items) => {
            write_head(LIST, items.len() as u64, out);
            items.iter().for_each(|item| write(item, out));
        }
        Value::Object(members) => write_object(members, out),
    }
}

fn write_object(members: &[(Arc<str>, Value)], out: &mut Vec<u8>) {
    let mut sorted: Vec<&(Arc<str>, Value)> = members.iter().collect();
    sorted.sort_by_key(|(name, _)| (name.len(), name.as_bytes()));
    write_head(MAP, members.len() as u64, out);
    for (name, value) in sorted {
        write_text(name, out);
        write(value, out);
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    write_head(TEXT, text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

/// A major type with its argument, in as few bytes as hold it.
#[allow(clippy::cast_possible_truncation, reason = "each range is checked")]
fn write_head(major: u8, argument: u64, out: &mut Vec<u8>) {
    let first = major << 5;
    match argument {
        0..24 => out.push(first | argument as u8),
        24..=0xff => out.extend_from_slice(&[first | 24, argument as u8]),
        0x100..=0xffff => {
            out.push(first | 25);
            out.extend_from_slice(&(argument as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(first | 26);
            out.extend_from_slice(&(argument as u32).to_be_bytes());
        }
        _ => {
            out.push(first | 27);
            out.extend_from_slice(&argument.to_be_bytes());
        }
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the ranges are checked")]
fn write_number(number: f64, out: &mut Vec<u8>) {
    const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
    const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;
    match number {
        n if n.fract() != 0.0 || !n.is_finite() => write_float(n, out),
        n if (0.0..TWO_TO_64).contains(&n) => write_head(UNSIGNED, n as u64, out),
        // -1 - n, which all of 64 bits hold
        n if (-TWO_TO_63..0.0).contains(&n) => write_head(NEGATIVE, !(n as i64) as u64, out),
        n => write_float(n, out),
    }
}

#[allow(clippy::cast_possible_truncation, clippy::float_cmp, reason = "whether nothing is lost is what is asked")]
fn write_float(number: f64, out: &mut Vec<u8>) {
    let single = number as f32;
    match half(single) {
        _ if number.is_nan() => out.extend_from_slice(&NAN),
        _ if f64::from(single) != number => {
            out.push(DOUBLE);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Some(half) => {
            out.push(HALF);
            out.extend_from_slice(&half.to_be_bytes());
        }
        None => {
            out.push(SINGLE);
            out.extend_from_slice(&single.to_be_bytes());
        }
    }
}

/// The same number in half precision (IEEE 754 binary16), if it has one.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the ranges are checked")]
fn half(single: f32) -> Option<u16> {
    const BITS_LOST: i32 = 13;
    let bits = single.to_bits();
    let (sign, exponent, fraction) = (bits >> 16 & 0x8000, (bits >> 23 & 0xff) as i32 - 127, bits & 0x7f_ffff);
    let (shift, biased, whole) = match exponent {
        128 => (BITS_LOST, 31, fraction),
        -14..=15 => (BITS_LOST, (exponent + 15) as u32, fraction),
        // too small for the exponent: with leading zeros
        -24..-14 => (BITS_LOST - 14 - exponent, 0, fraction | 0x80_0000),
        _ => return None,
    };
    let lossless = whole & ((1 << shift) - 1) == 0;
    lossless.then_some((sign | biased << 10 | whole >> shift) as u16)
}

#[cfg(test)]
mod tests {
    use burgee_model::Limits;

    use super::*;

    fn hex(value: &Value) -> String {
        canonical(value, &mut Budget::new(&Limits::default()))
            .unwrap()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// What flagd's reference engine (Python, 2.0.0) hashes.
    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        for (number, expected) in [
            (0.0, "00"),
            (-0.0, "00"),
            (23.0, "17"),
            (24.0, "1818"),
            (255.0, "18ff"),
            (256.0, "190100"),
            (65_536.0, "1a00010000"),
            (4_294_967_296.0, "1b0000000100000000"),
            (9_223_372_036_854_775_808.0, "1b8000000000000000"),
            (-1.0, "20"),
            (-25.0, "3818"),
            (-9_223_372_036_854_775_808.0, "3b7fffffffffffffff"),
            (18_446_744_073_709_551_616.0, "fa5f800000"),
            (-18_446_744_073_709_551_616.0, "fadf800000"),
            (1e300, "fb7e37e43c8800759c"),
            (0.5, "f93800"),
            (65_504.5, "fa477fe080"),
            (0.1, "fb3fb999999999999a"),
            (5.960_464_477_539_063e-8, "f90001"),
            (2.980_232_238_769_531e-8, "fb3e5fffffffffffff"),
            (6.097_555_160_522_461e-5, "f903ff"),
            (f64::INFINITY, "f97c00"),
            (f64::NEG_INFINITY, "f9fc00"),
            (f64::NAN, "f97e00"),
        ] {
            assert_eq!(hex(&Value::Number(number)), expected, "{number}");
        }
    }

    #[test]
    fn texts_lists_and_objects() {
        for (json, expected) in [
            ("null", "f6"),
            ("true", "f5"),
            (r#""""#, "60"),
            (r#""é""#, "62c3a9"),
            (r#"[1,"a",[null]]"#, "8301616181f6"),
            ("{}", "a0"),
            (r#"{"bb":1,"a":2,"é":3,"aa":{"z":0.25}}"#, "a4616102626161a1617af934006262620162c3a903"),
        ] {
            assert_eq!(hex(&serde_json::from_str(json).unwrap()), expected, "{json}");
        }
        assert_eq!(hex(&Value::text(&"x".repeat(24))), format!("7818{}", "78".repeat(24)));
    }
}
