//! Flags of a tenant: create, change what all environments share, delete.

use burgee_model::{
    FlagField, Key, Limits, Millis, Problem, RegisterId, Scope, materialise::materialise, problem::pointer,
};
use burgee_store::{Draft, DraftWrite, Table};
use serde_json::{Map, Value as Json, json};

use super::{
    Kind, Preconditions, Refusal, environment, flag_document, flag_in,
    flag_in::FlagInPatch,
    floor,
    members::{Member, Members, NAME_BYTES_MAX, TEXT_BYTES_MAX},
    permit::Permit,
    put,
    rule::{self, Faults, Scene, Settings},
    tenant, writes,
};

/// What a request says about the fields that all environments share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FlagPatch {
    /// A name for people.
    pub name: Member<String>,
    /// What it is for.
    pub description: Member<String>,
    /// Words to find it by.
    pub tags: Member<Vec<String>>,
    /// Texts, numbers and booleans that answers carry.
    pub metadata: Member<Map<String, Json>>,
    /// Variant name to value.
    pub variants: Member<Map<String, Json>>,
}

impl FlagPatch {
    fn take(members: &mut Members) -> Self {
        Self {
            name: members.text("name", NAME_BYTES_MAX),
            description: members.text("description", TEXT_BYTES_MAX),
            tags: members.texts("tags"),
            metadata: members.scalars("metadata"),
            variants: members.object("variants"),
        }
    }

    /// Every field with what it is to become: the outer `None` leaves it as it is.
    fn fields(self) -> [(FlagField, Option<Json>); 5] {
        fn json<T: serde::Serialize>(member: Member<T>) -> Option<Json> {
            member.given().map(|value| json!(value))
        }
        [
            (FlagField::Name, json(self.name)),
            (FlagField::Description, json(self.description)),
            (FlagField::Tags, json(self.tags)),
            (FlagField::Metadata, json(self.metadata)),
            (FlagField::Variants, json(self.variants)),
        ]
    }
}

/// A create, read and checked as far as it can be without the store.
#[derive(Clone, Debug, PartialEq)]
pub struct Create {
    /// The flag's key.
    pub key: Key,
    /// The shared fields.
    pub fields: FlagPatch,
    /// What it is to be in some environments.
    pub environments: Vec<(Key, FlagInPatch)>,
    /// Why it is made; kept in the history.
    pub note: Option<String>,
}

/// A PATCH of the shared fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patch {
    /// The change.
    pub fields: FlagPatch,
    /// Why it is made; kept in the history.
    pub note: Option<String>,
}

/// Reads the document of a create.
pub fn read_create(document: Json) -> Result<Create, Refusal> {
    let mut members = Members::root(document)?;
    let key = members.key();
    let fields = FlagPatch::take(&mut members);
    if !matches!(fields.variants, Member::Value(_)) {
        members.fault("/variants".into(), "missing", "`variants` is an object of at least one variant");
    }
    let environments = members.each("environments", FlagInPatch::take);
    let note = members.text("note", TEXT_BYTES_MAX).value();
    members.finish()?;
    let key = key.ok_or_else(|| Refusal::invalid("/key", "missing", "`key` is missing"))?;
    Ok(Create { key, fields, environments, note })
}

/// Reads the document of a PATCH.
pub fn read_patch(document: Json) -> Result<Patch, Refusal> {
    let mut members = Members::root(document)?;
    let fields = FlagPatch::take(&mut members);
    if fields.variants == Member::Null {
        members.fault("/variants".into(), "missing", "a flag has at least one variant");
    }
    let note = members.text("note", TEXT_BYTES_MAX).value();
    members.finish()?;
    Ok(Patch { fields, note })
}

/// Refuses settings of a new flag that its author may not write.
pub fn may_create(table: &Table, now: Millis, tenant: &Key, request: &Create, permit: &Permit) -> Result<(), Refusal> {
    request.environments.iter().try_for_each(|(environment, patch)| {
        if patch.kill.is_given() {
            permit.operate()?;
        }
        permit.add_in(table, now, tenant, environment)
    })
}

/// Refuses a change that its author may not make: what evaluations give is each environment's too.
pub fn may_patch(
    table: &Table,
    now: Millis,
    tenant: &Key,
    flag: &Key,
    patch: &Patch,
    permit: &Permit,
) -> Result<(), Refusal> {
    let evaluated = patch.fields.variants.is_given() || patch.fields.metadata.is_given();
    if evaluated { permit.flag(table, now, tenant, flag) } else { permit.shared(table, now, tenant, |_| false) }
}

/// Plans a create. It writes all shared fields, so that nothing of an earlier life shows. A condition on a state cannot
/// hold: there is none yet.
pub fn create(
    table: &Table,
    now: Millis,
    tenant: &Key,
    request: Create,
    conditions: &Preconditions,
    limits: &Limits,
) -> Result<Draft, Refusal> {
    tenant::read(table, now, tenant)?;
    if table.flag(tenant, &request.key, now).is_some() {
        return Err(Refusal::AlreadyExists(Kind::Flag, request.key));
    }
    check_room(table, now, tenant, 1, limits)?;
    check_create(table, now, tenant, &request, limits)?;
    conditions.check(None)?;
    let Create { key, fields, environments, .. } = request;
    let mut all: Vec<DraftWrite> = vec![put(RegisterId::flag(tenant, &key, FlagField::Exists), &json!({}))];
    let fields = fields.fields().into_iter();
    all.extend(fields.map(|(field, value)| put(RegisterId::flag(tenant, &key, field), &value.unwrap_or_default())));
    all.extend(environments.into_iter().flat_map(|(environment, patch)| patch.writes(tenant, &key, &environment)));
    Ok(writes(all))
}

fn check_create(table: &Table, now: Millis, tenant: &Key, request: &Create, limits: &Limits) -> Result<(), Refusal> {
    let variants = match &request.fields.variants {
        Member::Value(variants) => variants.clone(),
        _ => Map::new(),
    };
    let mut faults = Faults::default();
    faults.variants(&request.key, &variants, limits);
    for (environment, patch) in &request.environments {
        let path = pointer("/environments", environment);
        if !environment::exists(table, now, tenant, environment) {
            let message = format!("the tenant has no environment `{environment}`");
            faults.add(Problem::new(path, "environment_unknown", message));
            continue;
        }
        patch.check_size(limits)?;
        let segments = table.segments(tenant, environment, now);
        let bucketing = environment::bucketing(table, now, tenant, environment);
        let rule_of = rule::rules(table, now, tenant, environment);
        let flags = || table.flags(tenant, now, None).cloned().collect();
        let scene = Scene {
            flag: &request.key,
            variants: &variants,
            segments: &segments,
            bucketing,
            flags: &flags,
            rule_of: &rule_of,
            limits,
        };
        faults.settings(&path, &scene, patch.settings());
    }
    faults.finish()
}

/// Refuses what would exceed the number of flags that an environment may have.
pub fn check_room(table: &Table, now: Millis, tenant: &Key, more: usize, limits: &Limits) -> Result<(), Refusal> {
    let max = limits.flags_per_environment;
    // every flag has all its shared fields: with fewer registers than that nobody need count
    let surely_fits = table.counts().registers / FlagField::ALL.len() + more <= max;
    if surely_fits || table.flags(tenant, now, None).count() + more <= max {
        return Ok(());
    }
    Err(Refusal::invalid("", "too_many_flags", format!("an environment has at most {max} flags")))
}

/// Plans a PATCH of the shared fields.
pub fn patch(
    table: &Table,
    now: Millis,
    tenant: &Key,
    flag: &Key,
    patch: Patch,
    conditions: &Preconditions,
    limits: &Limits,
) -> Result<Draft, Refusal> {
    let found = flag_in::flag(table, now, tenant, flag)?;
    conditions.check(Some(&flag_document::tag(table, now, tenant, &found)))?;
    if let Member::Value(variants) = &patch.fields.variants {
        let (current, _) = materialise(flag, &found.registers);
        let mut faults = Faults::default();
        faults.variants(flag, variants, limits);
        check_uses(table, now, tenant, &current, variants, limits, &mut faults);
        faults.finish()?;
    }
    let given = patch.fields.fields().into_iter().filter_map(|(field, value)| Some((field, value?)));
    Ok(writes(given.map(|(field, value)| put(RegisterId::flag(tenant, flag, field), &value)).collect()))
}

/// New variants must serve every environment as well as the old ones did: what a default or a rule names
/// must not vanish under it. Faults that were there before do not count.
fn check_uses(
    table: &Table,
    now: Millis,
    tenant: &Key,
    flag: &burgee_model::Flag,
    variants: &Map<String, Json>,
    limits: &Limits,
    faults: &mut Faults,
) {
    for (environment, here) in &flag.environments {
        let segments = table.segments(tenant, environment, now);
        let bucketing = environment::bucketing(table, now, tenant, environment);
        let settings =
            Settings { default_variant: here.default_variant.as_deref(), targeting: here.targeting.as_ref() };
        let problems = |shared: &Map<String, Json>| {
            let variants = flag_in::effective_variants(shared, Some(here));
            // what variants have nothing to do with was looked at when the rule was written
            let (flags, rule_of) = (&Vec::new, &|_: &str| None);
            Scene { flag: &flag.key, variants: &variants, segments: &segments, bucketing, flags, rule_of, limits }
                .problems(settings)
        };
        let before = problems(&flag.variants);
        for problem in problems(variants).into_iter().filter(|problem| !before.contains(problem)) {
            let message = format!("environment `{environment}` needs them otherwise: {}", problem.message);
            faults.add(Problem::new("/variants", "variant_in_use", message));
        }
    }
}

/// Plans a delete: one floor over the flag in all environments.
pub fn delete(
    table: &Table,
    now: Millis,
    tenant: &Key,
    flag: &Key,
    conditions: &Preconditions,
) -> Result<Draft, Refusal> {
    let found = flag_in::flag(table, now, tenant, flag)?;
    if conditions.any() {
        conditions.check(Some(&flag_document::tag(table, now, tenant, &found)))?;
    }
    Ok(floor(tenant, Scope::Flag { flag: flag.clone() }))
}
