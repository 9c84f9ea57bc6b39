//! Why a rule gave what it gave: the value of every operation that was looked at, and which branch decided.
//!
//! Each operation is read and evaluated on its own, by the same parser and the same interpreter as the whole rule:
//! so what is shown is what happened. That costs more than evaluating, which is why the tree is bounded.

use std::cell::Cell;

use burgee_model::{Bucketing, Key, Place, Value};
use serde_json::{Map, Value as Json};

use crate::{
    Budget,
    interpret::{self, Inputs},
    ops::{fractional, number::number_text, truthy},
    parse::{self, Segments, Setting, operation},
};

/// The most operations of one explanation.
const NODES_MAX: usize = 256;

/// What was looked at, in JSON: `{"path", "operator", "value", "operands"?, …}`, with what only some operators have:
/// `branch` (the position of the operand that `if`, `and` or `or` gave), `bucket` and `of` (of a weighted choice),
/// `segment`, `flag`. `error` stands in place of a value that there is none of; `truncated` where the tree was cut.
#[must_use]
pub fn rule(targeting: &Json, segments: Segments<'_>, bucketing: Bucketing, inputs: &Inputs<'_>) -> Json {
    let Ok(flag) = Key::new(inputs.flag_key) else { return Json::Null };
    let setting = Setting { segments, bucketing, limits: inputs.limits };
    let explainer = Explainer { flag, setting, inputs, nodes: Cell::new(0) };
    explainer.node(targeting, &Place::ROOT)
}

struct Explainer<'a, 'i> {
    flag: Key,
    setting: Setting<'a>,
    inputs: &'a Inputs<'i>,
    /// How many operations were explained.
    nodes: Cell<usize>,
}

impl Explainer<'_, '_> {
    fn node(&self, json: &Json, place: &Place<'_>) -> Json {
        let mut node = Map::new();
        node.insert("path".to_owned(), place.pointer().into());
        let value = self.evaluate(json);
        match &value {
            Ok(value) => node.insert("value".to_owned(), value.to_json(&|number| number_text(number).into())),
            Err(error) => node.insert("error".to_owned(), error.clone().into()),
        };
        if let Some((name, operands)) = operation(json) {
            node.insert("operator".to_owned(), name.into());
            self.nodes.set(self.nodes.get() + 1);
            if self.nodes.get() > NODES_MAX {
                node.insert("truncated".to_owned(), true.into());
            } else {
                self.operation(name, operands, &place.member(name), &mut node);
            }
        }
        Json::Object(node)
    }

    /// The value of a part of the rule, as it stands there.
    fn evaluate(&self, json: &Json) -> Result<Value, String> {
        let compiled = parse::rule(&self.flag, json, &self.setting);
        let Some(rule) = compiled.rule else {
            return Err(compiled.faults.into_iter().next().map_or_else(String::new, |fault| fault.message));
        };
        let value = interpret::expression(&rule.root, self.inputs, &mut Budget::new(self.inputs.limits));
        value.map(std::borrow::Cow::into_owned).map_err(|error| error.to_string())
    }

    fn operation(&self, name: &str, operands: &Json, place: &Place<'_>, node: &mut Map<String, Json>) {
        let operands = Operands::of(operands, place);
        match name {
            "if" | "?:" => self.branches(&operands, node),
            "and" => self.junction(&operands, false, node),
            "or" => self.junction(&operands, true, node),
            "fractional" => self.fractional(&operands, node),
            "segment" | "$ref" => self.segment(&operands, node),
            "flag" => {
                drop(node.insert("flag".to_owned(), operands.items.first().copied().cloned().unwrap_or_default()));
            }
            // Only the list is the context's: the body has no value of its own.
            "map" | "filter" | "reduce" | "all" | "some" | "none" => self.all(&operands, 1, node),
            "ramp" => {}
            _ => self.all(&operands, usize::MAX, node),
        }
    }

    fn all(&self, operands: &Operands<'_>, most: usize, node: &mut Map<String, Json>) {
        let shown = operands.operations().take(most).map(|at| operands.explained(self, at));
        insert_operands(node, shown.collect());
    }

    /// Conditions up to the one that holds, and the value beside it.
    fn branches(&self, operands: &Operands<'_>, node: &mut Map<String, Json>) {
        let (mut shown, mut at) = (Vec::new(), 0);
        while at + 1 < operands.items.len() {
            shown.push(operands.explained(self, at));
            if operands.holds(self, at) {
                break;
            }
            at += 2;
        }
        let chosen = if at + 1 < operands.items.len() { at + 1 } else { at };
        if chosen < operands.items.len() {
            shown.push(operands.explained(self, chosen));
            node.insert("branch".to_owned(), chosen.into());
        }
        insert_operands(node, shown);
    }

    /// Operands up to the first of this truth.
    fn junction(&self, operands: &Operands<'_>, truth: bool, node: &mut Map<String, Json>) {
        let mut shown = Vec::new();
        for at in 0..operands.items.len() {
            shown.push(operands.explained(self, at));
            if operands.holds(self, at) == truth || at + 1 == operands.items.len() {
                node.insert("branch".to_owned(), at.into());
                break;
            }
        }
        insert_operands(node, shown);
    }

    /// The value that was hashed, the bucket that it fell into, and of how many.
    fn fractional(&self, operands: &Operands<'_>, node: &mut Map<String, Json>) {
        let values: Vec<Value> = operands.items.iter().map(|item| self.evaluate(item).unwrap_or_default()).collect();
        let (by, shares) = match values.split_first() {
            Some((first, rest)) if !matches!(first, Value::List(_)) => (Some(first), rest),
            _ => (None, values.as_slice()),
        };
        let weight = |share: &Value| match share {
            Value::List(share) => share.get(1).map_or(Some(1), fractional::weight),
            _ => None,
        };
        let total = shares.iter().map(weight).try_fold(0, |sum, weight| fractional::add(sum, weight?));
        if let (Some(hash), Some(total)) = (self.hash(by), total) {
            node.insert("bucket".to_owned(), fractional::bucket(hash, total).into());
            node.insert("of".to_owned(), total.into());
        }
        self.all(operands, usize::MAX, node);
    }

    /// What a value to bucket by is hashed to.
    fn hash(&self, by: Option<&Value>) -> Option<u32> {
        let (mut budget, context) = (Budget::new(self.inputs.limits), self.inputs.context);
        let hash = match self.setting.bucketing {
            Bucketing::V2 => fractional::hash(by.unwrap_or(&Value::Null), self.flag.as_str(), context, &mut budget),
            Bucketing::V3 => {
                let key = context.targeting_key().map_or(Value::Null, Value::text);
                fractional::encoded_hash(by, &Value::text(self.flag.as_str()), &key, &mut budget)
            }
        };
        hash.ok().flatten()
    }

    fn segment(&self, operands: &Operands<'_>, node: &mut Map<String, Json>) {
        let Some(name) = operands.items.first().and_then(|name| name.as_str()) else { return };
        node.insert("segment".to_owned(), name.into());
        if let Some(shared) = (self.setting.segments)(name) {
            insert_operands(node, vec![self.node(&shared, &Place::ROOT)]);
        }
    }
}

/// The operands of an operation with their places.
struct Operands<'a> {
    items: Vec<&'a Json>,
    place: &'a Place<'a>,
    listed: bool,
}

impl<'a> Operands<'a> {
    fn of(json: &'a Json, place: &'a Place<'a>) -> Self {
        match json {
            Json::Array(items) => Self { items: items.iter().collect(), place, listed: true },
            one => Self { items: vec![one], place, listed: false },
        }
    }

    /// The positions of those that are operations, or lists of some.
    fn operations(&self) -> impl Iterator<Item = usize> {
        (0..).zip(&self.items).filter(|(_, json)| holds_operation(json)).map(|(at, _)| at)
    }

    fn explained(&self, explainer: &Explainer<'_, '_>, at: usize) -> Json {
        let Some(json) = self.items.get(at) else { return Json::Null };
        if self.listed { explainer.node(json, &self.place.item(at)) } else { explainer.node(json, self.place) }
    }

    fn holds(&self, explainer: &Explainer<'_, '_>, at: usize) -> bool {
        self.items.get(at).is_some_and(|json| explainer.evaluate(json).is_ok_and(|value| truthy(&value)))
    }
}

/// Whether it is an operation, or a list of some.
fn holds_operation(json: &Json) -> bool {
    let of_list = || json.as_array().is_some_and(|items| items.iter().any(|item| operation(item).is_some()));
    operation(json).is_some() || of_list()
}

fn insert_operands(node: &mut Map<String, Json>, operands: Vec<Json>) {
    if !operands.is_empty() {
        node.insert("operands".to_owned(), operands.into());
    }
}

#[cfg(test)]
mod tests {
    use burgee_model::{Context, Limits};
    use serde_json::json;

    use super::*;

    fn explain(targeting: &Json, context: &Json) -> Json {
        let context = Context::new(Value::from(context), &Limits::default()).unwrap();
        let config = |_: &str| Value::Null;
        let limits = Limits::default();
        let inputs =
            Inputs { flag_key: "flag", context: &context, timestamp_seconds: 0, outside: &config, limits: &limits };
        let segments = |name: &str| (name == "eu").then(|| json!({"in": [{"var": "country"}, ["de", "fr"]]}));
        rule(targeting, &segments, Bucketing::V2, &inputs)
    }

    #[test]
    fn the_branch_that_decided_is_told_with_the_values_on_the_way() {
        let targeting = json!({"if": [
            {"==": [{"var": "plan"}, "free"]}, "off",
            {"and": [{"segment": "eu"}, {">": [{"var": "age"}, 17]}]}, {"fractional": [["on", 1], ["off", 1]]},
            "other"
        ]});
        let tree = explain(&targeting, &json!({"plan": "pro", "country": "de", "age": 18, "targetingKey": "user1"}));
        assert_eq!((&tree["operator"], &tree["branch"]), (&json!("if"), &json!(3)));
        let shown = tree["operands"].as_array().unwrap();
        assert_eq!(shown.len(), 3, "the last branch was never looked at");
        assert_eq!(shown[0]["value"], false);
        assert_eq!(shown[0]["operands"][0], json!({"path": "/if/0/==/0", "value": "pro", "operator": "var"}));
        assert_eq!((&shown[1]["value"], &shown[1]["branch"]), (&json!(true), &json!(1)));
        assert_eq!(shown[1]["operands"][0]["segment"], "eu");
        assert_eq!(shown[1]["operands"][0]["operands"][0]["path"], "", "the segment's own document");
        assert_eq!((&shown[2]["of"], &shown[2]["bucket"]), (&json!(2), &json!(1)));
        assert_eq!(shown[2]["value"], tree["value"]);
    }

    #[test]
    fn what_has_no_value_says_why_and_a_large_tree_is_cut() {
        let doubled =
            json!({"reduce": [{"var": "l"}, {"cat": [{"var": "accumulator"}, {"var": "accumulator"}]}, "xx"]});
        let tree = explain(&doubled, &json!({"l": vec![0; 64]}));
        assert!(tree["error"].as_str().unwrap().contains("too costly"), "{tree}");
        let wide = json!({"or": (0..1_000).map(|n| json!({"==": [{"var": "a"}, n]})).collect::<Vec<_>>()});
        let text = explain(&wide, &json!({})).to_string();
        assert!(text.contains("\"truncated\":true"), "{}", text.len());
    }
}
