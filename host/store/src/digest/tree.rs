//! A sparse radix tree over paths: nodes of 16 where many names lie, a bucket of names elsewhere.
//!
//! Sums are kept at every node. Those of single names are not: they are asked for where a bucket is
//! divided or looked into, which takes a third of the memory.

use crate::chunk;

use super::{LEAF_PLACES, PATH_NIBBLES, Path, Prefix, Sum};

/// Names in a bucket from which on it is divided.
const BUCKET_NAMES: u32 = LEAF_PLACES as u32;

/// Names below a node from which on they are put into one bucket again.
const JOIN_NAMES: u32 = BUCKET_NAMES / 2;

/// What a tree is asked about the names in it.
pub(crate) trait Names {
    /// Where a name belongs.
    fn path(&self, name: &[u8]) -> Path;
    /// What it adds to the sums.
    fn sum(&self, name: &[u8]) -> Sum;
}

/// A set of names with their sums.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    /// What all paths begin with.
    base: Prefix,
    root: Node,
}

/// What lies below a prefix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) sum: Sum,
    pub(crate) names: usize,
}

#[derive(Clone, Debug, Default)]
struct Node {
    sum: Sum,
    names: u32,
    below: Below,
}

#[derive(Clone, Debug)]
enum Below {
    Bucket(Bucket),
    Nodes(Box<[Node; 16]>),
}

impl Default for Below {
    fn default() -> Self {
        Self::Bucket(Bucket::default())
    }
}

/// Names one after the other, each behind its length.
#[derive(Clone, Debug, Default)]
struct Bucket(Vec<u8>);

/// Bytes by which a bucket grows: enough that most names need no new allocation.
const BUCKET_STEP_BYTES: usize = 64;

impl Bucket {
    fn names(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.0.as_slice();
        std::iter::from_fn(move || {
            let (name, after) = chunk::take(rest)?;
            rest = after;
            Some(name)
        })
    }

    fn push(&mut self, name: &[u8]) {
        let most = name.len() + chunk::LENGTH_BYTES_MAX;
        if self.0.capacity() - self.0.len() < most {
            self.0.reserve_exact(most.max(BUCKET_STEP_BYTES));
        }
        self.0 = chunk::put(std::mem::take(&mut self.0), name);
    }

    fn of<'a>(names: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut bytes = names.fold(Vec::new(), chunk::put);
        bytes.shrink_to_fit();
        Self(bytes)
    }
}

impl Tree {
    /// An empty tree of paths that begin with a prefix.
    pub(crate) fn new(base: Prefix) -> Self {
        Self { base, root: Node::default() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.root.names == 0
    }

    /// Whether anything in it could lie below a prefix.
    pub(crate) fn touches(&self, prefix: Prefix) -> bool {
        self.base.covers(prefix.path) || prefix.covers(self.base.path)
    }

    /// The sum of all names.
    pub(crate) fn total(&self) -> Sum {
        self.root.sum
    }

    /// Adds a name that is not in the tree. `names` must know it already.
    pub(crate) fn insert(&mut self, path: Path, name: &[u8], sum: Sum, names: &(impl Names + ?Sized)) {
        self.root.insert(self.base.nibbles, path, name, sum, names);
    }

    /// Takes a name out that is in the tree with this sum.
    pub(crate) fn remove(&mut self, path: Path, name: &[u8], sum: Sum) {
        self.root.remove(self.base.nibbles, path, name, sum);
    }

    /// Adds to the sum of a name that is in the tree.
    pub(crate) fn shift(&mut self, path: Path, by: Sum) {
        let (mut node, mut depth) = (&mut self.root, self.base.nibbles);
        loop {
            node.sum += by;
            match &mut node.below {
                Below::Bucket(_) => return,
                Below::Nodes(nodes) => node = &mut nodes[nibble(path, depth)],
            }
            depth += 1;
        }
    }

    /// Looks at what lies below a prefix.
    pub(crate) fn part(&self, prefix: Prefix, names: &(impl Names + ?Sized)) -> Part {
        let mut part = Part::default();
        match self.find(prefix) {
            Some((node, true)) => part = Part { sum: node.sum, names: node.names as usize },
            Some((node, false)) => node.each(&mut |name| {
                if prefix.covers(names.path(name)) {
                    part = Part { sum: part.sum + names.sum(name), names: part.names + 1 };
                }
            }),
            None => {}
        }
        part
    }

    /// Calls for each name below a prefix.
    pub(crate) fn each(&self, prefix: Prefix, names: &(impl Names + ?Sized), mut call: impl FnMut(Path, &[u8])) {
        let Some((node, _)) = self.find(prefix) else { return };
        node.each(&mut |name| {
            let path = names.path(name);
            if prefix.covers(path) {
                call(path, name);
            }
        });
    }

    /// The node that a prefix leads to, and whether all that lies below it lies below the prefix.
    fn find(&self, prefix: Prefix) -> Option<(&Node, bool)> {
        if prefix.nibbles <= self.base.nibbles {
            return prefix.covers(self.base.path).then_some((&self.root, true));
        }
        if !self.base.covers(prefix.path) {
            return None;
        }
        let mut node = &self.root;
        for depth in self.base.nibbles..prefix.nibbles {
            match &node.below {
                Below::Bucket(_) => return Some((node, false)),
                Below::Nodes(nodes) => node = &nodes[nibble(prefix.path, depth)],
            }
        }
        Some((node, true))
    }
}

impl Node {
    fn insert(&mut self, depth: u8, path: Path, name: &[u8], sum: Sum, names: &(impl Names + ?Sized)) {
        self.sum += sum;
        self.names += 1;
        match &mut self.below {
            Below::Nodes(nodes) => nodes[nibble(path, depth)].insert(depth + 1, path, name, sum, names),
            Below::Bucket(bucket) => {
                bucket.push(name);
                if self.names > BUCKET_NAMES && depth < PATH_NIBBLES {
                    self.divide(depth, names);
                }
            }
        }
    }

    fn divide(&mut self, depth: u8, names: &(impl Names + ?Sized)) {
        let Below::Bucket(bucket) = std::mem::take(&mut self.below) else { return };
        let mut nodes: Box<[Node; 16]> = Box::default();
        for name in bucket.names() {
            let path = names.path(name);
            nodes[nibble(path, depth)].insert(depth + 1, path, name, names.sum(name), names);
        }
        self.below = Below::Nodes(nodes);
    }

    fn remove(&mut self, depth: u8, path: Path, name: &[u8], sum: Sum) {
        self.sum -= sum;
        self.names = self.names.saturating_sub(1);
        match &mut self.below {
            Below::Nodes(nodes) => nodes[nibble(path, depth)].remove(depth + 1, path, name, sum),
            Below::Bucket(bucket) => {
                *bucket = Bucket::of(bucket.names().filter(|held| *held != name));
                return;
            }
        }
        if self.names <= JOIN_NAMES {
            let mut joined = Bucket::default();
            self.each(&mut |name| joined.push(name));
            self.below = Below::Bucket(joined);
        }
    }

    fn each(&self, call: &mut impl FnMut(&[u8])) {
        match &self.below {
            Below::Bucket(bucket) => bucket.names().for_each(call),
            Below::Nodes(nodes) => nodes.iter().for_each(|node| node.each(call)),
        }
    }
}

/// The nibble of a path that follows so many.
fn nibble(path: Path, after: u8) -> usize {
    let shift = 60u32.saturating_sub(4 * u32::from(after));
    (path >> shift) as usize & 0xf
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Names that are their own paths, with sums.
    #[derive(Default)]
    struct Known(BTreeMap<Vec<u8>, Sum>);

    impl Names for Known {
        fn path(&self, name: &[u8]) -> Path {
            u64::from_be_bytes(name.try_into().unwrap())
        }
        fn sum(&self, name: &[u8]) -> Sum {
            self.0[name]
        }
    }

    /// Paths that have much in common.
    fn any_path() -> impl Strategy<Value = u64> {
        (0..4u64, 0..40u64, prop::sample::select(vec![0u32, 8, 32])).prop_map(|(a, b, shift)| (a << 60) | (b << shift))
    }

    proptest! {
        #[test]
        fn sums_and_names_are_those_of_a_scan(
            changes in prop::collection::vec((any_path(), prop::option::weighted(0.7, 1..99u128)), 0..400),
            prefixes in prop::collection::vec((any_path(), 0..=16u8), 8),
        ) {
            let (mut tree, mut known) = (Tree::default(), Known::default());
            for (path, sum) in changes {
                let name = path.to_be_bytes();
                let before = known.0.get(&name[..]).copied();
                match (before, sum.map(Sum)) {
                    (None, Some(sum)) => {
                        known.0.insert(name.to_vec(), sum);
                        tree.insert(path, &name, sum, &known);
                    }
                    (Some(held), Some(sum)) => {
                        known.0.insert(name.to_vec(), sum);
                        tree.shift(path, sum - held);
                    }
                    (Some(held), None) => {
                        known.0.remove(&name[..]);
                        tree.remove(path, &name, held);
                    }
                    (None, None) => {}
                }
            }
            prop_assert_eq!(tree.total(), known.0.values().copied().sum());
            for (path, nibbles) in prefixes {
                let prefix = Prefix::of(path, nibbles);
                let below = known.0.iter().filter(|(name, _)| prefix.covers(known.path(name)));
                let (names, sums): (Vec<_>, Vec<_>) = below.unzip();
                let part = Part { sum: sums.into_iter().copied().sum(), names: names.len() };
                prop_assert_eq!(tree.part(prefix, &known), part);
                let mut found = Vec::new();
                tree.each(prefix, &known, |_, name| found.push(name.to_vec()));
                found.sort();
                prop_assert_eq!(found.iter().collect::<Vec<_>>(), names);
            }
        }
    }
}
