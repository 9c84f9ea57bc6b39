//! Rules by operator: what each gives for a context.

use std::collections::BTreeMap;

use burgee_model::Key;
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::*;
use crate::{generators, parse};

const FLAG: &str = "banner";
const TIME: u64 = 1_700_000_000;

fn run(rule: &Json, context: &Json, segments: &Map<String, Json>, limits: &Limits) -> Result<Value, EvalError> {
    let flag = Key::new(FLAG).unwrap();
    let compiled = parse::rule(&flag, rule, &|name| segments.get(name).cloned(), &Limits::default());
    assert_eq!(compiled.faults, vec![], "{rule}");
    let entries = BTreeMap::from([("limit", Value::Number(7.0)), ("nothing", Value::Null)]);
    let config = |key: &str| entries.get(key).cloned().unwrap_or_default();
    let context = Context::new(Value::from(context), &Limits::default()).unwrap();
    let inputs = Inputs { flag_key: FLAG, context: &context, timestamp_seconds: TIME, config: &config, limits };
    evaluate(&compiled.rule.unwrap(), &inputs).map(Cow::into_owned)
}

fn gives(context: Json, cases: &[(Json, Json)]) {
    for (rule, expected) in cases {
        let value = run(rule, &context, &Map::new(), &Limits::default());
        assert_eq!(value, Ok(Value::from(expected)), "{rule}");
    }
}

#[test]
fn var_follows_paths() {
    let context = json!({"plan": "pro", "none": null, "user": {"tags": ["a", "b"]}, "1": "one", "a.b": 1, "zero": 0});
    gives(
        context.clone(),
        &[
            (json!({"var": "plan"}), json!("pro")),
            (json!({"var": ["plan"]}), json!("pro")),
            (json!({"var": ["plan", "free"]}), json!("pro")),
            (json!({"var": ["absent", "free"]}), json!("free")),
            (json!({"var": ["none", "free"]}), json!("free")),
            (json!({"var": ["absent", {"var": "plan"}]}), json!("pro")),
            (json!({"var": ["zero", 5]}), json!(0)),
            (json!({"var": "absent"}), Json::Null),
            (json!({"var": "user.tags.1"}), json!("b")),
            (json!({"var": "user.tags.2"}), Json::Null),
            (json!({"var": "user.tags.length"}), Json::Null),
            (json!({"var": "plan.length"}), Json::Null),
            (json!({"var": ["user.none.deep", 1]}), json!(1)),
            (json!({"var": "a.b"}), Json::Null),
            (json!({"var": 1}), json!("one")),
            (json!({"var": "Plan"}), Json::Null),
            (json!({"var": ""}), context.clone()),
            (json!({"var": []}), context.clone()),
            (json!({"var": null}), context),
        ],
    );
}

#[test]
fn what_flagd_sets_does_not_come_from_the_context() {
    gives(
        json!({"$flagd": {"flagKey": "forged", "timestamp": 1, "more": 2}}),
        &[
            (json!({"var": "$flagd.flagKey"}), json!(FLAG)),
            (json!({"var": ["$flagd.flagKey", "x"]}), json!(FLAG)),
            (json!({"var": "$flagd.timestamp"}), json!(TIME)),
            (json!({"var": "$flagd"}), json!({"flagKey": FLAG, "timestamp": TIME})),
            (json!({"var": ["$flagd.more", "x"]}), json!("x")),
            (json!({"var": "$flagd.flagKey.x"}), Json::Null),
        ],
    );
}

#[test]
fn if_takes_the_first_true_branch() {
    gives(
        json!({}),
        &[
            (json!({"if": []}), Json::Null),
            (json!({"if": "a"}), json!("a")),
            (json!({"if": [true]}), json!(true)),
            (json!({"if": [true, "a"]}), json!("a")),
            (json!({"if": [false, "a"]}), Json::Null),
            (json!({"if": [[], "a", "b"]}), json!("b")),
            (json!({"if": ["0", "a", "b"]}), json!("a")),
            (json!({"if": [0, "a", 1, "b"]}), json!("b")),
            (json!({"if": [0, "a", "", "b"]}), Json::Null),
            (json!({"if": [0, "a", null, "b", "c"]}), json!("c")),
            (json!({"if": [{"==": [1, 1]}, {"if": [0, 1, 2]}]}), json!(2)),
        ],
    );
}

#[test]
fn and_and_or_give_operands() {
    gives(
        json!({"on": true, "empty": ""}),
        &[
            (json!({"and": []}), Json::Null),
            (json!({"and": ["a"]}), json!("a")),
            (json!({"and": ["a", 0, "b"]}), json!(0)),
            (json!({"and": ["a", {"var": "on"}, "b"]}), json!("b")),
            (json!({"or": []}), Json::Null),
            (json!({"or": [0, [], "a", "b"]}), json!("a")),
            (json!({"or": [0, {"var": "empty"}]}), json!("")),
            (json!({"!": [{"and": [1, []]}]}), json!(true)),
            (json!({"!!": [{"or": [0, {"var": "on"}]}]}), json!(true)),
            (json!({"!": {"var": "absent"}}), json!(true)),
            (json!({"!!": "0"}), json!(true)),
        ],
    );
}

#[test]
fn comparisons_and_ranges() {
    gives(
        json!({"n": 5, "list": [1]}),
        &[
            (json!({"==": [1, "1"]}), json!(true)),
            (json!({"===": [1, "1"]}), json!(false)),
            (json!({"!=": [1, "1"]}), json!(false)),
            (json!({"!==": [1, "1"]}), json!(true)),
            (json!({"==": [{"var": "absent"}, null]}), json!(true)),
            (json!({"===": [{"var": "list"}, {"var": "list"}]}), json!(true)),
            (json!({"===": [{"var": "list"}, [1]]}), json!(false)),
            (json!({">=": [{"var": "n"}, "5"]}), json!(true)),
            (json!({"<": [1, {"var": "n"}, 10]}), json!(true)),
            (json!({"<": [5, {"var": "n"}, 10]}), json!(false)),
            (json!({"<=": [5, {"var": "n"}, 5]}), json!(true)),
            (json!({"<=": [1, {"var": "n"}, 4]}), json!(false)),
            (json!({"<": [1, 2, null]}), json!(false)),
            (json!({">": [3, 2, 9]}), json!(true)),
        ],
    );
}

#[test]
fn texts_and_lists() {
    gives(
        json!({"email": "a@x.org", "tags": ["a", 1], "n": 1.5}),
        &[
            (json!({"in": ["@x", {"var": "email"}]}), json!(true)),
            (json!({"in": ["a", {"var": "tags"}]}), json!(true)),
            (json!({"in": [{"var": "n"}, [1, 1.5]]}), json!(true)),
            (json!({"in": [{"var": "n"}, [{"var": "n"}]]}), json!(true)),
            (json!({"in": ["a", {"var": "absent"}]}), json!(false)),
            (json!({"cat": ["a", {"var": "n"}, null, {"var": "tags"}, true]}), json!("a1.5a,1true")),
            (json!({"cat": []}), json!("")),
            (json!({"cat": {"var": "email"}}), json!("a@x.org")),
            (json!({"starts_with": [{"var": "email"}, "a@"]}), json!(true)),
            (json!({"ends_with": [{"var": "email"}, ".com"]}), json!(false)),
            (json!({"ends_with": [{"var": "n"}, "5"]}), Json::Null),
            (json!({"sem_ver": [{"var": "n"}, ">=", "1.5"]}), json!(true)),
            (json!({"sem_ver": [{"var": "email"}, "=", "1.5"]}), Json::Null),
            (json!([{"var": "n"}, [2]]), json!([1.5, [2]])),
            (json!({"cat": [[[{"var": "n"}], 2]]}), json!("1.5,2")),
        ],
    );
}

#[test]
fn fractional_chooses_by_hash() {
    let shares = |first: Json| json!({"fractional": [first, ["red", 25], ["green", 25], ["blue", 25], ["grey", 25]]});
    // The buckets of these texts among 100 are 36, 76, 0 and 99.
    for (text, expected) in [("jon@company.com", "green"), ("user1", "grey"), ("ejOoVL", "red"), ("ceQdGm", "grey")] {
        gives(json!({"email": text}), &[(shares(json!({"var": "email"})), json!(expected))]);
        gives(json!({}), &[(shares(json!(text)), json!(expected))]);
    }
}

#[test]
fn fractional_without_bucketing_value_takes_flag_and_targeting_key() {
    let rule = json!({"fractional": [["red", 1], ["blue", 1]]});
    let spelled = json!({"fractional": [{"cat": [FLAG, {"var": "targetingKey"}]}, ["red", 1], ["blue", 1]]});
    let null_first = json!({"fractional": [{"var": "absent"}, ["red", 1], ["blue", 1]]});
    for user in 0..32 {
        let context = json!({"targetingKey": format!("user{user}")});
        let expected = run(&spelled, &context, &Map::new(), &Limits::default());
        assert_eq!(run(&rule, &context, &Map::new(), &Limits::default()), expected);
        assert_eq!(run(&null_first, &context, &Map::new(), &Limits::default()), expected);
    }
    for context in [json!({}), json!({"targetingKey": ""}), json!({"targetingKey": 7}), json!({"targetingKey": null})] {
        gives(context, &[(rule.clone(), Json::Null), (null_first.clone(), Json::Null)]);
    }
}

#[test]
fn fractional_gives_null_on_bad_input() {
    let context = json!({"w": 3, "half": 0.5, "text": "1", "list": ["a", 1], "huge": 2_147_483_647});
    let by = |shares: Json| {
        let Json::Array(shares) = shares else { panic!("a list") };
        json!({"fractional": Json::from([vec![json!("user1")], shares].concat())})
    };
    gives(
        context,
        &[
            (by(json!([["a", {"var": "w"}], ["b", -5]])), json!("a")),
            (by(json!([["a"], ["b", {"var": "absent"}]])), Json::Null),
            (by(json!([["a"], ["b", {"var": "half"}]])), Json::Null),
            (by(json!([["a"], ["b", {"var": "text"}]])), Json::Null),
            (by(json!([["a"], ["b", {"var": "huge"}]])), Json::Null),
            (by(json!([["a", 0], ["b", {"var": "huge"}]])), json!("b")),
            (by(json!([[{"var": "list"}], ["b", 0]])), Json::Null),
            (by(json!([["a"], [{"var": "list"}, 0]])), Json::Null),
            (by(json!([[{"var": "text"}], ["b", 0]])), json!("1")),
            (by(json!([[{"var": "absent"}], ["b", 0]])), Json::Null),
            (by(json!([[true]])), json!(true)),
            (by(json!([[2.0]])), json!(2)),
            (json!({"fractional": [{"var": "w"}, ["a"]]}), Json::Null),
        ],
    );
}

#[test]
fn fractional_with_more_shares_than_fit_the_stack() {
    let share = |n: usize| json!([format!("v{n}"), usize::from(n == 20)]);
    let shares: Vec<Json> = (0..30).map(share).collect();
    let rule = json!({"fractional": Json::from([vec![json!("user1")], shares].concat())});
    gives(json!({}), &[(rule, json!("v20"))]);
}

#[test]
fn config_reads_entries() {
    gives(
        json!({}),
        &[
            (json!({"config": "limit"}), json!(7)),
            (json!({"config": ["limit", 1]}), json!(7)),
            (json!({"config": ["absent", 1]}), json!(1)),
            (json!({"config": ["nothing", 1]}), json!(1)),
            (json!({"config": "absent"}), Json::Null),
        ],
    );
}

#[test]
fn shared_rules_are_theirs_that_name_them() {
    let segments =
        json!({"eu": {"in": [{"var": "country"}, ["de", "fr"]]}, "list": ["de", {"var": "country"}], "on": "on"});
    let rule =
        json!({"if": [{"and": [{"$ref": "eu"}, {"!": {"in": ["xx", {"$ref": "list"}]}}]}, {"$ref": "on"}, "off"]});
    for (country, expected) in [("de", "on"), ("us", "off")] {
        let value = run(&rule, &json!({"country": country}), segments.as_object().unwrap(), &Limits::default());
        assert_eq!(value, Ok(Value::text(expected)));
    }
}

#[test]
fn costly_rules_give_up() {
    let few = Limits { evaluation_bytes: 10, evaluation_steps: 3, ..Limits::default() };
    let context = json!({"text": "123456", "list": [1, 2, 3], "long": [1, 2, 3, 4]});
    let costs = |rule: Json| run(&rule, &context, &Map::new(), &few);
    let doubled = json!({"cat": [{"var": "text"}, {"var": "text"}]});
    assert_eq!(costs(doubled.clone()), Err(EvalError::TooCostly));
    assert_eq!(costs(json!({"if": [false, doubled, "x"]})), Ok(Value::text("x")));
    assert_eq!(costs(json!({"in": [9, {"var": "list"}]})), Ok(Value::Bool(false)));
    assert_eq!(costs(json!({"in": [9, {"var": "long"}]})), Err(EvalError::TooCostly));
    assert_eq!(costs(json!({"in": [9, [1, 2, 3, 4, 5]]})), Ok(Value::Bool(false)));
    let twice = json!({"or": [{"in": [9, {"var": "list"}]}, {"in": [1, {"var": "list"}]}]});
    assert_eq!(costs(twice), Err(EvalError::TooCostly));
}

#[test]
fn a_rule_as_deep_as_allowed_runs() {
    let deep = (0..127).fold(json!({"var": "x"}), |inner, _| json!({"!": [inner]}));
    gives(json!({"x": true}), &[(deep, json!(false))]);
}

proptest! {
    #[test]
    fn truth_agrees_with_value(
        rule in generators::targeting(generators::Language::Burgee),
        context in generators::context(),
        segments in generators::segments(),
    ) {
        let value = run(&rule, &context, &segments, &Limits::default());
        let truth = run(&json!({"!!": [rule]}), &context, &segments, &Limits::default());
        prop_assert_eq!(truth, value.map(|value| Value::Bool(ops::truthy(&value))));
    }

    /// What a rule may cost decides only whether it gives its value or gives up.
    #[test]
    fn limits_do_not_change_values(
        rule in generators::targeting(generators::Language::Burgee),
        context in generators::context(),
        bytes in 0usize..40,
        steps in 0u64..8,
    ) {
        let tight = Limits { evaluation_bytes: bytes, evaluation_steps: steps, ..Limits::default() };
        let segments: Map<String, Json> = generators::SEGMENTS.into_iter().map(|name| (name.to_owned(), json!(1))).collect();
        let free = run(&rule, &context, &segments, &Limits::default());
        let bound = run(&rule, &context, &segments, &tight);
        prop_assert!(bound == Err(EvalError::TooCostly) || bound == free);
    }
}
