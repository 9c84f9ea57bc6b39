//! Generated rules changed at random: constants alone, so that rules are alike; or anything, so that they are what no
//! generator writes.

use proptest::{
    prelude::{Just, prop_oneof},
    strategy::Strategy,
};
use serde_json::{Map, Value as Json, json};

use crate::differential::Random;

/// Operations whose operands name something: other names make rules that have nothing in common.
const NAMING: [&str; 6] = ["var", "config", "$ref", "segment", "flag", "guest"];

const OPERATORS: [&str; 24] = [
    "if",
    "and",
    "or",
    "!",
    "!!",
    "==",
    "!=",
    "===",
    "!==",
    "<",
    "<=",
    ">",
    ">=",
    "in",
    "cat",
    "fractional",
    "sem_ver",
    "starts_with",
    "ends_with",
    "+",
    "%",
    "max",
    "map",
    "var",
];

/// Gives the constants of a rule other values.
pub(crate) fn vary(rule: &mut Json, random: &mut Random) {
    match rule {
        Json::Number(_) => *rule = json!(random.below(30)),
        Json::String(text) if random.below(2) == 0 => text.push('x'),
        Json::Array(items) => items.iter_mut().for_each(|item| vary(item, random)),
        Json::Object(members) => {
            let varied = members.iter_mut().filter(|(name, _)| !NAMING.contains(&name.as_str()));
            varied.for_each(|(_, operands)| vary(operands, random));
        }
        _ => {}
    }
}

/// Changes something anywhere in a rule; `donor` is what parts are taken from.
pub(crate) fn mutate(rule: &mut Json, donor: &Json, random: &mut Random) {
    let places = count(rule);
    let place = random.below(places);
    let part = nth(donor, random.below(count(donor))).cloned().unwrap_or_default();
    let Some(target) = nth_mut(rule, place) else { return };
    match random.below(6) {
        0 => *target = part,
        1 => *target = edge(random),
        2 => *target = json!({ OPERATORS[random.below(OPERATORS.len())]: [target.take(), part] }),
        3 => rename(target, OPERATORS[random.below(OPERATORS.len())]),
        4 => shorten(target, random),
        _ => lengthen(target, part),
    }
}

/// A value where operators have their edges.
fn edge(random: &mut Random) -> Json {
    let texts =
        prop_oneof![Just(0), Just(1), Just(64), Just(65), Just(300)].prop_map(|length| json!("é".repeat(length)));
    let numbers =
        prop_oneof![Just(1e308), Just(-0.0), Just(5e-324), Just(4_294_967_296.0), Just(0.1)].prop_map(Json::from);
    let others =
        prop_oneof![Just(json!(null)), Just(json!([])), Just(json!({})), Just(json!([[], [null]])), Just(json!(true))];
    random.one(&prop_oneof![texts, numbers, others])
}

fn rename(target: &mut Json, name: &str) {
    if let Json::Object(members) = target
        && let Some((_, operands)) = members.iter().next()
    {
        *target = Json::Object(Map::from_iter([(name.to_owned(), operands.clone())]));
    }
}

fn shorten(target: &mut Json, random: &mut Random) {
    if let Json::Array(items) = target
        && !items.is_empty()
    {
        items.remove(random.below(items.len()));
    }
}

fn lengthen(target: &mut Json, part: Json) {
    match target {
        Json::Array(items) => items.push(part),
        other => *other = json!([other.take(), part]),
    }
}

/// How many values there are in a value, itself included.
fn count(json: &Json) -> usize {
    1 + children(json).map(count).sum::<usize>()
}

fn children(json: &Json) -> impl Iterator<Item = &Json> {
    let (items, members) = (json.as_array().into_iter().flatten(), json.as_object().into_iter().flatten());
    items.chain(members.map(|(_, value)| value))
}

fn nth(json: &Json, mut at: usize) -> Option<&Json> {
    if at == 0 {
        return Some(json);
    }
    at -= 1;
    for child in children(json) {
        match at.checked_sub(count(child)) {
            Some(left) => at = left,
            None => return nth(child, at),
        }
    }
    None
}

fn nth_mut(json: &mut Json, mut at: usize) -> Option<&mut Json> {
    if at == 0 {
        return Some(json);
    }
    at -= 1;
    let children: Vec<&mut Json> = match json {
        Json::Array(items) => items.iter_mut().collect(),
        Json::Object(members) => members.values_mut().collect(),
        _ => Vec::new(),
    };
    for child in children {
        match at.checked_sub(count(child)) {
            Some(left) => at = left,
            None => return nth_mut(child, at),
        }
    }
    None
}
