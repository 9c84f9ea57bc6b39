//! What a rule asks for by name, with the places where it does.

use std::collections::BTreeSet;

use burgee_model::{Place, Problem};
use serde_json::Value as Json;

use super::{Segments, operation};

/// The most names that are listed of one rule.
pub const REFERENCES_MAX: usize = 1_000;

/// What kind of thing is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    /// Another flag.
    Flag,
    /// A shared rule, by `segment`. (One that is named by `$ref` must exist.)
    Segment,
    /// A guest.
    Guest,
    /// A config entry.
    Config,
}

/// A name in a rule, where it is first asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Of what.
    pub thing: Thing,
    /// The name.
    pub name: String,
    /// Where it stands, relative to the rule; of what a shared rule asks for, where that is named.
    pub path: String,
}

impl Reference {
    /// That there is no such thing, so that the rule goes on with what that gives.
    #[must_use]
    pub fn missing(&self) -> Problem {
        let Self { thing, name, path } = self;
        let (code, message) = match thing {
            Thing::Flag => ("unknown_flag", format!("there is no flag `{name}`: this gives null")),
            Thing::Segment => ("unknown_segment", format!("there is no segment `{name}`: nobody is in it")),
            Thing::Guest => ("unknown_guest", format!("there is no guest `{name}`: this gives null")),
            Thing::Config => {
                ("unknown_config", format!("there is no config entry `{name}`: this gives the default, or null"))
            }
        };
        Problem::warning(path, code, message)
    }
}

/// What a shared rule asks for.
pub type Asked = (Thing, Box<str>);

/// What a rule asks for, by way of its shared rules too, each once. Goes as deep as the rule, which must be bounded.
#[must_use]
pub fn references(rule: &Json, segments: Segments<'_>) -> Vec<Reference> {
    Search::of(rule, segments, REFERENCES_MAX).found
}

/// What a rule asks for itself, each once, and the shared rules that it names, with the places where it first does. What
/// these ask for is the same for all rules: [`SharedRule::asked`](super::SharedRule::asked).
#[must_use]
pub fn own_references(rule: &Json) -> (Vec<Reference>, Vec<Reference>) {
    let search = Search::of(rule, &|_| None, REFERENCES_MAX);
    (search.found, search.named)
}

/// The flags that a rule asks for, by way of its shared rules too, each once and all of them.
pub(crate) fn flags(rule: &Json, segments: Segments<'_>) -> impl Iterator<Item = String> {
    let found = Search::of(rule, segments, usize::MAX).found.into_iter();
    found.filter(|reference| reference.thing == Thing::Flag).map(|reference| reference.name)
}

/// What a shared rule asks for, each once.
pub(super) fn asked(rule: &Json) -> Vec<Asked> {
    let found = Search::of(rule, &|_| None, usize::MAX).found.into_iter();
    found.map(|reference| (reference.thing, reference.name.into())).collect()
}

/// The names of the shared rules that a rule asks for. Goes as deep as the rule, which must be bounded.
pub(super) fn shared(rule: &Json) -> BTreeSet<String> {
    Search::of(rule, &|_| None, 0).shared
}

struct Search<'a> {
    segments: Segments<'a>,
    /// How many names are listed.
    most: usize,
    seen: BTreeSet<(Thing, String)>,
    shared: BTreeSet<String>,
    found: Vec<Reference>,
    /// The shared rules, where they are first named.
    named: Vec<Reference>,
}

impl<'a> Search<'a> {
    fn of(rule: &Json, segments: Segments<'a>, most: usize) -> Self {
        let (seen, shared) = (BTreeSet::new(), BTreeSet::new());
        let mut search = Self { segments, most, seen, shared, found: Vec::new(), named: Vec::new() };
        search.look(rule, &Place::ROOT);
        search
    }

    fn look(&mut self, json: &Json, place: &Place<'_>) {
        if let Some((name, operand)) = operation(json) {
            let place = place.member(name);
            match name {
                "flag" => self.note(Thing::Flag, operand, &place),
                "guest" => self.note(Thing::Guest, operand, &place),
                "config" => self.note(Thing::Config, operand, &place),
                "segment" => {
                    self.note(Thing::Segment, operand, &place);
                    self.look_into(operand, &place);
                }
                "$ref" => self.look_into(operand, &place),
                _ => {}
            }
        }
        match json {
            Json::Array(items) => {
                items.iter().enumerate().for_each(|(at, item)| self.look(item, &place.item(at)));
            }
            Json::Object(members) => members.iter().for_each(|(name, value)| self.look(value, &place.member(name))),
            _ => {}
        }
    }

    fn note(&mut self, thing: Thing, operand: &Json, place: &Place<'_>) {
        if let Some(name) = named(operand) {
            self.add(thing, name, place);
        }
    }

    fn add(&mut self, thing: Thing, name: &str, place: &Place<'_>) {
        if self.found.len() < self.most && self.seen.insert((thing, name.to_owned())) {
            self.found.push(Reference { thing, name: name.to_owned(), path: place.pointer() });
        }
    }

    /// A shared rule refers to no other, so this goes one level deep.
    fn look_into(&mut self, operand: &Json, place: &Place<'_>) {
        let Some(name) = named(operand) else { return };
        if !self.shared.insert(name.to_owned()) {
            return;
        }
        self.named.push(Reference { thing: Thing::Segment, name: name.to_owned(), path: place.pointer() });
        if let Some(shared) = (self.segments)(name) {
            shared.asked().iter().for_each(|(thing, name)| self.add(*thing, name, place));
        }
    }
}

/// The name that an operand is, or begins with.
fn named(operand: &Json) -> Option<&str> {
    operand.as_str().or_else(|| operand.get(0)?.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::SharedRule, *};

    #[test]
    fn each_name_is_listed_once_with_its_place() {
        let rule = json!({"if": [
            {"flag": ["a"]}, {"guest": ["g", {"config": "k"}]},
            {"segment": "s"}, {"flag": "a"},
            {"$ref": "t"}, {"cat": ["flag", "z"]}
        ]});
        let segments =
            |name: &str| (name == "t").then(|| SharedRule::new(json!({"==": [{"flag": "b"}, {"config": ["k", 1]}]})));
        let found = references(&rule, &segments);
        let found: Vec<_> = found.iter().map(|r| (r.thing, r.name.as_str(), r.path.as_str())).collect();
        let expected = [
            (Thing::Flag, "a", "/if/0/flag"),
            (Thing::Guest, "g", "/if/1/guest"),
            (Thing::Config, "k", "/if/1/guest/1/config"),
            (Thing::Segment, "s", "/if/2/segment"),
            (Thing::Flag, "b", "/if/4/$ref"),
        ];
        assert_eq!(found, expected);
    }
}
