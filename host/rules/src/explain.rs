//! Why a rule gave what it gave: the value of every operation that was looked at, and which branch decided.
//!
//! Each operation is read and evaluated on its own, by the same parser and the same interpreter as the whole rule:
//! so what is shown is what happened. That costs more than evaluating, which is why the tree, the work for it, and the
//! size of the values in it are bounded.

use std::cell::{Cell, RefCell};

use burgee_model::{Bucketing, Key, Limits, Place, Value};
use serde_json::{Map, Value as Json};

use crate::{
    Budget,
    interpret::{self, Inputs},
    ops::{fractional, number::number_text, truthy},
    parse::{self, Segments, Setting, operation},
    weight::weigh,
};

/// The most operations of one explanation.
const NODES_MAX: usize = 256;

/// What one explanation may cost, in evaluations as costly as one may be: the steps of all its parts, and the parts of
/// the rule's document, which are read anew wherever they stand in one that is explained.
const EVALUATIONS: u64 = 2;

/// Steps of going through the values that one explanation shows: items of lists, and 64 bytes each of long texts.
const SHOWN_STEPS: u64 = 4_096;

/// What was looked at, in JSON: `{"path", "operator", "value", "operands"?, …}`, with what only some operators have:
/// `branch` (the position of the operand that `if`, `and` or `or` gave), `bucket` and `of` (of a weighted choice, or of
/// `percentage`), `segment`, `flag`. `error` stands in place of a value that there is none of, `valueTruncated` in place
/// of one that is too large to be shown; `truncated` where the tree was cut.
#[must_use]
pub fn rule(targeting: &Json, segments: Segments<'_>, bucketing: Bucketing, inputs: &Inputs<'_>) -> Json {
    let Ok(flag) = Key::new(inputs.flag_key) else { return Json::Null };
    let setting = Setting { segments, bucketing, limits: inputs.limits };
    let work = Cell::new(inputs.limits.evaluation_steps.saturating_mul(EVALUATIONS));
    let shown = Limits { evaluation_steps: SHOWN_STEPS, ..inputs.limits.clone() };
    let shown = RefCell::new(Budget::new(&shown));
    let explainer = Explainer { flag, setting, inputs, nodes: Cell::new(0), work, shown };
    explainer.node(targeting, &Place::ROOT).json
}

struct Explainer<'a, 'i> {
    flag: Key,
    setting: Setting<'a>,
    inputs: &'a Inputs<'i>,
    /// How many operations were explained.
    nodes: Cell<usize>,
    /// What is left of [`EVALUATIONS`], in steps.
    work: Cell<u64>,
    /// What is left of [`SHOWN_STEPS`].
    shown: RefCell<Budget>,
}

/// An explained part of a rule.
struct Node {
    json: Json,
    /// Whether its value is true.
    holds: bool,
}

/// Why a part of a rule has no value.
enum NoValue {
    /// The explanation would cost too much.
    Truncated,
    /// What is wrong with it.
    Error(String),
}

impl Explainer<'_, '_> {
    fn node(&self, json: &Json, place: &Place<'_>) -> Node {
        let mut node = Map::new();
        node.insert("path".to_owned(), place.pointer().into());
        let value = self.evaluate(json);
        let mut is_cut = matches!(value, Err(NoValue::Truncated));
        match &value {
            Ok(value) => self.show(value, &mut node),
            Err(NoValue::Error(error)) => drop(node.insert("error".to_owned(), error.clone().into())),
            Err(NoValue::Truncated) => {}
        }
        if let Some((name, operands)) = operation(json) {
            node.insert("operator".to_owned(), name.into());
            self.nodes.set(self.nodes.get() + 1);
            is_cut |= self.nodes.get() > NODES_MAX;
            if !is_cut {
                self.operation(name, operands, &place.member(name), &mut node);
            }
        }
        if is_cut {
            node.insert("truncated".to_owned(), true.into());
        }
        Node { json: Json::Object(node), holds: value.is_ok_and(|value| truthy(&value)) }
    }

    fn show(&self, value: &Value, node: &mut Map<String, Json>) {
        // What a rule builds may share its items, and be far larger when it is written out.
        match weigh(value, &mut self.shown.borrow_mut()) {
            Ok(_) => node.insert("value".to_owned(), value.to_json(&|number| number_text(number).into())),
            Err(_) => node.insert("valueTruncated".to_owned(), true.into()),
        };
    }

    /// The value of a part of the rule, as it stands there.
    fn evaluate(&self, json: &Json) -> Result<Value, NoValue> {
        self.spend(parts(json, self.work.get()))?;
        let compiled = parse::rule(&self.flag, json, &self.setting);
        let Some(rule) = compiled.rule else {
            let fault = compiled.faults.into_iter().next();
            return Err(NoValue::Error(fault.map_or_else(String::new, |fault| fault.message)));
        };
        let mut budget = Budget::new(self.inputs.limits);
        let all = budget.steps_left();
        let value = interpret::expression(&rule.root, self.inputs, &mut budget);
        let value = value.map(std::borrow::Cow::into_owned).map_err(|error| NoValue::Error(error.to_string()));
        self.spend(all - budget.steps_left())?;
        value
    }

    fn spend(&self, steps: u64) -> Result<(), NoValue> {
        let left = self.work.get().checked_sub(steps);
        self.work.set(left.unwrap_or(0));
        left.map(drop).ok_or(NoValue::Truncated)
    }

    fn operation(&self, name: &str, operands: &Json, place: &Place<'_>, node: &mut Map<String, Json>) {
        let operands = Operands::of(operands, place);
        match name {
            "if" | "?:" => self.branches(&operands, node),
            "and" => self.junction(&operands, false, node),
            "or" => self.junction(&operands, true, node),
            "fractional" => self.fractional(&operands, node),
            "percentage" => self.percentage(&operands, node),
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
        let shown = operands.operations().take(most).map(|at| operands.explained(self, at).json);
        insert_operands(node, shown.collect());
    }

    /// Conditions up to the one that holds, and the value beside it.
    fn branches(&self, operands: &Operands<'_>, node: &mut Map<String, Json>) {
        let (mut shown, mut at) = (Vec::new(), 0);
        while at + 1 < operands.items.len() {
            let Node { json, holds } = operands.explained(self, at);
            shown.push(json);
            if holds {
                break;
            }
            at += 2;
        }
        let chosen = if at + 1 < operands.items.len() { at + 1 } else { at };
        if chosen < operands.items.len() {
            shown.push(operands.explained(self, chosen).json);
            node.insert("branch".to_owned(), chosen.into());
        }
        insert_operands(node, shown);
    }

    /// Operands up to the first of this truth.
    fn junction(&self, operands: &Operands<'_>, truth: bool, node: &mut Map<String, Json>) {
        let mut shown = Vec::new();
        for at in 0..operands.items.len() {
            let Node { json, holds } = operands.explained(self, at);
            shown.push(json);
            if holds == truth || at + 1 == operands.items.len() {
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

    /// The bucket that who is asked for fell into, in thousandths of a percent.
    fn percentage(&self, operands: &Operands<'_>, node: &mut Map<String, Json>) {
        let by = operands.items.get(1).map_or(Ok(Value::Null), |by| self.evaluate(by)).unwrap_or_default();
        let (mut budget, context) = (Budget::new(self.inputs.limits), self.inputs.context);
        if let Ok(Some(hash)) = fractional::hash(&by, self.flag.as_str(), context, &mut budget) {
            node.insert("bucket".to_owned(), fractional::bucket(hash, fractional::THOUSANDTHS).into());
            node.insert("of".to_owned(), fractional::THOUSANDTHS.into());
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
            insert_operands(node, vec![self.node(shared.document(), &Place::ROOT).json]);
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

    fn explained(&self, explainer: &Explainer<'_, '_>, at: usize) -> Node {
        let Some(json) = self.items.get(at) else { return Node { json: Json::Null, holds: false } };
        if self.listed { explainer.node(json, &self.place.item(at)) } else { explainer.node(json, self.place) }
    }
}

/// How many values a document has; it is not counted much further than to so many.
fn parts(json: &Json, most: u64) -> u64 {
    let within = |parts: u64, json: &Json| if parts > most { parts } else { parts + self::parts(json, most - parts) };
    match json {
        Json::Array(items) => items.iter().fold(1, within),
        Json::Object(members) => members.values().fold(1, within),
        _ => 1,
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
    use crate::parse::SharedRule;

    fn explain(targeting: &Json, context: &Json) -> Json {
        let context = Context::new(Value::from(context), &Limits::default()).unwrap();
        let config = |_: &str| Value::Null;
        let limits = Limits::default();
        let inputs =
            Inputs { flag_key: "flag", context: &context, timestamp_seconds: 0, outside: &config, limits: &limits };
        let segments =
            |name: &str| (name == "eu").then(|| SharedRule::new(json!({"in": [{"var": "country"}, ["de", "fr"]]})));
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

    #[test]
    fn a_value_that_is_small_only_while_it_is_shared_is_not_written_out() {
        let doubled = json!({"reduce": [{"var": "l"}, [{"var": "accumulator"}, {"var": "accumulator"}], 0]});
        let rule = json!({"if": [{"!!": [doubled]}, "on", "off"]});
        let tree = explain(&rule, &json!({"l": vec![0; 60]}));
        assert_eq!(tree["value"], "on");
        let reduced = &tree["operands"][0]["operands"][0];
        assert_eq!((&reduced["operator"], &reduced["valueTruncated"]), (&json!("reduce"), &json!(true)));
        assert!(tree.to_string().len() < 2_000);
    }

    #[test]
    fn a_deep_rule_is_explained_as_far_as_the_work_goes() {
        let wide: Vec<Json> = (0..2_000).map(|n| json!({"==": [{"var": "a"}, n]})).collect();
        let deep = (0..60).fold(json!({"or": wide}), |inner, _| json!({"!": [inner]}));
        let tree = explain(&deep, &json!({}));
        assert_eq!(tree["value"], false);
        let below = |depth: &i32| (0..*depth).fold(&tree, |node, _| &node["operands"][0]);
        let cut = (0..60).find(|depth| below(depth)["truncated"] == true);
        assert!(cut.is_some_and(|depth| depth > 5), "{cut:?}");
    }

    #[test]
    fn a_percentage_shows_its_bucket() {
        let tree = explain(&json!({"percentage": [50]}), &json!({"targetingKey": "user1"}));
        let bucket = tree["bucket"].as_u64().unwrap();
        assert_eq!((&tree["value"], &tree["of"]), (&json!(bucket < 50_000), &json!(100_000)));
    }
}
