//! An environment as a flagd document: export and import.

use std::sync::Arc;

use burgee_model::{
    Address, Blob, Bucketing, FlagInField, Key, Limits, Millis, Problem, RegisterId, State,
    flagd::{Document, flag_to_json},
    import::{self, Plan, View},
    json,
    materialise::materialise,
    problem::pointer,
};
use burgee_rules::parse::{Segments, own_operators, shared_rules};
use burgee_store::Table;
use serde_json::{Map, Value as Json, json};

use super::{Preconditions, Refusal, elsewhere::Elsewhere, environment, flag, permit::Permit, tag::Tagger};

/// The flags that are configured in an environment: those whose state was set there.
fn configured<'a>(
    table: &'a Table,
    now: Millis,
    tenant: &'a Key,
    environment: &'a Key,
) -> impl Iterator<Item = &'a Key> {
    table.flags(tenant, now, None).filter(move |flag| is_configured(table, now, tenant, flag, environment))
}

fn is_configured(table: &Table, now: Millis, tenant: &Key, flag: &Key, environment: &Key) -> bool {
    table.current(&RegisterId::flag_in(tenant, flag, environment, FlagInField::State), now).is_some()
}

/// The flagd document of an environment. A killed flag is DISABLED in it: whoever evaluates the document
/// elsewhere must see the kill.
pub fn export(
    table: &Table,
    now: Millis,
    tenant: &Key,
    environment: &Key,
    limits: &Limits,
) -> Result<Map<String, Json>, Refusal> {
    let bucketing = environment::read(table, now, tenant, environment)?.meta.bucketing;
    let mut set: Map<String, Json> =
        table.flag_set(tenant, environment, now).and_then(json::stored).unwrap_or_default();
    let mut document = Map::new();
    move_member(&mut set, &mut document, "$schema");
    if bucketing != Bucketing::default() {
        note(&mut set, FRACTIONAL_VERSION, json!(bucketing));
    }
    document.insert("flags".into(), Json::Object(export_flags(table, now, tenant, environment, limits)));
    let segments = table.segments(tenant, environment, now);
    if !segments.is_empty() {
        let evaluators = segments.into_iter().map(|(name, rule)| (name.to_string(), rule)).collect();
        document.insert("$evaluators".into(), Json::Object(evaluators));
    }
    document.extend(set);
    Ok(document)
}

fn move_member(from: &mut Map<String, Json>, to: &mut Map<String, Json>, name: &str) {
    if let Some(value) = from.shift_remove(name) {
        to.insert(name.into(), value);
    }
}

/// The member of a flag's metadata that names the operators of its rule which flagd does not know.
const NOT_PORTABLE: &str = "burgee.notPortable";

/// The member of a set's metadata that says how its `fractional` buckets, where that is not as everywhere: flagd leaves
/// it to the engine.
const FRACTIONAL_VERSION: &str = "burgee.fractionalVersion";

/// Notes in a flag's metadata that flagd cannot run its rule.
fn note_portability(flag: &mut Map<String, Json>, segments: Segments<'_>, limits: &Limits) {
    let own = flag.get("targeting").map(|rule| own_operators(rule, segments, limits)).unwrap_or_default();
    if own.is_empty() {
        return;
    }
    note(flag, NOT_PORTABLE, own.into_iter().collect::<Vec<_>>().join(", ").into());
}

fn note(of: &mut Map<String, Json>, name: &str, value: Json) {
    let metadata = of.entry("metadata").or_insert_with(|| json!({}));
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.insert(name.to_owned(), value);
    }
}

/// Takes the notes of an export away, which are not what anybody wrote; gives back how the document says that its
/// `fractional` buckets.
pub fn take_notes(document: &mut Document) -> Option<Bucketing> {
    document.flags.iter_mut().for_each(|flag| drop(flag.metadata.shift_remove(NOT_PORTABLE)));
    let metadata = document.set.get_mut("metadata").and_then(Json::as_object_mut)?;
    let noted = metadata.shift_remove(FRACTIONAL_VERSION)?;
    if metadata.is_empty() {
        document.set.shift_remove("metadata");
    }
    serde_json::from_value(noted).ok()
}

/// That a document was written for another bucketing than the environment's, which an import leaves as it is.
#[must_use]
pub fn other_bucketing(noted: Option<Bucketing>, here: Bucketing) -> Option<Problem> {
    let noted = noted.filter(|noted| *noted != here)?;
    let path = pointer("/metadata", FRACTIONAL_VERSION);
    let (noted, here) = (noted.number(), here.number());
    let message = format!("the document was written for version {noted} of bucketing, the environment has {here}");
    let hint = "with the environment's `fractionalVersion` changed, users keep the variants of the document's origin";
    Some(Problem::warning(path, "fractional_version_differs", message).hint(hint))
}

/// That a shared rule which the document lacks is the tenant's, which an import into one environment leaves.
#[must_use]
pub fn kept_segment(segment: &Key) -> Problem {
    let path = pointer("/$evaluators", segment.as_str());
    let message = format!("the segment `{segment}` is not in the document and stays: environments share it");
    Problem::warning(path, "shared_segment_kept", message)
}

fn export_flags(table: &Table, now: Millis, tenant: &Key, environment: &Key, limits: &Limits) -> Map<String, Json> {
    let mut out = Map::new();
    let segments = table.segments(tenant, environment, now);
    let shared = shared_rules(|name| segments.get(name).cloned());
    for key in configured(table, now, tenant, environment) {
        let Some(read) = table.flag(tenant, key, now) else { continue };
        let (flag, _) = materialise(key, &read.registers);
        let killed = flag.environments.get(environment).is_some_and(|here| here.kill.killed);
        let Some(mut json) = flag_to_json(&flag, environment) else { continue };
        if let Some(members) = json.as_object_mut() {
            if killed {
                members.insert("state".into(), json!(State::Disabled));
            }
            note_portability(members, &shared, limits);
        }
        out.insert(key.to_string(), json);
    }
    out
}

/// The tag of an environment's document: a hash of everything that it is made from.
#[must_use]
pub fn tag(table: &Table, now: Millis, tenant: &Key, environment: &Key) -> String {
    let mut tagger = Tagger::default();
    for key in configured(table, now, tenant, environment) {
        tagger.bytes(key.as_str().as_bytes());
        let stamps = table.flag(tenant, key, now).map(|read| read.stamps).unwrap_or_default();
        let here = |address: &Address| address.environment().is_none_or(|e| e == environment);
        stamps.iter().filter(|(id, _)| here(&id.address)).for_each(|(_, stamp)| tagger.stamp(*stamp));
    }
    for (name, rule) in table.segments(tenant, environment, now) {
        tagger.bytes(name.as_str().as_bytes());
        tagger.bytes(rule.to_string().as_bytes());
    }
    tagger.bytes(&environment::bucketing(table, now, tenant, environment).number().to_be_bytes());
    tagger.bytes(table.flag_set(tenant, environment, now).unwrap_or_default());
    tagger.finish()
}

/// An import into an environment.
#[derive(Clone, Debug)]
pub struct Import {
    /// The tenant.
    pub tenant: Key,
    /// Its environment.
    pub environment: Key,
    /// What is imported.
    pub document: Arc<Document>,
    /// Whether flags that are configured there but not in the document are taken out of the environment.
    pub prune: bool,
    /// What its author may write.
    pub permit: Permit,
    /// The conditions, on the tag of the environment's document.
    pub conditions: Preconditions,
    /// What is allowed.
    pub limits: Limits,
}

impl Import {
    /// Plans it.
    pub fn plan(&self, table: &Table, now: Millis) -> Result<Plan, Refusal> {
        let Self { tenant, environment, document, .. } = self;
        environment::read(table, now, tenant, environment)?;
        self.permit.environment(table, now, tenant, environment)?;
        if self.conditions.any() {
            self.conditions.check(Some(&tag(table, now, tenant, environment)))?;
        }
        let configured: Vec<Key> = configured(table, now, tenant, environment).cloned().collect();
        let current = |id: &RegisterId| -> Option<Blob> { table.current(id, now)?.content.clone() };
        let plan = |view: &View<'_>| import::plan(document, tenant, environment, self.prune, view);
        let plan = Elsewhere::of(table, now, tenant, environment).plan(&current, &configured, plan);
        flag::check_room(table, now, tenant, plan.summary.created.len(), &self.limits)?;
        Ok(plan)
    }
}

/// Refuses a document with a rule of more bytes than allowed: the one fault of a rule that an import may not bring.
pub fn check_sizes(document: &Document, limits: &Limits) -> Result<(), Refusal> {
    let rules = document.flags.iter().filter_map(|flag| flag.targeting.as_ref());
    rules.chain(document.evaluators.values()).try_for_each(|rule| super::rule::check_size(rule, limits))
}
