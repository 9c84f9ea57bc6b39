//! Which attributes of a context the rules of an environment read: of a request, nothing else is kept.

use std::{cell::RefCell, collections::HashSet, sync::Arc};

use crate::{hash::BuildShortHasher, targeting::Targeting};

/// What every evaluation may read, for weighted choices go by it.
const TARGETING_KEY: &str = "targetingKey";

/// The names of members of the context's root; none where a rule may read the context as a whole.
pub(crate) struct Reads(Option<HashSet<Arc<str>, BuildShortHasher>>);

impl Reads {
    /// What these rules read together.
    pub(crate) fn of<'a>(rules: impl Iterator<Item = &'a Targeting>) -> Self {
        let mut names: HashSet<Arc<str>, BuildShortHasher> = HashSet::default();
        names.insert(TARGETING_KEY.into());
        for rule in rules {
            let Some(attributes) = &rule.attributes else { return Self(None) };
            for name in attributes {
                // most rules read what others read too: looking is cheaper than counting references
                if !names.contains(name) {
                    names.insert(name.clone());
                }
            }
        }
        Self(Some(names))
    }

    fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.iter().flatten()
    }

    /// The name under which an attribute is kept; none where no rule reads it.
    pub(crate) fn keep(&self, name: &str) -> Option<Arc<str>> {
        match &self.0 {
            Some(names) => names.get(name).cloned(),
            None => Some(name.into()),
        }
    }
}

/// The names that the rules of an environment read, each kept once for all of them.
pub(crate) struct Names(RefCell<HashSet<Arc<str>, BuildShortHasher>>);

impl Names {
    /// Begins with those that a previous build knew.
    pub(crate) fn new(known: Option<&Reads>) -> Self {
        Self(RefCell::new(known.into_iter().flat_map(Reads::names).cloned().collect()))
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
