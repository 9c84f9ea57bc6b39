//! What POST and PATCH refuse. An import takes more: it refuses only what is no flagd document.

mod document;
mod prerequisites;
mod returns;

use burgee_model::{Key, Problem, key::KEY_BYTES_MAX, materialise::variant_type, problem::pointer};
use serde_json::{Map, Value as Json};

pub use self::{
    document::{document, within},
    prerequisites::{Rules, prerequisites, segment},
};
use crate::parse::{self, PROBLEMS_MAX, Setting};

/// A flag as it is written for one environment.
#[derive(Clone, Copy)]
pub struct Draft<'a> {
    /// Its key.
    pub key: &'a Key,
    /// Variant name to value.
    pub variants: &'a Map<String, Json>,
    /// What it answers where no rule decides.
    pub default_variant: Option<&'a str>,
    /// Its rule.
    pub targeting: Option<&'a Json>,
    /// What the rule is read with.
    pub setting: Setting<'a>,
}

/// All problems of a rule, with paths relative to `targeting`: faults, and warnings that only an import may bring.
#[must_use]
pub fn rule(flag: &Key, targeting: &Json, setting: &Setting<'_>) -> Vec<Problem> {
    let compiled = parse::rule(flag, targeting, setting);
    compiled.problems().cloned().collect()
}

/// All problems of a flag, with paths `/variants/…`, `/defaultVariant`, `/targeting/…`.
#[must_use]
pub fn flag(draft: &Draft<'_>) -> Vec<Problem> {
    let mut problems = variants(draft.variants);
    problems.extend(default_variant(draft.variants, draft.default_variant));
    if let Some(targeting) = draft.targeting {
        problems.extend(self::targeting(draft, targeting));
    }
    problems.truncate(PROBLEMS_MAX);
    problems
}

/// The problems of a flag's variants, with paths `/variants/…`.
#[must_use]
pub fn variants(variants: &Map<String, Json>) -> Vec<Problem> {
    let Some(first) = variants.values().next() else {
        return vec![Problem::new("/variants", "variants_missing", "a flag has at least one variant")];
    };
    let expected = variant_type(first);
    variants.iter().filter_map(|(name, value)| variant(name, value, expected)).take(PROBLEMS_MAX).collect()
}

fn variant(name: &str, value: &Json, expected: &str) -> Option<Problem> {
    let path = || pointer("/variants", name);
    let found = variant_type(value);
    if name.is_empty() || name.len() > KEY_BYTES_MAX || name.contains(char::is_control) {
        let message = format!("the name of a variant has 1 to {KEY_BYTES_MAX} bytes and no control characters");
        return Some(Problem::new(path(), "invalid_variant_name", message));
    }
    if matches!(found, "array" | "null") {
        let message = format!("variant `{name}` is {found}; a variant is a boolean, a string, a number or an object");
        return Some(Problem::new(path(), "invalid_variant_type", message));
    }
    (found != expected).then(|| {
        let message =
            format!("variant `{name}` is {}, the first one is {}", with_article(found), with_article(expected));
        Problem::new(path(), "mixed_variant_types", message).hint("all variants of a flag have one type")
    })
}

/// Whether the default names a variant.
#[must_use]
pub fn default_variant(variants: &Map<String, Json>, name: Option<&str>) -> Option<Problem> {
    let name = name.filter(|name| !variants.contains_key(*name))?;
    let message = format!("`{name}` is none of the flag's variants");
    Some(Problem::new("/defaultVariant", "default_variant_unknown", message).hint(choices(variants)))
}

/// The problems of a flag's rule, with paths `/targeting/…`: those of [`rule`], and constants that name no variant.
#[must_use]
pub fn targeting(draft: &Draft<'_>, targeting: &Json) -> Vec<Problem> {
    let mut problems = Vec::new();
    match targeting {
        Json::Object(_) => {}
        other => {
            let message = format!("a rule is an object, this is {}", with_article(variant_type(other)));
            problems.push(Problem::new("", "not_an_object", message));
        }
    }
    let compiled = parse::rule(draft.key, targeting, &draft.setting);
    problems.extend(compiled.problems().cloned());
    if compiled.rule.is_some() {
        problems.extend(returns::unknown(targeting, draft.setting.segments, draft.variants));
    }
    for problem in &mut problems {
        problem.path.insert_str(0, "/targeting");
    }
    problems
}

/// A type as a sentence has it.
fn with_article(kind: &str) -> String {
    match kind {
        "null" => kind.to_owned(),
        kind if kind.starts_with(['a', 'e', 'i', 'o', 'u']) => format!("an {kind}"),
        kind => format!("a {kind}"),
    }
}

/// The names of the variants, for a hint.
fn choices(variants: &Map<String, Json>) -> String {
    const LISTED: usize = 5;
    let names: Vec<String> = variants.keys().take(LISTED).map(|name| format!("`{name}`")).collect();
    let more = if variants.len() > LISTED { ", …" } else { "" };
    format!("there are {}{more}", names.join(", "))
}

#[cfg(test)]
mod tests;
