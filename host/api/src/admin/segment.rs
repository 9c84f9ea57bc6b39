//! Segments: rules that the flags of a tenant share, and an environment's own rule of the same name.

use std::collections::{BTreeMap, BTreeSet};

use burgee_model::{Address, Key, Limits, Millis, Problem, RegisterId};
use burgee_rules::{
    check,
    parse::{Setting, Thing, own_patterns, own_references, patterns, references, shared_rules},
};
use burgee_store::{Draft, DraftWrite, Table};
use serde_json::{Map, Value as Json, json};

use super::{
    Kind, Preconditions, Refusal, flag_document,
    flag_document::Tagged,
    members::{Member, Members, TEXT_BYTES_MAX},
    put, rule,
    tag::Tagger,
    tenant, writes,
};

/// A create or a PATCH, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The rule.
    pub rule: Json,
    /// Why it is made; kept in the history.
    pub note: Option<String>,
}

fn take(mut members: Members) -> Result<Request, Refusal> {
    let rule = members.any("rule");
    if !rule.is_given() || rule == Member::Null {
        members.fault("/rule".into(), "missing", "a segment has a `rule`, an object");
    }
    let note = members.text("note", TEXT_BYTES_MAX).value();
    members.finish()?;
    Ok(Request { rule: rule.value().unwrap_or_default(), note })
}

/// Reads the document of a create.
pub fn read_create(document: Json) -> Result<(Key, Request), Refusal> {
    let mut members = Members::root(document)?;
    let key = members.key();
    let request = take(members)?;
    let key = key.ok_or_else(|| Refusal::invalid("/key", "missing", "`key` is missing"))?;
    Ok((key, request))
}

/// Reads the document of a PATCH.
pub fn read_patch(document: Json) -> Result<Request, Refusal> {
    take(Members::root(document)?)
}

fn shared(tenant: &Key, segment: &Key) -> RegisterId {
    RegisterId::new(tenant, Address::Segment { segment: segment.clone() })
}

fn own(tenant: &Key, segment: &Key, environment: &Key) -> RegisterId {
    RegisterId::new(tenant, Address::SegmentIn { segment: segment.clone(), environment: environment.clone() })
}

fn check_rule(segment: &Key, rule: &Json, limits: &Limits) -> Result<(), Refusal> {
    rule::check_size(rule, limits)?;
    let none = |_: &str| None;
    let mut problems = check::rule(segment, rule, &Setting::new(&none, limits));
    problems
        .iter_mut()
        .filter(|problem| problem.code == "unknown_segment")
        .for_each(|problem| *problem = nested(&problem.path));
    if problems.is_empty() {
        let asked = references(rule, &none).into_iter().filter(|asked| asked.thing == Thing::Segment);
        problems.extend(asked.map(|asked| nested(&asked.path)));
    }
    let problems: Vec<Problem> =
        problems.into_iter().map(|p| Problem { path: format!("/rule{}", p.path), ..p }).collect();
    if problems.is_empty() { Ok(()) } else { Err(Refusal::InvalidRule(problems)) }
}

/// Refuses a rule that flags which name the segment could not bear: one of them would ask for itself by way of it, it leads
/// to too many flags or too deep, or their patterns would be too many. An environment's own rule of that name hides it.
fn check_flags(
    table: &Table,
    now: Millis,
    tenant: &Key,
    segment: &Key,
    rule: &Json,
    limits: &Limits,
) -> Result<(), Refusal> {
    let shown = |environment: &Key| table.current(&own(tenant, segment, environment), now).is_none();
    for environment in flag_document::environments(table, now, tenant).into_iter().filter(shown) {
        let mut segments = table.segments(tenant, &environment, now);
        segments.insert(segment.clone(), rule.clone());
        let shared = shared_rules(|name| segments.get(name).cloned());
        let rule_of = rule::rules(table, now, tenant, &environment);
        let rules = table.flags(tenant, now, None).filter_map(|key| Some((key, rule_of(key.as_str())?)));
        let (mut named_by, mut beyond) = (BTreeSet::new(), None);
        let (mut all, own) = (BTreeSet::new(), own_patterns(rule));
        for (flag, targeting) in rules {
            let names_it = own_references(&targeting).1.iter().any(|named| named.name == segment.as_str());
            if names_it {
                named_by.insert(flag.as_str());
            }
            if !own.is_empty() {
                let patterns = patterns(&targeting, &shared);
                beyond = beyond.or((names_it && patterns.len() > limits.patterns_per_rule).then_some(flag));
                all.extend(patterns);
            }
        }
        let asks = check::segment(rule, &shared, &rule_of, &|flag| named_by.contains(flag));
        let asks = asks.filter(|_| !named_by.is_empty());
        let of_one = beyond.map(|flag| {
            let most = limits.patterns_per_rule;
            format!("the rule of the flag `{flag}` would have more than {most} patterns with its shared rules")
        });
        let is_full = !named_by.is_empty() && all.len() > limits.patterns_per_environment;
        let of_all = is_full.then(|| {
            let most = limits.patterns_per_environment;
            format!("the rules of the environment `{environment}` would have more than {most} patterns together")
        });
        let too_many = of_one.or(of_all).map(|message| Problem::new("", "too_many_patterns", message));
        if let Some(problem) = asks.or(too_many) {
            return Err(Refusal::InvalidRule(vec![Problem { path: "/rule".to_owned(), ..problem }]));
        }
    }
    Ok(())
}

/// Whichever it is that a segment's rule refers to: it may not.
fn nested(path: &str) -> Problem {
    Problem::new(path, "nested_segment", "a segment cannot refer to another one")
}

/// A segment's document and tag; refuses where it, or its tenant, does not exist.
pub fn read(table: &Table, now: Millis, tenant: &Key, segment: &Key) -> Result<Tagged, Refusal> {
    tenant::read(table, now, tenant)?;
    let (mut tagger, mut stamps) = (Tagger::default(), Map::new());
    let mut take = |register: RegisterId, name: String| -> Option<Json> {
        let version = table.current(&register, now)?;
        tagger.stamp(version.stamp);
        stamps.insert(name, json!(version.stamp.to_string()));
        version.content.as_ref()?.read().filter(|rule: &Json| !rule.is_null())
    };
    let rule = take(shared(tenant, segment), "rule".into());
    let mut environments = Map::new();
    for environment in flag_document::environments(table, now, tenant) {
        let register = own(tenant, segment, &environment);
        if let Some(rule) = take(register, format!("environments/{environment}/rule")) {
            environments.insert(environment.to_string(), json!({ "rule": rule }));
        }
    }
    if rule.is_none() && environments.is_empty() {
        return Err(Refusal::NotFound(Kind::Segment, segment.clone()));
    }
    let tag = tagger.finish();
    let mut document = Map::new();
    document.insert("key".into(), json!(segment));
    document.insert("rule".into(), json!(rule));
    document.insert("environments".into(), Json::Object(environments));
    document.insert("stamps".into(), Json::Object(stamps));
    Ok(Tagged { document, tag })
}

/// The keys of a tenant's segments, in order.
pub fn keys(table: &Table, now: Millis, tenant: &Key) -> Result<Vec<Key>, Refusal> {
    tenant::read(table, now, tenant)?;
    let environments = flag_document::environments(table, now, tenant);
    // those that all environments share come with whichever is asked for, be it one that does not exist
    let asked = environments.iter().chain([tenant]);
    let all = asked.flat_map(|e| table.segments(tenant, e, now).into_keys().map(|k| (k, ())));
    Ok(all.collect::<BTreeMap<Key, ()>>().into_keys().collect())
}

/// Plans a create. A condition on a state cannot hold: there is none yet.
pub fn create(
    table: &Table,
    now: Millis,
    tenant: &Key,
    segment: &Key,
    rule: &Json,
    conditions: &Preconditions,
    limits: &Limits,
) -> Result<Draft, Refusal> {
    tenant::read(table, now, tenant)?;
    if read(table, now, tenant, segment).is_ok() {
        return Err(Refusal::AlreadyExists(Kind::Segment, segment.clone()));
    }
    conditions.check(None)?;
    check_rule(segment, rule, limits)?;
    check_flags(table, now, tenant, segment, rule, limits)?;
    Ok(writes(vec![put(shared(tenant, segment), rule)]))
}

/// Plans a PATCH: the shared rule; an environment's own stays.
pub fn patch(
    table: &Table,
    now: Millis,
    tenant: &Key,
    segment: &Key,
    rule: &Json,
    conditions: &Preconditions,
    limits: &Limits,
) -> Result<Draft, Refusal> {
    conditions.check(Some(&read(table, now, tenant, segment)?.tag))?;
    check_rule(segment, rule, limits)?;
    check_flags(table, now, tenant, segment, rule, limits)?;
    Ok(writes(vec![put(shared(tenant, segment), rule)]))
}

/// Plans a delete: the shared rule and every environment's own.
pub fn delete(
    table: &Table,
    now: Millis,
    tenant: &Key,
    segment: &Key,
    conditions: &Preconditions,
) -> Result<Draft, Refusal> {
    conditions.check(Some(&read(table, now, tenant, segment)?.tag))?;
    let environments = flag_document::environments(table, now, tenant);
    let all = environments.iter().map(|environment| own(tenant, segment, environment));
    let there = all.chain([shared(tenant, segment)]).filter(|register| table.current(register, now).is_some());
    Ok(writes(there.map(DraftWrite::delete).collect()))
}
