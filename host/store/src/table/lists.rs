//! Ordered lists.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Included, Unbounded},
    sync::Arc,
};

use burgee_model::{Address, Digest, EnvironmentMeta, FlagField, Key, Millis, RegisterId, Stamp, TenantMeta, json};
use serde_json::Value as Json;

use super::{
    Table, TenantTable,
    scope::{least_key, with_prefix},
};
use crate::{Version, register::Register, version::decode_body};

impl Table {
    /// The existing tenants after a key, in order.
    pub fn tenants(&self, now: Millis, after: Option<&Key>) -> impl Iterator<Item = (&Key, TenantMeta, Stamp)> {
        let from = after.map_or(Unbounded, Excluded);
        self.tenants.range::<Key, _>((from, Unbounded)).filter_map(move |(key, held)| {
            let register = held.registers.get(&Address::Tenant)?;
            let meta = json::stored(register.live(now)?).unwrap_or_default();
            Some((key, meta, register.stamp()))
        })
    }

    /// The existing environments of a tenant, in order.
    pub fn environments(&self, tenant: &Key, now: Millis) -> impl Iterator<Item = (&Key, EnvironmentMeta, Stamp)> {
        let held = self.tenants.get(tenant).into_iter();
        held.flat_map(TenantTable::environments).filter_map(move |(key, register)| {
            let meta = json::stored(register.live(now)?).unwrap_or_default();
            Some((key, meta, register.stamp()))
        })
    }

    /// The existing flags of a tenant after a key, in order.
    pub fn flags(&self, tenant: &Key, now: Millis, after: Option<&Key>) -> impl Iterator<Item = &Key> {
        let address = |flag| Address::Flag { flag, field: FlagField::ALL[0] };
        let after = after.map(|flag| Excluded(address(flag.clone())));
        let from = after.or_else(|| least_key().map(|flag| Included(address(flag)))).unwrap_or(Unbounded);
        let held = self.tenants.get(tenant).into_iter();
        let flags = held.flat_map(move |held| held.registers.groups((from.clone(), Unbounded)));
        flags
            .map_while(|(address, fields)| match address {
                Address::Flag { flag, .. } => Some((flag, fields)),
                _ => None,
            })
            .filter(move |(_, fields)| fields.container().is_some_and(|exists| exists.live(now).is_some()))
            .map(|(flag, _)| flag)
    }

    /// The segments as they are in an environment: its own rule wins over the tenant's. A rule of null is none.
    #[must_use]
    pub fn segments(&self, tenant: &Key, environment: &Key, now: Millis) -> BTreeMap<Key, Json> {
        let Some(held) = self.tenants.get(tenant) else { return BTreeMap::new() };
        let rule = |register: &Register| -> Option<Json> {
            json::stored(register.live(now)?).filter(|rule: &Json| !rule.is_null())
        };
        let (mut shared, mut own) = (BTreeMap::new(), BTreeMap::new());
        for (address, register) in held.segments() {
            match address {
                Address::Segment { segment } => shared.extend(rule(register).map(|rule| (segment.clone(), rule))),
                Address::SegmentIn { segment, environment: e } if e == environment => {
                    own.extend(rule(register).map(|rule| (segment.clone(), rule)));
                }
                _ => {}
            }
        }
        shared.extend(own);
        shared
    }

    /// The existing guests of a tenant after a key, in order.
    pub fn guests(&self, tenant: &Key, now: Millis, after: Option<&Key>) -> impl Iterator<Item = &Key> {
        let address = |guest| Address::Guest { guest };
        let after = after.map(|guest| Excluded(address(guest.clone())));
        let from = after.or_else(|| least_key().map(|guest| Included(address(guest)))).unwrap_or(Unbounded);
        let held = self.tenants.get(tenant).into_iter();
        let guests = held.flat_map(move |held| held.registers.groups((from.clone(), Unbounded)));
        guests
            .map_while(|(address, group)| match address {
                Address::Guest { guest } => Some((guest, group.container()?)),
                _ => None,
            })
            .filter(move |(_, register)| register.live(now).is_some())
            .map(|(guest, _)| guest)
    }

    /// The digests of a guest's modules that are here.
    pub fn modules(&self, tenant: &Key, guest: &Key) -> impl Iterator<Item = Digest> + use<'_> {
        let module = |digest| Address::Module { guest: guest.clone(), digest: Digest(digest) };
        let range = module([0; 32])..=module([0xff; 32]);
        let held = self.tenants.get(tenant).into_iter();
        let modules = held.flat_map(move |held| held.registers.groups(range.clone()));
        modules.filter_map(|(address, group)| match address {
            Address::Module { digest, .. } => group.container().filter(|module| !module.is_deleted()).map(|_| *digest),
            _ => None,
        })
    }

    /// The config entries of an environment whose keys begin with a prefix, after a key, in order; live
    /// ones only.
    pub fn config<'a>(
        &'a self,
        tenant: &Key,
        environment: &Key,
        prefix: &'a str,
        after: Option<&Key>,
        now: Millis,
    ) -> impl Iterator<Item = (Key, Arc<Version>)> + use<'a> {
        let (tenant, environment, after) = (tenant.clone(), environment.clone(), after.cloned());
        let held = self.tenants.get(&tenant).and_then(|held| held.config.get(&environment)).into_iter();
        let entries = held.flat_map(move |held| with_prefix(&held.entries, prefix, after.as_ref()));
        entries.filter_map(move |(key, body)| {
            let key = Key::new(key).ok()?;
            let version = decode_body(RegisterId::config(&tenant, &environment, &key), body).ok()?;
            version.live(now).is_some().then(|| (key, Arc::new(version)))
        })
    }
}

impl TenantTable {
    fn environments(&self) -> impl Iterator<Item = (&Key, &Register)> {
        let from = least_key().map(|environment| Included(Address::Environment { environment }));
        let groups = self.registers.groups((from.unwrap_or(Unbounded), Unbounded));
        groups.map_while(|(address, group)| match address {
            Address::Environment { environment } => Some((environment, group.container()?)),
            _ => None,
        })
    }

    /// The existing environments.
    pub(super) fn environment_keys(&self, now: Millis) -> impl Iterator<Item = &Key> {
        self.environments().filter(move |(_, register)| register.live(now).is_some()).map(|(key, _)| key)
    }

    pub(super) fn segments(&self) -> impl Iterator<Item = (&Address, &Register)> {
        let from = least_key().map(|segment| Included(Address::Segment { segment }));
        self.registers
            .groups((from.unwrap_or(Unbounded), Unbounded))
            .filter_map(|(address, group)| Some((address, group.container()?)))
            .take_while(|(address, _)| matches!(address, Address::Segment { .. } | Address::SegmentIn { .. }))
    }
}
