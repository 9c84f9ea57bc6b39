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
struct Page {
    bytes: Vec<u8>,
    /// Where the last entry stands: keys that come in order are put behind it without a search.
    last: usize,
}

/// One entry of a page.
struct Entry<'a> {
    key: &'a [u8],
    body: &'a [u8],
    /// Where it stands.
    at: Range<usize>,
}

impl Page {
    fn of(bytes: Vec<u8>) -> Self {
        let mut page = Self { bytes, last: 0 };
        page.last = page.entries().last().map_or(0, |entry| entry.at.start);
        page
    }

    fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.entries_at(0)
    }

    fn entries_at(&self, start: usize) -> impl Iterator<Item = Entry<'_>> {
        let mut rest = self.bytes.get(start..).unwrap_or_default();
        std::iter::from_fn(move || {
            let start = self.bytes.len() - rest.len();
            let (key, after) = chunk::take(rest)?;
            let (body, after) = chunk::take(after)?;
            rest = after;
            Some(Entry { key, body, at: start..self.bytes.len() - rest.len() })
        })
    }

    /// The first entry whose key is not less.
    fn find(&self, key: &str) -> Option<Entry<'_>> {
        let last = self.entries_at(self.last).next()?;
        if last.key < key.as_bytes() {
            return None;
        }
        self.entries().find(|entry| entry.key >= key.as_bytes())
    }

    fn get(&self, key: &str) -> Option<&[u8]> {
        self.find(key).filter(|entry| entry.key == key.as_bytes()).map(|entry| entry.body)
    }

    /// Where a key's entry stands, with its bytes; or would, which is an empty range.
    fn place(&self, key: &str) -> (Range<usize>, Option<&[u8]>) {
        match self.find(key) {
            Some(entry) if entry.key == key.as_bytes() => (entry.at, Some(entry.body)),
            Some(entry) => (entry.at.start..entry.at.start, None),
            None => (self.bytes.len()..self.bytes.len(), None),
        }
    }

    /// Puts an entry into a range. A page grows by an eighth, so that little of it is empty.
    fn put(&mut self, at: Range<usize>, entry: &[u8]) {
        let (start, gone, end) = (at.start, at.len(), self.bytes.len());
        self.bytes.drain(at);
        if self.bytes.capacity() < self.bytes.len() + entry.len() {
            self.bytes.reserve_exact(entry.len().max(self.bytes.len() / 8));
        }
        self.bytes.extend_from_slice(entry);
        if let Some(moved) = self.bytes.get_mut(start..) {
            moved.rotate_right(entry.len());
        }
        let is_last = start == end || (start == self.last && gone > 0);
        self.last = if is_last { start } else { self.last + entry.len() - gone };
    }

    fn remove(&mut self, at: Range<usize>) {
        self.bytes.drain(at);
        *self = Self::of(std::mem::take(&mut self.bytes));
    }

    /// Cuts the page in two near its middle; answers the second half with its first key.
    fn divide(&mut self) -> Option<(Box<str>, Self)> {
        let middle = self.bytes.len() / 2;
        let (at, key) = self
            .entries()
            .skip(1)
            .map(|entry| (entry.at.start, text(entry.key)))
            .min_by_key(|(start, _)| start.abs_diff(middle))?;
        let key = key.into();
        let second = self.bytes.get(at..)?.to_vec();
        let mut first = std::mem::take(&mut self.bytes);
        first.truncate(at);
        first.shrink_to_fit();
        *self = Self::of(first);
        Some((key, Self::of(second)))
    }
}

fn entry(key: &str, body: &[u8]) -> Vec<u8> {
    let entry = Vec::with_capacity(key.len() + body.len() + 8);
    chunk::put(chunk::put(entry, key.as_bytes()), body)
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

    /// Puts bytes under a key, unless a test of those that are there says otherwise.
    pub(crate) fn put<T, E>(
        &mut self,
        key: &str,
        body: &[u8],
        test: impl FnOnce(Option<&[u8]>) -> Result<T, E>,
    ) -> Result<T, E> {
        let Some((_, page)) = self.pages.range_mut::<str, _>((Unbounded, Included(key))).next_back() else {
            let tested = test(None)?;
            self.pages.insert("".into(), Page::of(entry(key, body)));
            return Ok(tested);
        };
        let (at, held) = page.place(key);
        let tested = test(held)?;
        let entry = entry(key, body);
        let full = page.bytes.len() + entry.len() > PAGE_BYTES;
        if full && at.start == page.bytes.len() {
            // Keys that come in order fill whole pages.
            page.bytes.shrink_to_fit();
            self.begin_page(key, entry);
            return Ok(tested);
        }
        page.put(at, &entry);
        let second = full.then(|| page.divide()).flatten();
        self.pages.extend(second);
        Ok(tested)
    }

    /// Puts an entry on a page of its own; the last of all pages has room for those that follow in order.
    fn begin_page(&mut self, key: &str, mut entry: Vec<u8>) {
        if self.pages.last_key_value().is_some_and(|(last, _)| **last < *key) {
            entry.reserve_exact(PAGE_BYTES.saturating_sub(entry.len()));
        }
        self.pages.insert(key.into(), Page::of(entry));
    }

    pub(crate) fn remove(&mut self, key: &str) {
        let mut pages = self.pages.range_mut::<str, _>((Unbounded, Included(key)));
        let Some((first, page)) = pages.next_back() else { return };
        let (at, _) = page.place(key);
        page.remove(at);
        let (first, bytes) = (first.clone(), page.bytes.len());
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
        if page.bytes.len() + more.bytes.len() <= JOIN_BYTES {
            let (joined, next) = (Page::of([&*page.bytes, &*more.bytes].concat()), next.clone());
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
            let (mut entries, mut map) = (Entries::default(), BTreeMap::<String, Vec<u8>>::new());
            for (at, (key, size)) in changes.into_iter().enumerate() {
                match size {
                    Some(size) => {
                        let body = vec![at as u8; size];
                        let put = entries.put(&key, &body, |held| {
                            assert_eq!(held, map.get(&key).map(Vec::as_slice));
                            if at % 9 == 0 { Err(()) } else { Ok(()) }
                        });
                        if put.is_ok() {
                            map.insert(key, body);
                        }
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
        (0..1_000).for_each(|n| entries.put(&format!("{n:04}"), &[0; 94], |_| Ok::<_, ()>(())).unwrap());
        assert_eq!(entries.pages.len(), 1_000usize.div_ceil(PAGE_BYTES / 100));
    }
}
