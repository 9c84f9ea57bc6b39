//! Flags as a manifest for code generators: each with its type and the value that code falls back to. What is written
//! through it are flags of the tenant and their default in one environment.
//!
//! Every flag that there is counts as active: code asks also for those that are DISABLED, killed or not configured yet, and
//! must not cease to compile by a kill. Archived are those that were deleted; their keys are not used again by way of the
//! manifest.

use burgee_model::{
    Flag, FlagField, FlagIn, FlagInField, Key, Limits, Millis, RegisterId, Scope,
    materialise::{materialise, variant_type},
};
use burgee_store::{Draft, DraftWrite, FlagRead, Table};
use serde_json::{Map, Value as Json, json};

use super::{
    Preconditions, Refusal, environment, flag, flag_document, flag_in,
    flag_in::FlagInPatch,
    members::{Member, Members, NAME_BYTES_MAX, TEXT_BYTES_MAX},
    permit::Permit,
    put,
    rule::{self, Faults},
    writes,
};

/// The code of the fault that a flag's type is another one.
pub const TYPE_CHANGED: &str = "type_changed";
/// The code of the fault that a flag of this key was deleted.
pub const ARCHIVED: &str = "archived";

/// The types of values that code generators know.
const TYPES: [&str; 5] = ["boolean", "string", "integer", "float", "object"];

/// The one environment that a request is about.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its tenant.
    pub tenant: Key,
    /// Its key.
    pub environment: Key,
}

/// What a request says of a flag.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The flag.
    pub key: Key,
    value_type: String,
    name: Member<String>,
    description: Option<String>,
    default: Option<Json>,
}

/// Reads a request's document. A create needs a default value.
pub fn read(document: Json, creates: bool) -> Result<Request, Refusal> {
    let mut members = Members::root(document)?;
    let key = members.key();
    let value_type = members.required("type", TEXT_BYTES_MAX).unwrap_or_default();
    let name = members.text("name", NAME_BYTES_MAX);
    let description = members.text("description", TEXT_BYTES_MAX).value();
    let default = members.any("defaultValue").value();
    if !TYPES.contains(&value_type.as_str()) && !value_type.is_empty() {
        members.fault("/type".into(), "invalid_enum_value", format!("`type` is one of {}", TYPES.join(", ")));
    }
    match &default {
        None if creates => members.fault("/defaultValue".into(), "missing", "`defaultValue` is missing"),
        Some(value) if !fits(value, &value_type) => {
            members.fault("/defaultValue".into(), "wrong_type", format!("`defaultValue` is no {value_type}"));
        }
        _ => {}
    }
    members.finish()?;
    let key = key.ok_or_else(|| Refusal::invalid("/key", "missing", "`key` is missing"))?;
    Ok(Request { key, value_type, name, description, default })
}

/// An integer is a float too.
fn fits(value: &Json, value_type: &str) -> bool {
    match value_type {
        "float" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        other => variant_type(value) == other,
    }
}

/// The type of a flag's values, where code generators know it: that of the default, or of the first variant.
fn type_of(variants: &Map<String, Json>, default: Option<&String>) -> Option<&'static str> {
    let model = default.and_then(|name| variants.get(name)).or_else(|| variants.values().next())?;
    let mut numbers = variants.values().filter(|value| value.is_number());
    match variant_type(model) {
        "number" if numbers.all(|value| fits(value, "integer")) => Some("integer"),
        "number" => Some("float"),
        other => TYPES.into_iter().find(|known| *known == other),
    }
}

fn default_of(here: Option<&FlagIn>) -> Option<&String> {
    here?.default_variant.as_ref()
}

/// A flag as the manifest has it; none where it has no variants, or lists for values.
fn item(flag: &Flag, environment: &Key) -> Option<Json> {
    let here = flag.environments.get(environment);
    let variants = here.map_or(&flag.variants, |here| &here.variants);
    let value_type = type_of(variants, default_of(here))?;
    let default = default_of(here).and_then(|name| variants.get(name));
    let fallback = || if value_type == "boolean" { Some(Json::Bool(false)) } else { variants.values().next().cloned() };
    let mut out = json!({ "key": flag.key, "type": value_type, "defaultValue": default.cloned().or_else(fallback)? });
    for (name, text) in [("name", &flag.name), ("description", &flag.description)] {
        if let Some(text) = text {
            out[name] = json!(text);
        }
    }
    Some(out)
}

/// All flags.
pub fn flags(table: &Table, now: Millis, place: &Place) -> Result<Vec<Json>, Refusal> {
    environment::read(table, now, &place.tenant, &place.environment)?;
    let read =
        |key: &Key| item(&materialise(key, &table.flag(&place.tenant, key, now)?.registers).0, &place.environment);
    Ok(table.flags(&place.tenant, now, None).filter_map(read).collect())
}

/// Refuses the key of a flag that was deleted, in this life of its tenant.
pub fn refuse_archived(table: &Table, now: Millis, tenant: &Key, flag: &Key) -> Result<(), Refusal> {
    let deleted = |scope: Scope| table.floor(tenant, &scope).map(|floor| floor.stamp);
    let is_archived = deleted(Scope::Flag { flag: flag.clone() }) > deleted(Scope::Tenant);
    if !is_archived || table.flag(tenant, flag, now).is_some() {
        return Ok(());
    }
    let message = format!("the flag `{flag}` was deleted: create it anew by another way, or choose another key");
    Err(Refusal::invalid("/key", ARCHIVED, message))
}

/// One flag, and when something of it was last changed.
pub fn flag(table: &Table, now: Millis, place: &Place, key: &Key) -> Result<(Json, Millis), Refusal> {
    let read = flag_in::flag(table, now, &place.tenant, key)?;
    let shown = item(&materialise(key, &read.registers).0, &place.environment).unwrap_or_default();
    Ok((shown, changed_at(&read)))
}

fn changed_at(read: &FlagRead<'_>) -> Millis {
    read.stamps.iter().map(|(_, stamp)| stamp.millis()).max().unwrap_or_default()
}

/// Plans a create: a flag that is on in the environment, with the value by default.
pub fn create(
    table: &Table,
    now: Millis,
    place: &Place,
    request: Request,
    permit: &Permit,
    conditions: &Preconditions,
    limits: &Limits,
) -> Result<Draft, Refusal> {
    environment::read(table, now, &place.tenant, &place.environment)?;
    refuse_archived(table, now, &place.tenant, &request.key)?;
    let (variants, default) = variants(request.default.unwrap_or_default());
    let description = request.description.map_or(Member::Absent, Member::Value);
    let fields =
        flag::FlagPatch { name: request.name, description, variants: Member::Value(variants), ..Default::default() };
    let on = FlagInPatch {
        state: Member::Value("ENABLED".into()),
        default_variant: Member::Value(default.into()),
        ..FlagInPatch::default()
    };
    let environments = vec![(place.environment.clone(), on)];
    let create = flag::Create { key: request.key, fields, environments, note: None };
    flag::may_create(table, now, &place.tenant, &create, permit)?;
    flag::create(table, now, &place.tenant, create, conditions, limits)
}

/// The variants of a new flag, and the one that has the value.
fn variants(default: Json) -> (Map<String, Json>, &'static str) {
    let named = |variants: Json| variants.as_object().cloned().unwrap_or_default();
    match default {
        Json::Bool(on) => (named(json!({ "on": true, "off": false })), if on { "on" } else { "off" }),
        other => (named(json!({ "default": other })), "default"),
    }
}

/// Plans an update. What is as it was is not written, and so needs no rights.
pub fn update(
    table: &Table,
    now: Millis,
    place: &Place,
    request: Request,
    (permit, conditions): (&Permit, &Preconditions),
    limits: &Limits,
) -> Result<Draft, Refusal> {
    let Place { tenant, environment } = place;
    environment::read(table, now, tenant, environment)?;
    refuse_archived(table, now, tenant, &request.key)?;
    let read = flag_in::flag(table, now, tenant, &request.key)?;
    conditions.check(Some(&flag_document::tag(table, now, tenant, &read)))?;
    let (flag, _) = materialise(&request.key, &read.registers);
    let here = flag.environments.get(environment);
    let variants = flag_in::effective_variants(&flag.variants, here);
    check_type(&variants, default_of(here), &request.value_type)?;
    let mut all = texts(tenant, &flag, &request);
    if !all.is_empty() {
        permit.shared(table, now, tenant, |_| false)?;
    }
    if let Some(value) =
        request.default.filter(|value| default_of(here).and_then(|name| variants.get(name)) != Some(value))
    {
        permit.environment(table, now, tenant, environment)?;
        let known = variants.iter().find(|(_, known)| **known == value).map(|(name, _)| name.clone());
        let name = known.unwrap_or_else(|| free_name(&flag, &variants));
        if !variants.contains_key(&name) {
            let is_shared = permit.flag(table, now, tenant, &request.key).is_ok();
            all.push(new_variant(place, &flag, is_shared, (&name, value), limits)?);
        }
        let default = RegisterId::flag_in(tenant, &request.key, environment, FlagInField::DefaultVariant);
        all.push(put(default, &json!(name)));
    }
    Ok(writes(all))
}

/// The texts about a flag that are to change. An absent description clears it, an absent name stays.
fn texts(tenant: &Key, flag: &Flag, request: &Request) -> Vec<DraftWrite> {
    let register = |field| RegisterId::flag(tenant, &flag.key, field);
    let mut all = Vec::new();
    if request.description != flag.description {
        all.push(put(register(FlagField::Description), &json!(request.description)));
    }
    if let Some(name) = request.name.clone().given().filter(|name| *name != flag.name) {
        all.push(put(register(FlagField::Name), &json!(name)));
    }
    all
}

/// A value that no variant has becomes a new one, so that what other environments answer stays. It is the environment's
/// own where its author may not write what all of them share.
fn new_variant(
    place: &Place,
    flag: &Flag,
    is_shared: bool,
    (name, value): (&str, Json),
    limits: &Limits,
) -> Result<DraftWrite, Refusal> {
    let Place { tenant, environment } = place;
    let own = || flag.environments.get(environment)?.variant_overrides.clone();
    let mut variants = if is_shared { flag.variants.clone() } else { own().unwrap_or_default() };
    variants.insert(name.to_owned(), value);
    rule::check_variants(&variants, limits)?;
    let mut faults = Faults::default();
    faults.variants(&flag.key, &variants, limits);
    faults.finish()?;
    let register = match is_shared {
        true => RegisterId::flag(tenant, &flag.key, FlagField::Variants),
        false => RegisterId::flag_in(tenant, &flag.key, environment, FlagInField::Variants),
    };
    Ok(put(register, &Json::Object(variants)))
}

fn check_type(variants: &Map<String, Json>, default: Option<&String>, wanted: &str) -> Result<(), Refusal> {
    match type_of(variants, default) {
        Some(found) if found != wanted && (found, wanted) != ("integer", "float") => {
            let message = format!("the type of a flag cannot be changed from {found} to {wanted}");
            Err(Refusal::invalid("/type", TYPE_CHANGED, message))
        }
        _ => Ok(()),
    }
}

/// A name that no variant has: `default`, `default-2` and so on.
fn free_name(flag: &Flag, here: &Map<String, Json>) -> String {
    let taken = |name: &String| flag.variants.contains_key(name) || here.contains_key(name);
    let names = (1..).map(|n: u64| if n == 1 { "default".to_owned() } else { format!("default-{n}") });
    // there are no more variants than a document has bytes
    names.into_iter().find(|name| !taken(name)).unwrap_or_default()
}
