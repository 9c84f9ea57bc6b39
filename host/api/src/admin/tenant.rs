//! Tenants: create, rename, delete.

use burgee_model::{Key, Millis, RegisterId, Scope, Stamp, TenantMeta, register::is_reserved_tenant};
use burgee_store::{Draft, Table};
use serde_json::Value as Json;

use super::{
    Kind, Preconditions, Refusal, floor,
    members::{Member, Members, NAME_BYTES_MAX},
    put, writes,
};

/// A tenant as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantRead {
    /// Its name and the like.
    pub meta: TenantMeta,
    /// The stamp of its register.
    pub stamp: Stamp,
}

/// Reads a tenant; refuses where it does not exist.
pub fn read(table: &Table, now: Millis, tenant: &Key) -> Result<TenantRead, Refusal> {
    let version = table.current(&RegisterId::tenant(tenant), now);
    let version = version.ok_or_else(|| Refusal::NotFound(Kind::Tenant, tenant.clone()))?;
    let meta = version.content.as_ref().and_then(|blob| blob.read()).unwrap_or_default();
    Ok(TenantRead { meta, stamp: version.stamp })
}

/// Reads the document of a create.
pub fn read_create(document: Json) -> Result<(Key, TenantMeta), Refusal> {
    let mut members = Members::root(document)?;
    let key = members.key();
    if key.as_ref().is_some_and(|key| is_reserved_tenant(key.as_str())) {
        members.fault("/key".into(), "reserved", "keys of tenants that begin with `$` are the cluster's own");
    }
    let name = members.text("name", NAME_BYTES_MAX).value();
    members.finish()?;
    let key = key.ok_or_else(|| Refusal::invalid("/key", "missing", "`key` is missing"))?;
    Ok((key, TenantMeta { name }))
}

/// Reads the document of a PATCH.
pub fn read_patch(document: Json) -> Result<Member<String>, Refusal> {
    let mut members = Members::root(document)?;
    let name = members.text("name", NAME_BYTES_MAX);
    members.finish()?;
    Ok(name)
}

/// Plans a create.
pub fn create(table: &Table, now: Millis, tenant: &Key, meta: &TenantMeta) -> Result<Draft, Refusal> {
    if read(table, now, tenant).is_ok() {
        return Err(Refusal::AlreadyExists(Kind::Tenant, tenant.clone()));
    }
    Ok(writes(vec![put(RegisterId::tenant(tenant), &serde_json::json!(meta))]))
}

/// Plans a PATCH.
pub fn patch(
    table: &Table,
    now: Millis,
    tenant: &Key,
    name: Member<String>,
    conditions: &Preconditions,
) -> Result<Draft, Refusal> {
    let mut found = read(table, now, tenant)?;
    conditions.check(Some(&found.stamp.to_string()))?;
    let Some(name) = name.given() else { return Ok(writes(Vec::new())) };
    found.meta.name = name;
    Ok(writes(vec![put(RegisterId::tenant(tenant), &serde_json::json!(found.meta))]))
}

/// Plans a delete: one floor over everything the tenant has.
pub fn delete(table: &Table, now: Millis, tenant: &Key, conditions: &Preconditions) -> Result<Draft, Refusal> {
    let found = read(table, now, tenant)?;
    conditions.check(Some(&found.stamp.to_string()))?;
    Ok(floor(tenant, Scope::Tenant))
}
