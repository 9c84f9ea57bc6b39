//! What stands beside config entries: their rollouts, and the answers to writes that may come again.

use std::{
    ops::Bound::{Excluded, Included, Unbounded},
    sync::Arc,
};

use burgee_model::{Address, Digest, Key, Millis, RegisterId};

use super::{Table, scope::least_key};
use crate::Version;

impl Table {
    /// The rollouts of an environment whose entries' keys begin with a prefix, after a key, in order: those that are
    /// neither ended nor expired, be the entry still what they began over or not.
    pub fn rollouts<'a>(
        &'a self,
        tenant: &'a Key,
        environment: &'a Key,
        prefix: &'a str,
        after: Option<&Key>,
        now: Millis,
    ) -> impl Iterator<Item = (Key, Arc<Version>)> + use<'a> {
        let address = |key| Address::Rollout { environment: environment.clone(), key };
        let after = after.filter(|after| after.as_str() >= prefix).map(|key| Excluded(address(key.clone())));
        let first = Key::new(prefix).ok().or_else(least_key).map(|key| Included(address(key)));
        let from = after.or(first).unwrap_or(Unbounded);
        let held = self.tenants.get(tenant).into_iter();
        let groups = held.flat_map(move |held| held.registers.groups((from.clone(), Unbounded)));
        // a prefix need not be a key
        let before = move |address: &Address| matches!(address, Address::Rollout { key, .. } if key.as_str() < prefix);
        groups
            .skip_while(move |(address, _)| before(address))
            .map_while(move |(address, group)| match address {
                Address::Rollout { environment: found, key } if found == environment => {
                    key.as_str().starts_with(prefix).then_some((key, group.container()?))
                }
                _ => None,
            })
            .filter(move |(_, register)| register.live(now).is_some())
            .filter_map(move |(key, _)| {
                let version = self.latest(&RegisterId::rollout(tenant, environment, key))?;
                Some((key.clone(), version))
            })
    }

    /// Whether a tenant has fewer answers that still count than this.
    #[must_use]
    pub fn has_fewer_answers(&self, tenant: &Key, than: usize, now: Millis) -> bool {
        let Some(held) = self.tenants.get(tenant) else { return than > 0 };
        // those that expired are held until they are collected: they are looked at only where that may matter
        held.registers.answers() < than || self.answers(tenant, now).take(than).count() < than
    }

    /// The answers of a tenant that still count.
    fn answers(&self, tenant: &Key, now: Millis) -> impl Iterator<Item = &Digest> {
        let held = self.tenants.get(tenant).into_iter();
        let first = least_key().map(|environment| Address::Answer { environment, request: Digest([0; 32]) });
        let from = first.map_or(Unbounded, Included);
        let groups = held.flat_map(move |held| held.registers.groups((from.clone(), Unbounded)));
        groups
            .filter_map(|(address, group)| match address {
                Address::Answer { request, .. } => Some((request, group.container()?)),
                _ => None,
            })
            .filter(move |(_, register)| register.live(now).is_some())
            .map(|(request, _)| request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{key, version};

    fn table(versions: impl IntoIterator<Item = Version>) -> Table {
        let mut table = Table::default();
        versions.into_iter().for_each(|version| drop(table.merge(&version.into())));
        table
    }

    #[test]
    fn rollouts_are_listed_by_prefix_after_a_key_without_the_ended() {
        let [tenant, here, there] = ["t", "e", "f"].map(key);
        let rollout = |environment: &Key, name: &str| RegisterId::rollout(&tenant, environment, &key(name));
        let ended = Version { content: None, ..version(rollout(&here, "a/0"), 2, "") };
        let expired = Version { expires_at: Some(10), ..version(rollout(&here, "a/3"), 2, "{}") };
        let going = ["a", "a/1", "a/2", "b"].map(|name| version(rollout(&here, name), 1, "{}"));
        let table = table(going.into_iter().chain([version(rollout(&there, "a/1"), 1, "{}"), ended, expired]));
        let listed = |prefix: &'static str, after: Option<&str>| -> Vec<String> {
            let after = after.map(key);
            table.rollouts(&tenant, &here, prefix, after.as_ref(), 10).map(|(key, _)| key.to_string()).collect()
        };
        assert_eq!(listed("", None), ["a", "a/1", "a/2", "b"]);
        assert_eq!(listed("a/", None), ["a/1", "a/2"]);
        assert_eq!(listed("a/", Some("a/1")), ["a/2"]);
        assert_eq!(listed("b", Some("a")), ["b"]);
        assert!(listed(".", None).is_empty());
    }

    #[test]
    fn only_answers_that_still_count_are_counted() {
        let [tenant, environment] = ["t", "e"].map(key);
        let answer = |byte, deadline| Version {
            expires_at: Some(deadline),
            ..version(RegisterId::answer(&tenant, &environment, Digest([byte; 32])), u64::from(byte), "{}")
        };
        let table = table([answer(1, 10), answer(2, 20), answer(3, 30)]);
        assert!(table.has_fewer_answers(&tenant, 4, 0) && !table.has_fewer_answers(&tenant, 3, 0));
        assert!(table.has_fewer_answers(&tenant, 2, 20) && !table.has_fewer_answers(&tenant, 1, 20));
        assert!(!table.has_fewer_answers(&key("other"), 0, 0));
    }
}
