//! Byte strings one after the other, each behind its length.

/// Appends a chunk.
pub(crate) fn put(bytes: Vec<u8>, chunk: &[u8]) -> Vec<u8> {
    // Writing a number to memory cannot fail.
    let mut bytes = postcard::to_extend(&chunk.len(), bytes).unwrap_or_default();
    bytes.extend_from_slice(chunk);
    bytes
}

/// The first chunk, and what follows it; none at the end.
pub(crate) fn take(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    postcard::take_from_bytes(bytes).ok()
}
