//! Reading registers.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use burgee_model::{
    Address, FlagField, FlagInField, Key, Millis, RegisterId, Scope, Stamp, materialise::FlagRegisters,
};

use super::{Table, TenantTable};
use crate::{Version, register::Register, version::decode_body};

/// A flag's registers, as `materialise` wants them.
#[derive(Clone, Debug, Default)]
pub struct FlagRead<'a> {
    /// The values; of environments only those that exist and have something of the flag.
    pub registers: FlagRegisters<'a>,
    /// Every register read, in order, with the stamp of its newest version, be it a tombstone; of a kill,
    /// one for each head.
    pub stamps: Vec<(RegisterId, Stamp)>,
}

impl Table {
    /// The register's version that counts: none where it is deleted, expired or was never written.
    #[must_use]
    pub fn current(&self, id: &RegisterId, now: Millis) -> Option<Arc<Version>> {
        self.latest(id).filter(|version| version.live(now).is_some())
    }

    /// The version with the greatest stamp, be it a tombstone or expired. Of a floor's register, the floor.
    #[must_use]
    pub fn latest(&self, id: &RegisterId) -> Option<Arc<Version>> {
        self.history(id).next()
    }

    /// All retained versions, newest first.
    pub fn history(&self, id: &RegisterId) -> impl Iterator<Item = Arc<Version>> + '_ {
        let single = match &id.address {
            Address::Floor(scope) => self.floor(&id.tenant, scope).cloned(),
            _ => self.packed(id).and_then(|body| decode_body(id.clone(), body).ok()).map(Arc::new),
        };
        let versions = self.register(id).map(|register| register.versions(id)).into_iter().flatten();
        single.into_iter().chain(versions)
    }

    /// The versions that no other retained version names as a parent, newest first.
    #[must_use]
    pub fn heads(&self, id: &RegisterId) -> Vec<Arc<Version>> {
        match self.register(id) {
            Some(register) => register.heads(id),
            None => self.latest(id).into_iter().collect(),
        }
    }

    /// The greatest floor of a scope.
    #[must_use]
    pub fn floor(&self, tenant: &Key, scope: &Scope) -> Option<&Arc<Version>> {
        self.tenants.get(tenant)?.floors.get(scope)
    }

    /// A flag's registers; none where the flag does not exist.
    #[must_use]
    pub fn flag(&self, tenant: &Key, flag: &Key, now: Millis) -> Option<FlagRead<'_>> {
        let held = self.tenants.get(tenant)?;
        held.live(&Address::Flag { flag: flag.clone(), field: FlagField::Exists }, now)?;
        let mut read = FlagRead::default();
        for (id, register) in held.between(tenant, &shared_fields(flag)) {
            read.shared(id, register, now);
        }
        for environment in held.environment_keys(now) {
            for (id, register) in held.between(tenant, &own_fields(flag, environment)) {
                read.own(environment, &id, register, now);
            }
        }
        Some(read)
    }

    /// What an imported flagd document held beside its flags, as JSON text.
    #[must_use]
    pub fn flag_set(&self, tenant: &Key, environment: &Key, now: Millis) -> Option<&[u8]> {
        self.tenants.get(tenant)?.live(&Address::FlagSet { environment: environment.clone() }, now)
    }

    /// Whether an environment exists or ever did, as far as this table knows.
    #[must_use]
    pub fn ever_existed(&self, tenant: &Key, environment: &Key) -> bool {
        let scope = Scope::Environment { environment: environment.clone() };
        let floored = [Scope::Tenant, scope].iter().any(|scope| self.floor(tenant, scope).is_some());
        floored || self.register(&RegisterId::environment(tenant, environment)).is_some()
    }
}

pub(super) type Fields = std::ops::RangeInclusive<Address>;

fn shared_fields(flag: &Key) -> Fields {
    let address = |field| Address::Flag { flag: flag.clone(), field };
    address(FlagField::ALL[0])..=address(FlagField::ALL[FlagField::ALL.len() - 1])
}

pub(super) fn own_fields(flag: &Key, environment: &Key) -> Fields {
    let address = |field| Address::FlagIn { flag: flag.clone(), environment: environment.clone(), field };
    address(FlagInField::ALL[0])..=address(FlagInField::ALL[FlagInField::ALL.len() - 1])
}

impl TenantTable {
    pub(super) fn live(&self, address: &Address, now: Millis) -> Option<&[u8]> {
        self.registers.get(address)?.live(now)
    }

    fn between(&self, tenant: &Key, fields: &Fields) -> impl Iterator<Item = (RegisterId, &Register)> {
        let registers = self.registers.range(Bound::Included(fields.start()), Bound::Included(fields.end()));
        registers.map(|(address, register)| (RegisterId::new(tenant, address), register))
    }
}

impl<'a> FlagRead<'a> {
    fn shared(&mut self, id: RegisterId, register: &'a Register, now: Millis) {
        if let (Address::Flag { field, .. }, Some(value)) = (&id.address, register.live(now)) {
            self.registers.fields.insert(*field, value);
        }
        self.stamps.push((id, register.stamp()));
    }

    fn own(&mut self, environment: &'a Key, id: &RegisterId, register: &'a Register, now: Millis) {
        let Address::FlagIn { field, .. } = id.address else { return };
        let counting = match field {
            FlagInField::Kill => register.values_of_heads(now),
            _ => vec![(register.stamp(), register.live(now))],
        };
        let values: Vec<&[u8]> = counting.iter().filter_map(|(_, value)| *value).collect();
        if !values.is_empty() {
            let fields: &mut BTreeMap<_, _> = self.registers.environments.entry(environment).or_default();
            fields.insert(field, values);
        }
        self.stamps.extend(counting.into_iter().map(|(stamp, _)| (id.clone(), stamp)));
    }
}
