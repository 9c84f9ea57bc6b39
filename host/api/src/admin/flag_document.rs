//! A flag as the API shows it: every environment of the tenant, faults, stamps and tag.

use std::collections::BTreeMap;

use burgee_model::{FlagIn, Key, Millis, Problem, materialise::materialise};
use burgee_store::{FlagRead, Table};
use serde_json::{Map, Value as Json, json};

use super::{
    Refusal, address, flag_in,
    flag_in::Place,
    tag::{Tagger, add_view},
};

/// A document with its tag.
#[derive(Clone, Debug, PartialEq)]
pub struct Tagged {
    /// The document.
    pub document: Map<String, Json>,
    /// Its entity tag, without quotes.
    pub tag: String,
}

/// The faults that a flag's rule has in an environment, as the evaluated snapshot knows them.
pub type RuleProblems<'a> = dyn Fn(&Key, &str) -> Vec<Problem> + 'a;

/// The keys of a tenant's environments, in order.
#[must_use]
pub fn environments(table: &Table, now: Millis, tenant: &Key) -> Vec<Key> {
    table.environments(tenant, now).map(|(key, ..)| key.clone()).collect()
}

/// The tag of a whole flag: all its registers, and which environments there are.
#[must_use]
pub fn tag(table: &Table, now: Millis, tenant: &Key, read: &FlagRead<'_>) -> String {
    let mut tagger = Tagger::default();
    for (_, stamp) in &read.stamps {
        tagger.stamp(*stamp);
    }
    for (key, ..) in table.environments(tenant, now) {
        tagger.bytes(key.as_str().as_bytes());
    }
    tagger.finish()
}

/// A whole flag, with stamps; of environments those that are to be seen.
pub fn flag(
    table: &Table,
    now: Millis,
    tenant: &Key,
    key: &Key,
    sees: &dyn Fn(&Key) -> bool,
    problems: &RuleProblems<'_>,
) -> Result<Tagged, Refusal> {
    let read = flag_in::flag(table, now, tenant, key)?;
    let mut shown = environments(table, now, tenant);
    shown.retain(|environment| sees(environment));
    let rule_problems = all_problems(&shown, key, problems);
    let mut tag = tag(table, now, tenant, &read);
    if !rule_problems.is_empty() {
        add_view(&mut tag, json!(rule_problems).to_string().as_bytes());
    }
    let mut document = item(&shown, key, &read, rule_problems);
    let shows = |register: &burgee_model::RegisterId| register.address.environment().is_none_or(sees);
    let path = |register: &burgee_model::RegisterId| address::document_path(&register.address);
    document.insert("stamps".into(), stamps(&read, |register| path(register).filter(|_| shows(register))));
    Ok(Tagged { document, tag })
}

/// A flag as lists show it: without stamps.
#[must_use]
pub fn item(environments: &[Key], key: &Key, read: &FlagRead<'_>, rule_problems: Vec<Problem>) -> Map<String, Json> {
    let (flag, mut problems) = materialise(key, &read.registers);
    problems.retain(|problem| problem.environment.as_ref().is_none_or(|found| environments.contains(found)));
    problems.extend(rule_problems);
    let nowhere = FlagIn::default();
    let here = |environment: &Key| settings(flag.environments.get(environment).unwrap_or(&nowhere));
    let by_environment: Map<String, Json> =
        environments.iter().map(|e| (e.to_string(), Json::Object(here(e)))).collect();
    let mut out = Map::new();
    out.insert("key".into(), json!(flag.key));
    out.insert("name".into(), json!(flag.name));
    out.insert("description".into(), json!(flag.description));
    out.insert("tags".into(), json!(flag.tags));
    out.insert("metadata".into(), Json::Object(flag.metadata));
    out.insert("variants".into(), Json::Object(flag.variants));
    out.insert("environments".into(), Json::Object(by_environment));
    out.insert("problems".into(), json!(problems));
    out.retain(|_, value| !value.is_null());
    out
}

/// A flag's settings in one environment.
fn settings(here: &FlagIn) -> Map<String, Json> {
    let mut out = Map::new();
    out.insert("state".into(), json!(here.state));
    out.insert("defaultVariant".into(), json!(here.default_variant));
    out.insert("targeting".into(), json!(here.targeting));
    out.insert("kill".into(), json!(here.kill.killed));
    if let Some(reason) = &here.kill.reason {
        out.insert("reason".into(), json!(reason));
    }
    if let Some(own) = &here.variant_overrides {
        out.insert("variants".into(), json!(own));
    }
    out
}

/// The faults of a flag's rules in all environments.
#[must_use]
pub fn all_problems(environments: &[Key], flag: &Key, problems: &RuleProblems<'_>) -> Vec<Problem> {
    environments.iter().flat_map(|e| problems(e, flag.as_str()).into_iter().map(|p| p.in_environment(e))).collect()
}

fn stamps(read: &FlagRead<'_>, name: impl Fn(&burgee_model::RegisterId) -> Option<String>) -> Json {
    let named = read.stamps.iter().filter_map(|(register, stamp)| Some((name(register)?, stamp)));
    // of a register with several heads the greatest stamp is the register's
    let mut greatest: BTreeMap<String, burgee_model::Stamp> = BTreeMap::new();
    for (name, stamp) in named {
        let entry = greatest.entry(name).or_insert(*stamp);
        *entry = (*entry).max(*stamp);
    }
    Json::Object(greatest.into_iter().map(|(name, stamp)| (name, json!(stamp.to_string()))).collect())
}

/// A flag's part in one environment, with stamps.
pub fn flag_in(table: &Table, now: Millis, place: &Place, problems: &RuleProblems<'_>) -> Result<Tagged, Refusal> {
    let read = flag_in::read(table, now, place)?;
    let (flag, found) = materialise(&place.flag, &read.registers);
    let nowhere = FlagIn::default();
    let mut document = settings(flag.environments.get(&place.environment).unwrap_or(&nowhere));
    let rule_problems = all_problems(std::slice::from_ref(&place.environment), &place.flag, problems);
    let mut tag = flag_in::tag(&read, &place.environment);
    if !rule_problems.is_empty() {
        add_view(&mut tag, json!(rule_problems).to_string().as_bytes());
    }
    let own = found.into_iter().filter(|p| p.environment.as_ref() == Some(&place.environment));
    let all: Vec<Problem> = own.chain(rule_problems).collect();
    document.insert("problems".into(), json!(all));
    document.insert("stamps".into(), stamps(&read, |register| field_here(register, &place.environment)));
    Ok(Tagged { document, tag })
}

fn field_here(register: &burgee_model::RegisterId, environment: &Key) -> Option<String> {
    match &register.address {
        burgee_model::Address::FlagIn { environment: e, field, .. } if e == environment => {
            Some(field.name().to_owned())
        }
        _ => None,
    }
}
