//! What a table holds, in bytes, for the disk.

use std::{
    ops::Bound::{Excluded, Unbounded},
    sync::Arc,
};

use burgee_model::{Address, Key, RegisterId, Scope, Stamp};

use super::{Table, TenantTable, page::FIRST_FLOOR};
use crate::{
    Version,
    packed::EntryName,
    register::Register,
    version::{canonical, decode_header, decode_register, encode_register},
};

/// All retained versions of a register, to bring its rows in line with.
pub(crate) struct Retained {
    /// Its bytes.
    pub(crate) register: Vec<u8>,
    pub(crate) is_floor: bool,
    pub(crate) keeps_history: bool,
    /// Stamp and canonical bytes of each version.
    pub(crate) versions: Vec<(Stamp, Vec<u8>)>,
}

/// A register that is held, where it lies.
struct Found<'a> {
    tenant: &'a Key,
    held: Held<'a>,
}

enum Held<'a> {
    Register(Address, &'a Register),
    /// Environment, key and body.
    Entry(&'a Key, &'a str, &'a [u8]),
    Floor(&'a Scope, &'a Arc<Version>),
}

impl Retained {
    /// A config entry.
    fn entry(register: Vec<u8>, body: &[u8]) -> Self {
        let version = decode_header(body).map(|header| (header.stamp, canonical(&register, body)));
        Self { register, is_floor: false, keeps_history: false, versions: version.into_iter().collect() }
    }

    /// Any other register.
    fn other(id: &RegisterId, versions: impl Iterator<Item = Arc<Version>>) -> Self {
        Self {
            register: encode_register(id),
            is_floor: matches!(id.address, Address::Floor(_)),
            keeps_history: id.address.keeps_history(),
            versions: versions.map(|version| (version.stamp, version.encode())).collect(),
        }
    }
}

impl Found<'_> {
    fn id(&self) -> Option<RegisterId> {
        let address = match &self.held {
            Held::Register(address, _) => address.clone(),
            Held::Entry(environment, key, _) => {
                Address::Config { environment: (*environment).clone(), key: Key::new(key).ok()? }
            }
            Held::Floor(scope, _) => Address::Floor((*scope).clone()),
        };
        Some(RegisterId { tenant: self.tenant.clone(), address })
    }

    fn retained(&self) -> Option<Retained> {
        if let Held::Entry(environment, key, body) = self.held {
            let name = EntryName { tenant: self.tenant.as_str(), environment: environment.as_str(), key };
            return Some(Retained::entry(name.register(), body));
        }
        let id = self.id()?;
        Some(match &self.held {
            Held::Register(_, register) => Retained::other(&id, register.versions(&id)),
            Held::Floor(_, floor) => Retained::other(&id, std::iter::once(Arc::clone(floor))),
            Held::Entry(..) => return None,
        })
    }
}

impl Table {
    /// What is held of the register of such bytes, no version where nothing is; none where they are no register.
    pub(crate) fn retained(&self, register: &[u8]) -> Option<Retained> {
        if let Some((name, [])) = EntryName::read(register) {
            let body = self.tenants.get(name.tenant).and_then(|held| held.entry(name.environment, name.key));
            let nothing = || Retained {
                register: register.to_vec(),
                is_floor: false,
                keeps_history: false,
                versions: Vec::new(),
            };
            return Some(body.map_or_else(nothing, |body| Retained::entry(register.to_vec(), body)));
        }
        let (id, _) = decode_register(register)?;
        Some(Retained::other(&id, self.history(&id)))
    }

    /// What is held of so many registers after one, floors included, in the order of their ids; and the last of
    /// them, none where there is none.
    pub(crate) fn retained_after(
        &self,
        after: Option<&RegisterId>,
        most: usize,
    ) -> (Vec<Retained>, Option<RegisterId>) {
        let (mut retained, mut last) = (Vec::new(), None);
        for found in self.found_after(after).take(most) {
            retained.extend(found.retained());
            last = Some(found);
        }
        (retained, last.and_then(|found| found.id()))
    }

    fn found_after(&self, after: Option<&RegisterId>) -> impl Iterator<Item = Found<'_>> + use<'_> {
        let (same, from) = match after {
            Some(id) => {
                let held = self.tenants.get_key_value(&id.tenant);
                (held.map(|(tenant, held)| held.found(tenant, Some(&id.address))), Excluded(&id.tenant))
            }
            None => (None, Unbounded),
        };
        let others = self.tenants.range::<Key, _>((from, Unbounded));
        same.into_iter().flatten().chain(others.flat_map(|(tenant, held)| held.found(tenant, None)))
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
    /// The body of a config entry.
    pub(super) fn entry(&self, environment: &str, key: &str) -> Option<&[u8]> {
        self.config.get(environment)?.entries.get(key)
    }

    /// What is held after an address, in the order of addresses.
    fn found<'a>(&'a self, tenant: &'a Key, after: Option<&Address>) -> impl Iterator<Item = Found<'a>> + use<'a> {
        let register = |(address, register)| Held::Register(address, register);
        let entries = self.entries(after).map(|(environment, key, body)| Held::Entry(environment, key, body));
        let floors = match after {
            Some(Address::Floor(scope)) => Some(Excluded(scope)),
            Some(after) if *after > FIRST_FLOOR => None,
            _ => Some(Unbounded),
        };
        let floors = floors.map(|from| self.floors.from(from)).into_iter().flatten();
        let floors = floors.map(|(scope, floor)| Held::Floor(scope, floor));
        let all = self.early(after).map(register).chain(entries).chain(floors).chain(self.late(after).map(register));
        all.map(move |held| Found { tenant, held })
    }
}
