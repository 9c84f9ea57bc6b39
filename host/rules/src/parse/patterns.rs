//! The patterns (`matches`) of rules: which there are, and how many an environment may have.

use std::collections::{BTreeSet, HashSet};

use burgee_model::Problem;
use serde_json::Value as Json;

use super::{Segments, operation, references};

/// The patterns of a rule, by way of its shared rules too. Goes as deep as the rule, which must be bounded.
#[must_use]
pub fn patterns(rule: &Json, segments: Segments<'_>) -> BTreeSet<String> {
    let mut found = own(rule);
    let shared = references::shared(rule).into_iter().filter_map(|name| segments(&name));
    shared.for_each(|shared| found.extend(shared.patterns().iter().cloned()));
    found
}

/// Those that stand in a document itself. Goes as deep as it, which must be bounded.
#[must_use]
pub fn own(rule: &Json) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    look(rule, &mut |name, operands| {
        if let ("matches", Some(pattern)) = (name, operands.get(1).and_then(Json::as_str)) {
            found.insert(pattern.to_owned());
        }
    });
    found
}

fn look(json: &Json, each: &mut dyn FnMut(&str, &Json)) {
    if let Some((name, operands)) = operation(json) {
        each(name, operands);
    }
    match json {
        Json::Array(items) => items.iter().for_each(|item| look(item, each)),
        Json::Object(members) => members.values().for_each(|value| look(value, each)),
        _ => {}
    }
}

/// The patterns that an environment has, equal ones once, and how many it may have. Flags take theirs in the order of
/// their keys, so all nodes find the same ones beyond it.
pub struct PatternRoom {
    taken: HashSet<String>,
    most: usize,
}

impl PatternRoom {
    /// Without any.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self::holding(HashSet::new(), most)
    }

    /// With these, however many.
    #[must_use]
    pub fn holding(taken: HashSet<String>, most: usize) -> Self {
        Self { taken, most }
    }

    /// Takes a flag's patterns; false, and nothing is taken, where there is no room for those that are new. Looks at no
    /// more of them than show that.
    pub fn take<'a>(&mut self, patterns: impl Iterator<Item = &'a String>) -> bool {
        let room = self.most.saturating_sub(self.taken.len());
        let mut new: HashSet<&String> = HashSet::new();
        for pattern in patterns.filter(|pattern| !self.taken.contains(*pattern)) {
            new.insert(pattern);
            if new.len() > room {
                return false;
            }
        }
        self.taken.extend(new.into_iter().cloned());
        true
    }

    /// That a flag's patterns are beyond it.
    #[must_use]
    pub fn full(&self, path: &str) -> Problem {
        let message =
            format!("the rules of an environment may have {} patterns together, with this one more", self.most);
        Problem::new(path, "too_many_patterns", message).hint("equal patterns count once, so a shared one is free")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::parse::shared_rules;

    #[test]
    fn patterns_are_those_of_the_rule_and_its_shared_rules() {
        let segments = shared_rules(|name| {
            (name == "s").then(|| json!({"or": [{"matches": [{"var": "a"}, "z"]}, {"matches": [{"var": "b"}, "x"]}]}))
        });
        let rule = json!({"if": [{"matches": [{"var": "a"}, "x"]}, "on", {"segment": "s"}, "off"]});
        assert_eq!(patterns(&rule, &segments).into_iter().collect::<Vec<_>>(), ["x", "z"]);
        assert!(patterns(&json!({"cat": ["matches", "s"]}), &segments).is_empty());
    }

    #[test]
    fn equal_patterns_count_once_and_who_has_no_room_takes_none() {
        let mut room = PatternRoom::new(2);
        let mut take = |patterns: &[&str]| {
            let patterns: Vec<String> = patterns.iter().map(|text| (*text).to_owned()).collect();
            room.take(patterns.iter())
        };
        assert!(take(&["a"]));
        assert!(!take(&["b", "c"]));
        assert!(take(&["a", "d"]));
        assert!(!take(&["c"]));
        assert!(take(&["d"]) && take(&[]));
    }
}
