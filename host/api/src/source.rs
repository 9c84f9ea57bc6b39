//! What snapshots are built from: an environment as a table holds it.

use std::{collections::BTreeMap, sync::Arc};

use burgee_engine::{ConfigValue, EnvironmentSource};
use burgee_model::{
    Digest, EnvironmentMeta, Flag, FlagIn, FlagInField, GuestMeta, Key, Millis, RegisterId, json,
    materialise::materialise,
};
use burgee_store::{Table, Version};
use serde_json::Value as Json;

/// Versions of a rule before its current one that all nodes keep, however old.
const EARLIER_MAX: usize = 19;

/// An environment without its flags.
#[must_use]
pub fn environment(table: &Table, tenant: &Key, environment: &Key, now: Millis) -> EnvironmentSource {
    let register = RegisterId::environment(tenant, environment);
    let meta: Option<EnvironmentMeta> =
        table.current(&register, now).and_then(|version| version.content.as_ref()?.read());
    let segments = table.segments(tenant, environment, now).into_iter();
    EnvironmentSource {
        tenant: tenant.clone(),
        environment: environment.clone(),
        flags: BTreeMap::new(),
        segments: segments.map(|(name, rule)| (name, Arc::new(rule))).collect(),
        bucketing: meta.unwrap_or_default().bucketing,
        guests: guests(table, tenant, now),
        set: table.flag_set(tenant, environment, now).and_then(json::stored).unwrap_or_default(),
    }
}

/// The modules of the tenant's guests, by name.
fn guests(table: &Table, tenant: &Key, now: Millis) -> BTreeMap<Key, Digest> {
    let digest = |guest: &Key| {
        let version = table.current(&RegisterId::guest(tenant, guest), now)?;
        version.content.as_ref()?.read::<GuestMeta>().map(|meta| meta.digest)
    };
    table.guests(tenant, now, None).filter_map(|guest| Some((guest.clone(), digest(guest)?))).collect()
}

/// A flag of a tenant; none where it does not exist.
#[must_use]
pub fn flag(table: &Table, tenant: &Key, flag: &Key, now: Millis) -> Option<Flag> {
    table.flag(tenant, flag, now).map(|read| materialise(flag, &read.registers).0)
}

/// A flag in one environment; disabled where it was never configured.
#[must_use]
pub fn in_environment(flag: &Flag, environment: &Key) -> FlagIn {
    flag.environments.get(environment).cloned().unwrap_or_else(|| FlagIn {
        variants: flag.variants.clone(),
        metadata: flag.metadata.clone(),
        ..FlagIn::default()
    })
}

/// The rules that a flag had in an environment before its current one, newest first: as many as every node keeps,
/// back to where it had none.
#[must_use]
pub fn earlier_rules(table: &Table, tenant: &Key, environment: &Key, flag: &Key) -> Vec<Json> {
    let id = RegisterId::flag_in(tenant, flag, environment, FlagInField::Targeting);
    let rule = |version: Arc<Version>| version.content.as_ref()?.read::<Json>().filter(|rule| !rule.is_null());
    table.history(&id).skip(1).take(EARLIER_MAX).map_while(rule).collect()
}

/// A config entry as rules read it: JSON where its type says so, else text; `None` where it is neither.
#[must_use]
pub fn config_value(table: &Table, entry: &RegisterId, now: Millis) -> Option<ConfigValue> {
    let version = table.current(entry, now)?;
    let value = version.content.as_ref()?.value()?;
    Some(ConfigValue { value, expires_at: version.expires_at })
}
