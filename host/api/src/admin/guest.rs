//! Guests: which module each is, and the modules themselves.

use std::{collections::HashSet, sync::Arc};

use burgee_model::{Blob, Digest, GuestMeta, Key, Limits, Media, Millis, RegisterId};
use burgee_store::{Draft, DraftWrite, Table, Version};
use bytes::Bytes;
use serde_json::{Map, Value as Json, json};

use super::{Kind, Preconditions, Refusal, put, tenant, writes};

/// Versions of a guest, the live one included, whose modules are kept, so that they can be restored.
pub const MODULES_KEPT: usize = 3;

/// The media type of modules.
const WASM: &str = "application/wasm";

/// A guest as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// What is known of it.
    pub meta: GuestMeta,
    /// The version of its register.
    pub version: Arc<Version>,
}

impl Found {
    fn new(version: Arc<Version>) -> Option<Self> {
        let meta = version.content.as_ref()?.read()?;
        Some(Self { meta, version })
    }

    /// The entity tag.
    #[must_use]
    pub fn tag(&self) -> String {
        self.version.stamp.to_string()
    }

    /// `{key, digest, bytes, fixtures, stamps}`
    #[must_use]
    pub fn document(&self, guest: &Key) -> Json {
        let mut out = Map::new();
        out.insert("key".into(), json!(guest));
        out.insert("digest".into(), json!(self.meta.digest));
        out.insert("bytes".into(), json!(self.meta.bytes));
        out.insert("fixtures".into(), json!(self.meta.fixtures));
        out.insert("stamps".into(), json!({ "guest": self.version.stamp.to_string() }));
        Json::Object(out)
    }
}

/// Reads a guest; refuses where it, or its tenant, does not exist.
pub fn read(table: &Table, now: Millis, tenant: &Key, guest: &Key) -> Result<Found, Refusal> {
    tenant::read(table, now, tenant)?;
    let found = table.current(&RegisterId::guest(tenant, guest), now).and_then(Found::new);
    found.ok_or_else(|| Refusal::NotFound(Kind::Guest, guest.clone()))
}

/// What is to be checked before an upload is compiled: it is checked again where it is written.
pub fn may_put(
    table: &Table,
    now: Millis,
    tenant: &Key,
    guest: &Key,
    conditions: &Preconditions,
    limits: &Limits,
) -> Result<(), Refusal> {
    tenant::read(table, now, tenant)?;
    let found = read(table, now, tenant, guest).ok();
    conditions.check(found.as_ref().map(Found::tag).as_deref())?;
    let max = limits.guests_per_tenant;
    if found.is_none() && table.guests(tenant, now, None).take(max).count() >= max {
        let message = format!("a tenant has at most {max} guests");
        return Err(Refusal::invalid("", "too_many_guests", message));
    }
    Ok(())
}

/// Plans an upload: the guest, its module (also where it is there already: elsewhere somebody may be deleting
/// it), and the end of modules that no version kept refers to.
pub fn plan_put(table: &Table, tenant: &Key, guest: &Key, meta: &GuestMeta, module: &Bytes) -> Draft {
    let register = RegisterId::guest(tenant, guest);
    let earlier = table.history(&register).take(MODULES_KEPT - 1);
    let digests = earlier.filter_map(|version| Found::new(version).map(|found| found.meta.digest));
    let kept: HashSet<Digest> = digests.chain([meta.digest]).collect();
    let module = Blob { media: Media::new(WASM), bytes: module.clone() };
    let mut all =
        vec![put(register, &json!(meta)), DraftWrite::put(RegisterId::module(tenant, guest, meta.digest), module)];
    let old = table.modules(tenant, guest).filter(|digest| !kept.contains(digest));
    all.extend(old.map(|digest| DraftWrite::delete(RegisterId::module(tenant, guest, digest))));
    writes(all)
}

/// Plans a delete: the guest and all its modules. Rules that call it then find none.
pub fn plan_delete(
    table: &Table,
    now: Millis,
    tenant: &Key,
    guest: &Key,
    conditions: &Preconditions,
) -> Result<Draft, Refusal> {
    conditions.check(Some(&read(table, now, tenant, guest)?.tag()))?;
    let modules = table.modules(tenant, guest).map(|digest| RegisterId::module(tenant, guest, digest));
    Ok(writes(std::iter::once(RegisterId::guest(tenant, guest)).chain(modules).map(DraftWrite::delete).collect()))
}

/// Refuses to bring back a version of a guest whose module is not kept any more.
pub fn check_restored(table: &Table, now: Millis, id: &RegisterId, version: &Version) -> Result<(), Refusal> {
    let burgee_model::Address::Guest { guest } = &id.address else { return Ok(()) };
    let Some(meta) = version.content.as_ref().and_then(|blob| blob.read::<GuestMeta>()) else { return Ok(()) };
    match table.current(&RegisterId::module(&id.tenant, guest, meta.digest), now) {
        Some(_) => Ok(()),
        None => Err(Refusal::invalid("/stamp", "module_gone", "the module of that version is not kept any more")),
    }
}
