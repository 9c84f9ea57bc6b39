//! Where the texts and numbers of JSON end.

use super::name::mix;

const ONES: u64 = u64::MAX / 255;
/// The highest bit of each of eight bytes.
const HIGH: u64 = ONES << 7;

/// Digits of whole numbers that are exact as they are read.
const EXACT_DIGITS: usize = 15;

/// Bytes of a number without exponent that is finite, whatever it is.
const FINITE_BYTES: usize = 300;

/// Text of JSON that stands as it is written.
pub(super) struct Plain {
    /// How many bytes come before the first that it cannot hold (a quote, a backslash or a control character), or the end.
    pub(super) length: usize,
    /// Their hash as a name.
    pub(super) hash: u64,
    /// Whether all of them are ASCII.
    pub(super) is_ascii: bool,
}

/// What stands as it is written, eight bytes at a time.
#[inline]
pub(super) fn plain(bytes: &[u8]) -> Plain {
    let (mut rest, mut length, mut hash, mut all) = (bytes, 0, 0, 0);
    loop {
        let word = match rest.split_first_chunk() {
            Some((word, after)) => {
                rest = after;
                u64::from_le_bytes(*word)
            }
            None => last_word(rest),
        };
        let special = specials(word);
        if special != 0 {
            let bits = special.trailing_zeros() & !7;
            let word = word & !(u64::MAX << bits);
            let is_ascii = (all | word) & HIGH == 0;
            return Plain { length: length + bits as usize / 8, hash: mix(hash, word), is_ascii };
        }
        (length, hash, all) = (length + 8, mix(hash, word), all | word);
    }
}

/// The last bytes, fewer than eight, filled with zeros: the first of them is special.
#[cold]
fn last_word(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// Marks special bytes of eight, zeros among them. A borrow marks bytes above one that is, never below.
#[inline]
fn specials(word: u64) -> u64 {
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word;
    let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (below(word, b' ') | is(b'"') | is(b'\\')) & HIGH
}

/// How many bytes a text has after its first quote, the last one included, if it has one.
pub(super) fn end_of_string(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += plain(bytes.get(at..)?).length;
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => return None,
        }
    }
}

/// How many bytes a number has, if there is one.
#[inline]
pub(super) fn number(bytes: &[u8]) -> Option<usize> {
    let mut at = usize::from(bytes.first()? == &b'-');
    at += match bytes.get(at)? {
        b'0' => 1,
        _ => digits(bytes, at)?,
    };
    if bytes.get(at) == Some(&b'.') {
        at += 1 + digits(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        at += digits(bytes, at)?;
    }
    Some(at)
}

/// How many digits there are; none is not enough.
#[inline]
fn digits(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let count = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    (count > 0).then_some(count)
}

/// The value of a number; none where it is beyond all of 64 bits.
pub(super) fn number_value(number: &[u8]) -> Option<f64> {
    let (digits, sign) = number.strip_prefix(b"-").map_or((number, 1.0), |digits| (digits, -1.0));
    if digits.len() <= EXACT_DIGITS && digits.iter().all(u8::is_ascii_digit) {
        return Some(sign * digits.iter().fold(0.0, |number, digit| number * 10.0 + f64::from(digit - b'0')));
    }
    let number: f64 = std::str::from_utf8(number).ok()?.parse().ok()?;
    number.is_finite().then_some(number)
}

/// Whether a number is one of 64 bits.
#[inline]
pub(super) fn is_finite(number: &[u8]) -> bool {
    let plain = number.len() <= FINITE_BYTES && !number.iter().any(|byte| matches!(byte, b'e' | b'E'));
    plain || number_value(number).is_some()
}
