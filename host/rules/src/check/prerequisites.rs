//! Flags that would ask for themselves, by way of other flags.

use std::collections::BTreeMap;

use burgee_model::{Key, Problem};
use serde_json::Value as Json;

use crate::parse::{Segments, Thing, references};

/// The most flags that are followed. A longer way is refused when it is evaluated, if at all.
const FOLLOWED_MAX: usize = 1_000;

/// That a flag would ask for itself with such a rule; with the way in the message. `rule_of` gives the rules of the
/// environment's other flags.
#[must_use]
pub fn cycle(
    flag: &Key,
    targeting: &Json,
    segments: Segments<'_>,
    rule_of: &dyn Fn(&str) -> Option<Json>,
) -> Option<Problem> {
    let mut asked_by: BTreeMap<String, String> = BTreeMap::new();
    let mut open: Vec<(String, String)> = Vec::new();
    let ask = |open: &mut Vec<_>, by: &str, rule: &Json| {
        open.extend(asked(rule, segments).map(|key| (by.to_owned(), key)));
    };
    ask(&mut open, flag.as_str(), targeting);
    while let Some((by, key)) = open.pop() {
        if key == flag.as_str() {
            return Some(problem(flag, &by, &asked_by));
        }
        if asked_by.contains_key(&key) || asked_by.len() >= FOLLOWED_MAX {
            continue;
        }
        if let Some(rule) = rule_of(&key) {
            ask(&mut open, &key, &rule);
        }
        asked_by.insert(key, by);
    }
    None
}

fn problem(flag: &Key, last: &str, asked_by: &BTreeMap<String, String>) -> Problem {
    let mut way = vec![flag.as_str(), last];
    while let Some(by) = way.last().and_then(|key| asked_by.get(*key)) {
        way.push(by);
    }
    let way: Vec<String> = way.into_iter().rev().map(|key| format!("`{key}`")).collect();
    Problem::new("/targeting", "prerequisite_cycle", format!("the flag would ask for itself: {}", way.join(", ")))
}

/// The flags that a rule asks for, by way of its shared rules too.
fn asked(rule: &Json, segments: Segments<'_>) -> impl Iterator<Item = String> {
    let flags = references(rule, segments).into_iter().filter(|reference| reference.thing == Thing::Flag);
    flags.map(|reference| reference.name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::parse::SharedRule;

    fn way(flag: &str, targeting: &Json) -> Option<String> {
        let rules = json!({
            "a": {"flag": "b"},
            "b": {"if": [{"segment": "s"}, "on"]},
            "c": {"and": [{"flag": ["d"]}, {"flag": "e"}]},
            "d": "on",
            "loop": {"flag": "other"},
            "other": {"flag": "loop"},
        });
        let segments = |name: &str| (name == "s").then(|| SharedRule::new(json!({"flag": "c"})));
        let found = cycle(&Key::new(flag).unwrap(), targeting, &segments, &|key| rules.get(key).cloned());
        found.map(|problem| problem.message)
    }

    #[test]
    fn a_cycle_is_told_with_its_way() {
        let message = way("e", &json!({"if": [{"flag": "a"}, "on"]}));
        assert_eq!(message.unwrap(), "the flag would ask for itself: `e`, `a`, `b`, `c`, `e`");
        assert_eq!(way("f", &json!({"flag": "a"})), None);
        assert_eq!(way("f", &json!({"flag": "loop"})), None, "that is not its own cycle");
        assert_eq!(way("a", &json!({"cat": ["flag", "a"]})), None);
    }
}
