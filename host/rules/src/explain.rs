//! Why a rule gave what it gave: the value of every operation that was looked at, and which branch decided.
//!
//! Each operation is read and evaluated on its own, by the same parser and the same interpreter as the whole rule:
//! so what is shown is what happened. That costs more than evaluating, which is why the tree, the work for it, and the
//! size of the values in it are bounded.

use std::cell::{Cell, RefCell};

use burgee_model::{Bucketing, Key, Limits, Place, Value};
use serde_json::{Map, Value as Json, json};

use crate::{
    Budget,
    interpret::{self, Inputs},
    ir::Expr,
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
    /// Whether its value is true; none where it has no value.
    holds: Option<bool>,
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
            // what is null whatever its operands are does not look at them
            let is_settled = matches!(value, Ok(Value::Null)) && self.is_constant(json);
            if !is_cut && !is_settled {
                self.operation(name, operands, &place.member(name), value.as_ref().ok(), &mut node);
            }
        }
        if is_cut {
            node.insert("truncated".to_owned(), true.into());
        }
        Node { json: Json::Object(node), holds: value.ok().map(|value| truthy(&value)) }
    }

    fn show(&self, value: &Value, node: &mut Map<String, Json>) {
        // What a rule builds may share its items, and be far larger when it is written out; and what JSON escapes is larger
        // still.
        let budget = &mut self.shown.borrow_mut();
        let fits = weigh(value, budget).is_ok() && budget.look(escapes(value)).is_ok();
        match fits {
            true => node.insert("value".to_owned(), value.to_json(&|number| number_text(number).into())),
            false => node.insert("valueTruncated".to_owned(), true.into()),
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

    /// Whether it reads as a constant.
    fn is_constant(&self, json: &Json) -> bool {
        let compiled = parse::rule(&self.flag, json, &self.setting);
        compiled.rule.is_some_and(|rule| matches!(rule.root, Expr::Literal(_)))
    }

    fn spend(&self, steps: u64) -> Result<(), NoValue> {
        let left = self.work.get().checked_sub(steps);
        self.work.set(left.unwrap_or(0));
        left.map(drop).ok_or(NoValue::Truncated)
    }

    fn operation(
        &self,
        name: &str,
        operands: &Json,
        place: &Place<'_>,
        value: Option<&Value>,
        node: &mut Map<String, Json>,
    ) {
        let operands = Operands::of(operands, place);
        match name {
            "if" | "?:" => self.branches(&operands, node),
            "and" => self.junction(&operands, false, node),
            "or" => self.junction(&operands, true, node),
            "fractional" => self.fractional(&operands, value, node),
            "percentage" => self.percentage(&operands, node),
            "segment" | "$ref" => self.segment(&operands, node),
            "flag" => {
                drop(node.insert("flag".to_owned(), operands.items.first().copied().cloned().unwrap_or_default()));
            }
            "map" | "filter" | "all" | "some" | "none" => self.these(&operands, |at| at == 0, node),
            // the body has no value of its own: it is evaluated for each item
            "reduce" => self.these(&operands, |at| at != 1, node),
            "var" | "config" => self.default(name, &operands, node),
            "<" | "<=" => self.range(name, &operands, node),
            "!" | "!!" => self.these(&operands, |at| at == 0, node),
            "==" | "!=" | "===" | "!==" | ">" | ">=" | "in" | "missing_some" => {
                self.these(&operands, |at| at < 2, node);
            }
            "ramp" => {}
            _ => self.these(&operands, |_| true, node),
        }
    }

    /// The operations among these operands.
    fn these(&self, operands: &Operands<'_>, which: impl Fn(usize) -> bool, node: &mut Map<String, Json>) {
        let shown = operands.operations().filter(|at| which(*at)).map(|at| operands.explained(self, at).json);
        insert_operands(node, shown.collect());
    }

    /// A default is looked at where there is nothing, but beside a computed path always.
    fn default(&self, name: &str, operands: &Operands<'_>, node: &mut Map<String, Json>) {
        let first = operands.items.first().copied();
        let is_computed = first.is_some_and(|first| first.is_object() || first.is_array());
        let nothing = || matches!(self.alone(name, first.into_iter()), Ok(Value::Null));
        let looked_at = operands.items.len() > 1 && (is_computed || nothing());
        self.these(operands, |at| at == 0 || (at == 1 && looked_at), node);
    }

    /// The end of a range is looked at where the value lies behind its beginning.
    fn range(&self, name: &str, operands: &Operands<'_>, node: &mut Map<String, Json>) {
        let begins = || self.alone(name, operands.items.iter().copied().take(2)).is_ok_and(|holds| truthy(&holds));
        let most = if operands.items.len() > 2 && begins() { 3 } else { 2 };
        self.these(operands, |at| at < most, node);
    }

    /// The value of an operation with some of its operands.
    fn alone<'j>(&self, name: &str, operands: impl Iterator<Item = &'j Json>) -> Result<Value, NoValue> {
        self.evaluate(&json!({ name: operands.cloned().collect::<Vec<Json>>() }))
    }

    /// Conditions up to the one that holds, and the value beside it.
    fn branches(&self, operands: &Operands<'_>, node: &mut Map<String, Json>) {
        let (mut shown, mut at) = (Vec::new(), 0);
        while at + 1 < operands.items.len() {
            let Node { json, holds } = operands.explained(self, at);
            shown.push(json);
            match holds {
                // it was not gone on
                None => return insert_operands(node, shown),
                Some(true) => break,
                Some(false) => at += 2,
            }
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
            let Some(holds) = holds else { break };
            if holds == truth || at + 1 == operands.items.len() {
                node.insert("branch".to_owned(), at.into());
                break;
            }
        }
        insert_operands(node, shown);
    }

    /// The value that was hashed, the bucket that it fell into, and of how many.
    fn fractional(&self, operands: &Operands<'_>, value: Option<&Value>, node: &mut Map<String, Json>) {
        let by_value = self.setting.bucketing == Bucketing::V3 || parse::has_computed_share(&operands.items);
        let values: Vec<Value> = operands.items.iter().map(|item| self.evaluate(item).unwrap_or_default()).collect();
        // without a computed share, the rule and not its value decides what the first operand is
        let is_listed = operands.items.first().is_some_and(|first| first.is_array());
        let is_share = |first: &Value| if by_value { matches!(first, Value::List(_)) } else { is_listed };
        let (by, shares) = match values.split_first() {
            Some((first, rest)) if !is_share(first) => (Some(first), rest),
            _ => (None, values.as_slice()),
        };
        let weight = |share: &Value| match share {
            Value::List(share) => share.get(1).map_or(Some(1), fractional::weight),
            _ => None,
        };
        let total = shares.iter().map(weight).try_fold(0, |sum, weight| fractional::add(sum, weight?));
        let hash = self.hash(by);
        if let (Some(hash), Some(total), Some(true)) = (hash, total, value.map(|value| *value != Value::Null)) {
            node.insert("bucket".to_owned(), fractional::bucket(hash, total).into());
            node.insert("of".to_owned(), total.into());
        }
        // shares are looked at once there is something to bucket by
        let shares = by_value || hash.is_some();
        self.these(operands, |at| shares || (at == 0 && !is_listed), node);
    }

    /// The bucket that who is asked for fell into, in thousandths of a percent.
    fn percentage(&self, operands: &Operands<'_>, node: &mut Map<String, Json>) {
        let by = operands.items.get(1).map_or(Ok(Value::Null), |by| self.evaluate(by)).unwrap_or_default();
        let (mut budget, context) = (Budget::new(self.inputs.limits), self.inputs.context);
        if let Ok(Some(hash)) = fractional::hash(&by, self.flag.as_str(), context, &mut budget) {
            node.insert("bucket".to_owned(), fractional::bucket(hash, fractional::THOUSANDTHS).into());
            node.insert("of".to_owned(), fractional::THOUSANDTHS.into());
        }
        self.these(operands, |at| at < 2, node);
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
        let Some(json) = self.items.get(at) else { return Node { json: Json::Null, holds: None } };
        if self.listed { explainer.node(json, &self.place.item(at)) } else { explainer.node(json, self.place) }
    }
}

/// The bytes that JSON adds to the texts of a value, beside their quotes. The value must have been weighed.
fn escapes(value: &Value) -> usize {
    let of = |text: &str| {
        let escaped = |byte: u8| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 1,
            0..32 => 5,
            _ => 0,
        };
        text.bytes().map(escaped).sum::<usize>()
    };
    match value {
        Value::Text(text) => of(text),
        Value::List(items) => items.iter().map(escapes).sum(),
        Value::Object(members) => members.iter().map(|(name, value)| of(name) + escapes(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
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

    use super::*;
    use crate::parse::SharedRule;

    fn explain(targeting: &Json, context: &Json) -> Json {
        explain_within(targeting, context, Limits::default())
    }

    fn explain_within(targeting: &Json, context: &Json, limits: Limits) -> Json {
        let context = Context::new(Value::from(context), &Limits::default()).unwrap();
        let config = |_: &str| Value::Null;
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

    #[test]
    fn what_follows_a_condition_without_a_value_was_not_looked_at() {
        let limits = Limits { evaluation_steps: 50, ..Limits::default() };
        let costly = json!({"some": [{"var": "l"}, {"==": [{"var": ""}, "x"]}]});
        for rule in
            [json!({"if": [costly, "on", "off"]}), json!({"or": [costly, "on"]}), json!({"and": [costly, "on"]})]
        {
            let tree = explain_within(&rule, &json!({"l": vec![0; 64]}), limits.clone());
            assert!(tree["error"].is_string(), "{tree}");
            assert_eq!((&tree["branch"], tree["operands"].as_array().unwrap().len()), (&Json::Null, 1), "{tree}");
        }
    }

    #[test]
    fn only_what_was_hashed_has_a_bucket() {
        let context = json!({"targetingKey": "user1", "list": ["a", 3], "weight": 1.5, "mail": "x"});
        let shares = json!([["a", 50], ["b", {"var": "weight"}]]);
        for by in [json!({"var": "list"}), json!({"var": "weight"}), json!({"var": "mail"})] {
            let tree = explain(&json!({"fractional": [by, shares[0], shares[1]]}), &context);
            assert_eq!((&tree["value"], &tree["bucket"]), (&Json::Null, &Json::Null), "{tree}");
            let shown = tree["operands"].as_array().unwrap().len();
            assert_eq!(
                shown,
                if by == json!({"var": "mail"}) { 2 } else { 1 },
                "without a hash no share is looked at: {tree}"
            );
        }
        let computed = json!({"fractional": [{"var": "mail"}, {"if": [true, ["a", 5], ["b", 1]]}]});
        assert_eq!(explain(&computed, &context)["of"], 5);
    }

    #[test]
    fn operands_that_were_not_looked_at_are_not_shown() {
        let context = json!({"a": 1, "l": [1]});
        let shown = |rule: Json| -> Vec<String> {
            let tree = explain(&rule, &context);
            let operands = tree["operands"].as_array().cloned().unwrap_or_default();
            operands.iter().map(|node| node["path"].as_str().unwrap().to_owned()).collect()
        };
        let computed = || json!({"if": [{"var": "a"}, "x", "y"]});
        let body = || json!({"==": [{"var": ""}, {"var": "a"}]});
        for (rule, expected) in [
            (json!({"some": [["p", "q"], body()]}), vec![]),
            (json!({"map": [{"var": "l"}, body()]}), vec!["/map/0"]),
            (json!({"reduce": [[1], {"var": "current"}, {"var": "a"}]}), vec!["/reduce/2"]),
            (json!({"var": ["a", computed()]}), vec![]),
            (json!({"var": ["z", computed()]}), vec!["/var/1"]),
            (json!({"var": [{"cat": ["a"]}, computed()]}), vec!["/var/0", "/var/1"]),
            (json!({"<": [{"var": "a"}, 0, {"var": "z"}]}), vec!["/</0"]),
            (json!({"<": [{"var": "a"}, 2, {"var": "z"}]}), vec!["/</0", "/</2"]),
            (json!({"==": [{"var": "a"}, 1, {"var": "z"}]}), vec!["/==/0"]),
            (json!({"starts_with": [{"var": "a"}]}), vec![]),
        ] {
            assert_eq!(shown(rule.clone()), expected, "{rule}");
        }
    }

    #[test]
    fn what_json_escapes_counts_as_it_is_written() {
        let tree = |text: &str| {
            let rule = json!({"cat": vec![json!({"var": "t"}); 12]});
            explain(&rule, &json!({"t": text}))
        };
        let plain = tree(&"x".repeat(9_000));
        assert!(plain["value"].is_string());
        let escaped = tree(&"\u{1}".repeat(9_000));
        assert_eq!((&escaped["value"], &escaped["valueTruncated"]), (&Json::Null, &json!(true)));
        assert!(escaped.to_string().len() < 400_000);
        for text in ["\u{1}\u{8}\n\"\\/é", "plain", "\u{7f}\u{2028}"] {
            let value = Value::List([Value::text(text)].into());
            assert_eq!(escapes(&value) + text.len() + 4, json!([text]).to_string().len(), "{text:?}");
        }
    }
}
