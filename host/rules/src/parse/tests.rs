//! What rules become, and what is said about those that have faults.

use burgee_model::Value;
use proptest::{collection::vec, prelude::*};
use serde_json::json;

use super::*;
use crate::{generators, ir::Expr};

fn segments(name: &str) -> Option<Json> {
    Some(match name {
        "eu" => json!({"in": [{"var": "country"}, ["de", "fr"]]}),
        "bad" => json!({"if": [{"nope": 1}, 2]}),
        "nested" => json!({"!": {"$ref": "eu"}}),
        "odd" => json!({"starts_with": ["a"]}),
        "constant" => json!("on"),
        _ => return None,
    })
}

fn parse_with(targeting: &Json, limits: &Limits) -> Compiled {
    rule(&Key::new("banner").unwrap(), targeting, &Setting::new(&shared_rules(segments), limits))
}

fn parse(targeting: &Json) -> Compiled {
    parse_with(targeting, &Limits::default())
}

fn listed(problems: &[Problem]) -> Vec<(&str, &str)> {
    problems.iter().map(|problem| (problem.path.as_str(), problem.code.as_str())).collect()
}

fn faults(targeting: Json, expected: &[(&str, &str)]) {
    let compiled = parse(&targeting);
    assert_eq!(listed(&compiled.faults), expected, "{targeting}");
    assert_eq!(compiled.rule.is_none(), !expected.is_empty());
}

fn warns(targeting: Json, expected: &[(&str, &str)]) {
    let compiled = parse(&targeting);
    assert_eq!(listed(&compiled.warnings), expected, "{targeting}");
    assert_eq!(compiled.faults, vec![], "{targeting}");
}

#[test]
fn operators_that_are_not_there() {
    faults(json!({"iff": [1, 2]}), &[("/iff", "unknown_operator")]);
    faults(
        json!({"if": [{"a/b": 1}, {"~": 2}]}),
        &[("/if/0/a~1b", "unknown_operator"), ("/if/1/~0", "unknown_operator")],
    );
    faults(json!({"!": {"nope": 1}}), &[("/!/nope", "unknown_operator")]);
    faults(
        json!({"if": [{"guest": [1, 2]}, {"log": []}]}),
        &[("/if/0/guest", "wrong_arguments"), ("/if/1/log", "unknown_operator")],
    );
    let hint = |operator: &str| parse(&json!({operator: []})).faults[0].hint.clone();
    assert_eq!(hint("startsWith"), Some("did you mean `starts_with`?".into()));
    assert_eq!(hint("quite_other"), None);
}

#[test]
fn too_few_operands_are_faults_and_too_many_are_ignored() {
    faults(json!({"==": [1]}), &[("/==", "wrong_arguments")]);
    faults(json!({"!": []}), &[("/!", "wrong_arguments")]);
    faults(json!({"<": 1}), &[("/<", "wrong_arguments")]);
    faults(json!({"in": ["a", {"nope": 1}]}), &[("/in/1/nope", "unknown_operator")]);
    faults(json!({"config": [1]}), &[("/config", "wrong_arguments")]);
    faults(json!({"config": ".."}), &[("/config", "invalid_key")]);
    for (operator, operands) in [
        ("-", json!([])),
        ("/", json!([1])),
        ("%", json!(1)),
        ("min", json!([])),
        ("substr", json!(["a"])),
        ("missing_some", json!([1])),
        ("map", json!([[1]])),
        ("none", json!([])),
        ("reduce", json!([[1]])),
        ("in_network", json!(["10.0.0.1"])),
        ("matches", json!(["a"])),
        ("date", json!([])),
        ("date_part", json!(["hour"])),
        ("percentage", json!([])),
        ("ramp", json!([])),
        ("segment", json!([1])),
    ] {
        let pointer = format!("/{operator}");
        faults(json!({operator: operands}), &[(&pointer.replace("//", "/~1"), "wrong_arguments")]);
    }
    warns(json!({">": [3, 2, 1]}), &[("/>/2", "wrong_arguments")]);
    warns(json!({"<": [1, 2, 3]}), &[]);
    warns(json!({"<": [1, 2, 3, 4]}), &[("/</3", "wrong_arguments")]);
    warns(json!({"var": ["a", 1, 2]}), &[("/var/2", "wrong_arguments")]);
    warns(json!({"and": []}), &[("/and", "wrong_arguments")]);
    warns(json!({"var": "$flagd.flagkey"}), &[("/var", "unknown_property")]);
}

#[test]
fn objects_with_other_than_one_member_are_values() {
    let compiled = parse(&json!({"if": [true, {"a": {"nope": 1}, "b": 2}, {}]}));
    assert_eq!(listed(&compiled.warnings), [("/if/1", "not_an_operation"), ("/if/2", "not_an_operation")]);
    assert!(compiled.rule.is_some());
}

#[test]
fn flagds_operators_give_null_on_bad_operands() {
    let null = Expr::Literal(Value::Null);
    for (targeting, path, code) in [
        (json!({"starts_with": ["a"]}), "/starts_with", "wrong_arguments"),
        (json!({"ends_with": ["a", "b", "c"]}), "/ends_with", "wrong_arguments"),
        (json!({"ends_with": [{"var": "x"}, 1]}), "/ends_with/1", "invalid_argument"),
        (json!({"sem_ver": ["1", "="]}), "/sem_ver", "wrong_arguments"),
        (json!({"sem_ver": ["1", "==", "2"]}), "/sem_ver/1", "invalid_argument"),
        (json!({"sem_ver": ["1", {"var": "x"}, "2"]}), "/sem_ver/1", "invalid_argument"),
        (json!({"sem_ver": ["1.2.3.4", "=", {"var": "x"}]}), "/sem_ver/0", "invalid_argument"),
        (json!({"fractional": []}), "/fractional", "wrong_arguments"),
        (json!({"fractional": "key"}), "/fractional", "wrong_arguments"),
        (json!({"fractional": [1, ["a"]]}), "/fractional/0", "invalid_argument"),
        (json!({"fractional": [["a", 0], ["b", -1]]}), "/fractional", "wrong_arguments"),
        (json!({"fractional": [["a", 2_147_483_647], ["b", 1]]}), "/fractional", "wrong_arguments"),
        (json!({"fractional": [["a", 2_147_483_648u32]]}), "/fractional/0/1", "invalid_argument"),
        (json!({"fractional": [["a", 0.5]]}), "/fractional/0/1", "invalid_argument"),
        (json!({"fractional": [["a", "1"]]}), "/fractional/0/1", "invalid_argument"),
        (json!({"fractional": [["a"], ["b", 1, 2]]}), "/fractional/1", "invalid_argument"),
        (json!({"fractional": [["a"], []]}), "/fractional/1", "invalid_argument"),
        (json!({"fractional": [["a"], "b"]}), "/fractional/1", "invalid_argument"),
        (json!({"fractional": [[["a"]]]}), "/fractional/0/0", "invalid_argument"),
    ] {
        let compiled = parse(&targeting);
        assert_eq!(listed(&compiled.warnings), [(path, code)], "{targeting}");
        assert_eq!(compiled.rule.map(|rule| rule.root), Some(null.clone()), "{targeting}");
    }
    assert_eq!(parse(&json!({"fractional": [["a"], {"var": "x"}]})).faults, []);
}

#[test]
fn our_own_operators_refuse_bad_constants() {
    let ramp = |members: Json| json!({"ramp": members});
    for (targeting, path, code) in [
        (json!({"matches": [{"var": "x"}, "("]}), "/matches/1", "invalid_pattern"),
        (json!({"matches": [{"var": "x"}, {"var": "y"}]}), "/matches", "wrong_arguments"),
        (json!({"in_network": [{"var": "ip"}, "10.0.0.0/8", "10/8"]}), "/in_network/2", "invalid_network"),
        (json!({"in_network": [{"var": "ip"}, ["::/0", 1]]}), "/in_network/1/1", "invalid_network"),
        (json!({"date_part": ["second", 0]}), "/date_part/0", "invalid_argument"),
        (ramp(json!({"start": 0, "end": 1, "begin": 2})), "/ramp/begin", "unknown_member"),
        (ramp(json!({"start": 0})), "/ramp/end", "invalid_ramp"),
        (ramp(json!({"start": "soon", "end": 1})), "/ramp/start", "invalid_ramp"),
        (ramp(json!({"start": 2, "end": 1})), "/ramp/end", "invalid_ramp"),
        (ramp(json!({"start": 0, "end": 1, "from": "1"})), "/ramp/from", "invalid_ramp"),
        (ramp(json!({"start": 0, "end": 1, "steps": 0})), "/ramp/steps", "invalid_ramp"),
        (ramp(json!({"steps": [[1, 2], [1, 3]]})), "/ramp/steps/1/0", "invalid_ramp"),
        (ramp(json!({"steps": [[1]]})), "/ramp/steps/0", "invalid_ramp"),
        (ramp(json!({"steps": []})), "/ramp/steps", "invalid_ramp"),
        (ramp(json!({"steps": [[1, 2]], "to": 3})), "/ramp/to", "invalid_ramp"),
    ] {
        faults(targeting, &[(path, code)]);
    }
    warns(json!({"date": "yesterday"}), &[("/date", "invalid_date")]);
    warns(json!({"segment": "nobody"}), &[]);
    warns(json!({"map": [[1], {"fractional": ["x", ["a"]]}]}), &[("/map/1/fractional", "wrong_arguments")]);
}

#[test]
fn functions_of_constants_are_constants() {
    for (targeting, expected) in [
        (json!({"+": [1, "2"]}), json!(3)),
        (json!({"date": "2026-12-01"}), json!(1_796_083_200)),
        (json!({"substr": ["abc", 1]}), json!("bc")),
        (json!({"matches": ["abc", "b"]}), json!(true)),
    ] {
        let rule = parse(&targeting).rule.unwrap();
        assert_eq!(rule.root, Expr::Literal(Value::from(&expected)), "{targeting}");
    }
    for targeting in [json!({"+": ["x"]}), json!({"merge": [1]})] {
        assert!(matches!(parse(&targeting).rule.unwrap().root, Expr::Call { .. }), "{targeting}");
    }
}

#[test]
fn shared_rules_are_named() {
    let compiled = parse(&json!({"and": [{"$ref": "eu"}, {"$ref": ["eu"]}, {"$ref": "constant"}]}));
    let Some(Rule { root: Expr::And(operands), .. }) = compiled.rule else { panic!("and") };
    let [Expr::Shared(a), Expr::Shared(b), Expr::Literal(Value::Text(_))] = &operands[..] else { panic!("shared") };
    assert!(std::sync::Arc::ptr_eq(a, b));
    faults(json!({"!": {"$ref": "absent"}}), &[("/!/$ref", "unknown_segment")]);
    faults(json!({"$ref": 1}), &[("/$ref", "wrong_arguments")]);
    faults(json!({"$ref": "nested"}), &[("/$ref", "nested_segment")]);
    faults(json!({"and": [{"$ref": "bad"}, {"$ref": "bad"}]}), &[("/and/0/$ref", "unknown_operator")]);
    warns(json!({"$ref": "odd"}), &[("/$ref", "wrong_arguments")]);
    let told = parse(&json!({"$ref": "bad"})).faults[0].message.clone();
    assert_eq!(told, "in the shared rule `bad`, at /if/0/nope: there is no operator `nope`");
}

#[test]
fn a_shared_rule_is_read_once_for_all_flags() {
    let shared = shared_rules(|name| {
        Some(match name {
            "who" => {
                json!({"or": [{"percentage": [50]}, {"in": [{"var": "$flagd.flagKey"}, ["a"]]}, {"matches": [{"var": "x"}, "y"]}]})
            }
            "asks" => json!({"if": [{"flag": "a"}, true]}),
            _ => return None,
        })
    });
    let limits = Limits { patterns_per_rule: 1, ..Limits::default() };
    let read = |flag: &str, rule: Json| super::rule(&Key::new(flag).unwrap(), &rule, &Setting::new(&shared, &limits));
    let who = |flag: &str| match read(flag, json!({"$ref": "who"})).rule.unwrap() {
        Rule { root: Expr::Shared(shared), steps } => (shared, steps),
        other => panic!("{other:?}"),
    };
    assert!(Arc::ptr_eq(&who("a").0, &who("b").0));
    assert_eq!(who("a").1, who("b").1, "it costs each of them as much");
    assert!(read("b", json!({"$ref": "asks"})).rule.is_some());
    let own = read("a", json!({"segment": "asks"})).faults;
    assert_eq!(listed(&own), [("/segment", "prerequisite_cycle")]);
    assert_eq!(own[0].message, "in the shared rule `asks`, at /if/0/flag: a flag cannot ask for itself");
    let more = read("a", json!({"or": [{"$ref": "who"}, {"matches": [{"var": "x"}, "z"]}]}));
    assert_eq!(listed(&more.faults), [("/or/1/matches/1", "too_many_patterns")]);
    let before = read("a", json!({"or": [{"matches": [{"var": "x"}, "z"]}, {"$ref": "who"}]}));
    assert_eq!(listed(&before.faults), [("/or/1/$ref", "too_many_patterns")]);
}

#[test]
fn lists_of_constants_are_constants() {
    let items: Vec<Json> = (0..100_000).map(|n| json!(n % 10)).collect();
    let compiled = parse(&json!({"in": [{"var": "x"}, items]}));
    let Some(Rule { root: Expr::In { haystack, .. }, .. }) = compiled.rule else { panic!("{:?}", compiled.faults) };
    let Expr::Literal(Value::List(list)) = *haystack else { panic!("a constant") };
    assert_eq!(list.len(), 100_000);
}

#[test]
fn sizes_are_bounded() {
    let nested = |levels: usize| (0..levels).fold(json!(1), |inner, _| Json::Array(vec![inner]));
    let limits = Limits { rule_depth: 5, rule_bytes: 30, evaluation_steps: 6, ..Limits::default() };
    let codes = |targeting: &Json| {
        let faults = parse_with(targeting, &limits).faults;
        faults.iter().map(|fault| (fault.path.clone(), fault.code.clone())).collect::<Vec<_>>()
    };
    let root = |code: &str| vec![(String::new(), code.to_owned())];
    assert_eq!(codes(&nested(5)), vec![]);
    assert_eq!(codes(&nested(6)), root("too_deep"));
    assert_eq!(codes(&nested(10_000)), root("too_deep"));
    assert_eq!(codes(&json!("x".repeat(28))), vec![]);
    assert_eq!(codes(&json!("x".repeat(29))), root("too_large"));
    assert_eq!(codes(&json!({"cat": [1, 2, 3, 4, 5]})), vec![]);
    assert_eq!(codes(&json!({"cat": [1, 2, 3, 4, 5, 6]})), root("too_costly"));
    assert_eq!(codes(&json!({"$ref": "eu"})), vec![("/$ref".to_owned(), "too_large".to_owned())]);
}

#[test]
fn many_references_to_a_large_shared_rule_are_too_costly() {
    let large: Vec<Json> = (0..1_000).map(|n| json!({"==": [{"var": "x"}, n]})).collect();
    let shared = SharedRule::new(json!({"or": large}));
    let references: Vec<Json> = (0..1_000).map(|_| json!({"$ref": "large"})).collect();
    let flag = Key::new("f").unwrap();
    let compiled =
        rule(&flag, &json!({"and": references}), &Setting::new(&|_| Some(shared.clone()), &Limits::default()));
    assert_eq!(listed(&compiled.faults), [("", "too_costly")]);
}

#[test]
fn problems_are_not_listed_without_end() {
    let bad: Vec<Json> = (0..1_000).map(|_| json!({"nope": 1})).collect();
    assert_eq!(parse(&json!({"or": bad})).faults.len(), PROBLEMS_MAX);
}

/// Any JSON, with a liking for operators' names.
fn any_json() -> impl Strategy<Value = Json> {
    let name = prop_oneof![
        4 => proptest::sample::select(vec![
            "var", "if", "and", "or", "!", "!!", "==", "<", ">", "in", "cat", "starts_with", "sem_ver", "fractional",
            "$ref", "config", "map", "nope",
        ]).prop_map(str::to_owned),
        1 => "[a-z/~$]{0,3}",
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        prop_oneof![Just("eu".to_owned()), Just("bad".to_owned()), ".{0,4}"].prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 40, 4, move |inner| {
        prop_oneof![
            3 => (name.clone(), vec(inner.clone(), 0..4)).prop_map(|(name, operands)| json!({name: operands})),
            1 => (name.clone(), inner.clone()).prop_map(|(name, operand)| json!({name: operand})),
            1 => vec(inner.clone(), 0..4).prop_map(Json::from),
            1 => vec((name.clone(), inner), 0..3).prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_document_gives_a_rule_or_faults_that_point_into_it(targeting in any_json()) {
        let compiled = parse(&targeting);
        prop_assert_eq!(compiled.rule.is_none(), !compiled.faults.is_empty());
        for problem in compiled.problems() {
            prop_assert!(targeting.pointer(&problem.path).is_some(), "{} in {}", problem.path, targeting);
        }
    }

    #[test]
    fn parsing_is_a_pure_function(targeting in generators::targeting(generators::Language::Burgee)) {
        prop_assert_eq!(parse(&targeting), parse(&targeting));
    }
}

#[test]
fn constants_of_our_own_operators_that_cannot_be_meant() {
    for (rule, path, code) in [
        (json!({"percentage": [101]}), "/percentage/0", "invalid_argument"),
        (json!({"percentage": [-1]}), "/percentage/0", "invalid_argument"),
        (json!({"percentage": ["25"]}), "/percentage/0", "invalid_argument"),
        (json!({"percentage": [null]}), "/percentage/0", "invalid_argument"),
        (json!({"percentage": [25, 7]}), "/percentage/1", "invalid_argument"),
        (json!({"date": null}), "/date", "invalid_date"),
        (json!({"date": [true]}), "/date/0", "invalid_date"),
        (json!({"date_part": ["hour", null]}), "/date_part/1", "invalid_date"),
        (json!({"date_part": ["hour", 0, 1560]}), "/date_part/2", "invalid_argument"),
        (json!({"date_part": ["hour", 0, "60"]}), "/date_part/2", "invalid_argument"),
        (json!({"ramp": {"start": 0, "end": 1, "from": 100}}), "/ramp", "invalid_ramp"),
        (json!({"ramp": {"start": 0, "end": 1, "pause": 101}}), "/ramp/pause", "invalid_ramp"),
        (json!({"ramp": {"steps": [[0, 5], [1, 25]], "pause": 50}}), "/ramp/pause", "invalid_ramp"),
        (json!({"ramp": {"steps": [[0, 0]]}}), "/ramp", "invalid_ramp"),
    ] {
        warns(rule, &[(path, code)]);
    }
    for (rule, path, code) in [
        (json!({"date_part": ["second", 0]}), "/date_part/0", "invalid_argument"),
        (json!({"ramp": {"start": 1, "end": 0}}), "/ramp/end", "invalid_ramp"),
        (json!({"ramp": {"start": 0, "end": 1, "steps": 0}}), "/ramp/steps", "invalid_ramp"),
        (json!({"ramp": {"steps": [[0, 1]], "to": 5}}), "/ramp/to", "invalid_ramp"),
    ] {
        faults(rule, &[(path, code)]);
    }
    for sound in [
        json!({"percentage": [0]}),
        json!({"percentage": [100, {"var": "a"}]}),
        json!({"percentage": [{"var": "share"}, null]}),
        json!({"date": 0}),
        json!({"date_part": ["hour", "2026-12-01", -1559]}),
        json!({"ramp": {"from": 100, "to": 0, "start": 0, "end": 1, "pause": 0}}),
    ] {
        warns(sound, &[]);
    }
}

#[test]
fn what_version_3_buckets_by_is_any_value_but_null() {
    let warned = |rule: Json, bucketing| {
        let limits = Limits::default();
        let segments = shared_rules(segments);
        let setting = Setting { segments: &segments, bucketing, limits: &limits };
        super::rule(&Key::new("banner").unwrap(), &rule, &setting).warnings.len()
    };
    for (by, in_version_2, in_version_3) in
        [(json!(7), 1, 0), (json!(true), 1, 0), (json!("x"), 0, 0), (Json::Null, 0, 1), (json!({"var": "a"}), 0, 0)]
    {
        let rule = json!({"fractional": [by, ["on", 1], ["off", 1]]});
        assert_eq!(warned(rule.clone(), Bucketing::V2), in_version_2, "{rule}");
        assert_eq!(warned(rule.clone(), Bucketing::V3), in_version_3, "{rule}");
    }
    for bucketing in [Bucketing::V2, Bucketing::V3] {
        assert_eq!(warned(json!({"fractional": [["on", 0.5], ["off", 1]]}), bucketing), 1);
    }
}

#[test]
fn patterns_are_bounded_for_a_rule() {
    let of = |count: usize| json!({"or": (0..count).map(|n| json!({"matches": [{"var": "a"}, format!("x{n}")]})).collect::<Vec<_>>()});
    let most = Limits::default().patterns_per_rule;
    assert_eq!(parse(&of(most)).faults, vec![]);
    let faults = parse(&of(most + 1)).faults;
    assert_eq!((faults[0].path.as_str(), faults[0].code.as_str()), ("/or/64/matches/1", "too_many_patterns"));
}

#[test]
fn a_rule_is_as_portable_as_the_shared_rules_that_it_names() {
    let shared = |name: &str| match name {
        "office" => {
            Some(SharedRule::new(json!({"or": [{"in_network": [{"var": "ip"}, "10.0.0.0/8"]}, {"$ref": "plain"}]})))
        }
        "plain" => Some(SharedRule::new(json!({"var": "plan"}))),
        _ => None,
    };
    let own = |rule: Json| own_operators(&rule, &shared, &Limits::default()).into_iter().collect::<Vec<_>>();
    assert_eq!(own(json!({"if": [{"$ref": "plain"}, "on", {"$ref": "absent"}]})), Vec::<&str>::new());
    assert_eq!(own(json!({"if": [{"$ref": ["office"]}, {"date": 0}, "off"]})), ["date", "in_network"]);
}
