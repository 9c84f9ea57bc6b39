//! The digests of a table.

use std::{collections::BTreeMap, sync::Arc};

use burgee_model::RegisterId;

use super::{
    Table,
    names::{EntryNames, PastNames, RegisterNames},
};
use crate::{
    Version,
    digest::{
        Branch, LEAF_PLACES, PATH_NIBBLES, Path, Prefix, Realm, Sum, first_whole_day,
        tree::{Names, Part, Tree},
    },
    facts::Role,
    version::{decode_register, encode_register},
};

/// A tree, and what knows the names in it.
type Grown<'a> = (&'a Tree, Box<dyn Names + 'a>);

impl Table {
    /// The digest of all versions that count.
    #[must_use]
    pub fn root(&self) -> Sum {
        self.root
    }

    /// The digest of what lies below a prefix.
    #[must_use]
    pub fn sum(&self, realm: Realm, prefix: Prefix) -> Sum {
        part(&self.trees(realm, prefix), prefix).sum
    }

    /// What lies below a prefix, one step further.
    #[must_use]
    pub fn branch(&self, realm: Realm, mut prefix: Prefix) -> Branch {
        let trees = self.trees(realm, prefix);
        loop {
            if part(&trees, prefix).names <= LEAF_PLACES || prefix.nibbles >= PATH_NIBBLES {
                return Branch::Leaf(places(&trees, prefix));
            }
            let children = (0..16).map(|nibble| prefix.child(nibble)).map(|child| (child, part(&trees, child)));
            let children: Vec<_> = children.filter(|(_, part)| part.names > 0).collect();
            match children.as_slice() {
                [(only, _)] => prefix = *only,
                several => return Branch::Inner(several.iter().map(|(child, part)| (*child, part.sum)).collect()),
            }
        }
    }

    /// The place of a register in [`Realm::Current`], the same on all nodes of a cluster.
    #[must_use]
    pub fn place_of(&self, id: &RegisterId) -> Path {
        self.hasher.place(id.tenant.as_str(), &encode_register(id))
    }

    /// The versions at a place. Of [`Realm::Current`]: those that count of the registers there, so all
    /// heads of a kill; floors and tombstones too.
    #[must_use]
    pub fn at(&self, realm: Realm, path: Path) -> Vec<Arc<Version>> {
        match realm {
            Realm::Current => {
                let ids = self.registers_at(path);
                ids.iter().flat_map(|id| self.in_role(id, Role::Counts)).collect()
            }
            Realm::History(_) => {
                let mut found = Vec::new();
                each(&self.trees(realm, Prefix::of(path, PATH_NIBBLES)), Prefix::of(path, PATH_NIBBLES), |name| {
                    let Some((id, stamp)) = PastNames::read(name) else { return };
                    found.extend(self.in_role(&id, Role::Past).into_iter().filter(|v| v.stamp == stamp));
                });
                found
            }
        }
    }

    /// The first day whose history is wholly kept here, counted from 1970-01-01.
    #[must_use]
    pub fn history_since(&self) -> u32 {
        first_whole_day(self.history.since)
    }

    /// The digest of the history of a day and all later ones.
    #[must_use]
    pub fn history_sum(&self, since: u32) -> Sum {
        self.days.range(since..).map(|(_, tree)| tree.total()).sum()
    }

    /// The digests of the days from one on that have any history, in order.
    #[must_use]
    pub fn history_days(&self, since: u32) -> Vec<(u32, Sum)> {
        self.days.range(since..).map(|(day, tree)| (*day, tree.total())).collect()
    }

    /// The registers at a place, floors included.
    pub(super) fn registers_at(&self, path: Path) -> Vec<RegisterId> {
        let prefix = Prefix::of(path, PATH_NIBBLES);
        let mut found = Vec::new();
        each(&[self.registers_tree()], prefix, |name| found.extend(decode_register(name).map(|(id, _)| id)));
        for (tree, names) in self.entry_trees(prefix) {
            tree.each(prefix, &names, |_, name| found.extend(names.id(name)));
        }
        found
    }

    /// The versions of a register in one role, newest first.
    fn in_role(&self, id: &RegisterId, role: Role) -> Vec<Arc<Version>> {
        if let Some(register) = self.register(id) {
            let held = register.roles(id, self.horizon).filter(|(is, _)| *is == role);
            return held.map(|(_, held)| held.version).collect();
        }
        let counts = self.facts(id).first().is_some_and(|facts| facts.role == role);
        counts.then(|| self.latest(id)).flatten().into_iter().collect()
    }

    /// The trees of a realm that may hold something below a prefix.
    fn trees(&self, realm: Realm, prefix: Prefix) -> Vec<Grown<'_>> {
        let (tenants, hasher, horizon) = (&self.tenants, self.hasher, self.horizon);
        match realm {
            Realm::Current => {
                let entries = self.entry_trees(prefix).map(|(tree, names)| -> Grown<'_> { (tree, Box::new(names)) });
                std::iter::once(self.registers_tree()).chain(entries).collect()
            }
            Realm::History(day) => {
                let names = || Box::new(PastNames { tenants, hasher, horizon });
                self.days.get(&day).into_iter().map(|tree| -> Grown<'_> { (tree, names()) }).collect()
            }
        }
    }

    fn registers_tree(&self) -> Grown<'_> {
        let names = RegisterNames { tenants: &self.tenants, hasher: self.hasher, horizon: self.horizon };
        (&self.places, Box::new(names))
    }

    fn entry_trees(&self, prefix: Prefix) -> impl Iterator<Item = (&Tree, EntryNames<'_>)> {
        let environments = self.tenants.iter().flat_map(|(tenant, held)| held.config.iter().map(move |e| (tenant, e)));
        let (hasher, horizon) = (self.hasher, self.horizon);
        environments.filter(move |(_, (_, held))| held.places.touches(prefix)).map(
            move |(tenant, (environment, held))| {
                let (tenant, environment) = (tenant.as_str(), environment.as_str());
                let names = EntryNames { tenant, environment, entries: &held.entries, hasher, horizon };
                (&held.places, names)
            },
        )
    }
}

fn part(trees: &[Grown<'_>], prefix: Prefix) -> Part {
    trees
        .iter()
        .map(|(tree, names)| tree.part(prefix, &**names))
        .fold(Part::default(), |a, b| Part { sum: a.sum + b.sum, names: a.names + b.names })
}

fn each(trees: &[Grown<'_>], prefix: Prefix, mut call: impl FnMut(&[u8])) {
    for (tree, names) in trees {
        tree.each(prefix, &**names, |_, name| call(name));
    }
}

/// The places below a prefix of which something counts.
fn places(trees: &[Grown<'_>], prefix: Prefix) -> Vec<(Path, Sum)> {
    let mut places: BTreeMap<Path, Sum> = BTreeMap::new();
    for (tree, names) in trees {
        tree.each(prefix, &**names, |path, name| *places.entry(path).or_default() += names.sum(name));
    }
    places.into_iter().filter(|(_, sum)| *sum != Sum::ZERO).collect()
}
