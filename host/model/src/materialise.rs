//! From registers to a flag: the one place that repairs what merging can produce.
//!
//! Fields merge separately, so any combination of them can arise. Evaluation, export, sync and dashboard
//! all read flags through [`materialise`], so all see the same repair and the same problems.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

use crate::{Flag, FlagField, FlagIn, FlagInField, Key, Kill, Problem, State, json, problem::pointer};

/// The current values of a flag's registers, as JSON text.
#[derive(Clone, Debug, Default)]
pub struct FlagRegisters<'a> {
    /// The shared fields.
    pub fields: BTreeMap<FlagField, &'a [u8]>,
    /// The fields in each environment. Of a kill register all heads, of any other the current value.
    pub environments: BTreeMap<&'a Key, BTreeMap<FlagInField, Vec<&'a [u8]>>>,
}

/// Puts a flag together. The flag is always fit to evaluate and to export; what had to be repaired is
/// listed beside it.
#[must_use]
pub fn materialise(key: &Key, registers: &FlagRegisters<'_>) -> (Flag, Vec<Problem>) {
    let mut problems = Vec::new();
    let shared = Shared::read(registers, &mut problems);
    let environments = registers
        .environments
        .iter()
        .map(|(environment, fields)| {
            ((*environment).clone(), shared.in_environment(environment, fields, &mut problems))
        })
        .collect();
    let flag = Flag {
        key: key.clone(),
        name: shared.name,
        description: shared.description,
        tags: shared.tags,
        metadata: shared.metadata,
        variants: shared.variants,
        environments,
    };
    (flag, problems)
}

struct Shared {
    name: Option<String>,
    description: Option<String>,
    tags: Vec<String>,
    metadata: Map<String, Json>,
    variants: Map<String, Json>,
}

impl Shared {
    fn read(registers: &FlagRegisters<'_>, problems: &mut Vec<Problem>) -> Self {
        let fields = &registers.fields;
        Self {
            name: field(fields, FlagField::Name, problems),
            description: field(fields, FlagField::Description, problems),
            tags: field(fields, FlagField::Tags, problems).unwrap_or_default(),
            metadata: field(fields, FlagField::Metadata, problems).unwrap_or_default(),
            variants: field(fields, FlagField::Variants, problems).unwrap_or_default(),
        }
    }

    fn in_environment(
        &self,
        environment: &Key,
        fields: &BTreeMap<FlagInField, Vec<&[u8]>>,
        problems: &mut Vec<Problem>,
    ) -> FlagIn {
        let mut found = Vec::new();
        let read = Read { fields, problems: std::cell::RefCell::new(&mut found) };
        let overrides: Option<Map<String, Json>> = read.field(FlagInField::Variants);
        let variants = overlay(&self.variants, overrides.as_ref());
        let wanted: Option<String> = read.field(FlagInField::DefaultVariant);
        let targeting = read.field::<Json>(FlagInField::Targeting).filter(|rule| !is_empty_object(rule));
        let metadata = overlay(&self.metadata, read.field(FlagInField::Metadata).as_ref());
        let state = read.field(FlagInField::State).unwrap_or_default();
        let extra = read.field(FlagInField::Extra).unwrap_or_default();
        let default_variant = known_default(wanted, &variants, &mut found);
        found.extend(other_types(&variants, default_variant.as_deref()));
        problems.extend(found.into_iter().map(|p| p.in_environment(environment)));
        let kill = kill_of_heads(fields.get(&FlagInField::Kill).map_or(&[], Vec::as_slice));
        FlagIn { state, default_variant, targeting, kill, variants, variant_overrides: overrides, metadata, extra }
    }
}

struct Read<'a, 'p> {
    fields: &'a BTreeMap<FlagInField, Vec<&'a [u8]>>,
    problems: std::cell::RefCell<&'p mut Vec<Problem>>,
}

impl Read<'_, '_> {
    fn field<T: DeserializeOwned>(&self, name: FlagInField) -> Option<T> {
        let text = self.fields.get(&name)?.first()?;
        parse(text, name.name(), &mut self.problems.borrow_mut())
    }
}

fn field<T: DeserializeOwned>(
    fields: &BTreeMap<FlagField, &[u8]>,
    name: FlagField,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    parse(fields.get(&name)?, name.name().unwrap_or_default(), problems)
}

/// Reads a field; null and what is not of the field's type are absent, the latter with a problem.
fn parse<T: DeserializeOwned>(text: &[u8], name: &str, problems: &mut Vec<Problem>) -> Option<T> {
    match json::parse::<Option<T>>(text, json::STORED_DEPTH_MAX) {
        Ok(value) => value,
        Err(error) => {
            problems.push(Problem::new(
                pointer("", name),
                "field_unreadable",
                format!("{name} cannot be read: {error}"),
            ));
            None
        }
    }
}

fn is_empty_object(json: &Json) -> bool {
    json.as_object().is_some_and(Map::is_empty)
}

/// What all environments share, under what one has of its own; null takes away what is shared.
#[must_use]
pub fn overlay(base: &Map<String, Json>, over: Option<&Map<String, Json>>) -> Map<String, Json> {
    let mut all = base.clone();
    for (name, value) in over.into_iter().flatten() {
        match value {
            Json::Null => drop(all.shift_remove(name)),
            value => drop(all.insert(name.clone(), value.clone())),
        }
    }
    all
}

fn known_default(wanted: Option<String>, variants: &Map<String, Json>, problems: &mut Vec<Problem>) -> Option<String> {
    let name = wanted?;
    if variants.contains_key(&name) {
        return Some(name);
    }
    let message = format!("the default variant `{name}` is none of the flag's variants; it counts as absent");
    problems.push(
        Problem::new("/defaultVariant", "default_variant_unknown", message)
            .hint("choose one of the variants, or add one of this name"),
    );
    None
}

/// The types of values that variants may have; a flag has one.
#[must_use]
pub fn variant_type(value: &Json) -> &'static str {
    match value {
        Json::Bool(_) => "boolean",
        Json::String(_) => "string",
        Json::Number(_) => "number",
        Json::Object(_) => "object",
        Json::Array(_) => "array",
        Json::Null => "null",
    }
}

/// The variants that are not of the default's type, or of the first one's where there is no default. They are kept, as
/// flagd keeps them: who asks for the other type is told that this is another one.
fn other_types(variants: &Map<String, Json>, default: Option<&str>) -> Vec<Problem> {
    let model = default.and_then(|name| variants.get(name)).or_else(|| variants.values().next());
    let Some(usual) = model.map(variant_type) else { return Vec::new() };
    let others = variants.iter().filter(|(_, value)| variant_type(value) != usual);
    let problem = |(name, value): (&String, &Json)| {
        let message = format!("variant `{name}` is of the type {}, the others of {usual}", variant_type(value));
        Problem::new(pointer("/variants", name), "mixed_variant_types", message)
    };
    others.map(problem).collect()
}

/// Among concurrent values *killed* wins; the reason is that of the first killed head in the given order.
fn kill_of_heads(heads: &[&[u8]]) -> Kill {
    let mut kills = heads.iter().filter_map(|text| json::stored::<Kill>(text));
    kills.clone().find(|kill| kill.killed).or_else(|| kills.next()).unwrap_or_default()
}

/// Whether a state text is one of the two.
#[must_use]
pub fn state_of(text: &str) -> Option<State> {
    match text {
        "ENABLED" => Some(State::Enabled),
        "DISABLED" => Some(State::Disabled),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Blob;

    fn flag_in(shared: &Json, own: &Json) -> (FlagIn, Vec<String>) {
        let environment = Key::new("prod").unwrap();
        let shared = Blob::json(shared);
        let own: Vec<(FlagInField, Blob)> = FlagInField::ALL
            .into_iter()
            .filter_map(|field| own.get(field.name()).map(|v| (field, Blob::json(v))))
            .collect();
        let mut registers = FlagRegisters::default();
        registers.fields.insert(FlagField::Variants, &shared.bytes);
        let fields = own.iter().map(|(field, blob)| (*field, vec![blob.bytes.as_ref()])).collect();
        registers.environments.insert(&environment, fields);
        let (flag, problems) = materialise(&Key::new("f").unwrap(), &registers);
        (flag.environments[&environment].clone(), problems.into_iter().map(|p| p.code).collect())
    }

    #[test]
    fn a_default_that_names_no_variant_becomes_absent() {
        let (flag, problems) = flag_in(&json!({"on": true}), &json!({"defaultVariant": "off"}));
        assert_eq!(flag.default_variant, None);
        assert_eq!(problems, ["default_variant_unknown"]);
    }

    #[test]
    fn mixed_types_are_kept_and_named() {
        let (flag, problems) = flag_in(&json!({"a": 1, "b": "x", "c": "y"}), &json!({"defaultVariant": "b"}));
        assert_eq!(flag.variants.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(problems, ["mixed_variant_types"]);
    }

    #[test]
    fn an_environments_own_variants_override_the_flags() {
        let (flag, problems) = flag_in(&json!({"a": 1, "b": 2}), &json!({"variants": {"b": 3}, "defaultVariant": "b"}));
        assert_eq!((flag.variants["b"].clone(), problems.len()), (json!(3), 0));
        let (flag, problems) = flag_in(&json!({"a": 1, "b": 2}), &json!({"variants": {"b": null, "x": null, "c": 4}}));
        assert_eq!((Json::Object(flag.variants), problems.len()), (json!({"a": 1, "c": 4}), 0));
    }

    #[test]
    fn what_cannot_be_read_is_absent_and_named() {
        let (flag, problems) =
            flag_in(&json!({"on": true}), &json!({"state": 7, "targeting": {}, "defaultVariant": "on"}));
        assert_eq!(
            (flag.state, flag.targeting, problems),
            (State::Disabled, None, vec!["field_unreadable".to_owned()])
        );
    }

    #[test]
    fn a_rule_as_deep_as_rules_may_be_is_read() {
        let deep = (0..crate::Limits::default().rule_depth).fold(json!(1), |inner, _| json!([inner]));
        let (flag, problems) = flag_in(&json!({"on": true}), &json!({"targeting": deep}));
        assert_eq!((flag.targeting, problems), (Some(deep), vec![]));
    }

    #[test]
    fn killed_wins_among_heads_in_either_order() {
        let on = Blob::json(&json!({"killed": false}));
        let off = Blob::json(&json!({"killed": true, "reason": "fire"}));
        for heads in [[&*on.bytes, &off.bytes], [&*off.bytes, &on.bytes]] {
            assert_eq!(kill_of_heads(&heads), Kill { killed: true, reason: Some("fire".into()) });
        }
        assert_eq!(kill_of_heads(&[]), Kill::default());
    }
}
