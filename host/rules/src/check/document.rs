//! What is wrong with a flagd document that is kept all the same: the report of an import and of `rule check`.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use burgee_model::{
    Bucketing, Limits, Problem,
    flagd::{Document, DocumentFlag, metadata_problems},
    problem::pointer,
};
use serde_json::Value as Json;

use super::{Draft, prerequisites};
use crate::parse::{
    PROBLEMS_MAX, PatternRoom, Reference, Segments, Setting, Thing, patterns, references, shared_rules,
};

/// All problems of a document's flags and metadata, with their places in it; at most [`PROBLEMS_MAX`].
#[must_use]
pub fn document(document: &Document, bucketing: Bucketing, limits: &Limits) -> Vec<Problem> {
    let set = document.set.get("metadata").and_then(Json::as_object);
    let set = set.map(|metadata| metadata_problems(metadata, "/metadata")).unwrap_or_default();
    let segments = shared_rules(|name| document.evaluators.get(name).cloned());
    let setting = Setting { segments: &segments, bucketing, limits };
    let flags = document.flags.iter().flat_map(|flag| of_flag(flag, setting));
    set.into_iter()
        .chain(flags)
        .chain(unanswered(document, &segments))
        .chain(beyond(document, &segments, limits))
        .take(PROBLEMS_MAX)
        .collect()
}

/// Flags whose patterns are too many for an environment.
fn beyond<'a>(document: &'a Document, segments: Segments<'a>, limits: &Limits) -> impl Iterator<Item = Problem> {
    let mut room = PatternRoom::new(limits.patterns_per_environment);
    let mut flags: Vec<&DocumentFlag> = document.flags.iter().collect();
    flags.sort_by(|a, b| a.key.cmp(&b.key));
    flags.into_iter().filter_map(move |flag| {
        let fits = room.take(patterns(flag.targeting.as_ref()?, segments).iter());
        (!fits).then(|| room.full(&format!("{}/targeting", pointer("/flags", &flag.key))))
    })
}

/// Flags that would ask for themselves, or go too deep. Of a few cycles the way is told.
fn unanswered<'a>(document: &'a Document, segments: Segments<'a>) -> impl Iterator<Item = Problem> {
    const WAYS_TOLD: usize = 10;
    let ruled = || document.flags.iter().filter_map(|flag| Some((&flag.key, flag.targeting.as_ref()?)));
    let troubles = prerequisites::in_trouble(ruled(), segments);
    let rules: HashMap<&str, &Json> = ruled().map(|(key, rule)| (key.as_str(), rule)).collect();
    let found = ruled().filter_map(move |(key, rule)| Some((key, rule, *troubles.get(key.as_str())?)));
    found.enumerate().map(move |(at, (key, rule, trouble))| {
        let rule_of = |key: &str| rules.get(key).map(|rule| Cow::Borrowed(*rule));
        let told = (at < WAYS_TOLD).then(|| super::prerequisites(key, rule, segments, &rule_of)).flatten();
        let told = told.filter(|told| told.code == trouble.code());
        let told = told.unwrap_or_else(|| Problem::new("/targeting", trouble.code(), trouble.message()));
        Problem { path: format!("{}{}", pointer("/flags", key), told.path), ..told }
    })
}

/// What the rules of a document ask for of one another and is not there. What
/// the environment may have beside the document does not count, so this is for a document on its own.
#[must_use]
pub fn within(document: &Document) -> Vec<Problem> {
    let keys: HashSet<&str> = document.flags.iter().map(|flag| flag.key.as_str()).collect();
    let segments = shared_rules(|name| document.evaluators.get(name).cloned());
    let missing = |asked: &Reference| match asked.thing {
        Thing::Flag => !keys.contains(asked.name.as_str()),
        Thing::Segment => !document.evaluators.contains_key(&asked.name),
        Thing::Guest | Thing::Config => false,
    };
    let of_flag = |flag: &DocumentFlag| -> Vec<Problem> {
        let (Some(rule), base) = (&flag.targeting, pointer("/flags", &flag.key)) else { return Vec::new() };
        let missing = references(rule, &segments).into_iter().filter(missing);
        let missing = missing
            .map(|asked| asked.missing())
            .map(|told| Problem { path: format!("/targeting{}", told.path), ..told });
        missing.map(|told| Problem { path: format!("{base}{}", told.path), ..told }).collect()
    };
    document.flags.iter().flat_map(of_flag).take(PROBLEMS_MAX).collect()
}

fn of_flag(flag: &DocumentFlag, setting: Setting<'_>) -> Vec<Problem> {
    let base = pointer("/flags", &flag.key);
    let mut found = super::flag(&Draft {
        key: &flag.key,
        variants: &flag.variants,
        default_variant: flag.default_variant.as_deref(),
        targeting: flag.targeting.as_ref(),
        setting,
    });
    found.extend(metadata_problems(&flag.metadata, "/metadata"));
    for problem in &mut found {
        problem.path.insert_str(0, &base);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_problem_stands_where_it_is_in_the_document() {
        let text = r#"{
            "metadata": {"owner": []},
            "flags": {
                "a/b": {"state": "ENABLED", "variants": {"x": 1, "y": "z"}, "targeting": {"zap": []}},
                "fine": {"state": "ENABLED", "variants": {"on": true}, "targeting": {"if": [{"$ref": "s"}, "on"]}}
            },
            "$evaluators": {"s": {"==": [1, 1]}}
        }"#;
        let read = burgee_model::flagd::read(text.as_bytes(), burgee_model::Format::Json, &Limits::default()).unwrap();
        let found: Vec<_> =
            document(&read, Bucketing::default(), &Limits::default()).into_iter().map(|p| (p.path, p.code)).collect();
        let expected = [
            ("/metadata/owner", "invalid_metadata"),
            ("/flags/a~1b/variants/y", "mixed_variant_types"),
            ("/flags/a~1b/targeting/zap", "unknown_operator"),
        ];
        assert_eq!(found, expected.map(|(path, code)| (path.to_owned(), code.to_owned())));
    }

    #[test]
    fn flags_that_cannot_be_answered_are_told() {
        let mut flags = serde_json::Map::new();
        let mut add = |key: String, asked: String| {
            let rule = serde_json::json!({"if": [{"==": [{"flag": asked}, "on"]}, "on"]});
            flags.insert(key, serde_json::json!({"state": "ENABLED", "variants": {"on": true}, "targeting": rule}));
        };
        (0..2_000).for_each(|n| add(format!("ring{n:04}"), format!("ring{:04}", (n + 1) % 2_000)));
        (0..200).for_each(|n| add(format!("chain{n}"), format!("chain{}", n + 1)));
        let text = serde_json::json!({ "flags": flags }).to_string();
        let read = burgee_model::flagd::read(text.as_bytes(), burgee_model::Format::Json, &Limits::default()).unwrap();
        let rules = || read.flags.iter().filter_map(|flag| Some((&flag.key, flag.targeting.as_ref()?)));
        let found = prerequisites::in_trouble(rules(), &|_| None);
        let count = |of: &str| found.values().filter(|trouble| trouble.code() == of).count();
        assert_eq!(count("prerequisite_cycle"), 2_000);
        // three levels a flag
        assert_eq!(count("prerequisites_too_deep"), 200 - 512 / 3);
        let told = document(&read, Bucketing::default(), &Limits::default());
        assert_eq!((told[0].path.as_str(), told[0].code.as_str()), ("/flags/ring0000/targeting", "prerequisite_cycle"));
    }
}
