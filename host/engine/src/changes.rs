//! Which flags may answer otherwise than they did in an earlier snapshot.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use burgee_model::Key;

use crate::{flag::PreparedFlag, snapshot::Snapshot, targeting::Targeting};

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
        for flag in &self.flags {
            let change = match before.prepared(flag.key.as_str()) {
                None => FlagChange::Write,
                Some(then) if same_set && self.is_unchanged(flag, then, before) => continue,
                Some(_) => FlagChange::Update,
            };
            changes.insert(flag.key.clone(), change);
        }
        self.add_askers(&mut changes);
        changes
    }

    fn is_unchanged(&self, flag: &Arc<PreparedFlag>, then: &Arc<PreparedFlag>, before: &Self) -> bool {
        let same = Arc::ptr_eq(flag, then) || flag.digest == then.digest;
        same && flag.targeting.as_deref().is_none_or(|rule| self.reads_the_same(rule, before))
    }

    fn reads_the_same(&self, rule: &Targeting, before: &Self) -> bool {
        let entries = rule.config_keys.iter().all(|key| self.config.get(key) == before.config.get(key));
        entries && (!rule.calls_guests() || self.guests == before.guests)
    }

    /// Adds the flags that ask for a changed one, and those that ask for them in turn.
    pub(crate) fn add_askers(&self, changes: &mut BTreeMap<Key, FlagChange>) {
        let mut news: HashSet<Key> = changes.keys().cloned().collect();
        while !news.is_empty() {
            let asks = |rule: &Targeting| rule.flags.iter().any(|asked| news.contains(&**asked));
            let more = self.flags.iter().filter(|flag| flag.targeting.as_deref().is_some_and(asks));
            let more: HashSet<Key> =
                more.map(|flag| flag.key.clone()).filter(|key| !changes.contains_key(key)).collect();
            changes.extend(more.iter().map(|key| (key.clone(), FlagChange::Update)));
            news = more;
        }
    }
}
