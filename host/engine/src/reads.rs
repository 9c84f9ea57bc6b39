//! Which attributes of a context the rules of an environment read: of a request, nothing else is kept.

use std::{collections::HashSet, sync::Arc};

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

    /// The name under which an attribute is kept; none where no rule reads it.
    pub(crate) fn keep(&self, name: &str) -> Option<Arc<str>> {
        match &self.0 {
            Some(names) => names.get(name).cloned(),
            None => Some(name.into()),
        }
    }
}
