//! A table in pages, for those who join.

use std::{
    ops::Bound::{Excluded, Included, Unbounded},
    sync::Arc,
};

use burgee_model::{Address, Key, RegisterId, Scope, Stamp};
use serde::{Deserialize, Serialize};

use super::{Table, TenantTable};
use crate::{
    Version,
    register::Register,
    version::{decode_body, decode_header},
};

/// Where the next page begins. Opaque bytes; stable while the table changes, and over restarts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageCursor(pub Box<[u8]>);

/// A part of a snapshot.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Versions, floors before all others.
    pub versions: Vec<Arc<Version>>,
    /// Where to go on; none after the last page.
    pub next: Option<PageCursor>,
}

/// The last version delivered: floors come in the order of tenants and scopes, all others after them in
/// the order of registers, each register's newest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Last {
    register: RegisterId,
    stamp: Stamp,
}

impl Last {
    fn of(version: &Version) -> Self {
        Self { register: version.register.clone(), stamp: version.stamp }
    }

    fn cursor(&self) -> Option<PageCursor> {
        postcard::to_stdvec(self).ok().map(|bytes| PageCursor(bytes.into()))
    }
}

impl Table {
    /// A part of a snapshot of all retained versions, of about `max_bytes` in memory; at least one version
    /// where there is any. Every version that is there throughout the paging is in one of the pages. A
    /// cursor that is none begins anew.
    #[must_use]
    pub fn page(&self, after: Option<&PageCursor>, max_bytes: usize) -> Page {
        let last: Option<Last> = after.and_then(|cursor| postcard::from_bytes(&cursor.0).ok());
        let mut page = Page::default();
        let mut bytes = 0;
        for version in self.from(last.as_ref()) {
            // Versions of one stamp stay together, since the cursor names them by it.
            let together = page.versions.last().is_some_and(|last| same_place(last, &version));
            if bytes >= max_bytes && !page.versions.is_empty() && !together {
                page.next = page.versions.last().and_then(|last| Last::of(last).cursor());
                break;
            }
            bytes += version.weight();
            page.versions.push(version);
        }
        page
    }

    /// The newest visible version of every register of which anything is visible, floors first.
    pub(crate) fn each_latest(&self) -> impl Iterator<Item = Arc<Version>> + '_ {
        let mut before: Option<RegisterId> = None;
        self.floors_from(None).chain(self.registers_from(None)).filter(move |version| {
            let is_newest = before.as_ref() != Some(&version.register);
            if is_newest {
                before = Some(version.register.clone());
            }
            is_newest
        })
    }

    fn from<'a>(&'a self, last: Option<&Last>) -> Box<dyn Iterator<Item = Arc<Version>> + 'a> {
        match last {
            None => Box::new(self.floors_from(None).chain(self.registers_from(None))),
            Some(Last { register: RegisterId { tenant, address: Address::Floor(scope) }, .. }) => {
                Box::new(self.floors_from(Some((tenant, scope))).chain(self.registers_from(None)))
            }
            Some(last) => {
                let stamp = last.stamp;
                let id = &last.register;
                let visible = self.register(id).map(|register| register.visible(id, self.horizon));
                let rest = visible.into_iter().flatten().filter(move |version| version.stamp < stamp);
                Box::new(rest.chain(self.registers_from(Some(&last.register))))
            }
        }
    }

    fn floors_from(&self, after: Option<(&Key, &Scope)>) -> impl Iterator<Item = Arc<Version>> + use<'_> {
        let (same, from) = match after {
            Some((tenant, scope)) => {
                let held = self.tenants.get(tenant).map(|held| held.floors.from(Excluded(scope)));
                (held, Excluded(tenant))
            }
            None => (None, Unbounded),
        };
        let same = same.into_iter().flatten().map(|(_, floor)| floor);
        let others = self.tenants.range::<Key, _>((from, Unbounded));
        same.chain(others.flat_map(|(_, held)| held.floors.iter().map(|(_, floor)| floor))).cloned()
    }

    /// All registers after one, in the order of their ids.
    fn registers_from(&self, after: Option<&RegisterId>) -> impl Iterator<Item = Arc<Version>> + use<'_> {
        let (same, from) = match after {
            Some(id) => {
                let held = self.tenants.get_key_value(&id.tenant);
                (
                    held.map(|(tenant, held)| held.versions(tenant, Some(&id.address), self.horizon)),
                    Excluded(&id.tenant),
                )
            }
            None => (None, Unbounded),
        };
        let others = self.tenants.range::<Key, _>((from, Unbounded));
        same.into_iter().flatten().chain(others.flat_map(|(tenant, held)| held.versions(tenant, None, self.horizon)))
    }
}

/// What divides registers in the order of addresses: some come before all config entries and floors, some after.
pub(super) static FIRST_FLOOR: Address = Address::Floor(Scope::Tenant);

fn same_place(a: &Version, b: &Version) -> bool {
    a.stamp == b.stamp && a.register == b.register
}

impl TenantTable {
    /// The versions of the registers after an address, in the order of addresses.
    fn versions<'a>(
        &'a self,
        tenant: &'a Key,
        after: Option<&Address>,
        horizon: Stamp,
    ) -> impl Iterator<Item = Arc<Version>> + use<'a> {
        let visible = move |(address, register): (Address, &'a Register)| {
            register.visible(&RegisterId::new(tenant, address), horizon)
        };
        let entries = self.entries(after).filter_map(move |(environment, key, body)| {
            let hidden = decode_header(body)?.ripe().is_some_and(|ripe| ripe <= horizon);
            let id = RegisterId::config(tenant, environment, &Key::new(key).ok()?);
            if hidden { None } else { decode_body(id, body).ok().map(Arc::new) }
        });
        self.early(after).flat_map(visible).chain(entries).chain(self.late(after).flat_map(visible))
    }

    /// The registers after an address that come before config entries and floors.
    pub(super) fn early(&self, after: Option<&Address>) -> impl Iterator<Item = (Address, &Register)> + use<'_> {
        let before_floors = after.is_none_or(|after| *after < FIRST_FLOOR);
        let registers = || self.registers.range(after.map_or(Unbounded, Excluded), Excluded(&FIRST_FLOOR));
        before_floors.then(registers).into_iter().flatten()
    }

    /// The registers after an address that come after config entries and floors.
    pub(super) fn late(&self, after: Option<&Address>) -> impl Iterator<Item = (Address, &Register)> + use<'_> {
        let after = after.filter(|after| **after > FIRST_FLOOR).unwrap_or(&FIRST_FLOOR);
        self.registers.range(Excluded(after), Unbounded)
    }

    /// The config entries after an address.
    pub(super) fn entries(&self, after: Option<&Address>) -> impl Iterator<Item = (&Key, &str, &[u8])> + use<'_> {
        let passed = after.is_some_and(|after| *after >= FIRST_FLOOR);
        let (environment, from) = match after {
            Some(Address::Config { environment, key }) => (Included(environment.clone()), Excluded(key.clone())),
            _ => (Unbounded, Unbounded),
        };
        let first = match &environment {
            Included(key) => Some(key.clone()),
            _ => None,
        };
        let config = Some(&self.config).filter(|_| !passed).into_iter();
        config.flat_map(move |config| config.range((environment.clone(), Unbounded))).flat_map(
            move |(environment, held)| {
                let from = if first.as_ref() == Some(environment) { from.as_ref() } else { Unbounded };
                let entries = held.entries.from(from.map(Key::as_str));
                entries.map(move |(key, body)| (environment, key, body))
            },
        )
    }
}
