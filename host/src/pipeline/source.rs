//! What snapshots are built from: flags as they read in each environment, kept between rebuilds so that a
//! change of one flag reads one flag.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use burgee_engine::{ConfigValue, EnvironmentSource, FlagSource};
use burgee_model::{Blob, Digest, Flag, FlagIn, GuestMeta, Key, Millis, RegisterId, materialise::materialise};
use burgee_store::Table;
use serde_json::Map;

use super::{EnvironmentId, dirty::Dirty};

/// The sources of all environments.
#[derive(Default)]
pub(super) struct Sources(HashMap<EnvironmentId, EnvironmentSource>);

impl Sources {
    pub(super) fn get(&self, id: &EnvironmentId) -> Option<&EnvironmentSource> {
        self.0.get(id)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Reads again what is dirty; gives back the environments whose snapshot must be rebuilt.
    pub(super) fn refresh(
        &mut self,
        table: &Table,
        dirty: &Dirty,
        now: Millis,
        reads_config: &dyn Fn(&EnvironmentId, &Key) -> bool,
    ) -> HashSet<EnvironmentId> {
        let mut touched = HashSet::new();
        for tenant in self.tenants_to_reread(table, dirty, now) {
            touched.extend(self.reread_tenant(table, &tenant, now));
        }
        for id in &dirty.environments {
            if let Some(source) = self.0.get_mut(id).filter(|_| !touched.contains(id)) {
                read_shared(source, table, now);
                touched.insert(id.clone());
            }
        }
        for (tenant, flags) in &dirty.flags {
            for flag in flags {
                self.reread_flag(table, tenant, flag, now, &mut touched);
            }
        }
        let config = dirty.config.iter().filter(|(id, keys)| keys.iter().any(|key| reads_config(id, key)));
        touched.extend(config.map(|(id, _)| id.clone()).filter(|id| self.0.contains_key(id)));
        touched
    }

    fn tenants_to_reread(&self, table: &Table, dirty: &Dirty, now: Millis) -> HashSet<Key> {
        if !dirty.all {
            return dirty.tenants.clone();
        }
        let known = self.0.keys().map(|(tenant, _)| tenant.clone());
        known.chain(table.tenants(now, None).map(|(tenant, ..)| tenant.clone())).collect()
    }

    fn reread_tenant(&mut self, table: &Table, tenant: &Key, now: Millis) -> Vec<EnvironmentId> {
        let environments: Vec<Key> = match table.current(&RegisterId::tenant(tenant), now) {
            Some(_) => table.environments(tenant, now).map(|(key, ..)| key.clone()).collect(),
            None => Vec::new(),
        };
        self.0.retain(|(t, e), _| t != tenant || environments.contains(e));
        let flags: Vec<Flag> =
            table.flags(tenant, now, None).filter_map(|key| read_flag(table, tenant, key, now)).collect();
        environments
            .into_iter()
            .map(|environment| {
                let id = (tenant.clone(), environment.clone());
                let known = self.0.remove(&id);
                let mut source = empty(tenant, &environment);
                read_shared(&mut source, table, now);
                source.flags = flags
                    .iter()
                    .map(|flag| (flag.key.clone(), unless_same(known.as_ref(), flag, &environment)))
                    .collect();
                self.0.insert(id.clone(), source);
                id
            })
            .collect()
    }

    fn reread_flag(
        &mut self,
        table: &Table,
        tenant: &Key,
        flag: &Key,
        now: Millis,
        touched: &mut HashSet<EnvironmentId>,
    ) {
        let read = read_flag(table, tenant, flag, now);
        for (id, source) in self.0.iter_mut().filter(|((t, _), _)| t == tenant) {
            let before = source.flags.get(flag).cloned();
            let after = read.as_ref().map(|read| packed(read, &id.1));
            if before.as_deref() == after.as_ref() {
                continue;
            }
            match after {
                Some(after) => source.flags.insert(flag.clone(), Arc::new(after)),
                None => source.flags.remove(flag),
            };
            touched.insert(id.clone());
        }
    }
}

fn empty(tenant: &Key, environment: &Key) -> EnvironmentSource {
    EnvironmentSource {
        tenant: tenant.clone(),
        environment: environment.clone(),
        flags: BTreeMap::new(),
        segments: BTreeMap::new(),
        guests: BTreeMap::new(),
        set: Map::new(),
    }
}

fn read_shared(source: &mut EnvironmentSource, table: &Table, now: Millis) {
    source.segments = table.segments(&source.tenant, &source.environment, now);
    source.guests = guests(table, &source.tenant, now);
    source.set = table.flag_set(&source.tenant, &source.environment, now).and_then(Blob::read).unwrap_or_default();
}

/// The modules of the tenant's guests, by name.
fn guests(table: &Table, tenant: &Key, now: Millis) -> BTreeMap<Key, Digest> {
    let digest = |guest: &Key| {
        let version = table.current(&RegisterId::guest(tenant, guest), now)?;
        version.content.as_ref()?.read::<GuestMeta>().map(|meta| meta.digest)
    };
    table.guests(tenant, now, None).filter_map(|guest| Some((guest.clone(), digest(guest)?))).collect()
}

fn read_flag(table: &Table, tenant: &Key, flag: &Key, now: Millis) -> Option<Flag> {
    table.flag(tenant, flag, now).map(|read| materialise(flag, &read.registers).0)
}

/// The flag in one environment; disabled where it was never configured.
fn in_environment(flag: &Flag, environment: &Key) -> FlagIn {
    flag.environments.get(environment).cloned().unwrap_or_else(|| FlagIn {
        variants: flag.variants.clone(),
        metadata: flag.metadata.clone(),
        ..FlagIn::default()
    })
}

fn packed(flag: &Flag, environment: &Key) -> FlagSource {
    FlagSource::from(&in_environment(flag, environment))
}

/// Keeps the earlier `Arc` where nothing changed: the engine reuses what is the same pointer.
fn unless_same(known: Option<&EnvironmentSource>, flag: &Flag, environment: &Key) -> Arc<FlagSource> {
    let now = packed(flag, environment);
    match known.and_then(|source| source.flags.get(&flag.key)) {
        Some(before) if **before == now => before.clone(),
        _ => Arc::new(now),
    }
}

/// A config entry as rules read it: JSON where its type says so, else text; `None` where it is neither.
pub(super) fn config_value(table: &Table, id: &EnvironmentId, key: &str, now: Millis) -> Option<ConfigValue> {
    let register = RegisterId::config(&id.0, &id.1, &Key::new(key).ok()?);
    let version = table.current(&register, now)?;
    let value = version.content.as_ref()?.value()?;
    Some(ConfigValue { value, expires_at: version.expires_at })
}
