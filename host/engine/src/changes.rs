//! Which flags may answer otherwise than they did in an earlier snapshot.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use burgee_model::Key;
use burgee_rules::facts::Facts;

use crate::{flag::PreparedFlag, joined::Holds, snapshot::Snapshot};

/// What became of a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagChange {
    /// It is new.
    Write,
    /// It, or something that its rule asks for, is not what it was.
    Update,
    /// It is gone.
    Delete,
}

impl Snapshot {
    /// The flags that may answer otherwise than in an earlier snapshot of the same environment.
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> BTreeMap<Key, FlagChange> {
        let gone = before.flags().filter(|key| self.prepared(key.as_str()).is_none());
        let mut changes: BTreeMap<Key, FlagChange> = gone.map(|key| (key.clone(), FlagChange::Delete)).collect();
        let same_set = self.set().get("metadata") == before.set().get("metadata");
        let is_other = |key: &Key| self.config.get(key) != before.config.get(key);
        let mut reads_others = Holds::new(|facts: &Facts| facts.config_keys.iter().any(is_other));
        let same_guests = self.guests == before.guests;
        for flag in &self.flags {
            let rule = flag.targeting.as_deref();
            let change = match before.prepared(flag.key.as_str()) {
                None => FlagChange::Write,
                Some(then)
                    if same_set
                        && is_same(flag, then)
                        && rule.is_none_or(|rule| !reads_others.of(rule) && (same_guests || !rule.calls_guests())) =>
                {
                    continue;
                }
                Some(_) => FlagChange::Update,
            };
            changes.insert(flag.key.clone(), change);
        }
        self.add_askers(&mut changes);
        changes
    }

    /// Adds the flags that ask for a changed one, and those that ask for them in turn.
    pub(crate) fn add_askers(&self, changes: &mut BTreeMap<Key, FlagChange>) {
        let mut news: HashSet<Key> = changes.keys().cloned().collect();
        while !news.is_empty() {
            let mut asks = Holds::new(|facts: &Facts| facts.flags.iter().any(|asked| news.contains(&**asked)));
            let more = self.flags.iter().filter(|flag| flag.targeting.as_deref().is_some_and(|rule| asks.of(rule)));
            let more: HashSet<Key> =
                more.map(|flag| flag.key.clone()).filter(|key| !changes.contains_key(key)).collect();
            changes.extend(more.iter().map(|key| (key.clone(), FlagChange::Update)));
            news = more;
        }
    }
}

fn is_same(flag: &Arc<PreparedFlag>, then: &Arc<PreparedFlag>) -> bool {
    Arc::ptr_eq(flag, then) || flag.digest == then.digest
}
