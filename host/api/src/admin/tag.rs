//! Entity tags: a single register's is its stamp, a composed resource's a hash over all stamps it was read from.
//!
//! A tag may have a second part after a dot, which covers what the document shows beside its registers (the
//! faults of rules): a cached copy must then be fetched again, but a conditional write need not fail.

use std::fmt::Write as _;

use burgee_model::Stamp;
use xxhash_rust::xxh3::Xxh3;

/// Hashes what a resource was read from.
#[derive(Default)]
pub struct Tagger(Xxh3);

impl Tagger {
    /// A stamp.
    pub fn stamp(&mut self, stamp: Stamp) {
        self.0.update(&stamp.time.to_be_bytes());
        self.0.update(&stamp.id.0);
    }

    /// A text or any bytes, with their length.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    /// The tag: 32 hex digits.
    #[must_use]
    pub fn finish(&self) -> String {
        format!("{:032x}", self.0.digest128())
    }
}

/// The tag of a body that is nothing but its bytes.
#[must_use]
pub fn of_bytes(bytes: &[u8]) -> String {
    format!("{:032x}", xxhash_rust::xxh3::xxh3_128(bytes))
}

/// Adds the second part, unless there is nothing to cover.
pub fn add_view(tag: &mut String, view: &[u8]) {
    if !view.is_empty() {
        // writing to a text cannot fail
        let _ = write!(tag, ".{:016x}", xxhash_rust::xxh3::xxh3_64(view));
    }
}

/// The part of a tag that stands for the registers.
#[must_use]
pub fn content(tag: &str) -> &str {
    tag.split_once('.').map_or(tag, |(content, _)| content)
}
