//! What a flag's answers depend on beside the context: what its rule names, and what it was before.

use std::collections::BTreeSet;

use burgee_rules::parse::{REFERENCES_MAX, Thing};

use crate::snapshot::Snapshot;

impl Snapshot {
    /// What the rule that decides for a flag asks for by name, each once: other flags, guests, config entries, and shared
    /// rules, be it by `segment` or by `$ref`. Whether it is there or not. Empty for an unknown flag, and for one
    /// without a rule.
    pub fn named_by<'a>(&'a self, flag: &str) -> impl Iterator<Item = (Thing, &'a str)> + use<'a> {
        let targeting = self.prepared(flag).and_then(|flag| flag.targeting.as_ref());
        targeting.into_iter().flat_map(|targeting| {
            let asked = targeting.references().map(|(thing, name, _)| (thing, name));
            let mut seen = BTreeSet::new();
            let asked = asked.filter(move |asked| asked.0 != Thing::Segment && seen.insert(*asked));
            targeting.shared_rules().map(|name| (Thing::Segment, name)).chain(asked.take(REFERENCES_MAX))
        })
    }

    /// Whether a flag's answers depend on rules that it had before: its own does not compile because of what it refers
    /// to. When a version of it comes late, build again.
    #[must_use]
    pub fn leans_on_history(&self, flag: &str) -> bool {
        let targeting = self.prepared(flag).and_then(|flag| flag.targeting.as_ref());
        targeting.is_some_and(|targeting| targeting.leans_on_history())
    }
}
