//! What a table holds, in bytes, for the disk.

use std::ops::Bound::{Excluded, Unbounded};

use burgee_model::{Address, Key, RegisterId, Stamp};

use super::{Table, TenantTable};
use crate::version::{canonical, decode_header, encode_register};

/// All retained versions of a register, to bring its rows in line with.
pub(crate) struct Retained {
    pub(crate) id: RegisterId,
    /// Its bytes.
    pub(crate) register: Vec<u8>,
    /// Stamp and canonical bytes of each version.
    pub(crate) versions: Vec<(Stamp, Vec<u8>)>,
}

impl Table {
    /// What is held of a register; no version where nothing is.
    pub(crate) fn retained(&self, id: RegisterId) -> Retained {
        let register = encode_register(&id);
        let versions = match self.packed(&id) {
            Some(body) => {
                let header = decode_header(body).into_iter();
                header.map(|header| (header.stamp, canonical(&register, body))).collect()
            }
            None => self.history(&id).map(|version| (version.stamp, version.encode())).collect(),
        };
        Retained { id, register, versions }
    }

    /// The registers after one, floors included, in the order of their ids.
    pub(crate) fn ids_after(&self, after: Option<&RegisterId>) -> impl Iterator<Item = RegisterId> + use<'_> {
        let (same, from) = match after {
            Some(id) => {
                let held = self.tenants.get_key_value(&id.tenant);
                (held.map(|(tenant, held)| held.ids(tenant, Some(&id.address))), Excluded(&id.tenant))
            }
            None => (None, Unbounded),
        };
        let others = self.tenants.range::<Key, _>((from, Unbounded));
        same.into_iter().flatten().chain(others.flat_map(|(tenant, held)| held.ids(tenant, None)))
    }

    /// Whether anything is held of a register.
    pub(crate) fn holds(&self, id: &RegisterId) -> bool {
        match &id.address {
            Address::Floor(scope) => self.floor(&id.tenant, scope).is_some(),
            Address::Config { .. } => self.packed(id).is_some(),
            _ => self.register(id).is_some(),
        }
    }
}

impl TenantTable {
    /// The cluster's own registers come after floors in the order of addresses, but their tenant has none.
    fn ids<'a>(&'a self, tenant: &'a Key, after: Option<&Address>) -> impl Iterator<Item = RegisterId> + use<'a> {
        let registers = self.registers.range((after.map_or(Unbounded, Excluded), Unbounded));
        let entries = self.entries(after).filter_map(|(environment, key, _)| {
            Some(Address::Config { environment: environment.clone(), key: Key::new(key).ok()? })
        });
        let after = after.cloned();
        let floors = self.floors.iter().map(|(scope, _)| Address::Floor(scope.clone()));
        let floors = floors.filter(move |floor| after.as_ref().is_none_or(|after| floor > after));
        let addresses = registers.map(|(address, _)| address.clone()).chain(entries).chain(floors);
        addresses.map(move |address| RegisterId { tenant: tenant.clone(), address })
    }
}
