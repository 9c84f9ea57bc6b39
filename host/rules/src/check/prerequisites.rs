//! Flags that would ask for themselves, by way of other flags, or for more than can be followed.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

use burgee_model::{Key, Problem};
use serde_json::Value as Json;

use crate::{
    parse::{Segments, flags, levels},
    prerequisites::{Asks, Trouble, troubles},
};

/// The most flags that a rule may lead to.
const FOLLOWED_MAX: usize = 1_000;

/// Finds the rules of an environment's flags.
pub type Rules<'a, 'r> = &'a dyn Fn(&str) -> Option<Cow<'r, Json>>;

/// Why a flag cannot ask for what such a rule asks for: it would ask for itself, which the message tells with the way;
/// or what it leads to is too much, or too deep, to be followed.
#[must_use]
pub fn prerequisites(flag: &Key, targeting: &Json, segments: Segments<'_>, rule_of: Rules<'_, '_>) -> Option<Problem> {
    let found = follow(flag.as_str(), targeting, segments, rule_of, &|key| key == flag.as_str())?;
    Some(Problem { path: "/targeting".to_owned(), ..found })
}

/// The same for the rule of a segment that flags name, which a function knows: one of them would ask for itself. Without
/// the levels of their own rules.
#[must_use]
pub fn segment(
    rule: &Json,
    segments: Segments<'_>,
    rule_of: Rules<'_, '_>,
    names_it: &dyn Fn(&str) -> bool,
) -> Option<Problem> {
    // the key of no flag
    follow("\0", rule, segments, rule_of, names_it)
}

/// Follows a rule until one of the flags that it leads to is an end.
fn follow(
    start: &str,
    rule: &Json,
    segments: Segments<'_>,
    rule_of: Rules<'_, '_>,
    is_end: &dyn Fn(&str) -> bool,
) -> Option<Problem> {
    let mut asked_by: BTreeMap<String, String> = BTreeMap::new();
    let mut graph = Graph::default();
    let mut open = graph.add(start, rule, segments);
    while let Some((by, key)) = open.pop() {
        if is_end(&key) {
            return Some(problem(&key, &by, &asked_by));
        }
        if asked_by.contains_key(&key) {
            continue;
        }
        if asked_by.len() >= FOLLOWED_MAX {
            let message = format!("the flag would lead to more than {FOLLOWED_MAX} others: that is not followed");
            return Some(Problem::new("", "too_many_prerequisites", message));
        }
        if let Some(rule) = rule_of(&key) {
            open.extend(graph.add(&key, &rule, segments));
        }
        asked_by.insert(key, by);
    }
    let trouble = graph.troubles().remove(start)?;
    Some(Problem::new("", trouble.code(), trouble.message()))
}

/// The flags among these that cannot be answered.
pub(super) fn in_trouble<'a>(
    rules: impl Iterator<Item = (&'a Key, &'a Json)>,
    segments: Segments<'_>,
) -> HashMap<String, Trouble> {
    let mut graph = Graph::default();
    rules.for_each(|(key, rule)| drop(graph.add(key.as_str(), rule, segments)));
    graph.troubles()
}

/// Flags, what they ask for, and how deep their rules are.
#[derive(Default)]
struct Graph {
    places: HashMap<String, u32>,
    asks: Asks,
    levels: HashMap<u32, usize>,
}

impl Graph {
    /// Adds a flag; gives back its key with each flag that it asks for.
    fn add(&mut self, key: &str, rule: &Json, segments: Segments<'_>) -> Vec<(String, String)> {
        let asked: Vec<String> = flags(rule, segments).collect();
        let at = self.place(key);
        let places = asked.iter().map(|other| self.place(other)).collect();
        self.asks.insert(at, places);
        self.levels.insert(at, levels(rule, segments));
        asked.into_iter().map(|other| (key.to_owned(), other)).collect()
    }

    fn place(&mut self, key: &str) -> u32 {
        let next = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        *self.places.entry(key.to_owned()).or_insert(next)
    }

    fn troubles(&self) -> HashMap<String, Trouble> {
        let asking: Asks =
            self.asks.iter().filter(|(_, asked)| !asked.is_empty()).map(|(at, asked)| (*at, asked.clone())).collect();
        let found = troubles(&asking, |at| self.levels.get(&at).copied().unwrap_or(0));
        let of = |(key, at): (&String, &u32)| found.get(at).map(|trouble| (key.clone(), *trouble));
        self.places.iter().filter_map(of).collect()
    }
}

fn problem(flag: &str, last: &str, asked_by: &BTreeMap<String, String>) -> Problem {
    let mut way = vec![flag, last];
    while let Some(by) = way.last().and_then(|key| asked_by.get(*key)) {
        way.push(by);
    }
    // a segment is named by the flag itself
    let way = way.into_iter().rev().map(|key| if key == "\0" { flag } else { key });
    let way: Vec<String> = way.map(|key| format!("`{key}`")).collect();
    Problem::new("", "prerequisite_cycle", format!("the flag would ask for itself: {}", way.join(", ")))
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
        let rule_of = |key: &str| rules.get(key).map(Cow::Borrowed);
        let found = prerequisites(&Key::new(flag).unwrap(), targeting, &segments, &rule_of);
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

    /// Flags `0` to `count`, each of which asks for the next with so many levels.
    fn chain(count: usize, levels: usize) -> Option<(String, String)> {
        let asks = |at: usize| {
            (2..levels).fold(json!({"!": [{"flag": (at + 1).to_string()}]}), |rule, _| json!({"!": [rule]}))
        };
        let rules: Vec<Json> = (0..count).map(asks).collect();
        let rule_of = |key: &str| rules.get(key.parse::<usize>().ok()?).map(Cow::Borrowed);
        let found = prerequisites(&Key::new("0").unwrap(), &rules[0], &|_| None, &rule_of);
        found.map(|problem| (problem.path, problem.code))
    }

    #[test]
    fn what_cannot_be_followed_to_its_end_is_refused() {
        let of = |code: &str| Some(("/targeting".to_owned(), code.to_owned()));
        assert_eq!(chain(128, 4), None);
        assert_eq!(chain(129, 4), of("prerequisites_too_deep"));
        assert_eq!(chain(256, 2), None);
        let many: Vec<Json> = (0..=FOLLOWED_MAX).map(|n| json!({"flag": format!("a{n}")})).collect();
        let found = |count: usize| {
            let rule = json!({ "or": many[..count].to_vec() });
            prerequisites(&Key::new("f").unwrap(), &rule, &|_| None, &|_| None).map(|problem| problem.code)
        };
        assert_eq!(found(FOLLOWED_MAX), None);
        assert_eq!(found(FOLLOWED_MAX + 1).as_deref(), Some("too_many_prerequisites"));
        // a cycle of more flags than are followed
        let next = |key: &str| (key.parse::<usize>().unwrap() + 1) % 2_000;
        let rule_of = |key: &str| Some(Cow::Owned(json!({"flag": next(key).to_string()})));
        let closed = prerequisites(&Key::new("0").unwrap(), &json!({"flag": "1"}), &|_| None, &rule_of);
        assert_eq!(closed.unwrap().code, "too_many_prerequisites");
    }
}
