//! What the digest trees ask about the names in them: each kind of name finds its register again.

use std::collections::BTreeMap;

use burgee_model::{Address, Key, NodeId, RegisterId, Stamp};

use super::{
    TenantTable,
    settle::{current, past},
};
use crate::{
    digest::{Hasher, Path, Sum, tree::Names},
    entries::Entries,
    facts::Facts,
    packed::EntryName,
    register::Register,
    version::{canonical, decode_header, decode_register, encode_register},
};

/// The config entries of one environment, named by their keys.
pub(super) struct EntryNames<'a> {
    pub(super) tenant: &'a str,
    pub(super) environment: &'a str,
    pub(super) entries: &'a Entries,
    pub(super) hasher: Hasher,
    pub(super) horizon: Stamp,
}

/// All other registers, floors included, named by their bytes.
pub(super) struct RegisterNames<'a> {
    pub(super) tenants: &'a BTreeMap<Key, TenantTable>,
    pub(super) hasher: Hasher,
    pub(super) horizon: Stamp,
}

/// Versions of the past, named by their register's bytes and their stamps.
pub(super) struct PastNames<'a> {
    pub(super) tenants: &'a BTreeMap<Key, TenantTable>,
    pub(super) hasher: Hasher,
    pub(super) horizon: Stamp,
}

impl EntryNames<'_> {
    pub(super) fn id(&self, name: &[u8]) -> Option<RegisterId> {
        self.entry(name)?.id()
    }

    fn entry<'a>(&'a self, name: &'a [u8]) -> Option<EntryName<'a>> {
        let key = std::str::from_utf8(name).ok()?;
        Some(EntryName { tenant: self.tenant, environment: self.environment, key })
    }

    fn find(&self, name: &[u8]) -> Option<Sum> {
        let entry = self.entry(name)?;
        let body = self.entries.get(entry.key)?;
        let hash = self.hasher.version(&canonical(&entry.register(), body));
        Some(current(&[Facts::of_entry(&decode_header(body)?, hash, self.horizon)]))
    }
}

impl Names for EntryNames<'_> {
    fn path(&self, name: &[u8]) -> Path {
        self.entry(name).map(|entry| self.hasher.place(self.tenant, &entry.register())).unwrap_or_default()
    }

    fn sum(&self, name: &[u8]) -> Sum {
        self.find(name).unwrap_or_default()
    }
}

impl RegisterNames<'_> {
    fn find(&self, name: &[u8]) -> Option<Sum> {
        let (id, _) = decode_register(name)?;
        if let Address::Floor(scope) = &id.address {
            let floor = self.tenants.get(&id.tenant)?.floors.get(scope)?;
            return Some(self.hasher.version(&floor.encode()));
        }
        Some(current(&register(self.tenants, &id)?.facts(&id, self.horizon)))
    }
}

impl Names for RegisterNames<'_> {
    fn path(&self, name: &[u8]) -> Path {
        decode_register(name).map(|(id, _)| self.hasher.place(id.tenant.as_str(), name)).unwrap_or_default()
    }

    fn sum(&self, name: &[u8]) -> Sum {
        self.find(name).unwrap_or_default()
    }
}

impl PastNames<'_> {
    pub(super) fn name(id: &RegisterId, stamp: Stamp) -> Vec<u8> {
        let mut name = encode_register(id);
        name.extend_from_slice(&stamp.time.to_be_bytes());
        name.extend_from_slice(&stamp.id.0);
        name
    }

    pub(super) fn read(name: &[u8]) -> Option<(RegisterId, Stamp)> {
        let (id, stamp) = decode_register(name)?;
        let (time, author) = stamp.split_first_chunk::<8>()?;
        Some((id, Stamp { time: u64::from_be_bytes(*time), id: NodeId(author.try_into().ok()?) }))
    }

    fn find(&self, name: &[u8]) -> Option<Sum> {
        let (id, stamp) = Self::read(name)?;
        let versions = past(&register(self.tenants, &id)?.facts(&id, self.horizon));
        versions.into_iter().find(|(of, _)| *of == stamp).map(|(_, sum)| sum)
    }
}

impl Names for PastNames<'_> {
    fn path(&self, name: &[u8]) -> Path {
        decode_register(name).map(|(id, _)| self.hasher.place(id.tenant.as_str(), name)).unwrap_or_default()
    }

    fn sum(&self, name: &[u8]) -> Sum {
        self.find(name).unwrap_or_default()
    }
}

fn register<'a>(tenants: &'a BTreeMap<Key, TenantTable>, id: &RegisterId) -> Option<&'a Register> {
    tenants.get(&id.tenant)?.registers.get(&id.address)
}
