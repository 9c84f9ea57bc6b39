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
    let (segments, allowed) = (parse::shared_rules(|name| segments.get(name).cloned()), Limits::default());
    let compiled = parse::rule(&flag, rule, &parse::Setting::new(&segments, &allowed));
    assert_eq!(compiled.faults, vec![], "{rule}");
    let entries = BTreeMap::from([("limit", Value::Number(7.0)), ("nothing", Value::Null)]);
    let config = |key: &str| entries.get(key).cloned().unwrap_or_default();
    let context = Context::new(Value::from(context), &Limits::default()).unwrap();
    let inputs = Inputs { flag_key: FLAG, context: &context, timestamp_seconds: TIME, outside: &config, limits };
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
            // nobody forges it, and where a path is computed it is not there
            (json!({"var": {"cat": ["$flagd.", "flagKey"]}}), Json::Null),
            (json!({"var": ""}), json!({})),
            (json!({"missing": ["$flagd.flagKey", "x"]}), json!(["$flagd.flagKey", "x"])),
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
            (json!({"in": [{"+": ["x"]}, [{"+": ["x"]}]]}), json!(false)),
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
fn arithmetic_and_parts_of_texts() {
    gives(
        json!({"a": 7, "b": "2", "t": "targeting", "n": null}),
        &[
            (json!({"+": [{"var": "a"}, {"var": "b"}, {"var": "n"}]}), json!(9)),
            (json!({"-": {"var": "b"}}), json!(-2)),
            (json!({"/": [{"var": "a"}, {"var": "b"}]}), json!(3.5)),
            (json!({"%": [{"var": "a"}, 4]}), json!(3)),
            (json!({"max": [{"var": "a"}, {"var": "b"}, 3]}), json!(7)),
            (json!({"substr": [{"var": "t"}, -3, 2]}), json!("in")),
            (json!({"if": [{">": [{"/": [{"var": "a"}, 0]}, 1e300]}, "infinite", "finite"]}), json!("infinite")),
            (json!({"if": [{"==": [{"+": ["x"]}, {"+": ["x"]}]}, "same", "NaN"]}), json!("NaN")),
            (json!({"?:": [{"var": "n"}, 1, {"var": "a"}, 2, 3]}), json!(2)),
        ],
    );
}

#[test]
fn lists_are_gone_through() {
    gives(
        json!({"l": [1, 2, 3], "o": [{"n": "x"}, {"n": "y"}, {}], "e": [], "t": "no list", "targetingKey": "k"}),
        &[
            (json!({"map": [{"var": "l"}, {"*": [{"var": ""}, 2]}]}), json!([2, 4, 6])),
            (json!({"map": [{"var": "o"}, {"var": ["n", "z"]}]}), json!(["x", "y", "z"])),
            (json!({"filter": [{"var": "l"}, {"%": [{"var": ""}, 2]}]}), json!([1, 3])),
            (json!({"reduce": [{"var": "l"}, {"+": [{"var": "current"}, {"var": "accumulator"}]}, 10]}), json!(16)),
            (json!({"reduce": [{"var": "e"}, {"var": "current"}]}), json!(null)),
            (json!({"all": [{"var": "l"}, {">": [{"var": ""}, 0]}]}), json!(true)),
            (json!({"all": [{"var": "e"}, true]}), json!(false)),
            (json!({"some": [{"var": "o"}, {"==": [{"var": "n"}, "y"]}]}), json!(true)),
            (json!({"none": [{"var": "l"}, {">": [{"var": ""}, 2]}]}), json!(false)),
            (json!({"none": [{"var": "e"}, true]}), json!(true)),
            (json!({"map": [{"var": "t"}, 1]}), json!([])),
            (
                json!({"map": [[[1, 2], [3]], {"reduce": [{"var": ""}, {"+": [{"var": "current"}, {"var": "accumulator"}]}, 0]}]}),
                json!([3, 3]),
            ),
            (json!({"map": [{"var": "l"}, {"var": "targetingKey"}]}), json!([null, null, null])),
            (json!({"map": [{"var": "o"}, {"missing": ["n"]}]}), json!([[], [], ["n"]])),
            (json!({"merge": [{"var": "l"}, 4, [[5]]]}), json!([1, 2, 3, 4, [5]])),
        ],
    );
}

#[test]
fn what_is_missing_and_paths_that_are_computed() {
    gives(
        json!({"a": 1, "n": null, "s": "", "o": {"p": 2}, "path": "o.p"}),
        &[
            (json!({"missing": ["a", "n", "s", "o.p", "o.q"]}), json!(["n", "s", "o.q"])),
            (json!({"missing": {"merge": ["a", ["b"]]}}), json!(["b"])),
            (json!({"missing_some": [1, ["a", "b"]]}), json!([])),
            (json!({"missing_some": [2, ["a", "b"]]}), json!(["b"])),
            (json!({"if": [{"missing": "a"}, "some", "none"]}), json!("none")),
            (json!({"var": {"var": "path"}}), json!(2)),
            (json!({"var": [{"cat": ["o.", "x"]}, "default"]}), json!("default")),
        ],
    );
}

#[test]
fn our_own_operators() {
    gives(
        json!({"ip": "10.2.3.4", "mail": "ann@x.org", "born": "2008-05-01", "targetingKey": "user-7"}),
        &[
            (json!({"in_network": [{"var": "ip"}, "192.168.0.0/16", "10.0.0.0/8"]}), json!(true)),
            (json!({"in_network": [{"var": "mail"}, "::/0"]}), json!(null)),
            (json!({"matches": [{"var": "mail"}, "^[a-z]+@x\\.org$"]}), json!(true)),
            (json!({"matches": [{"var": "absent"}, "a"]}), json!(null)),
            (json!({"<": [{"date": {"var": "born"}}, {"date": "2008-06-01"}]}), json!(true)),
            (json!({"date_part": ["year", {"var": "born"}]}), json!(2008)),
            (json!({"percentage": [100]}), json!(true)),
            (json!({"percentage": [0]}), json!(false)),
            (json!({"percentage": [100, {"var": "ip"}]}), json!(true)),
            (json!({"percentage": ["50"]}), json!(null)),
            (json!({"ramp": {"start": 0, "end": 4_000_000_000_000u64, "to": 0}}), json!(0)),
            (json!({"ramp": {"from": 5, "steps": [[0, 30], [4_000_000_000_000u64, 100]]}}), json!(30)),
        ],
    );
}

#[test]
fn whoever_a_percentage_takes_in_stays_in_while_it_grows() {
    let share = |percent: f64, key: &str| {
        let rule = json!({"percentage": [percent]});
        run(&rule, &json!({"targetingKey": key}), &Map::new(), &Limits::default()).unwrap() == Value::Bool(true)
    };
    let counts = [1.0, 12.5, 50.0].map(|percent| {
        (0..4_000)
            .map(|n| format!("user-{n}"))
            .filter(|key| share(percent, key))
            .inspect(|key| assert!(share(percent + 10.0, key)))
            .count()
    });
    for (count, expected) in counts.into_iter().zip([40.0, 500.0, 2000.0]) {
        let off = (count as f64 - expected).abs();
        assert!(off < 4.0 * f64::sqrt(expected), "{count} for {expected}");
    }
}

#[test]
fn going_through_lists_costs_steps() {
    let limits = Limits { evaluation_steps: 50, ..Limits::default() };
    let cost = |items: usize| {
        let rule = json!({"map": [{"var": "l"}, {"+": [{"var": ""}, 1]}]});
        run(&rule, &json!({"l": vec![1; items]}), &Map::new(), &limits)
    };
    assert!(cost(16).is_ok());
    assert_eq!(cost(17), Err(EvalError::TooCostly));
    // Each round doubles the text, so that nothing but the bound on bytes ends it.
    let doubled = json!({"reduce": [{"var": "l"}, {"cat": [{"var": "accumulator"}, {"var": "accumulator"}]}, "xx"]});
    assert_eq!(run(&doubled, &json!({"l": vec![0; 64]}), &Map::new(), &Limits::default()), Err(EvalError::TooCostly));
    let merged = json!({"reduce": [{"var": "l"}, {"merge": [{"var": "accumulator"}, {"var": "accumulator"}]}, [1]]});
    assert_eq!(run(&merged, &json!({"l": vec![0; 64]}), &Map::new(), &Limits::default()), Err(EvalError::TooCostly));
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
        // as text, for what is no number equals nothing
        let same = format!("{bound:?}") == format!("{free:?}");
        prop_assert!(bound == Err(EvalError::TooCostly) || same);
    }
}

fn reduced(body: &Json, items: usize) -> Result<Value, EvalError> {
    let rule = json!({"reduce": [{"var": "l"}, body, 0]});
    run(&rule, &json!({"l": vec![0; items]}), &Map::new(), &Limits::default())
}

#[test]
fn what_a_rule_nests_is_bounded() {
    let nest = json!([{"var": "accumulator"}]);
    assert!(reduced(&nest, 500).is_ok());
    for items in [crate::VALUE_LEVELS_MAX + 1, 30_000] {
        assert_eq!(reduced(&nest, items), Err(EvalError::TooCostly), "{items}");
    }
    let thrice = json!({"reduce": [[1, 2, 3], [{"var": "accumulator"}], {"var": "accumulator"}]});
    assert!(reduced(&thrice, 100).is_ok());
    assert_eq!(reduced(&thrice, 30_000), Err(EvalError::TooCostly));
    let filtered = json!({"filter": [[[{"var": "accumulator"}]], true]});
    assert_eq!(reduced(&filtered, 30_000), Err(EvalError::TooCostly));
}

#[test]
fn a_list_that_grows_without_getting_deeper_is_as_long_as_the_steps_allow() {
    let longer = json!({"merge": [{"var": "accumulator"}, [{"var": "current"}]]});
    let value = reduced(&longer, 400).unwrap();
    assert!(matches!(value, Value::List(items) if items.len() == 401));
}

/// A list of 2 to the 60th items, in 180 steps.
fn doubled() -> Json {
    json!({"reduce": [{"var": "l"}, [{"var": "accumulator"}, {"var": "accumulator"}], 0]})
}

#[test]
fn what_a_rule_doubles_is_never_written_out() {
    let context = json!({"l": vec![0; 60], "targetingKey": "user1"});
    for consumer in [json!({"cat": [doubled()]}), json!({"==": [doubled(), "0"]}), json!({"guest": ["g", doubled()]})] {
        let value = run(&consumer, &context, &Map::new(), &Limits::default());
        assert_eq!(value, Err(EvalError::TooCostly), "{consumer}");
    }
    let looked_for = json!({"in": ["x", doubled()]});
    let found = run(&looked_for, &context, &Map::new(), &Limits::default());
    assert_eq!(found, Ok(Value::Bool(false)), "its two items alone are looked at");
    let flag = Key::new(FLAG).unwrap();
    let (segments, limits) = (|_: &str| None, Limits::default());
    let setting = parse::Setting { segments: &segments, bucketing: burgee_model::Bucketing::V3, limits: &limits };
    // a list would be a share; within an object it is hashed
    let held = json!({"reduce": [[1], {"var": ""}, doubled()]});
    let rule = json!({"fractional": [held, ["a", 1], ["b", 1]]});
    let compiled = parse::rule(&flag, &rule, &setting).rule.unwrap();
    let context = Context::new(Value::from(&context), &limits).unwrap();
    let config = |_: &str| Value::Null;
    let inputs =
        Inputs { flag_key: FLAG, context: &context, timestamp_seconds: TIME, outside: &config, limits: &limits };
    let value = evaluate(&compiled, &inputs).map(Cow::into_owned);
    assert_eq!(value, Err(EvalError::TooCostly));
}
