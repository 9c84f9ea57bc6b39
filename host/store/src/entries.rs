//! Config entries of one environment, packed: in the order of their keys, in pages of some kilobytes, so
//! that an entry costs hardly more than its own bytes.

use std::{
    collections::BTreeMap,
    ops::{
        Bound::{self, Excluded, Included, Unbounded},
        Range,
    },
};

use crate::chunk;

/// Bytes from which on a page of several entries is divided.
const PAGE_BYTES: usize = 4_096;

/// Bytes of two neighbouring pages up to which they are put into one again.
const JOIN_BYTES: usize = PAGE_BYTES / 2;

/// An ordered map from keys to bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entries {
    /// By the least key that belongs on the page; the first is empty.
    pages: BTreeMap<Box<str>, Page>,
}

/// Entries one after the other, in order: key and bytes, each behind its length.
#[derive(Clone, Debug, Default)]
struct Page(Vec<u8>);

/// One entry of a page.
struct Entry<'a> {
    key: &'a [u8],
    body: &'a [u8],
    /// Where it stands.
    at: Range<usize>,
}

impl Page {
    fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let mut rest = self.0.as_slice();
        std::iter::from_fn(move || {
            let start = self.0.len() - rest.len();
            let (key, after) = chunk::take(rest)?;
            let (body, after) = chunk::take(after)?;
            rest = after;
            Some(Entry { key, body, at: start..self.0.len() - rest.len() })
        })
    }

    fn get(&self, key: &str) -> Option<&[u8]> {
        let entry = self.entries().find(|entry| entry.key >= key.as_bytes())?;
        (entry.key == key.as_bytes()).then_some(entry.body)
    }

    /// Where a key's entry stands, or would: then the range is empty.
    fn place(&self, key: &str) -> Range<usize> {
        match self.entries().find(|entry| entry.key >= key.as_bytes()) {
            Some(entry) if entry.key == key.as_bytes() => entry.at,
            Some(entry) => entry.at.start..entry.at.start,
            None => self.0.len()..self.0.len(),
        }
    }

    /// Puts other bytes into a range. A page grows by an eighth, so that little of it is empty.
    fn splice(&mut self, at: Range<usize>, with: &[u8]) {
        let start = at.start;
        self.0.drain(at);
        if self.0.capacity() < self.0.len() + with.len() {
            self.0.reserve_exact(with.len().max(self.0.len() / 8));
        }
        self.0.extend_from_slice(with);
        if let Some(moved) = self.0.get_mut(start..) {
            moved.rotate_right(with.len());
        }
    }

    /// Cuts the page in two near its middle; answers the second half with its first key.
    fn divide(&mut self) -> Option<(Box<str>, Self)> {
        let middle = self.0.len() / 2;
        let (at, key) = self
            .entries()
            .skip(1)
            .map(|entry| (entry.at.start, text(entry.key)))
            .min_by_key(|(start, _)| start.abs_diff(middle))?;
        let key = key.into();
        let second = self.0.get(at..)?.to_vec();
        self.0.truncate(at);
        self.0.shrink_to_fit();
        Some((key, Self(second)))
    }
}

/// Keys were texts when they came.
fn text(key: &[u8]) -> &str {
    std::str::from_utf8(key).unwrap_or_default()
}

impl Entries {
    pub(crate) fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    pub(crate) fn get(&self, key: &str) -> Option<&[u8]> {
        self.pages.range::<str, _>((Unbounded, Included(key))).next_back()?.1.get(key)
    }

    pub(crate) fn put(&mut self, key: &str, body: &[u8]) {
        let entry = Vec::with_capacity(key.len() + body.len() + 8);
        let entry = chunk::put(chunk::put(entry, key.as_bytes()), body);
        let Some((_, page)) = self.pages.range_mut::<str, _>((Unbounded, Included(key))).next_back() else {
            self.pages.insert("".into(), Page(entry));
            return;
        };
        let at = page.place(key);
        let full = page.0.len() + entry.len() > PAGE_BYTES;
        if full && at.start == page.0.len() {
            // Keys that come in order fill whole pages.
            page.0.shrink_to_fit();
            self.pages.insert(key.into(), Page(entry));
            return;
        }
        page.splice(at, &entry);
        let second = full.then(|| page.divide()).flatten();
        self.pages.extend(second);
    }

    pub(crate) fn remove(&mut self, key: &str) {
        let mut pages = self.pages.range_mut::<str, _>((Unbounded, Included(key)));
        let Some((first, page)) = pages.next_back() else { return };
        page.splice(page.place(key), &[]);
        let (first, bytes) = (first.clone(), page.0.len());
        if bytes == 0 {
            self.pages.remove(&first);
        } else if bytes < JOIN_BYTES {
            self.join(&first);
        }
    }

    /// Puts a page and the next one together, if they are small.
    fn join(&mut self, first: &str) {
        let mut both = self.pages.range::<str, _>((Included(first), Unbounded));
        let (Some((_, page)), Some((next, more))) = (both.next(), both.next()) else { return };
        if page.0.len() + more.0.len() <= JOIN_BYTES {
            let (joined, next) = (Page([&*page.0, &*more.0].concat()), next.clone());
            self.pages.remove(&next);
            self.pages.insert(first.into(), joined);
        }
    }

    /// The entries from a key on, in order.
    pub(crate) fn from<'a>(&'a self, from: Bound<&str>) -> impl Iterator<Item = (&'a str, &'a [u8])> + use<'a> {
        let (key, skipped) = match from {
            Included(key) => (key, false),
            Excluded(key) => (key, true),
            Unbounded => ("", false),
        };
        let first = self.pages.range::<str, _>((Unbounded, Included(key))).next_back();
        let pages = self.pages.range::<str, _>((first.map_or(Unbounded, |(first, _)| Included(&**first)), Unbounded));
        let key = key.to_owned();
        pages
            .flat_map(|(_, page)| page.entries())
            .map(|entry| (text(entry.key), entry.body))
            .skip_while(move |(held, _)| *held < key.as_str() || (skipped && *held == key.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_an_ordered_map(
            changes in prop::collection::vec(("[a-cü]{1,4}", prop::option::weighted(0.7, 0..3_000usize)), 0..300),
            from in "[a-cü]{0,4}",
        ) {
            let (mut entries, mut map) = (Entries::default(), BTreeMap::new());
            for (at, (key, size)) in changes.into_iter().enumerate() {
                match size {
                    Some(size) => {
                        let body = vec![at as u8; size];
                        entries.put(&key, &body);
                        map.insert(key, body);
                    }
                    None => {
                        entries.remove(&key);
                        map.remove(&key);
                    }
                }
            }
            for bound in [Unbounded, Included(&*from), Excluded(&*from)] {
                let found: Vec<_> = entries.from(bound).collect();
                let expected: Vec<_> =
                    map.range::<str, _>((bound, Unbounded)).map(|(key, body)| (&**key, &**body)).collect();
                prop_assert_eq!(found, expected);
            }
            for (key, body) in &map {
                prop_assert_eq!(entries.get(key), Some(&**body));
            }
            prop_assert_eq!(entries.get(&from), map.get(&from).map(|body| &**body));
            prop_assert_eq!(entries.is_empty(), map.is_empty());
            let bytes: usize = map.values().map(Vec::len).sum();
            prop_assert!(entries.pages.len() <= 2 + map.len().min(4 * bytes.div_ceil(JOIN_BYTES) + map.len() / 8));
        }
    }

    #[test]
    fn keys_in_order_fill_their_pages() {
        let mut entries = Entries::default();
        (0..1_000).for_each(|n| entries.put(&format!("{n:04}"), &[0; 94]));
        assert_eq!(entries.pages.len(), 1_000usize.div_ceil(PAGE_BYTES / 100));
    }
}
