//! Taking versions in.

use std::{cmp::Ordering, sync::Arc};

use burgee_model::{Address, Key, RegisterId, Scope, Stamp};

use super::{Applied, Environment, Outcome, Table, TenantTable};
use crate::{
    Version,
    digest::{Prefix, tree::Tree},
    entries::Entries,
    facts::{Facts, ripe},
    floors::Over,
    packed::Packed,
    register::{Held, Inserted, Register},
    version::{self, Header},
};

impl Table {
    /// Takes a version in. Versions that are not [sane](Version::is_sane) must not come here.
    pub fn merge(&mut self, version: &Arc<Version>) -> Outcome {
        self.authors.note(version.stamp);
        let id = &version.register;
        match &id.address {
            Address::Floor(scope) => self.merge_floor(scope, version),
            _ if self.over(id).kills(version.stamp, version.floor_seen) => Outcome::Dead,
            Address::Config { .. } => self.merge_entry(version),
            Address::Horizon => self.merge_horizon(version),
            Address::Member { .. } => self.merge_member(version),
            _ => self.merge_register(version),
        }
    }

    fn merge_floor(&mut self, scope: &Scope, version: &Arc<Version>) -> Outcome {
        if ripe(version).is_some_and(|ripe| ripe <= self.horizon) {
            return Outcome::Collected;
        }
        let id = &version.register;
        let before = self.facts(id);
        let floors = &mut self.tenant_mut(&id.tenant).floors;
        let known = floors.get(scope).is_some_and(|held| held == version);
        if !floors.insert(scope, version) {
            return if known { Outcome::Known } else { Outcome::Superseded };
        }
        let after = self.facts(id);
        self.settle(id, self.hasher.register(id), &before, &after);
        let (died, trimmed) = self.sweep(&id.tenant, scope, version.stamp);
        Outcome::Applied(Applied { current: true, died, trimmed })
    }

    /// Drops what a new floor kills.
    fn sweep(&mut self, tenant: &Key, scope: &Scope, floor: Stamp) -> (Vec<RegisterId>, Vec<RegisterId>) {
        let mut over = Over::default();
        over.add(scope, floor);
        let (mut died, mut trimmed) = (Vec::new(), Vec::new());
        for address in self.covered(tenant, scope) {
            let id = RegisterId { tenant: tenant.clone(), address };
            match self.drop_versions(&id, |stamp, seen| over.kills(stamp, seen)) {
                Dropped::None => {}
                Dropped::Some => trimmed.push(id),
                Dropped::All => died.push(id),
            }
        }
        (died, trimmed)
    }

    /// Drops the versions of which a test of stamp and floor seen is true.
    pub(super) fn drop_versions(&mut self, id: &RegisterId, dead: impl Fn(Stamp, Option<Stamp>) -> bool) -> Dropped {
        let test = |v: &Version| dead(v.stamp, v.floor_seen);
        match &id.address {
            Address::Floor(scope) => {
                let held = self.floor(&id.tenant, scope).is_some_and(|floor| test(floor));
                self.drop_if(held, id, |tenant| tenant.floors.remove(scope))
            }
            Address::Config { environment, key } => {
                let header = self.packed(id).and_then(version::decode_header);
                let held = header.is_some_and(|header| dead(header.stamp, header.floor_seen));
                self.drop_if(held, id, |tenant| tenant.remove_entry(environment, key))
            }
            address => {
                let Some(register) = self.register(id) else { return Dropped::None };
                let any = register.versions(id).any(|v| test(&v));
                let kept = any.then(|| register.without(id, test)).flatten();
                self.drop_if(any, id, |tenant| tenant.replace(address, kept))
            }
        }
    }

    pub(super) fn drop_if(
        &mut self,
        condition: bool,
        id: &RegisterId,
        change: impl FnOnce(&mut TenantTable),
    ) -> Dropped {
        if !condition {
            return Dropped::None;
        }
        let before = self.facts(id);
        change(self.tenant_mut(&id.tenant));
        let after = self.facts(id);
        self.settle(id, self.hasher.register(id), &before, &after);
        self.review_conflicts(id);
        if after.is_empty() { Dropped::All } else { Dropped::Some }
    }

    fn merge_entry(&mut self, version: &Arc<Version>) -> Outcome {
        let canonical = version.encode();
        // What was just written can be read.
        Packed::read(&canonical)
            .and_then(|entry| self.put_entry(&entry))
            .map_or(Outcome::Superseded, |inserted| outcome(inserted, version))
    }

    /// Takes a version of a config entry in, in its bytes. It must be [sane](Packed::is_sane).
    pub(crate) fn merge_packed(&mut self, entry: &Packed<'_>) -> bool {
        self.authors.note(entry.header.stamp);
        let tenant = self.tenants.get(entry.name.tenant);
        let over =
            tenant.filter(|held| !held.floors.is_empty()).and_then(|held| Some(held.floors.over(&entry.name.id()?)));
        let lives = !over.is_some_and(|over| over.kills(entry.header.stamp, entry.header.floor_seen));
        if lives {
            self.put_entry(entry);
        }
        lives
    }

    fn put_entry(&mut self, entry: &Packed<'_>) -> Option<Inserted> {
        let (hasher, horizon) = (self.hasher, self.horizon);
        let environment = self.environment_mut(entry.name.tenant, entry.name.environment)?;
        let put = environment.entries.put(entry.name.key, entry.body, |held| {
            let Some((held, old)) = held.and_then(|held| Some((version::decode_header(held)?, held))) else {
                return Ok(None);
            };
            match replaces((&entry.header, entry.body), (&held, old)) {
                Inserted::New { .. } => {
                    let hash = hasher.version(&version::canonical(entry.register, old));
                    Ok(Some(Facts::of_entry(&held, hash, horizon)))
                }
                other => Err(other),
            }
        });
        Some(match put {
            Ok(before) => {
                let after = entry.facts(hasher, horizon);
                self.settle_entry(entry.name, entry.path(hasher), before.as_slice(), &[after]);
                Inserted::New { trimmed: false }
            }
            Err(other) => other,
        })
    }

    pub(super) fn merge_register(&mut self, version: &Arc<Version>) -> Outcome {
        let id = &version.register;
        let before = self.facts(id);
        let held = Held { version: version.clone(), hash: self.hasher.version(&version.encode()) };
        let (history, horizon) = (self.history, self.horizon);
        let registers = &mut self.tenant_mut(&id.tenant).registers;
        let (inserted, current) = match registers.get_mut(&id.address) {
            Some(register) => (register.insert(&held, &history, horizon), register.counts(&held)),
            None => {
                registers.insert(&id.address, Register::new(&held));
                (Inserted::New { trimmed: false }, true)
            }
        };
        if matches!(inserted, Inserted::New { .. }) {
            let after = self.facts(id);
            self.settle(id, self.hasher.register(id), &before, &after);
            // On the usual path, the version replaces the only head there was.
            let usual = before.first().is_none_or(|newest| version.parents.contains(&newest.stamp));
            let newest = after.first().is_some_and(|newest| newest.stamp == version.stamp);
            if !(usual && newest) || self.conflicts.contains_key(id) {
                self.review_conflicts(id);
            }
        }
        match outcome(inserted, version) {
            Outcome::Applied(applied) => Outcome::Applied(Applied { current, ..applied }),
            other => other,
        }
    }

    pub(super) fn tenant_mut(&mut self, tenant: &Key) -> &mut TenantTable {
        self.tenants.entry(tenant.clone()).or_default()
    }

    /// None where the texts are no keys.
    fn environment_mut(&mut self, tenant: &str, environment: &str) -> Option<&mut Environment> {
        if !self.tenants.get(tenant).is_some_and(|held| held.config.contains_key(environment)) {
            let base = Prefix::of(self.hasher.tenant(tenant), 4);
            let empty = Environment { entries: Entries::default(), places: Tree::new(base) };
            let (tenant, environment) = (Key::new(tenant).ok()?, Key::new(environment).ok()?);
            self.tenant_mut(&tenant).config.insert(environment, empty);
        }
        self.tenants.get_mut(tenant)?.config.get_mut(environment)
    }
}

/// What dropping versions left of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dropped {
    /// There were none to be dropped.
    None,
    /// Others are left.
    Some,
    /// Nothing is left.
    All,
}

impl TenantTable {
    pub(super) fn replace(&mut self, address: &Address, register: Option<Register>) {
        match register {
            Some(register) => self.registers.insert(address, register),
            None => self.registers.remove(address),
        }
    }

    pub(super) fn remove_entry(&mut self, environment: &Key, key: &Key) {
        if let Some(held) = self.config.get_mut(environment) {
            held.entries.remove(key.as_str());
        }
    }
}

/// Whether an entry's version replaces the one that is held; each with its header and body.
fn replaces((new, body): (&Header, &[u8]), (held, old): (&Header, &[u8])) -> Inserted {
    if new.floor_seen < held.floor_seen {
        return Inserted::Dead;
    }
    match (new.floor_seen, new.stamp).cmp(&(held.floor_seen, held.stamp)).then_with(|| body.cmp(old)) {
        Ordering::Less => Inserted::Superseded,
        Ordering::Equal => Inserted::Known,
        Ordering::Greater => Inserted::New { trimmed: false },
    }
}

fn outcome(inserted: Inserted, version: &Version) -> Outcome {
    match inserted {
        Inserted::Known => Outcome::Known,
        Inserted::Superseded => Outcome::Superseded,
        Inserted::Dead => Outcome::Dead,
        Inserted::New { trimmed } => {
            let trimmed = if trimmed { vec![version.register.clone()] } else { Vec::new() };
            Outcome::Applied(Applied { current: true, died: Vec::new(), trimmed })
        }
    }
}
