//! What is said about flags.

use burgee_model::Limits;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{generators, parse::SharedRule};

fn problems(variants: Json, default_variant: Option<&str>, targeting: Option<Json>) -> Vec<(String, String)> {
    let Json::Object(variants) = variants else { panic!("an object") };
    let shared =
        |name: &str| (name == "colour").then(|| SharedRule::new(json!({"if": [{"var": "x"}, "red", "green"]})));
    let limits = Limits::default();
    let draft = Draft {
        key: &Key::new("banner").unwrap(),
        variants: &variants,
        default_variant,
        targeting: targeting.as_ref(),
        setting: Setting::new(&shared, &limits),
    };
    flag(&draft).into_iter().map(|problem| (problem.path, problem.code)).collect()
}

fn refused(variants: Json, default_variant: Option<&str>, targeting: Option<Json>, expected: &[(&str, &str)]) {
    let found = problems(variants, default_variant, targeting);
    let found: Vec<(&str, &str)> = found.iter().map(|(path, code)| (path.as_str(), code.as_str())).collect();
    assert_eq!(found, expected);
}

fn targeting_refused(targeting: Json, expected: &[(&str, &str)]) {
    refused(json!({"red": 1, "true": 2, "1.5": 3}), None, Some(targeting), expected);
}

#[test]
fn sound_flags_pass() {
    refused(json!({"on": true, "off": false}), Some("on"), None, &[]);
    refused(json!({"on": {"a": 1}, "off": {}}), None, Some(json!({"if": [{"var": "x"}, "on", "off"]})), &[]);
}

#[test]
fn variants_are_of_one_type_that_flags_have() {
    refused(json!({}), None, None, &[("/variants", "variants_missing")]);
    refused(json!({"a": 1, "b/c": "2", "d": 3}), None, None, &[("/variants/b~1c", "mixed_variant_types")]);
    refused(
        json!({"a": 1, "b": null, "c": []}),
        None,
        None,
        &[("/variants/b", "invalid_variant_type"), ("/variants/c", "invalid_variant_type")],
    );
    refused(
        json!({"": 1, "a\n": 2}),
        None,
        None,
        &[("/variants/", "invalid_variant_name"), ("/variants/a\n", "invalid_variant_name")],
    );
}

#[test]
fn the_default_names_a_variant() {
    refused(json!({"on": 1}), Some("off"), None, &[("/defaultVariant", "default_variant_unknown")]);
}

#[test]
fn faults_and_warnings_of_the_rule_are_placed_in_the_flag() {
    targeting_refused(json!({"nope": 1}), &[("/targeting/nope", "unknown_operator")]);
    targeting_refused(json!({"starts_with": [1]}), &[("/targeting/starts_with", "wrong_arguments")]);
    targeting_refused(json!("red"), &[("/targeting", "not_an_object")]);
}

#[test]
fn constants_that_a_rule_gives_name_variants() {
    let unknown = "variant_unknown";
    targeting_refused(json!({"if": [{"var": "x"}, "red", "pink"]}), &[("/targeting/if/2", unknown)]);
    targeting_refused(json!({"if": ["pink", "red", "pink", null, false, 1.5]}), &[]);
    targeting_refused(json!({"if": [1, "red", 2, false]}), &[("/targeting/if/3", unknown)]);
    targeting_refused(json!({"if": "pink"}), &[("/targeting/if", unknown)]);
    targeting_refused(
        json!({"or": [0, "pink", {"if": [1, "rose"]}, "red"]}),
        &[("/targeting/or/1", unknown), ("/targeting/or/2/if/1", unknown)],
    );
    targeting_refused(json!({"and": [1, "", "red"]}), &[("/targeting/and/1", unknown)]);
    targeting_refused(
        json!({"fractional": ["key", ["red", 1], ["pink", 1]]}),
        &[("/targeting/fractional/2/0", unknown)],
    );
    targeting_refused(json!({"or": [{"$ref": "colour"}, {"$ref": "colour"}]}), &[("/targeting/or/0/$ref", unknown)]);
    targeting_refused(json!({"if": [1, ["red"]]}), &[("/targeting/if/1", unknown)]);
    targeting_refused(json!({"==": ["pink", {"var": "x"}]}), &[]);
}

proptest! {
    #[test]
    fn problems_point_into_the_flag(targeting in generators::targeting(generators::Language::Burgee)) {
        let flag = json!({"targeting": targeting, "variants": {"on": true}});
        for (path, _) in problems(json!({"on": true}), None, Some(targeting)) {
            prop_assert!(flag.pointer(&path).is_some(), "{path}");
        }
    }
}
