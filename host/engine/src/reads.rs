//! Which attributes of a context the rules of an environment read: of a request, nothing else is kept.

use std::{cell::RefCell, collections::HashSet, sync::Arc};

use burgee_model::context::Kept;

use crate::{hash::BuildShortHasher, joined, targeting::Targeting};

/// What every evaluation may read, for weighted choices go by it.
const TARGETING_KEY: &str = "targetingKey";

/// The members of the context's root that these rules read together.
pub(crate) fn of<'a>(rules: impl Iterator<Item = &'a Targeting>) -> Kept {
    let read: Option<Vec<&[Arc<str>]>> =
        joined::facts(rules).map(|facts| (!facts.reads_all).then_some(&*facts.attributes)).collect();
    let targeting_key = TARGETING_KEY.into();
    let names = |read: Vec<&'a [Arc<str>]>| Kept::of(read.into_iter().flatten().chain([&targeting_key]));
    read.map_or_else(Kept::all, names)
}

/// The names that the rules of an environment read, each kept once for all of them.
pub(crate) struct Names(RefCell<HashSet<Arc<str>, BuildShortHasher>>);

impl Names {
    /// Begins with those that a previous build knew.
    pub(crate) fn new(known: Option<&Kept>) -> Self {
        Self(RefCell::new(known.into_iter().flat_map(Kept::names).cloned().collect()))
    }

    /// A name; the one that is there, where it was asked for before.
    pub(crate) fn get(&self, name: &str) -> Arc<str> {
        let mut names = self.0.borrow_mut();
        if let Some(known) = names.get(name) {
            return known.clone();
        }
        let new: Arc<str> = name.into();
        names.insert(new.clone());
        new
    }
}
