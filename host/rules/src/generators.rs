//! Random rules and contexts for tests: a small vocabulary, so that rules meet what contexts hold, and a
//! liking for the values where the operators' semantics have their edges.
//!
//! Rules from here always compile, though some of their operations are without effect.

use burgee_model::{Context, Limits, Value};
use proptest::{
    collection::vec,
    option,
    prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof},
    sample::select,
};
use serde_json::{Map, Value as Json, json};

/// Which operators a rule may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Those of jsonlogic.com, which engines run that know nothing of flagd.
    JsonLogic,
    /// Those of flagd, which its reference implementations run too.
    Flagd,
    /// Also our own.
    Burgee,
}

/// The names of the shared rules that generated rules refer to; [`segments`] gives them all.
pub const SEGMENTS: [&str; 3] = ["friends", "countries", "grown_up"];

/// The keys of the config entries that generated rules read; [`config`] gives some of them.
pub const CONFIG_KEYS: [&str; 3] = ["limit", "mode", "absent"];

/// The names that the paths of generated rules have to do with; [`context`] gives some of them.
const ATTRIBUTES: [&str; 8] = ["plan", "age", "email", "version", "beta", "tags", "user", "targetingKey"];

const PATHS: [&str; 20] = [
    "plan",
    "plan",
    "age",
    "age",
    "email",
    "version",
    "version",
    "beta",
    "tags",
    "tags.0",
    "tags.7",
    "tags.x",
    "user",
    "user.name",
    "user.tags.1",
    "user.none.deep",
    "targetingKey",
    "absent",
    "",
    "plan.x",
];

const TEXTS: [&str; 16] = [
    "",
    "0",
    "1",
    "on",
    "off",
    "pro",
    "free",
    "a@x.org",
    "x.org",
    "true",
    "null",
    " 1 ",
    "0x10",
    "1,2",
    "é\u{10000}",
    "\u{ffff}",
];

const VERSIONS: [&str; 10] =
    ["1", "1.2", "1.2.0", "v1.2.3", "1.2.3-rc.1", "1.2.3-rc.10", "2.0.0", "1.2.3.4", "x", "01.2.3"];

const NUMBERS: [f64; 12] = [0.0, -0.0, 1.0, 2.0, -1.0, 0.5, 17.0, 18.0, 1e21, 1e-7, 9_007_199_254_740_993.0, 1.2];

const COMPARISONS: [&str; 8] = ["==", "!=", "===", "!==", "<", "<=", ">", ">="];

const VERSION_COMPARISONS: [&str; 9] = ["=", "!=", "<", "<=", ">", ">=", "^", "~", "?"];

/// A rule. Most give `"on"`, `"off"`, a boolean or null, some any value at all.
pub fn targeting(language: Language) -> BoxedStrategy<Json> {
    let expression = expression(language);
    let condition = condition(language, &expression);
    let variant = prop_oneof![
        4 => select(vec![json!("on"), json!("off"), json!("other"), Json::Null]),
        2 => choice(language, &expression),
        1 => expression.clone(),
    ]
    .boxed();
    prop_oneof![
        6 => vec((condition.clone(), variant.clone()), 1..4).prop_flat_map(move |arms| {
            let arms: Vec<Json> = arms.into_iter().flat_map(|(condition, value)| [condition, value]).collect();
            option::of(variant.clone()).prop_map(move |last| operation_of("if", [arms.clone(), last.into_iter().collect()].concat()))
        }),
        2 => choice(language, &expression),
        1 => condition,
        1 => expression.prop_filter("rules are objects", Json::is_object),
    ]
    .boxed()
}

/// A context, as a request carries it.
pub fn context() -> BoxedStrategy<Json> {
    let wild = (select(ATTRIBUTES.to_vec()), attribute());
    vec(prop_oneof![2 => usual(), 1 => wild], 0..12).prop_map(|members| Json::Object(named(members))).boxed()
}

/// A context, as rules see it.
#[must_use]
pub fn as_context(json: &Json) -> Context {
    Context::new(Value::from(json), &Limits::default()).unwrap_or_default()
}

/// The shared rules, one for each of [`SEGMENTS`].
pub fn segments() -> BoxedStrategy<Map<String, Json>> {
    let expression = operations(Language::Flagd, operand(Language::Flagd), 2);
    vec(expression, SEGMENTS.len()).prop_map(|rules| named(SEGMENTS.into_iter().zip(rules))).boxed()
}

/// The config entries.
pub fn config() -> BoxedStrategy<Map<String, Json>> {
    let keys = CONFIG_KEYS.into_iter().filter(|key| *key != "absent").collect::<Vec<_>>();
    vec((select(keys), attribute()), 0..3).prop_map(named).boxed()
}

fn operation_of(name: &'static str, operands: Vec<Json>) -> Json {
    Json::Object(Map::from_iter([(name.to_owned(), Json::Array(operands))]))
}

fn named(members: impl IntoIterator<Item = (&'static str, Json)>) -> Map<String, Json> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A constant that is neither list nor object.
fn scalar() -> BoxedStrategy<Json> {
    prop_oneof![
        5 => text(),
        2 => select(VERSIONS.to_vec()).prop_map(Json::from),
        4 => select(NUMBERS.to_vec()).prop_map(Json::from),
        1 => (-1000i32..1000).prop_map(Json::from),
        2 => any::<bool>().prop_map(Json::from),
        1 => Just(Json::Null),
    ]
    .boxed()
}

/// A text, now and then one that costs something to look through.
fn text() -> BoxedStrategy<Json> {
    let long = select(vec![64, 65, 250, 1_300]).prop_map(|bytes| "1".repeat(bytes));
    let version = select(vec![58, 59, 240]).prop_map(|bytes| format!("1.2.3+{}", "a".repeat(bytes)));
    prop_oneof![12 => select(TEXTS.to_vec()).prop_map(Json::from), 1 => prop_oneof![long, version].prop_map(Json::from)]
        .boxed()
}

/// What an attribute holds.
fn attribute() -> BoxedStrategy<Json> {
    prop_oneof![
        6 => scalar(),
        2 => vec(scalar(), 0..4).prop_map(Json::from),
        1 => vec(vec(scalar(), 0..2).prop_map(Json::from), 0..2).prop_map(Json::from),
        2 => (scalar(), vec(scalar(), 0..3)).prop_map(|(name, tags)| json!({"name": name, "tags": tags})),
        1 => Just(json!({})),
    ]
    .boxed()
}

/// An attribute that holds what its name promises.
fn usual() -> BoxedStrategy<(&'static str, Json)> {
    prop_oneof![
        text().prop_map(|text| ("plan", text)),
        text().prop_map(|text| ("email", text)),
        text().prop_map(|text| ("targetingKey", text)),
        select(NUMBERS.to_vec()).prop_map(|number| ("age", json!(number))),
        select(VERSIONS.to_vec()).prop_map(|version| ("version", json!(version))),
        any::<bool>().prop_map(|beta| ("beta", json!(beta))),
        vec(text(), 1..4).prop_map(|tags| ("tags", Json::from(tags))),
        (text(), vec(text(), 0..3)).prop_map(|(name, tags)| ("user", json!({"name": name, "tags": tags}))),
    ]
    .boxed()
}

/// An operand without operands of its own, but for defaults.
fn operand(language: Language) -> BoxedStrategy<Json> {
    let path = select(PATHS.to_vec());
    let plain = prop_oneof![
        6 => path.clone().prop_map(|path| json!({"var": path})),
        1 => (path, scalar()).prop_map(|(path, default)| json!({"var": [path, default]})),
        6 => scalar(),
        1 => vec(scalar(), 0..4).prop_map(Json::from),
    ];
    let set_by_flagd = select(vec!["$flagd.flagKey", "$flagd.timestamp", "$flagd"]);
    let flagd = prop_oneof![14 => plain.clone(), 1 => set_by_flagd.prop_map(|path| json!({"var": [path]}))];
    match language {
        Language::JsonLogic => plain.boxed(),
        Language::Flagd => flagd.boxed(),
        Language::Burgee => prop_oneof![
            12 => flagd,
            1 => select(CONFIG_KEYS.to_vec()).prop_map(|key| json!({"config": key})),
            1 => (select(CONFIG_KEYS.to_vec()), scalar()).prop_map(|(key, default)| json!({"config": [key, default]})),
        ]
        .boxed(),
    }
}

fn expression(language: Language) -> BoxedStrategy<Json> {
    let shared = select(SEGMENTS.to_vec()).prop_map(|name| json!({"$ref": name}));
    let sharing = || prop_oneof![14 => operand(language), 1 => shared].boxed();
    match language {
        Language::JsonLogic => operations(language, operand(language), 4),
        Language::Flagd => operations(language, sharing(), 4),
        Language::Burgee => {
            let nested = move |inner: BoxedStrategy<Json>| {
                prop_oneof![5 => operation(language, &inner), 1 => own(&inner)].boxed()
            };
            sharing().prop_recursive(4, 24, 4, nested).boxed()
        }
    }
}

/// Operations on such operands, nested to some depth.
fn operations(language: Language, operand: BoxedStrategy<Json>, depth: u32) -> BoxedStrategy<Json> {
    operand.prop_recursive(depth, 24, 4, move |inner| operation(language, &inner.boxed()).boxed()).boxed()
}

/// The operators of our own, but those for segments.
fn own(operand: &BoxedStrategy<Json>) -> BoxedStrategy<Json> {
    let dates = || {
        prop_oneof![
            select(vec!["2026-12-01", "2026-11-30T23:30:00Z", "2027-01-01T00:00:00.5+02:00"]).prop_map(Json::from),
            Just(json!({"var": "$flagd.timestamp"})),
            operand.clone(),
        ]
    };
    let parts = select(vec!["year", "month", "day", "hour", "minute", "weekday"]);
    let patterns = select(vec!["^a", "x\\.org$", "^\\d+$", "o", ""]);
    let addresses = prop_oneof![select(vec!["10.1.2.3", "::1", "1"]).prop_map(Json::from), operand.clone()];
    let ramps = select(vec![
        json!({"start": 0, "end": "2100-01-01"}),
        json!({"from": 20, "to": 10, "start": "2020-01-01", "end": "2040-01-01", "steps": 7, "pause": 15}),
        json!({"steps": [[0, 1], ["2026-01-01", 50], ["2090-01-01", 100]]}),
    ]);
    prop_oneof![
        1 => dates().prop_map(|when| json!({"date": [when]})),
        1 => (parts, dates(), select(vec![0, 90, -600])).prop_map(|(part, when, offset)| json!({"date_part": [part, when, offset]})),
        1 => (operand.clone(), patterns).prop_map(|(text, pattern)| json!({"matches": [text, pattern]})),
        1 => addresses.prop_map(|address| json!({"in_network": [address, "10.0.0.0/8", ["::/64"]]})),
        1 => ramps.prop_map(|ramp| json!({"ramp": ramp})),
        1 => (operand.clone(), option::of(operand.clone())).prop_map(|(share, by)| {
            operation_of("percentage", [vec![share], by.into_iter().collect()].concat())
        }),
        1 => select(SEGMENTS.to_vec()).prop_map(|name| json!({"segment": name})),
        1 => (select(vec!["map", "filter", "all", "some", "none"]), operand.clone(), body(false))
            .prop_map(|(name, list, body)| json!({name: [list, body]})),
        1 => (operand.clone(), option::of(0..40usize), nesting(), operand.clone()).prop_map(|(list, many, body, first)| {
            let list = many.map_or(list, |many| vec![1; many].into());
            json!({"reduce": [list, body, first]})
        }),
    ]
    .boxed()
}

/// A body of `reduce` that makes lists of what it is given, which grow with every item.
fn nesting() -> BoxedStrategy<Json> {
    body(true)
        .prop_flat_map(|other| {
            let part = prop_oneof![3 => Just(json!({"var": "accumulator"})), 1 => Just(other)];
            prop_oneof![
                3 => vec(part.clone(), 1..3).prop_map(Json::from),
                1 => vec(part, 1..3).prop_map(|parts| json!({"merge": [parts, [1]]})),
            ]
        })
        .boxed()
}

/// What is evaluated for each item of a list.
fn body(reduced: bool) -> BoxedStrategy<Json> {
    let paths = if reduced { vec!["current", "accumulator", ""] } else { vec!["", "name"] };
    let leaf = prop_oneof![3 => select(paths).prop_map(|path| json!({"var": path})), 1 => scalar()];
    let pair = |inner: BoxedStrategy<Json>| {
        prop_oneof![
            (select(vec!["+", "cat", "and", "or", "merge"]), vec(inner.clone(), 2..3))
                .prop_map(|(name, of)| json!({name: of})),
            (select(COMPARISONS.to_vec()), (inner.clone(), inner)).prop_map(|(name, (a, b))| json!({name: [a, b]})),
        ]
        .boxed()
    };
    leaf.prop_recursive(2, 6, 2, pair).boxed()
}

/// The operators that go through lists.
fn listed(operand: &BoxedStrategy<Json>) -> BoxedStrategy<Json> {
    // What is no list is left to our own tests: other engines go through the characters of a text, or fail.
    let list = || {
        prop_oneof![
            2 => select(vec!["tags", "user.tags"]).prop_map(|path| json!({"merge": [{"var": path}]})),
            2 => vec(scalar(), 0..4).prop_map(Json::from),
            1 => operand.clone().prop_map(|operand| json!({"merge": [operand]})),
        ]
    };
    let names = select(vec!["map", "filter", "all", "some", "none"]);
    prop_oneof![
        3 => (names, list(), body(false)).prop_map(|(name, list, body)| json!({name: [list, body]})),
        1 => (list(), body(true), scalar()).prop_map(|(list, body, first)| json!({"reduce": [list, body, first]})),
    ]
    .boxed()
}

/// Arithmetic, parts of texts, and what is missing.
fn computed(operand: &BoxedStrategy<Json>) -> BoxedStrategy<Json> {
    let several = vec(operand.clone(), 2..4);
    let numbers = prop_oneof![3 => select(NUMBERS.to_vec()).prop_map(Json::from), 1 => operand.clone()].boxed();
    let few = vec(numbers, 2..4);
    let named: Vec<&str> = PATHS.into_iter().filter(|path| !path.is_empty()).collect();
    let names = || vec(select(named.clone()), 1..4);
    prop_oneof![
        3 => (select(vec!["+", "-", "*", "/", "%", "min", "max"]), few).prop_map(|(name, operands)| json!({name: operands})),
        1 => (select(vec!["+", "-"]), scalar()).prop_map(|(name, operand)| json!({name: [operand]})),
        1 => (select(vec!["+", "-", "*", "min", "max"]), select(vec!["tags", "user.tags", "age"]), 0..3).prop_map(
            |(name, path, form)| match form {
                0 => json!({name: {"var": path}}),
                1 => json!({name: [{"var": path}]}),
                _ => json!({name: {"merge": [{"var": path}, 1]}}),
            }
        ),
        1 => several.prop_map(|operands| json!({"merge": operands})),
        1 => (operand.clone(), -3..4, option::of(-3..4)).prop_map(|(text, from, length)| match length {
            Some(3) => json!({"substr": [text, from, null]}),
            Some(length) => json!({"substr": [text, from, length]}),
            None => json!({"substr": [text, from]}),
        }),
        1 => names().prop_map(|names| json!({"missing": names})),
        1 => (0..3, names()).prop_map(|(need, names)| json!({"missing_some": [need, names]})),
        1 => operand.clone().prop_map(|path| json!({"var": [{"cat": [path]}]})),
    ]
    .boxed()
}

fn operation(language: Language, operand: &BoxedStrategy<Json>) -> BoxedStrategy<Json> {
    let several = vec(operand.clone(), 1..4);
    prop_oneof![
        2 => computed(operand),
        1 => listed(operand),
        6 => condition(language, operand),
        2 => (select(vec!["and", "or", "if", "cat"]), several.clone()).prop_map(|(name, operands)| json!({name: operands})),
        1 => (select(vec!["!", "!!"]), operand.clone()).prop_map(|(name, operand)| json!({name: [operand]})),
        1 => several.prop_map(Json::from),
        1 => choice(language, operand),
    ]
    .boxed()
}

/// An operation that gives a boolean, or null.
fn condition(language: Language, operand: &BoxedStrategy<Json>) -> BoxedStrategy<Json> {
    let pair = || (operand.clone(), operand.clone());
    let tested = (select(vec!["plan", "age", "version", "tags.0", "user.name"]), scalar());
    let version = || prop_oneof![2 => select(VERSIONS.to_vec()).prop_map(Json::from), 1 => Just(json!({"var": "version"})), 1 => operand.clone()];
    let affixed = || prop_oneof![Just(json!({"var": "email"})), text(), operand.clone()];
    let haystack = prop_oneof![
        3 => vec(scalar(), 0..6).prop_map(Json::from),
        1 => text(),
        2 => operand.clone(),
    ];
    let plain = prop_oneof![
        4 => (select(COMPARISONS.to_vec()), pair()).prop_map(|(name, (a, b))| json!({name: [a, b]})),
        4 => (select(COMPARISONS.to_vec()), tested).prop_map(|(name, (path, b))| json!({name: [{"var": path}, b]})),
        1 => (select(vec!["<", "<="]), operand.clone(), pair()).prop_map(|(name, a, (b, c))| json!({name: [a, b, c]})),
        3 => (operand.clone(), haystack).prop_map(|(needle, haystack)| json!({"in": [needle, haystack]})),
    ];
    match language {
        Language::JsonLogic => plain.boxed(),
        Language::Flagd | Language::Burgee => prop_oneof![
            12 => plain,
            2 => (version(), select(VERSION_COMPARISONS.to_vec()), version()).prop_map(|(a, op, b)| json!({"sem_ver": [a, op, b]})),
            2 => (select(vec!["starts_with", "ends_with"]), affixed(), affixed()).prop_map(|(name, a, b)| json!({name: [a, b]})),
        ]
        .boxed(),
    }
}

/// `fractional`; where that is unknown, something else that gives a value.
fn choice(language: Language, operand: &BoxedStrategy<Json>) -> BoxedStrategy<Json> {
    match language {
        Language::JsonLogic => computed(operand),
        Language::Flagd | Language::Burgee => fractional(operand),
    }
}

fn fractional(operand: &BoxedStrategy<Json>) -> BoxedStrategy<Json> {
    let variant =
        prop_oneof![4 => select(vec![json!("on"), json!("off"), json!(true)]), 1 => scalar(), 1 => operand.clone()];
    let weight = prop_oneof![
        6 => (0u32..100).prop_map(Json::from),
        1 => select(vec![json!(-5), json!(0), json!(2_147_483_647u32), json!(0.5)]),
        1 => operand.clone(),
    ];
    let share = (variant, option::weighted(0.8, weight));
    let share = share.prop_map(|(variant, weight)| Json::from([vec![variant], weight.into_iter().collect()].concat()));
    let computed = (operand.clone(), share.clone(), share.clone()).prop_map(|(test, a, b)| json!({"if": [test, a, b]}));
    let share = prop_oneof![9 => share, 1 => computed];
    let bucket_by = prop_oneof![
        Just(json!({"var": "email"})),
        Just(json!({"cat": [{"var": "$flagd.flagKey"}, {"var": "plan"}]})),
        text(),
        Just(Json::Null),
    ];
    (option::of(bucket_by), vec(share, 1..4))
        .prop_map(|(bucket_by, shares)| operation_of("fractional", [bucket_by.into_iter().collect(), shares].concat()))
        .boxed()
}

#[cfg(test)]
mod tests {
    use burgee_model::Key;
    use proptest::prelude::*;

    use super::*;
    use crate::parse;

    proptest! {
        #[test]
        fn generated_rules_compile(targeting in targeting(Language::Burgee), segments in segments()) {
            let flag = Key::new("flag").unwrap();
            let (segments, limits) = (parse::shared_rules(|name| segments.get(name).cloned()), Limits::default());
            let compiled = parse::rule(&flag, &targeting, &parse::Setting::new(&segments, &limits));
            prop_assert_eq!(compiled.faults, vec![]);
        }
    }
}
