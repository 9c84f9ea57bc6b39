//! Byte strings one after the other, each behind its length, as postcard writes them: seven bits of the length a
//! byte, the least first, and the top bit where more follow.

/// Bytes that a length takes at most.
pub(crate) const LENGTH_BYTES_MAX: usize = 5;

/// Appends a chunk.
pub(crate) fn put(mut bytes: Vec<u8>, chunk: &[u8]) -> Vec<u8> {
    let mut rest = chunk.len();
    while rest >= 0x80 {
        bytes.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push((rest & 0x7f) as u8);
    bytes.extend_from_slice(chunk);
    bytes
}

/// The first chunk, and what follows it; none at the end.
pub(crate) fn take(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (mut length, mut shift) = (0usize, 0);
    for (byte, at) in bytes.iter().zip(1..=LENGTH_BYTES_MAX) {
        length |= usize::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return bytes.get(at..)?.split_at_checked(length);
        }
        shift += 7;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_those_of_postcard() {
        for length in [0, 1, 127, 128, 16_383, 16_384, 3_000_000] {
            let chunk = vec![7; length];
            let bytes = put(Vec::new(), &chunk);
            assert_eq!(bytes, postcard::to_stdvec(&chunk).unwrap());
            assert_eq!(take(&bytes), Some((&*chunk, &[][..])));
            assert_eq!(take(&bytes[..length]), None);
        }
        assert_eq!(take(&[0xff; 9]), None);
    }
}
