//! MurmurHash3 for 32-bit machines, seed 0: the hash of `fractional`.

const C1: u32 = 0xcc9e_2d51;
const C2: u32 = 0x1b87_3593;

/// The hash of some bytes.
#[must_use]
pub fn hash(bytes: &[u8]) -> u32 {
    let mut blocks = bytes.chunks_exact(4);
    let mut state = 0u32;
    for block in &mut blocks {
        state = (state ^ scramble(little_endian(block))).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    state ^= scramble(little_endian(blocks.remainder()));
    #[allow(clippy::cast_possible_truncation, reason = "the hash takes the length modulo 2^32")]
    let length = bytes.len() as u32;
    finish(state ^ length)
}

/// The hash of two texts, one after the other.
#[must_use]
pub fn hash_joined(first: &str, second: &str) -> u32 {
    const INLINE_BYTES: usize = 128;
    let mut inline = [0; INLINE_BYTES];
    let joined = inline.get_mut(..first.len() + second.len());
    match joined {
        Some(joined) => {
            let (front, back) = joined.split_at_mut(first.len());
            front.copy_from_slice(first.as_bytes());
            back.copy_from_slice(second.as_bytes());
            hash(joined)
        }
        None => hash([first, second].concat().as_bytes()),
    }
}

/// Up to four bytes as a number.
fn little_endian(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte))
}

fn scramble(word: u32) -> u32 {
    word.wrapping_mul(C1).rotate_left(15).wrapping_mul(C2)
}

fn finish(mut state: u32) -> u32 {
    state = (state ^ state >> 16).wrapping_mul(0x85eb_ca6b);
    state = (state ^ state >> 13).wrapping_mul(0xc2b2_ae35);
    state ^ state >> 16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::fractional::bucket;

    #[test]
    fn the_vectors_of_flagds_testbed() {
        for (text, expected, of_hundred) in [
            ("fractional-flagjack", 0x9fe8_43e0, 62),
            ("fractional-flagqueen", 0xff04_ff2f, 99),
            ("fractional-flagten", 0x2fcb_300a, 18),
            ("shared-seedseven", 0xaa20_d279, 66),
            ("jon@company.com", 0x5cd9_1845, 36),
            ("user1", 0xc50b_443d, 76),
            ("ejOoVL", 0x0000_0000, 0),
            ("bY9fO-", 0x0000_0001, 0),
            ("SI7p-", 0x7fff_ffff, 49),
            ("6LvT0", 0x8000_0000, 50),
            ("ceQdGm", 0xffff_ffff, 99),
        ] {
            assert_eq!(hash(text.as_bytes()), expected, "{text}");
            assert_eq!(bucket(expected, 100), of_hundred, "{text}");
        }
    }

    #[test]
    fn joined_texts_hash_like_one() {
        for split in [0, 1, 100, 128, 129, 200] {
            let text = "é".repeat(100);
            let split = split - split % 2;
            let (first, second) = text.split_at(split);
            assert_eq!(hash_joined(first, second), hash(text.as_bytes()));
            assert_eq!(hash_joined(first, "x"), hash(format!("{first}x").as_bytes()));
        }
    }

    #[test]
    fn every_length_of_the_last_block() {
        let hashes = ["", "a", "ab", "abc", "abcd"].map(|text| hash(text.as_bytes()));
        assert_eq!(hashes, [0, 0x3c25_69b2, 0x9bbf_d75f, 0xb3dd_93fa, 0x43ed_676a]);
    }
}
