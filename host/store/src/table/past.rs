//! How an environment stood at an instant, as far as versions of that time are kept.

use std::{collections::BTreeSet, ops::Bound::Included};

use burgee_model::{Address, FlagField, Key, Millis, RegisterId, Scope};

use super::{Table, TenantTable, scope::least_key};
use crate::Version;

/// An environment at an instant: a table of its own, which holds the versions that were there by then and no others.
/// Flags are taken into it one by one. It holds no config entries, of which no history is kept.
#[derive(Clone, Debug)]
pub struct Past {
    tenant: Key,
    environment: Key,
    at: Millis,
    table: Table,
    lost: Lost,
    /// Whether what was deleted by then, if it was, is known.
    remembered: bool,
}

/// What may have been there, but of which no version of that time is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Flags, be it one of their fields alone, and what was deleted since.
    pub flags: BTreeSet<Key>,
    /// Segments.
    pub segments: BTreeSet<Key>,
    /// Guests.
    pub guests: BTreeSet<Key>,
}

impl Table {
    /// An environment as it stood at an instant, without its flags; none where no version of it is kept that is as
    /// old, so that it did not exist or nobody knows.
    #[must_use]
    pub fn past(&self, tenant: &Key, environment: &Key, at: Millis) -> Option<Past> {
        let held = self.tenants.get(tenant)?;
        let (table, lost, remembered) = (Self::default(), Lost::default(), self.horizon.millis() <= at);
        let (owner, place) = (tenant.clone(), environment.clone());
        let mut past = Past { tenant: owner, environment: place, at, table, lost, remembered };
        past.keep(held, &Address::Tenant);
        past.keep(held, &Address::Environment { environment: environment.clone() });
        past.table.register(&RegisterId::environment(tenant, environment))?;
        past.keep(held, &Address::FlagSet { environment: environment.clone() });
        let others = |address: &&Address| address.environment().is_none_or(|other| other == environment);
        held.segments().map(|(address, _)| address).filter(others).for_each(|address| past.keep(held, address));
        held.guests().for_each(|address| past.keep(held, address));
        let deleted = held.floors.iter().filter(|(_, floor)| floor.stamp.millis() > at);
        past.lost.flags.extend(deleted.filter_map(|(scope, _)| match scope {
            Scope::Flag { flag } => Some(flag.clone()),
            _ => None,
        }));
        Some(past)
    }

    /// Whether the current version of a config entry, or its absence, was there at an instant already.
    #[must_use]
    pub fn stood(&self, entry: &RegisterId, at: Millis) -> bool {
        let over = self.over(entry).any.max(Some(self.horizon));
        match self.latest(entry) {
            Some(version) => version.stamp.millis() <= at,
            None => over.is_none_or(|floor| floor.millis() <= at),
        }
    }
}

impl Past {
    /// Takes a flag in.
    pub fn take(&mut self, table: &Table, flag: &Key) {
        let Some(held) = table.tenants.get(&self.tenant) else { return };
        let (first, last) = (FlagField::ALL[0], FlagField::ALL[FlagField::ALL.len() - 1]);
        let shared = |field| Address::Flag { flag: flag.clone(), field };
        let own = super::read::own_fields(flag, &self.environment);
        for (first, last) in [(&shared(first), &shared(last)), (own.start(), own.end())] {
            let fields = held.registers.range(Included(first), Included(last));
            fields.for_each(|(address, _)| self.keep(held, &address));
        }
    }

    /// What was there, with the environment alone and the flags that were taken. Read it as of [`at`](Self::at).
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// What is missing.
    #[must_use]
    pub fn lost(&self) -> &Lost {
        &self.lost
    }

    /// Whether what is neither there nor lost was not there. Otherwise it may have been deleted, and the cluster has
    /// forgotten so.
    #[must_use]
    pub fn is_remembered(&self) -> bool {
        self.remembered
    }

    /// The instant.
    #[must_use]
    pub fn at(&self) -> Millis {
        self.at
    }

    /// Keeps of a register what was there; notes where something may have been that is no longer kept.
    fn keep(&mut self, held: &TenantTable, address: &Address) {
        let at = self.at;
        let Some(register) = held.registers.get(address) else { return };
        let id = RegisterId::new(&self.tenant, address.clone());
        match register.without(&id, |version| version.stamp.millis() > at) {
            Some(register) => {
                let tenant = self.table.tenants.entry(self.tenant.clone()).or_default();
                tenant.registers.insert(address, register);
            }
            None if register.versions(&id).last().is_some_and(|oldest| had_another_before(&oldest, at)) => {
                self.lose(address);
            }
            None => {}
        }
    }

    fn lose(&mut self, address: &Address) {
        match address {
            Address::Flag { flag, .. } | Address::FlagIn { flag, .. } => self.lost.flags.insert(flag.clone()),
            Address::Segment { segment } | Address::SegmentIn { segment, .. } => {
                self.lost.segments.insert(segment.clone())
            }
            Address::Guest { guest } => self.lost.guests.insert(guest.clone()),
            _ => false,
        };
    }
}

/// Whether a register's oldest version, written after an instant, replaced one, or came after what a floor buried
/// since then.
fn had_another_before(oldest: &Version, at: Millis) -> bool {
    !oldest.parents.is_empty() || oldest.floor_seen.is_some_and(|floor| floor.millis() > at)
}

impl TenantTable {
    fn guests(&self) -> impl Iterator<Item = &Address> {
        let from = least_key().map(|guest| Address::Guest { guest });
        let groups = from.map(|from| self.registers.groups(from..)).into_iter().flatten();
        groups.map(|(address, _)| address).take_while(|address| matches!(address, Address::Guest { .. }))
    }
}

#[cfg(test)]
mod tests {
    use burgee_model::{FlagInField, stamp::millis_to_ntp64};

    use super::*;
    use crate::testing::{config, flag_in, floor, key, stamp, version};

    fn table(versions: impl IntoIterator<Item = Version>) -> Table {
        let mut table = Table::default();
        versions.into_iter().for_each(|version| drop(table.merge(&version.into())));
        table
    }

    /// A version that was written in a second.
    fn written(register: RegisterId, second: u64, content: &str) -> Version {
        version(register, millis_to_ntp64(second * 1000), content)
    }

    fn environment() -> Version {
        written(RegisterId::environment(&key("t"), &key("e")), 1, "{}")
    }

    fn past(table: &Table, second: u64) -> Past {
        let mut past = table.past(&key("t"), &key("e"), second * 1000).unwrap();
        past.take(table, &key("f"));
        past
    }

    fn value(table: &Table, id: &RegisterId, second: u64) -> Option<String> {
        let version = table.current(id, second * 1000)?;
        version.content.as_ref().map(|blob| String::from_utf8(blob.bytes.to_vec()).unwrap())
    }

    #[test]
    fn each_register_is_as_it_was() {
        let rule = flag_in(FlagInField::Targeting);
        let versions = [3, 5, 7].map(|second| written(rule.clone(), second, &second.to_string()));
        let now = table(versions.into_iter().chain([environment()]));
        let found = |second| value(past(&now, second).table(), &rule, second);
        let expected = [None, Some("3"), Some("3"), Some("5"), Some("7")].map(|text| text.map(str::to_owned));
        assert_eq!([2, 3, 4, 6, 9].map(found), expected);
        assert_eq!(past(&now, 2).lost(), &Lost::default(), "it was not written yet");
        assert!(now.past(&key("t"), &key("e"), 999).is_none());
        assert!(now.past(&key("t"), &key("x"), 5_000).is_none());
    }

    #[test]
    fn what_is_no_longer_kept_is_lost() {
        let rule = flag_in(FlagInField::Targeting);
        let mut pruned = written(rule.clone(), 5, "5");
        pruned.parents = Box::new([stamp(millis_to_ntp64(4_000))]);
        let now = table([environment(), pruned]);
        assert_eq!(past(&now, 4).lost().flags, [key("f")].into());
        assert_eq!(past(&now, 5).lost(), &Lost::default());

        let flag = Scope::Flag { flag: key("f") };
        let deleted = floor(flag, millis_to_ntp64(6_000));
        let mut again = written(rule, 8, "8");
        again.floor_seen = Some(deleted.stamp);
        for now in [table([environment(), deleted.clone()]), table([environment(), deleted, again])] {
            assert_eq!(past(&now, 5).lost().flags, [key("f")].into());
            assert_eq!(past(&now, 7).lost(), &Lost::default());
        }
    }

    #[test]
    fn of_an_entry_it_is_known_only_since_when_it_is_what_it_is() {
        let now = table([written(config("k"), 5, "5")]);
        assert!(now.stood(&config("k"), 5_000) && !now.stood(&config("k"), 4_999));
        assert!(now.stood(&config("absent"), 0));
        let purge = Scope::Config { environment: key("e"), prefix: "a".into() };
        let purged = table([floor(purge, millis_to_ntp64(6_000))]);
        assert!(
            purged.stood(&config("b"), 0) && purged.stood(&config("ab"), 6_000) && !purged.stood(&config("ab"), 5_000)
        );
    }
}
