//! What snapshots are built from: flags as they read in each environment, kept between rebuilds so that a
//! change of one flag reads one flag.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use burgee_api::source;
use burgee_engine::{EnvironmentSource, FlagSource};
use burgee_model::{Flag, Key, Millis, RegisterId};
use burgee_store::Table;

use super::{EnvironmentId, dirty::Dirty};

/// What the published snapshots depend on beside their sources.
pub(super) struct Depends<'a> {
    /// Whether a rule of an environment reads a config entry.
    pub(super) on_config: &'a dyn Fn(&EnvironmentId, &Key) -> bool,
    /// Whether a flag goes by the rules that it had before.
    pub(super) on_history: &'a dyn Fn(&EnvironmentId, &Key) -> bool,
}

/// The sources of all environments.
#[derive(Default)]
pub(super) struct Sources(HashMap<EnvironmentId, EnvironmentSource>);

impl Sources {
    pub(super) fn get(&self, id: &EnvironmentId) -> Option<&EnvironmentSource> {
        self.0.get(id)
    }

    /// Reads again what is dirty; gives back the environments whose snapshot must be rebuilt.
    pub(super) fn refresh(
        &mut self,
        table: &Table,
        dirty: &Dirty,
        now: Millis,
        depends: &Depends<'_>,
    ) -> HashSet<EnvironmentId> {
        let mut touched = HashSet::new();
        for tenant in self.tenants_to_reread(table, dirty, now) {
            touched.extend(self.reread_tenant(table, &tenant, now));
        }
        for id in &dirty.environments {
            if let Some(source) = self.0.get_mut(id).filter(|_| !touched.contains(id)) {
                let flags = std::mem::take(&mut source.flags);
                *source = EnvironmentSource { flags, ..source::environment(table, &id.0, &id.1, now) };
                touched.insert(id.clone());
            }
        }
        for (tenant, flags) in &dirty.flags {
            for flag in flags {
                self.reread_flag(table, tenant, flag, now, depends, &mut touched);
            }
        }
        let config = dirty.config.iter().filter(|(id, keys)| keys.iter().any(|key| (depends.on_config)(id, key)));
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
            table.flags(tenant, now, None).filter_map(|key| source::flag(table, tenant, key, now)).collect();
        environments
            .into_iter()
            .map(|environment| {
                let id = (tenant.clone(), environment.clone());
                let known = self.0.remove(&id);
                let mut source = source::environment(table, tenant, &environment, now);
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
        depends: &Depends<'_>,
        touched: &mut HashSet<EnvironmentId>,
    ) {
        let read = source::flag(table, tenant, flag, now);
        for (id, source) in self.0.iter_mut().filter(|((t, _), _)| t == tenant) {
            let before = source.flags.get(flag).cloned();
            let after = read.as_ref().map(|read| packed(read, &id.1));
            if before.as_deref() == after.as_ref() {
                // a version that comes late shows in what the flag had before
                if (depends.on_history)(id, flag) {
                    touched.insert(id.clone());
                }
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

fn packed(flag: &Flag, environment: &Key) -> FlagSource {
    FlagSource::from(&source::in_environment(flag, environment))
}

/// Keeps the earlier `Arc` where nothing changed: the engine reuses what is the same pointer.
fn unless_same(known: Option<&EnvironmentSource>, flag: &Flag, environment: &Key) -> Arc<FlagSource> {
    let now = packed(flag, environment);
    match known.and_then(|source| source.flags.get(&flag.key)) {
        Some(before) if **before == now => before.clone(),
        _ => Arc::new(now),
    }
}
