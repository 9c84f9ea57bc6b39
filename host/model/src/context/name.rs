//! Names of members, and whether an object has each of them once. That is told by hashes: two names that are alike
//! raise a doubt, no more.

use std::str;

use super::scan;

/// Names of one object that are compared, which takes time quadratic in them. More raise a doubt.
const NAMES_MAX: usize = 1_024;

/// The name of a member.
#[derive(Clone, Copy)]
pub(super) struct Name<'t> {
    pub(super) text: &'t [u8],
    pub(super) hash: u64,
}

impl<'t> Name<'t> {
    pub(super) fn as_str(&self) -> Option<&'t str> {
        str::from_utf8(self.text).ok()
    }
}

/// The hash of a name; none where it cannot stand in JSON as it is.
pub(super) fn hash(name: &[u8]) -> Option<u64> {
    let plain = scan::plain(name);
    (plain.length == name.len()).then_some(plain.hash)
}

/// A step of the hash: eight more bytes, or fewer with zeros behind. Who makes names collide has a request read whole.
#[inline]
pub(super) fn mix(hash: u64, word: u64) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    (hash ^ word).wrapping_mul(FACTOR).rotate_left(29)
}

/// One of 64 bits that stands for a hash, and for others.
#[inline]
pub(super) fn bit(hash: u64) -> u64 {
    1 << (hash & 63)
}

/// The names of one object.
#[derive(Default)]
pub(super) struct Names {
    /// A bit for each sixty-fourth of the hashes, set where there is one: most names are new at a glance.
    seen: u64,
    first: [u64; Self::FIRST],
    count: usize,
    rest: Vec<u64>,
}

impl Names {
    const FIRST: usize = 16;

    /// Whether the object has had no such name for certain.
    #[inline]
    pub(super) fn is_new(&mut self, name: &Name<'_>) -> bool {
        let is_new = self.seen & bit(name.hash) == 0 || self.lacks(name.hash);
        self.seen |= bit(name.hash);
        match self.first.get_mut(self.count) {
            Some(place) => (*place, self.count) = (name.hash, self.count + 1),
            None => self.rest.push(name.hash),
        }
        is_new
    }

    #[cold]
    fn lacks(&self, hash: u64) -> bool {
        let first = self.first.get(..self.count).unwrap_or(&self.first);
        self.rest.len() < NAMES_MAX && !first.contains(&hash) && !self.rest.contains(&hash)
    }
}
