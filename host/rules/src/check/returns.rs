//! The constants that a rule can give, and whether they name variants.

use std::collections::HashSet;

use burgee_model::{Place, Problem, Value};
use serde_json::{Map, Value as Json};

use super::choices;
use crate::{
    ops::truthy,
    outcome::variant_name,
    parse::{PROBLEMS_MAX, Segments},
};

/// The constants that a rule can give and that name no variant. The rule must compile.
pub(super) fn unknown(targeting: &Json, segments: Segments<'_>, variants: &Map<String, Json>) -> Vec<Problem> {
    let mut search = Search { segments, variants, within: None, seen: HashSet::new(), problems: Vec::new() };
    search.result(targeting, &Place::ROOT);
    search.problems
}

struct Search<'a> {
    segments: Segments<'a>,
    variants: &'a Map<String, Json>,
    /// The pointer of the `$ref` that named what is looked at.
    within: Option<String>,
    /// The shared rules that were looked at.
    seen: HashSet<String>,
    problems: Vec<Problem>,
}

impl Search<'_> {
    /// Looks at a value that the rule can give.
    fn result(&mut self, json: &Json, place: &Place<'_>) {
        let Json::Object(members) = json else { return self.constant(json, place) };
        let mut rest = members.iter();
        let (Some((name, operands)), None) = (rest.next(), rest.next()) else { return self.constant(json, place) };
        let place = place.member(name);
        match name.as_str() {
            "if" | "?:" => each(operands, &place, |at, of, operand, place| {
                if at % 2 == 1 || at + 1 == of {
                    self.result(operand, place);
                }
            }),
            "and" => self.junction(operands, &place, false),
            "or" => self.junction(operands, &place, true),
            "fractional" => each(operands, &place, |_, _, share, place| self.share(share, place)),
            "$ref" => self.reference(operands, &place),
            _ => {}
        }
    }

    /// `and` gives an operand that is false, `or` one that is true, both the last.
    fn junction(&mut self, operands: &Json, place: &Place<'_>, truth: bool) {
        each(operands, place, |at, of, operand, place| {
            let computed = operand.as_object().is_some_and(|members| members.len() == 1);
            if computed || at + 1 == of || truthy(&Value::from(operand)) == truth {
                self.result(operand, place);
            }
        });
    }

    fn share(&mut self, share: &Json, place: &Place<'_>) {
        if let Some(variant) = share.as_array().and_then(|items| items.first()) {
            self.result(variant, &place.item(0));
        }
    }

    /// Each shared rule is looked at once. It refers to no other, so this goes one level deep.
    fn reference(&mut self, operands: &Json, place: &Place<'_>) {
        let name = operands.as_str().or_else(|| operands.get(0)?.as_str());
        let Some(name) = name.filter(|name| self.within.is_none() && self.seen.insert((*name).to_owned())) else {
            return;
        };
        if let Some(shared) = (self.segments)(name) {
            self.within = Some(place.pointer());
            self.result(shared.document(), &Place::ROOT);
            self.within = None;
        }
    }

    fn constant(&mut self, json: &Json, place: &Place<'_>) {
        let value = Value::from(json);
        let message = match variant_name(&value) {
            Ok(None) => return,
            Ok(Some(name)) if self.variants.contains_key(&*name) => return,
            Ok(Some(name)) => format!("the rule gives `{name}`, which is none of the flag's variants"),
            Err(error) => error.to_string(),
        };
        if self.problems.len() < PROBLEMS_MAX {
            let path = self.within.clone().unwrap_or_else(|| place.pointer());
            self.problems.push(Problem::new(path, "variant_unknown", message).hint(choices(self.variants)));
        }
    }
}

/// Calls back for each operand with its index, the number of all, and its place.
fn each(operands: &Json, place: &Place<'_>, mut look: impl FnMut(usize, usize, &Json, &Place<'_>)) {
    match operands {
        Json::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                look(at, items.len(), item, &place.item(at));
            }
        }
        single => look(0, 1, single, place),
    }
}
