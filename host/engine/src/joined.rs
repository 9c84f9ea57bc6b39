//! What many rules read and ask for together. Each shared rule is looked at once, whatever number of flags name it: for
//! every flag anew, an edit of a large one took seconds, for which the edits of all other tenants waited.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use burgee_rules::facts::{Facts, SharedExpr};

use crate::targeting::Targeting;

/// The facts of these rules, those of their shared rules once.
pub(crate) fn facts<'a>(rules: impl Iterator<Item = &'a Targeting>) -> impl Iterator<Item = &'a Facts> {
    let mut seen = HashSet::new();
    rules.flat_map(move |rule| {
        let shared = rule.facts.shared.iter().filter(|shared| seen.insert(Arc::as_ptr(shared)));
        let shared: Vec<&'a Facts> = shared.map(|shared| shared.facts()).collect();
        std::iter::once(&rule.facts.own).chain(shared)
    })
}

/// Whether something holds of rules: of their own facts, or of those of a shared rule of theirs, which is remembered. So
/// it must ask the same of all.
pub(crate) struct Holds<'a, T> {
    test: T,
    known: HashMap<*const SharedExpr, bool>,
    rules: std::marker::PhantomData<&'a Targeting>,
}

impl<'a, T: Fn(&Facts) -> bool> Holds<'a, T> {
    pub(crate) fn new(test: T) -> Self {
        Self { test, known: HashMap::new(), rules: std::marker::PhantomData }
    }

    pub(crate) fn of(&mut self, rule: &'a Targeting) -> bool {
        (self.test)(&rule.facts.own)
            || rule
                .facts
                .shared
                .iter()
                .any(|shared| *self.known.entry(Arc::as_ptr(shared)).or_insert_with(|| (self.test)(shared.facts())))
    }
}
