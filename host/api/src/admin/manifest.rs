//! Flags as a manifest for code generators: each with its type and the value that code falls back to. What is written
//! through it are flags of the tenant and their default in one environment.

use burgee_model::{
    Flag, FlagField, FlagInField, Key, Limits, Millis, RegisterId,
    materialise::{materialise, variant_type},
};
use burgee_store::{Draft, FlagRead, Table};
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

/// The type of a flag's values, where code generators know it.
fn type_of(variants: &Map<String, Json>) -> Option<&'static str> {
    let mut values = variants.values();
    match variant_type(values.next()?) {
        "number" if variants.values().all(|value| fits(value, "integer")) => Some("integer"),
        "number" => Some("float"),
        other => TYPES.into_iter().find(|known| *known == other),
    }
}

/// A flag as the manifest has it; none where it has no variants, or lists for values.
fn item(flag: &Flag, environment: &Key) -> Option<Json> {
    let here = flag.environments.get(environment);
    let variants = here.map_or(&flag.variants, |here| &here.variants);
    let value_type = type_of(variants)?;
    let default = here.and_then(|here| variants.get(here.default_variant.as_ref()?));
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
    limits: &Limits,
) -> Result<Draft, Refusal> {
    environment::read(table, now, &place.tenant, &place.environment)?;
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
    flag::create(table, now, &place.tenant, create, limits)
}

/// The variants of a new flag, and the one that has the value.
fn variants(default: Json) -> (Map<String, Json>, &'static str) {
    let named = |variants: Json| variants.as_object().cloned().unwrap_or_default();
    match default {
        Json::Bool(on) => (named(json!({ "on": true, "off": false })), if on { "on" } else { "off" }),
        other => (named(json!({ "default": other })), "default"),
    }
}

/// Plans an update. A value that no variant has becomes a new one, so that what other environments answer stays.
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
    let read = flag_in::flag(table, now, tenant, &request.key)?;
    conditions.check(Some(&flag_document::tag(table, now, tenant, &read)))?;
    permit.shared(table, now, tenant, |_| false)?;
    let (flag, _) = materialise(&request.key, &read.registers);
    let here = flag_in::effective_variants(&flag.variants, flag.environments.get(environment));
    check_type(&here, &request.value_type)?;
    let mut all = vec![(FlagField::Description, json!(request.description))];
    all.extend(request.name.given().map(|name| (FlagField::Name, json!(name))));
    let mut default = None;
    if let Some(value) = request.default.filter(|value| current(&flag, environment) != Some(value)) {
        permit.environment(table, now, tenant, environment)?;
        let known = here.iter().find(|(_, known)| **known == value).map(|(name, _)| name.clone());
        default = Some(known.unwrap_or_else(|| free_name(&flag, &here)));
        if let Some(name) = default.clone().filter(|name| !here.contains_key(name)) {
            permit.flag(table, now, tenant, &request.key)?;
            let mut variants = flag.variants;
            variants.insert(name, value);
            rule::check_variants(&variants, limits)?;
            let mut faults = Faults::default();
            faults.variants(&request.key, &variants, limits);
            faults.finish()?;
            all.push((FlagField::Variants, Json::Object(variants)));
        }
    }
    let shared = all.into_iter().map(|(field, value)| put(RegisterId::flag(tenant, &request.key, field), &value));
    let own = RegisterId::flag_in(tenant, &request.key, environment, FlagInField::DefaultVariant);
    Ok(writes(shared.chain(default.map(|name| put(own, &json!(name)))).collect()))
}

fn check_type(variants: &Map<String, Json>, wanted: &str) -> Result<(), Refusal> {
    match type_of(variants) {
        Some(found) if found != wanted && (found, wanted) != ("integer", "float") => {
            let message = format!("the type of a flag cannot be changed from {found} to {wanted}");
            Err(Refusal::invalid("/type", TYPE_CHANGED, message))
        }
        _ => Ok(()),
    }
}

/// The value by default as it is.
fn current<'a>(flag: &'a Flag, environment: &Key) -> Option<&'a Json> {
    let here = flag.environments.get(environment)?;
    here.variants.get(here.default_variant.as_ref()?)
}

/// A name that no variant has: `default`, `default-2` and so on.
fn free_name(flag: &Flag, here: &Map<String, Json>) -> String {
    let taken = |name: &String| flag.variants.contains_key(name) || here.contains_key(name);
    let names = (1..).map(|n: u64| if n == 1 { "default".to_owned() } else { format!("default-{n}") });
    // there are no more variants than a document has bytes
    names.into_iter().find(|name| !taken(name)).unwrap_or_default()
}
