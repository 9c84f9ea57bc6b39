//! Which attributes of a context somebody reads, found by a hash that the reader of requests makes in passing.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
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

type Table = HashMap<u64, Arc<str>, BuildHasherDefault<Hashed>>;

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

/// A hash that is one already.
#[derive(Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
