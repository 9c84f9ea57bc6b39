//! The digests of a table.

use std::{collections::BTreeMap, sync::Arc};

use burgee_model::RegisterId;

use super::Table;
use crate::{
    Version,
    digest::{Branch, LEAF_PLACES, PATH_NIBBLES, Path, Prefix, Realm, Sum, day, first_whole_day},
};

impl Table {
    /// The digest of all versions that count.
    #[must_use]
    pub fn root(&self) -> Sum {
        self.sum(Realm::Current, Prefix::ROOT)
    }

    /// The digest of what lies below a prefix.
    #[must_use]
    pub fn sum(&self, realm: Realm, prefix: Prefix) -> Sum {
        self.places(realm).iter().filter(|(path, _)| prefix.covers(**path)).map(|(_, (sum, _))| *sum).sum()
    }

    /// What lies below a prefix, one step further.
    #[must_use]
    pub fn branch(&self, realm: Realm, prefix: Prefix) -> Branch {
        let mut places = self.places(realm);
        places.retain(|path, _| prefix.covers(*path));
        let mut prefix = prefix;
        loop {
            if places.len() <= LEAF_PLACES || prefix.nibbles >= PATH_NIBBLES {
                return Branch::Leaf(places.iter().map(|(path, (sum, _))| (*path, *sum)).collect());
            }
            let children = (0..16).map(|nibble| prefix.child(nibble)).filter_map(|child| {
                let mut below = places.iter().filter(|(path, _)| child.covers(**path)).peekable();
                below.peek()?;
                Some((child, below.map(|(_, (sum, _))| *sum).sum()))
            });
            match children.collect::<Vec<_>>().as_slice() {
                [(only, _)] => prefix = *only,
                several => return Branch::Inner(several.to_vec()),
            }
        }
    }

    /// The versions at a place. Of [`Realm::Current`]: those that count of the registers there, so all
    /// heads of a kill; floors and tombstones too.
    #[must_use]
    pub fn at(&self, realm: Realm, path: Path) -> Vec<Arc<Version>> {
        self.places(realm).remove(&path).map(|(_, versions)| versions).unwrap_or_default()
    }

    /// The first day whose history is wholly kept here, counted from 1970-01-01.
    #[must_use]
    pub fn history_since(&self) -> u32 {
        first_whole_day(self.history.since)
    }

    /// The digest of the history of a day and all later ones.
    #[must_use]
    pub fn history_sum(&self, since: u32) -> Sum {
        self.history_days(since).into_iter().map(|(_, sum)| sum).sum()
    }

    /// The digests of the days from one on that have any history, in order.
    #[must_use]
    pub fn history_days(&self, since: u32) -> Vec<(u32, Sum)> {
        let mut days: BTreeMap<u32, Sum> = BTreeMap::new();
        for (realm, _, version) in self.everything() {
            if let Realm::History(day) = realm {
                *days.entry(day).or_default() += self.hasher.version(&version.encode());
            }
        }
        days.into_iter().filter(|(day, _)| *day >= since).collect()
    }

    fn places(&self, realm: Realm) -> BTreeMap<Path, (Sum, Vec<Arc<Version>>)> {
        let mut places: BTreeMap<Path, (Sum, Vec<Arc<Version>>)> = BTreeMap::new();
        for (of, path, version) in self.everything() {
            if of == realm {
                let place = places.entry(path).or_default();
                place.0 += self.hasher.version(&version.encode());
                place.1.push(version);
            }
        }
        places
    }

    /// All versions that are compared, with their realm and place.
    fn everything(&self) -> Vec<(Realm, Path, Arc<Version>)> {
        let page = self.page(None, usize::MAX);
        let placed = page.versions.into_iter().map(|version| {
            let id: &RegisterId = &version.register;
            let counts = if id.address.keeps_heads() { self.heads(id) } else { self.latest(id).into_iter().collect() };
            if counts.contains(&version) {
                (Realm::Current, self.hasher.register(id), version)
            } else {
                (Realm::History(day(version.stamp)), self.hasher.past(id, version.stamp), version)
            }
        });
        placed.collect()
    }
}
