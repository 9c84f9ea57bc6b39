//! What lies in a scope.

use std::{ops::Bound, sync::Arc};

use burgee_model::{Address, FlagField, FlagInField, Key, RegisterId, Scope, Stamp};

use super::{Table, TenantTable};
use crate::{
    Version,
    entries::Entries,
    register::Register,
    version::{decode_body, decode_header},
};

/// The least key there is: keys hold no control characters, and a space is the first of the others.
pub(super) fn least_key() -> Option<Key> {
    Key::new(" ").ok()
}

impl Table {
    /// The addresses in a scope of which something is held.
    pub(super) fn covered(&self, tenant: &Key, scope: &Scope) -> Vec<Address> {
        let Some(held) = self.tenants.get(tenant) else { return Vec::new() };
        let mut covered: Vec<Address> = held.covered_registers(scope).map(|(address, _)| address).collect();
        for (environment, entries, prefix) in held.covered_config(scope) {
            let address = |key| Address::Config { environment: environment.clone(), key };
            covered.extend(with_prefix(entries, prefix, None).filter_map(|(key, _)| Key::new(key).ok()).map(address));
        }
        covered
    }

    /// The config entries in a scope.
    pub(crate) fn entries_in<'a>(
        &'a self,
        tenant: &'a Key,
        scope: &'a Scope,
    ) -> impl Iterator<Item = Arc<Version>> + 'a {
        let held = self.tenants.get(tenant).into_iter();
        held.flat_map(|held| held.covered_config(scope)).flat_map(move |(environment, entries, prefix)| {
            with_prefix(entries, prefix, None).filter_map(move |(key, body)| {
                let id = RegisterId::config(tenant, environment, &Key::new(key).ok()?);
                decode_body(id, body).ok().map(Arc::new)
            })
        })
    }

    /// The greatest stamp that a new floor of the scope must lie above: of what is held in the scope, and
    /// of the floor that the scope has already.
    pub(crate) fn greatest_in(&self, tenant: &Key, scope: &Scope) -> Option<Stamp> {
        let held = self.tenants.get(tenant)?;
        let registers = held.covered_registers(scope).map(|(_, register)| register.stamp()).max();
        let entries = held
            .covered_config(scope)
            .flat_map(|(_, entries, prefix)| with_prefix(entries, prefix, None))
            .filter_map(|(_, packed)| decode_header(packed).map(|header| header.stamp))
            .max();
        registers.max(entries).max(held.floors.get(scope).map(|floor| floor.stamp))
    }

    /// The greatest stamp that a new version of a register must lie above: of what is held of it and of
    /// the floors over it.
    pub(crate) fn greatest_of(&self, id: &RegisterId) -> Option<Stamp> {
        let packed = self.packed(id).and_then(decode_header).map(|header| header.stamp);
        let register = self.register(id).map(|register| register.stamp());
        packed.max(register).max(self.over(id).any)
    }
}

impl TenantTable {
    fn covered_registers<'a>(&'a self, scope: &'a Scope) -> Box<dyn Iterator<Item = (Address, &'a Register)> + 'a> {
        match scope {
            Scope::Config { .. } => Box::new(std::iter::empty()),
            Scope::Flag { flag } => Box::new(self.of_flag(flag)),
            _ => Box::new(self.registers.iter().filter(|(address, _)| scope.covers(address))),
        }
    }

    /// The fields of a flag, in all environments.
    fn of_flag(&self, flag: &Key) -> impl Iterator<Item = (Address, &Register)> {
        let shared = |field| Address::Flag { flag: flag.clone(), field };
        let (first, last) = (shared(FlagField::ALL[0]), shared(FlagField::ALL[FlagField::ALL.len() - 1]));
        let from = least_key().map(|environment| {
            let field = FlagInField::ALL[0];
            Bound::Included(Address::FlagIn { flag: flag.clone(), environment, field })
        });
        let flag = flag.clone();
        let own = self
            .registers
            .range(from.as_ref().map_or(Bound::Unbounded, Bound::as_ref), Bound::Unbounded)
            .take_while(move |(address, _)| matches!(address, Address::FlagIn { flag: f, .. } if *f == flag));
        self.registers.range(Bound::Included(&first), Bound::Included(&last)).chain(own)
    }

    /// The environments whose entries lie in the scope, with the prefix that their keys must have.
    fn covered_config<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = (&'a Key, &'a Entries, &'a str)> {
        let (only, prefix) = match scope {
            Scope::Tenant => (None, Some("")),
            Scope::Environment { environment } => (Some(environment), Some("")),
            Scope::Config { environment, prefix } => (Some(environment), Some(&**prefix)),
            Scope::Flag { .. } => (None, None),
        };
        let environments = self.config.iter().filter(move |(key, _)| only.is_none_or(|only| only == *key));
        environments.filter_map(move |(key, held)| prefix.map(|prefix| (key, &held.entries, prefix)))
    }
}

/// The entries whose keys begin with a prefix, after a key.
pub(super) fn with_prefix<'a>(
    entries: &'a Entries,
    prefix: &'a str,
    after: Option<&Key>,
) -> impl Iterator<Item = (&'a str, &'a [u8])> + use<'a> {
    let from = match after {
        Some(key) if key.as_str() >= prefix => Bound::Excluded(key.as_str()),
        _ => Bound::Included(prefix),
    };
    entries.from(from).take_while(move |(key, _)| key.starts_with(prefix))
}
