//! Config entries: any bytes under a key, with a deadline where wanted.

use std::sync::Arc;

use burgee_model::{Blob, Key, Limits, Millis, RegisterId, Scope, duration};
use burgee_store::{Draft, DraftWrite, Table, Version};

use super::{Kind, PAGE_ITEMS_MAX, Preconditions, Refusal, environment, floor, rollout, tag::Tagger, writes};

/// Where an entry stands: its tenant, its environment, its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The tenant.
    pub tenant: Key,
    /// The environment.
    pub environment: Key,
    /// The entry's key.
    pub key: Key,
}

impl Place {
    /// The entry's register.
    pub(super) fn register(&self) -> RegisterId {
        RegisterId::config(&self.tenant, &self.environment, &self.key)
    }

    /// The register of its rollout.
    pub(super) fn rollout(&self) -> RegisterId {
        RegisterId::rollout(&self.tenant, &self.environment, &self.key)
    }
}

/// Reads a time to live of 1 ms to ten years, in milliseconds.
pub fn parse_ttl(text: &str) -> Result<Millis, Refusal> {
    let wrong = |reason: &dyn std::fmt::Display| Refusal::invalid("/ttl", "invalid_ttl", format!("`{text}`: {reason}"));
    match duration::parse(text) {
        Ok(0) => Err(wrong(&"a time to live is at least 1 ms")),
        Ok(ttl) => Ok(ttl),
        Err(error) => Err(wrong(&error)),
    }
}

/// Reads an entry; refuses where it, or what contains it, does not exist.
pub fn read(table: &Table, now: Millis, place: &Place) -> Result<Arc<Version>, Refusal> {
    environment::read(table, now, &place.tenant, &place.environment)?;
    let version = table.current(&place.register(), now);
    version.ok_or_else(|| Refusal::NotFound(Kind::Entry, place.key.clone()))
}

/// Plans a write, which ends the entry's rollout. `ttl` counts from now.
pub fn put(
    table: &Table,
    now: Millis,
    place: &Place,
    value: Blob,
    ttl: Option<Millis>,
    conditions: &Preconditions,
    limits: &Limits,
) -> Result<Draft, Refusal> {
    environment::read(table, now, &place.tenant, &place.environment)?;
    let current = table.current(&place.register(), now);
    conditions.check(current.as_ref().map(|version| version.stamp.to_string()).as_deref())?;
    let max = limits.config_entries;
    if current.is_none() && table.counts().config_entries >= max {
        return Err(Refusal::invalid("", "too_many_entries", format!("a cluster holds at most {max} config entries")));
    }
    let expires_at = ttl.map(|ttl| now.saturating_add(ttl));
    let entry = DraftWrite { expires_at, ..DraftWrite::put(place.register(), value) };
    Ok(writes(std::iter::once(entry).chain(rollout::end(table, now, place)).collect()))
}

/// Plans a delete, which ends the entry's rollout.
pub fn delete(table: &Table, now: Millis, place: &Place, conditions: &Preconditions) -> Result<Draft, Refusal> {
    let current = read(table, now, place)?;
    conditions.check(Some(&current.stamp.to_string()))?;
    let entry = DraftWrite::delete(place.register());
    Ok(writes(std::iter::once(entry).chain(rollout::end(table, now, place)).collect()))
}

/// Makes the tag of a list of entries that is whole: their keys and stamps, in the order of keys.
#[derive(Default)]
pub struct Listed(Tagger);

impl Listed {
    /// Takes the next entry.
    pub fn push(&mut self, key: &Key, version: &Version) {
        self.0.bytes(key.as_str().as_bytes());
        self.0.stamp(version.stamp);
    }

    /// The tag.
    #[must_use]
    pub fn finish(self) -> String {
        self.0.finish()
    }
}

/// Plans a purge: one floor over all entries whose keys begin with a prefix, and the end of their rollouts. Its conditions
/// are on the tag of the whole list of the entries, which has one where it fits one page.
pub fn purge(
    table: &Table,
    now: Millis,
    tenant: &Key,
    environment: &Key,
    prefix: &str,
    conditions: &Preconditions,
) -> Result<Draft, Refusal> {
    environment::read(table, now, tenant, environment)?;
    // without a condition the entries need not be gone through
    if conditions.any() {
        let (mut listed, mut entries) = (Listed::default(), table.config(tenant, environment, prefix, None, now));
        entries.by_ref().take(PAGE_ITEMS_MAX).for_each(|(key, version)| listed.push(&key, &version));
        // a list of more than one page bears no tag: there is nothing to compare with, however long it is
        let is_whole = entries.next().is_none();
        if is_whole { conditions.check(Some(&listed.finish()))? } else { conditions.check_untagged()? }
    }
    let rollouts = table.rollouts(tenant, environment, prefix, None, now);
    let ended = rollouts.map(|(_, version)| DraftWrite::delete(version.register.clone())).collect();
    let entries = floor(tenant, Scope::Config { environment: environment.clone(), prefix: prefix.into() });
    Ok(Draft { writes: ended, ..entries })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_to_live() {
        for (text, ms) in
            [("1ms", 1), ("30s", 30_000), ("5m", 300_000), ("2h", 7_200_000), ("3650d", duration::DURATION_MAX_MS)]
        {
            assert_eq!(parse_ttl(text), Ok(ms), "{text}");
        }
        for text in
            ["", "0s", "-1s", "30", "1.5h", "3651d", "99999999999999999999s", "18446744073709551615d", "1w", " 1s"]
        {
            assert!(matches!(parse_ttl(text), Err(Refusal::Invalid(_))), "{text}");
        }
    }
}
