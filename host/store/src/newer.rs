//! What a newer release may have written: kinds of registers that this one does not know.
//!
//! Kinds, fields and scopes are appended to their enums and never change their numbers, so a number beyond the
//! last one tells what is newer from what is damaged. (Whatever else a version is to bear takes a new format.)

use burgee_model::{FlagField, FlagInField};

use crate::{chunk, version::CodecError};

/// How many kinds of addresses there are, and of scopes.
const KINDS: usize = 18;
const SCOPES: usize = 4;

/// The kinds that have kinds of their own.
const FLAG: usize = 3;
const FLAG_IN: usize = 4;
const FLOOR: usize = 8;

/// Why the bytes of a version have no register that this release knows.
pub(crate) fn reason(register: &[u8]) -> CodecError {
    if is_unknown(register) == Some(true) { CodecError::Kind } else { CodecError::Malformed }
}

/// Whether such bytes are of a kind, field or scope that this release does not know; none where they end before.
fn is_unknown(register: &[u8]) -> Option<bool> {
    let (_tenant, rest) = chunk::take(register)?;
    let (kind, rest) = number(rest)?;
    let (known, (number, _)) = match kind {
        FLAG => (FlagField::ALL.len(), number(after_key(rest)?)?),
        FLAG_IN => (FlagInField::ALL.len(), number(after_key(after_key(rest)?)?)?),
        FLOOR => (SCOPES, number(rest)?),
        _ => (KINDS, (kind, rest)),
    };
    Some(number >= known)
}

fn after_key(bytes: &[u8]) -> Option<&[u8]> {
    chunk::take(bytes).map(|(_, rest)| rest)
}

/// The number of an enum's variant.
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = postcard::take_from_bytes::<u32>(bytes).ok()?;
    Some((usize::try_from(number).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::decode_register;

    /// A key of one letter, over and over: whatever a variant bears can be read from it.
    const KEYS: [u8; 64] = {
        let mut keys = [1; 64];
        let mut at = 1;
        while at < keys.len() {
            keys[at] = b'k';
            at += 2;
        }
        keys
    };

    /// A register whose kind, or the kind within it, has a number.
    fn register(before: &[u8], number: usize) -> Vec<u8> {
        [&[1, b't'], before, &[u8::try_from(number).unwrap()], &KEYS].concat()
    }

    #[test]
    fn the_last_kind_of_each_is_known_and_the_next_is_newer() {
        const KEY: [u8; 2] = [1, b'k'];
        let of_flag = [&[FLAG as u8][..], &KEY].concat();
        let in_environment = [&[FLAG_IN as u8][..], &KEY, &KEY].concat();
        for (before, known) in [
            (&[][..], KINDS),
            (&of_flag, FlagField::ALL.len()),
            (&in_environment, FlagInField::ALL.len()),
            (&[FLOOR as u8], SCOPES),
        ] {
            let (last, next) = (register(before, known - 1), register(before, known));
            assert!(decode_register(&last).is_some() && decode_register(&next).is_none(), "{before:?} {known}");
            assert_eq!((reason(&last), reason(&next)), (CodecError::Malformed, CodecError::Kind));
        }
    }

    #[test]
    fn what_ends_before_its_kind_is_damaged() {
        let of_flag = register(&[FLAG as u8, 1, b'k'], FlagField::ALL.len());
        for length in 0..5 {
            assert_eq!(reason(&of_flag[..length]), CodecError::Malformed, "{length}");
        }
    }
}
