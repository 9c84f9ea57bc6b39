//! Environments of a tenant: create, change, delete.

use burgee_model::{Bucketing, EnvironmentMeta, Key, Millis, RegisterId, Scope, Stamp};
use burgee_store::{Draft, Table};
use serde_json::Value as Json;

use super::{
    Kind, Preconditions, Refusal, floor,
    members::{Member, Members, NAME_BYTES_MAX},
    put, tenant, writes,
};

/// An environment as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct EnvironmentRead {
    /// Its name and the like.
    pub meta: EnvironmentMeta,
    /// The stamp of its register.
    pub stamp: Stamp,
}

/// What a PATCH changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EnvironmentPatch {
    /// A name for people.
    pub name: Member<String>,
    /// Whether changes ask for more care; null means no.
    pub protected: Member<bool>,
    /// How `fractional` buckets; null means version 2.
    pub bucketing: Member<Bucketing>,
}

impl EnvironmentPatch {
    fn apply(self, meta: &mut EnvironmentMeta) {
        if let Some(name) = self.name.given() {
            meta.name = name;
        }
        if let Some(protected) = self.protected.given() {
            meta.protected = protected.unwrap_or(false);
        }
        if let Some(bucketing) = self.bucketing.given() {
            meta.bucketing = bucketing.unwrap_or_default();
        }
    }

    fn is_empty(&self) -> bool {
        !self.name.is_given() && !self.protected.is_given() && !self.bucketing.is_given()
    }
}

/// Reads an environment; refuses where it, or its tenant, does not exist.
pub fn read(table: &Table, now: Millis, tenant: &Key, environment: &Key) -> Result<EnvironmentRead, Refusal> {
    tenant::read(table, now, tenant)?;
    let version = table.current(&RegisterId::environment(tenant, environment), now);
    let version = version.ok_or_else(|| Refusal::NotFound(Kind::Environment, environment.clone()))?;
    let meta = version.content.as_ref().and_then(|blob| blob.read()).unwrap_or_default();
    Ok(EnvironmentRead { meta, stamp: version.stamp })
}

/// How `fractional` buckets in an environment; as everywhere where it does not exist.
#[must_use]
pub fn bucketing(table: &Table, now: Millis, tenant: &Key, environment: &Key) -> Bucketing {
    read(table, now, tenant, environment).map(|found| found.meta.bucketing).unwrap_or_default()
}

/// Whether an environment exists, and its tenant too.
#[must_use]
pub fn exists(table: &Table, now: Millis, tenant: &Key, environment: &Key) -> bool {
    table.current(&RegisterId::tenant(tenant), now).is_some()
        && table.current(&RegisterId::environment(tenant, environment), now).is_some()
}

fn read_members(members: &mut Members) -> EnvironmentPatch {
    EnvironmentPatch {
        name: members.text("name", NAME_BYTES_MAX),
        protected: members.boolean("protected"),
        bucketing: members.read("fractionalVersion", "2 or 3"),
    }
}

/// Reads the document of a create.
pub fn read_create(document: Json) -> Result<(Key, EnvironmentMeta), Refusal> {
    let mut members = Members::root(document)?;
    let key = members.key();
    let fields = read_members(&mut members);
    members.finish()?;
    let mut meta = EnvironmentMeta::default();
    fields.apply(&mut meta);
    let key = key.ok_or_else(|| Refusal::invalid("/key", "missing", "`key` is missing"))?;
    Ok((key, meta))
}

/// Reads the document of a PATCH.
pub fn read_patch(document: Json) -> Result<EnvironmentPatch, Refusal> {
    let mut members = Members::root(document)?;
    let patch = read_members(&mut members);
    members.finish()?;
    Ok(patch)
}

/// Plans a create.
pub fn create(
    table: &Table,
    now: Millis,
    tenant: &Key,
    environment: &Key,
    meta: &EnvironmentMeta,
) -> Result<Draft, Refusal> {
    tenant::read(table, now, tenant)?;
    let register = RegisterId::environment(tenant, environment);
    if table.current(&register, now).is_some() {
        return Err(Refusal::AlreadyExists(Kind::Environment, environment.clone()));
    }
    Ok(writes(vec![put(register, &serde_json::json!(meta))]))
}

/// Plans a PATCH.
pub fn patch(
    table: &Table,
    now: Millis,
    tenant: &Key,
    environment: &Key,
    patch: EnvironmentPatch,
    conditions: &Preconditions,
) -> Result<Draft, Refusal> {
    let mut found = read(table, now, tenant, environment)?;
    conditions.check(Some(&found.stamp.to_string()))?;
    if patch.is_empty() {
        return Ok(writes(Vec::new()));
    }
    patch.apply(&mut found.meta);
    Ok(writes(vec![put(RegisterId::environment(tenant, environment), &serde_json::json!(found.meta))]))
}

/// Plans a delete: one floor over everything the environment has.
pub fn delete(
    table: &Table,
    now: Millis,
    tenant: &Key,
    environment: &Key,
    conditions: &Preconditions,
) -> Result<Draft, Refusal> {
    let found = read(table, now, tenant, environment)?;
    conditions.check(Some(&found.stamp.to_string()))?;
    Ok(floor(tenant, Scope::Environment { environment: environment.clone() }))
}
