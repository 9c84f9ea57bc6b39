//! A quick hasher for short texts: keys of flags and of attributes, literals of rules.

use std::hash::{BuildHasherDefault, Hasher};

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Hashes texts by xxh3. Tables that use it are built from replicated content of bounded size; what a
/// request brings is only looked up.
#[derive(Default)]
pub(crate) struct ShortHasher(u64);

pub(crate) type BuildShortHasher = BuildHasherDefault<ShortHasher>;

impl Hasher for ShortHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    /// What `str` appends to tell `("a", "b")` from `("ab", "")`; these keys are single texts.
    fn write_u8(&mut self, _: u8) {}

    /// Serial numbers: spread, for tables look at the upper bits too.
    fn write_u64(&mut self, number: u64) {
        self.0 = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
