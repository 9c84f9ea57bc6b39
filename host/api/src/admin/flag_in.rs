//! A flag in one environment: state, default variant, targeting and kill, each a register of its own.

use burgee_model::{FlagField, FlagIn, FlagInField, Key, Kill, Limits, Millis, RegisterId, materialise};
use burgee_store::{Draft, DraftWrite, FlagRead, Table};
use serde_json::{Map, Value as Json, json};

use super::{
    Kind, Preconditions, Refusal, environment,
    members::{Member, Members, TEXT_BYTES_MAX},
    permit::Permit,
    put,
    rule::{self, Faults, Scene, Settings},
    tag::Tagger,
    tenant, writes,
};

/// What a request says about a flag in one environment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FlagInPatch {
    /// `ENABLED` or `DISABLED`; it cannot be cleared.
    pub state: Member<String>,
    /// A variant's name.
    pub default_variant: Member<String>,
    /// A rule.
    pub targeting: Member<Json>,
    /// Sets or releases the kill switch; null releases it.
    pub kill: Member<bool>,
    /// Why the switch was set or released.
    pub reason: Member<String>,
}

/// flagd takes an empty object for no rule, and so do imports.
fn no_rule_if_empty(targeting: Member<Json>) -> Member<Json> {
    match targeting {
        Member::Value(Json::Object(members)) if members.is_empty() => Member::Null,
        other => other,
    }
}

impl FlagInPatch {
    /// Takes the members out of a request's document.
    pub fn take(members: &mut Members) -> Self {
        let patch = Self {
            state: members.text("state", TEXT_BYTES_MAX),
            default_variant: members.text("defaultVariant", TEXT_BYTES_MAX),
            targeting: no_rule_if_empty(members.any("targeting")),
            kill: members.boolean("kill"),
            reason: members.text("reason", TEXT_BYTES_MAX),
        };
        let known = |state: &String| materialise::state_of(state).is_some();
        if patch.state.is_given() && !matches!(&patch.state, Member::Value(state) if known(state)) {
            members.fault(members.path("state"), "invalid_state", "`state` is \"ENABLED\" or \"DISABLED\"");
        }
        if patch.reason.is_given() && !patch.kill.is_given() {
            members.fault(
                members.path("reason"),
                "reason_without_kill",
                "`reason` belongs to a `kill` in the same request",
            );
        }
        patch
    }

    /// What has to be checked against the flag's variants.
    #[must_use]
    pub fn settings(&self) -> Settings<'_> {
        Settings {
            default_variant: match &self.default_variant {
                Member::Value(name) => Some(name),
                _ => None,
            },
            targeting: match &self.targeting {
                Member::Value(rule) => Some(rule),
                _ => None,
            },
        }
    }

    /// Refuses a rule of more bytes than allowed.
    pub fn check_size(&self, limits: &Limits) -> Result<(), Refusal> {
        self.settings().targeting.map_or(Ok(()), |rule| rule::check_size(rule, limits))
    }

    /// The registers to write.
    #[must_use]
    pub fn writes(self, tenant: &Key, flag: &Key, environment: &Key) -> Vec<DraftWrite> {
        let register = |field| RegisterId::flag_in(tenant, flag, environment, field);
        let mut out = Vec::new();
        if let Some(state) = self.state.value() {
            out.push(put(register(FlagInField::State), &json!(state)));
        }
        if let Some(name) = self.default_variant.given() {
            out.push(put(register(FlagInField::DefaultVariant), &json!(name)));
        }
        if let Some(rule) = self.targeting.given() {
            out.push(put(register(FlagInField::Targeting), &json!(rule)));
        }
        if let Some(killed) = self.kill.given() {
            let kill = Kill { killed: killed.unwrap_or(false), reason: self.reason.value() };
            out.push(put(register(FlagInField::Kill), &json!(kill)));
        }
        out
    }
}

/// A PATCH of a flag in one environment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The change.
    pub patch: FlagInPatch,
    /// Why it is made; kept in the history.
    pub note: Option<String>,
}

/// Reads the document of a PATCH.
pub fn read_patch(document: Json) -> Result<Request, Refusal> {
    let mut members = Members::root(document)?;
    let patch = FlagInPatch::take(&mut members);
    let note = members.text("note", TEXT_BYTES_MAX).value();
    members.finish()?;
    Ok(Request { patch, note })
}

/// Where a flag stands: its tenant, its key, its environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The tenant.
    pub tenant: Key,
    /// The flag.
    pub flag: Key,
    /// The environment.
    pub environment: Key,
}

/// Reads a flag's registers; refuses where it, its tenant or the environment does not exist.
pub fn read<'a>(table: &'a Table, now: Millis, place: &Place) -> Result<FlagRead<'a>, Refusal> {
    environment::read(table, now, &place.tenant, &place.environment)?;
    flag(table, now, &place.tenant, &place.flag)
}

/// Reads a flag's registers; refuses where it, or its tenant, does not exist.
pub fn flag<'a>(table: &'a Table, now: Millis, tenant: &Key, flag: &Key) -> Result<FlagRead<'a>, Refusal> {
    tenant::read(table, now, tenant)?;
    table.flag(tenant, flag, now).ok_or_else(|| Refusal::NotFound(Kind::Flag, flag.clone()))
}

/// Refuses a change that its author may not make. A kill works at once: it need not say what it was made from.
pub fn may_patch(
    table: &Table,
    now: Millis,
    place: &Place,
    patch: &FlagInPatch,
    permit: &Permit,
) -> Result<(), Refusal> {
    if patch.kill.is_given() {
        permit.operate()?;
    }
    let (tenant, environment) = (&place.tenant, &place.environment);
    let others = patch.state.is_given() || patch.default_variant.is_given() || patch.targeting.is_given();
    if patch.kill == Member::Value(true) && !others {
        return permit.add_in(table, now, tenant, environment);
    }
    permit.environment(table, now, tenant, environment)
}

/// Plans a PATCH.
pub fn patch(
    table: &Table,
    now: Millis,
    place: &Place,
    patch: FlagInPatch,
    conditions: &Preconditions,
    limits: &Limits,
) -> Result<Draft, Refusal> {
    let found = read(table, now, place)?;
    conditions.check(Some(&tag(&found, &place.environment)))?;
    let (flag, _) = materialise::materialise(&place.flag, &found.registers);
    let variants = effective_variants(&flag.variants, flag.environments.get(&place.environment));
    let segments = table.segments(&place.tenant, &place.environment, now);
    let bucketing = environment::bucketing(table, now, &place.tenant, &place.environment);
    let rule_of = rule::rules(table, now, &place.tenant, &place.environment);
    let flags = || table.flags(&place.tenant, now, None).cloned().collect();
    let scene = Scene {
        flag: &place.flag,
        variants: &variants,
        segments: &segments,
        bucketing,
        flags: &flags,
        rule_of: &rule_of,
        limits,
    };
    let mut faults = Faults::default();
    patch.check_size(limits)?;
    faults.settings("", &scene, patch.settings());
    faults.finish()?;
    let kill = RegisterId::flag_in(&place.tenant, &place.flag, &place.environment, FlagInField::Kill);
    // releasing what was never killed would only add a version that says nothing
    let idle = !matches!(patch.kill, Member::Value(true)) && table.latest(&kill).is_none();
    let patch = if idle { FlagInPatch { kill: Member::Absent, ..patch } } else { patch };
    Ok(writes(patch.writes(&place.tenant, &place.flag, &place.environment)))
}

/// The variants that an environment's rule may name: the flag's, under the environment's own.
#[must_use]
pub fn effective_variants(shared: &Map<String, Json>, here: Option<&FlagIn>) -> Map<String, Json> {
    materialise::overlay(shared, here.and_then(|flag| flag.variant_overrides.as_ref()))
}

/// The tag of a flag in one environment: its registers there, and the variants that they refer to.
#[must_use]
pub fn tag(read: &FlagRead<'_>, environment: &Key) -> String {
    use burgee_model::Address;
    let mut tagger = Tagger::default();
    for (register, stamp) in &read.stamps {
        let counts = match &register.address {
            Address::Flag { field, .. } => matches!(field, FlagField::Exists | FlagField::Variants),
            Address::FlagIn { environment: e, .. } => e == environment,
            _ => false,
        };
        if counts {
            tagger.stamp(*stamp);
        }
    }
    tagger.finish()
}
