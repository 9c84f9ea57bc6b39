//! Which attributes of a context somebody reads, found by a hash that the reader of requests makes in passing.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hasher, RandomState},
    sync::Arc,
};

use super::name::{self, Name};

/// The names of members of the context's root that are kept when a request is read.
#[derive(Debug)]
pub struct Kept {
    /// A bit for each sixty-fourth of the hashes, set where there is one: most names are told apart at a glance.
    seen: u64,
    /// By their hashes; none where all names are kept.
    names: Option<Table>,
}

type Table = HashMap<u64, Arc<str>, Keyed>;

impl Kept {
    /// All, whatever they are.
    #[must_use]
    pub fn all() -> Self {
        Self { seen: u64::MAX, names: None }
    }

    /// These; all where two of them cannot be told apart by their hashes, which somebody would have to want.
    #[must_use]
    pub fn of<'a>(names: impl IntoIterator<Item = &'a Arc<str>>) -> Self {
        let (mut seen, mut table) = (0, Table::default());
        for name in names {
            // what is written with escapes, the reader of requests leaves to another one
            let Some(hash) = name::hash(name.as_bytes()) else { continue };
            let kept = table.entry(hash).or_insert_with(|| name.clone());
            if kept != name {
                return Self::all();
            }
            seen |= name::bit(hash);
        }
        Self { seen, names: Some(table) }
    }

    /// The names, in no order; none where all are kept.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.names.iter().flat_map(HashMap::values)
    }

    /// What to keep a member under, so that its name need not be copied; none where nobody reads it.
    #[inline]
    pub(super) fn get(&self, name: &Name<'_>) -> Option<Arc<str>> {
        if self.seen & name::bit(name.hash) == 0 {
            return None;
        }
        match &self.names {
            Some(table) => table.get(&name.hash).filter(|kept| kept.as_bytes() == name.text).cloned(),
            None => name.as_str().map(Arc::from),
        }
    }
}

/// Spreads hashes over a table in a way that nobody can foresee: whoever writes rules chooses the names, and could choose
/// such as fall together.
#[derive(Clone, Copy, Debug)]
struct Keyed([u64; 2]);

impl Default for Keyed {
    fn default() -> Self {
        let random = || RandomState::new().build_hasher().finish();
        // odd, so that no hash is lost by it
        Self([random(), random() | 1])
    }
}

impl BuildHasher for Keyed {
    type Hasher = Spread;

    fn build_hasher(&self) -> Spread {
        Spread { key: *self, hash: 0 }
    }
}

#[derive(Debug)]
struct Spread {
    key: Keyed,
    hash: u64,
}

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.hash = self.hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.hash = hash;
    }

    // Once by the key, and once more because what steps evenly still steps evenly after the first.
    fn finish(&self) -> u64 {
        let Keyed([added, factor]) = self.key;
        folded(folded(self.hash ^ added, factor) ^ factor, GOLDEN)
    }
}

/// 2^64 over the golden ratio: its bits look like none.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Both halves of a product in one.
#[allow(clippy::cast_possible_truncation, reason = "both halves are used")]
fn folded(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashes that differ in their middle bits alone, which a table that takes them as they are puts into one row.
    #[test]
    fn hashes_that_are_chosen_fall_apart() {
        let tables: Vec<Keyed> = std::iter::repeat_with(Keyed::default).take(1_000).collect();
        let rows = |table: &Keyed| -> std::collections::HashSet<u64> {
            (0..1_000u64).map(|n| table.hash_one(n << 24) % 4_096).collect()
        };
        for table in &tables {
            assert!(rows(table).len() > 800, "{}", rows(table).len());
        }
        assert_ne!(tables[0].hash_one(7u64), tables[1].hash_one(7u64));
    }
}
