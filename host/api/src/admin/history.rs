//! Versions that stood before: who wrote what, when and why; and how to bring one back.

use std::{cmp::Reverse, sync::Arc};

use burgee_model::{Address, FlagField, FlagInField, Key, Millis, RegisterId, Stamp};
use burgee_store::{Draft, DraftWrite, PARENTS_MAX, Table, Version};
use serde_json::{Map, Value as Json, json};

use super::{
    Kind, Preconditions, Refusal,
    address::{ROLLOUT, Register},
    conflict, environment, flag_document, guest, rollout, tenant, writes,
};
use crate::instant::rfc3339;

/// A version of a register.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The version.
    pub version: Arc<Version>,
    /// Whether it counts; of a kill switch several may.
    pub current: bool,
}

/// The place of an entry in a list, newest first.
pub type Place = (Stamp, Address);

impl Entry {
    /// Where it stands in the order of lists.
    #[must_use]
    pub fn place(&self) -> Place {
        (self.version.stamp, self.version.register.address.clone())
    }

    /// As lists show it.
    #[must_use]
    pub fn document(&self) -> Json {
        let mut out = Map::new();
        out.insert("register".into(), json!(Register::new(&self.version.register)));
        out.extend(document(&self.version));
        out.insert("current".into(), json!(self.current));
        Json::Object(out)
    }
}

/// A version without its register: `{stamp, at, actor, change, note?, op, value}`.
#[must_use]
pub fn document(version: &Version) -> Map<String, Json> {
    let mut out = about(version);
    // all registers with history hold JSON
    let value: Option<Json> = version.content.as_ref().and_then(|blob| blob.read());
    out.insert("value".into(), json!(value));
    out
}

/// The same without its value.
#[must_use]
pub fn about(version: &Version) -> Map<String, Json> {
    let mut out = Map::new();
    out.insert("stamp".into(), json!(version.stamp.to_string()));
    out.insert("at".into(), json!(rfc3339(version.stamp.millis())));
    out.insert("actor".into(), json!(version.actor));
    out.insert("change".into(), json!(version.change.to_string()));
    if let Some(note) = &version.note {
        out.insert("note".into(), json!(note));
    }
    out.insert("op".into(), json!(if version.content.is_some() { "put" } else { "delete" }));
    out
}

/// Which history is wanted: that of a thing, or of those of its registers that are one environment's or have
/// one field's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    kind: Kind,
    key: Key,
    environment: Option<Key>,
    field: Option<String>,
}

impl Wanted {
    /// `kind` is `flag`, `segment`, `guest`, `environment` or `tenant`, or `config` for the field `rollout`; `key` the
    /// thing's own; `environment` asks for one environment's part alone, `field` for one field alone. Refuses what such a
    /// thing cannot have, by name.
    pub fn new(kind: &str, key: Key, environment: Option<Key>, field: Option<String>) -> Result<Self, Refusal> {
        let kind = match kind {
            "tenant" => Kind::Tenant,
            "environment" => Kind::Environment,
            "flag" => Kind::Flag,
            "segment" => Kind::Segment,
            "guest" => Kind::Guest,
            // of entries themselves only the current version is kept
            "config" if field.as_deref() == Some(ROLLOUT) => Kind::Rollout,
            "config" => return Err(Refusal::HistoryNotKept("/kind")),
            _ => {
                let message = "`kind` is flag, segment, guest, environment or tenant";
                return Err(Refusal::invalid("/kind", "invalid_kind", message));
            }
        };
        if environment.is_some() && !matches!(kind, Kind::Flag | Kind::Segment | Kind::Rollout) {
            let message = format!("a {kind} has no part that is one environment's");
            return Err(Refusal::invalid("/environment", "invalid_environment", message));
        }
        let wanted = Self { kind, key, environment, field };
        match &wanted.field {
            Some(field) if !wanted.has_fields_of(field) => {
                let message = format!("a {kind} has no field `{field}` there");
                Err(Refusal::invalid("/field", "invalid_field", message))
            }
            _ => Ok(wanted),
        }
    }

    /// Whether there are registers with a field of this name, in whatever environments there may be.
    fn has_fields_of(&self, field: &str) -> bool {
        let of_flag = FlagField::ALL.into_iter().filter(|_| self.environment.is_none()).filter_map(FlagField::name);
        match self.kind {
            Kind::Flag => of_flag.chain(FlagInField::ALL.map(FlagInField::name)).any(|name| name == field),
            Kind::Environment => field == "flagSet",
            Kind::Rollout => field == ROLLOUT,
            _ => false,
        }
    }

    /// The registers that are meant, there or not.
    fn registers(&self, tenant: &Key, environments: &[Key]) -> Vec<RegisterId> {
        let (kind, key) = (self.kind, &self.key);
        let shared: Vec<RegisterId> = match kind {
            Kind::Tenant if key == tenant => vec![RegisterId::tenant(tenant)],
            Kind::Environment => vec![
                RegisterId::environment(tenant, key),
                RegisterId::new(tenant, Address::FlagSet { environment: key.clone() }),
            ],
            Kind::Flag => FlagField::ALL.map(|field| RegisterId::flag(tenant, key, field)).to_vec(),
            Kind::Segment => vec![RegisterId::new(tenant, Address::Segment { segment: key.clone() })],
            Kind::Guest => vec![RegisterId::guest(tenant, key)],
            Kind::Tenant | Kind::Entry | Kind::Rollout | Kind::Token => Vec::new(),
        };
        let own = environments.iter().flat_map(|environment| match kind {
            Kind::Flag => FlagInField::ALL.map(|field| RegisterId::flag_in(tenant, key, environment, field)).to_vec(),
            Kind::Rollout => vec![RegisterId::rollout(tenant, environment, key)],
            Kind::Segment => {
                let (segment, environment) = (key.clone(), environment.clone());
                vec![RegisterId::new(tenant, Address::SegmentIn { segment, environment })]
            }
            _ => Vec::new(),
        });
        let shared = shared.into_iter().filter(|_| self.environment.is_none());
        shared.chain(own).filter(|id| self.has_field(id)).collect()
    }

    fn has_field(&self, id: &RegisterId) -> bool {
        let Some(wanted) = self.field.as_deref() else { return true };
        Register::new(id).is_some_and(|register| register.field == Some(wanted))
    }
}

/// The retained versions of what is wanted that stand after a place, newest first.
pub fn list(
    table: &Table,
    now: Millis,
    tenant: &Key,
    wanted: &Wanted,
    after: Option<&Place>,
) -> Result<Vec<Entry>, Refusal> {
    tenant::read(table, now, tenant)?;
    let environments = match &wanted.environment {
        Some(environment) => {
            environment::read(table, now, tenant, environment)?;
            vec![environment.clone()]
        }
        None => flag_document::environments(table, now, tenant),
    };
    let mut all = Vec::new();
    for id in wanted.registers(tenant, &environments) {
        let heads = if id.address.keeps_heads() { table.heads(&id) } else { Vec::from_iter(table.latest(&id)) };
        let counts = |version: &Arc<Version>| heads.contains(version);
        let entry = |version: Arc<Version>| Entry { current: counts(&version), version };
        all.extend(table.history(&id).map(entry));
    }
    if all.is_empty() {
        return Err(Refusal::NotFound(wanted.kind, wanted.key.clone()));
    }
    all.retain(|entry| after.is_none_or(|after| entry.place() < *after));
    all.sort_by_cached_key(|entry| Reverse(entry.place()));
    Ok(all)
}

/// The register's newest version; refuses where none was ever written, where no history is kept, or where what
/// contains it does not exist.
pub fn latest(table: &Table, now: Millis, id: &RegisterId) -> Result<Arc<Version>, Refusal> {
    if !id.address.keeps_history() {
        return Err(Refusal::HistoryNotKept("/register/kind"));
    }
    match &id.address {
        // they are themselves what contains
        Address::Tenant => {}
        Address::Environment { .. } => drop(tenant::read(table, now, &id.tenant)?),
        address => match address.environment() {
            Some(environment) => drop(environment::read(table, now, &id.tenant, environment)?),
            None => drop(tenant::read(table, now, &id.tenant)?),
        },
    }
    table.latest(id).ok_or_else(|| missing(id))
}

fn missing(id: &RegisterId) -> Refusal {
    let (kind, key) = match &id.address {
        Address::Environment { environment } | Address::FlagSet { environment } => (Kind::Environment, environment),
        Address::Flag { flag, .. } | Address::FlagIn { flag, .. } => (Kind::Flag, flag),
        Address::Segment { segment } | Address::SegmentIn { segment, .. } => (Kind::Segment, segment),
        Address::Config { key, .. } => (Kind::Entry, key),
        Address::Rollout { key, .. } => (Kind::Rollout, key),
        Address::Guest { guest } => (Kind::Guest, guest),
        _ => (Kind::Tenant, &id.tenant),
    };
    Refusal::NotFound(kind, key.clone())
}

/// Plans to write an earlier version's value again. Where that version lost in a conflict, the conflict is
/// settled with it; a conflict that the version has no part in still stands after.
pub fn restore(
    table: &Table,
    now: Millis,
    id: &RegisterId,
    stamp: Stamp,
    conditions: &Preconditions,
) -> Result<Draft, Refusal> {
    let current = latest(table, now, id)?;
    conflict::check(table, &current, conditions)?;
    let version = table.history(id).find(|version| version.stamp == stamp).ok_or(Refusal::NoVersion(stamp))?;
    guest::check_restored(table, now, id, &version)?;
    rollout::check_restored(table, now, id, &version)?;
    let losers = table.conflicts(id);
    let lost = losers.iter().any(|loser| loser.stamp == stamp);
    let others = losers.iter().filter(|_| lost).map(|loser| loser.stamp).filter(|other| *other != stamp);
    let settles = std::iter::once(stamp).chain(others).take(PARENTS_MAX - 1).collect();
    let content = version.content.clone();
    Ok(writes(vec![DraftWrite { register: id.clone(), content, expires_at: version.expires_at, settles }]))
}
