use std::sync::Arc;

use proptest::{prelude::*, sample::Index};

use super::*;
use crate::Value;

const NAMES: [&str; 3] = ["plan", "age", "user"];

fn kept() -> Kept {
    Kept::of(&NAMES.map(Arc::from))
}

fn is_kept(name: &str) -> bool {
    NAMES.contains(&name)
}

/// The way by a tree of everything, of which afterwards only what is kept is left.
fn by_tree(text: &[u8], limits: &Limits) -> Result<Value, String> {
    let whole = Context::whole(text, limits).map_err(|error| kind(&error))?;
    let Value::Object(members) = whole.root() else { return Err("no object".into()) };
    Ok(Value::Object(members.iter().filter(|(name, _)| is_kept(name)).cloned().collect()))
}

fn sparingly(text: &[u8], limits: &Limits) -> Result<Value, String> {
    let read = Context::from_request(text, &kept(), limits).map_err(|error| kind(&error))?;
    let Value::Object(members) = read.root() else { return Err("no object".into()) };
    // what had to be read whole has more, which changes no answer
    Ok(Value::Object(members.iter().filter(|(name, _)| is_kept(name)).cloned().collect()))
}

fn kind(error: &WireError) -> String {
    match error {
        WireError::Syntax(_) => "syntax".into(),
        WireError::Refused(refused) => refused.to_string(),
    }
}

#[test]
fn reading_sparingly_agrees_with_reading_everything() {
    let limits = Limits { context_attributes: 3, ..Limits::default() };
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let contexts = [
        "null",
        "{}",
        "7",
        "true",
        "-1",
        "1.5",
        r#""text""#,
        "[]",
        "[1,{\"a\":2}]",
        "[1,",
        r#"{"plan":"pro","other":[1,{"x":null}],"age":1e3}"#,
        r#"{"plan":1,"plan":2}"#,
        r#"{"a":1,"a":2,"b":3,"c":4}"#,
        r#"{"a":1,"b":2,"c":3,"d":4}"#,
        r#"{"a":1,"plan":{"x":{"y":1}}}"#,
        r#"{"a":1,"plan":{"x":{"y":1},"z":2}}"#,
        r#"{"plan":{"x":1,"x":2,"x":3,"x":4},"plan":{"y":1}}"#,
        r#"{"a":{"x":1,"x":2,"x":3,"x":4}}"#,
        r#"{"pl\u0061n":"\u00e9","\u0061ge":2}"#,
        r#"{"plan":"\ud800"}"#,
        r#"{"other":"\ud800"}"#,
        r#"{"\udc00":1}"#,
        r#"{"other":1e999}"#,
        r#"{"plan":1e999}"#,
        r#"{"other":01}"#,
        r#"{"":1,"a.b":2}"#,
        r#"{"a":1} x"#,
        r#"{"a":tru}"#,
        "{\"other\":\"a\u{1}\"}",
        &format!(r#"{{"plan":{}}}"#, deep(125)),
        &format!(r#"{{"plan":{}}}"#, deep(126)),
        &format!(r#"{{"other":{}}}"#, deep(125)),
        &format!(r#"{{"other":{}}}"#, deep(126)),
        &format!(r#"{{"other":{}}}"#, deep(30)),
    ];
    for context in contexts {
        for text in [
            format!(r#"{{"context":{context}}}"#),
            format!(r#"{{"a":[],"context":{context},"b":{{"c":1}}}}"#),
            format!(r#"{{"context":{context},"context":{{}}}}"#),
            context.to_owned(),
        ] {
            assert_eq!(sparingly(text.as_bytes(), &limits), by_tree(text.as_bytes(), &limits), "{text}");
        }
    }
}

#[test]
fn a_context_has_so_many_levels_and_no_more() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    for name in ["plan", "other"] {
        for (levels, good) in [(29, true), (30, false), (125, false), (126, false), (10_000, false)] {
            let text = format!(r#"{{"beside":{},"context":{{"{name}":{}}}}}"#, nested(100), nested(levels));
            let read = Context::from_request(text.as_bytes(), &kept(), &Limits::default());
            let refused = matches!(read, Err(WireError::Refused(ContextError::TooDeep { max: 30 })));
            assert_eq!((read.is_ok(), refused), (good, !good), "{name}: {levels}");
        }
    }
}

#[test]
fn a_name_that_is_there_twice_is_found_among_thousands() {
    let limits = Limits { context_attributes: 10_000, ..Limits::default() };
    let many = |last: &str| {
        let names = (0..5_000).map(|n| format!("\"a{n}\":1,")).collect::<String>();
        format!("{{\"context\":{{{names}\"{last}\":2}}}}")
    };
    for (last, good) in [("b", true), ("a4999", false), ("a0", false)] {
        let read = Context::from_request(many(last).as_bytes(), &kept(), &limits);
        assert_eq!(read.is_ok(), good, "{last}");
    }
}

#[test]
fn what_is_not_kept_is_not_there() {
    let text = br#"{"context":{"country":"DE","plan":"pro"}}"#;
    let context = Context::from_request(text, &kept(), &Limits::default()).unwrap();
    assert_eq!(context.attribute("country"), None);
    assert_eq!(context.attribute("plan"), Some(&Value::text("pro")));
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    for text in [&b"{\"context\":{\"other\":\"\xff\"}}"[..], b"{\"context\":{\"\xff\":1}}"] {
        let read = Context::from_request(text, &kept(), &Limits::default());
        assert!(matches!(read, Err(WireError::Syntax(_))));
    }
}

/// Whether a request is read without a tree of everything.
fn is_plain(text: &str) -> bool {
    let limits = Limits { context_attributes: 8, ..Limits::default() };
    Reader::new(&kept(), &limits).request(text.as_bytes()).is_some()
}

#[test]
fn what_requests_usually_hold_is_read_without_a_tree() {
    let plain = [
        "{}",
        r#" { "context" : null } "#,
        r#"{"context":{"plan":"pro","age":17,"user":{"a":[1,{"b":-0.5e3}],"c":"\u00e9\n"},"other":[true,false,null]}}"#,
        "{\n\t\"sdk\": {\"name\": \"x\", \"version\": 1.25},\r\n\t\"context\": {\"plan\": \"\u{1F600} \\\" \\\\\"}\n}\n",
        r#"{"context":{"other":1e300,"plan":123456789012345678901234567890,"":0,"a.b":-0}}"#,
    ];
    for text in plain {
        assert!(is_plain(text), "{text}");
    }
    let unusual = [
        r#"{"context":7}"#,
        r#"{"context":{"a":1,"a":2}}"#,
        r#"{"context":{"other":{"a":1,"\u0061":2}}}"#,
        r#"{"context":{"a":1,"b":2,"c":{"d":3,"e":[{"f":4,"g":5,"h":6}]},"i":7}}"#,
        r#"{"context":{"other":"\ud800"}}"#,
        r#"{"context":{"other":1e999}}"#,
        r#"{"context":{"plan":"pro"}} x"#,
        r#"{"context":{"plan":"pro",}}"#,
        r#"{"context":{"plan":"pro"}"#,
    ];
    for text in unusual {
        assert!(!is_plain(text), "{text}");
    }
}

/// A JSON value, or what is nearly one; names are few, so that some are there twice.
fn values() -> impl Strategy<Value = String> {
    let odd = [
        "1e999",
        "-1e-999",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "-0",
        "-0.0",
        "0e0",
        "01",
        "1.",
        "-",
        "+1",
        ".5",
        "1E+2",
        "9007199254740993",
        "18446744073709551616",
        "123456789012345",
        "1234567890123456",
        "tru",
        "nul",
        "NaN",
        "",
        r#""\ud800""#,
        r#""\udc00\ud800""#,
        r#""\ud83d\ude00""#,
        r#""\u12""#,
        r#""\x""#,
        "\"\u{1}\"",
        "\"\t\"",
        "\"\u{7f}\"",
        r#""a\"b\\""#,
        "\"\u{e9}\u{20ac}\u{1f600}\"",
        "\"unended",
        "[",
        "{",
        "]",
        "null",
        "true",
        "false",
    ];
    let digits = (1..400usize).prop_map(|digits| "9".repeat(digits));
    let texts = any::<String>().prop_map(|text| serde_json::Value::from(text).to_string());
    let leaf = prop_oneof![
        2 => proptest::sample::select(odd.to_vec()).prop_map(str::to_owned),
        2 => texts,
        1 => any::<f64>().prop_filter("JSON has no others", |number| number.is_finite()).prop_map(|number| number.to_string()),
        1 => any::<f64>().prop_filter("JSON has no others", |n| n.is_finite()).prop_map(|number| format!("{number:e}")),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => digits,
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(" ,"))),
            objects(inner),
        ]
    })
}

fn objects(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    const NAMES: [&str; 9] =
        ["plan", "age", "user", "pl\\u0061n", "", "a.b", "other", "context", "a-name-of-more-than-eight"];
    let members = proptest::collection::vec((proptest::sample::select(NAMES.to_vec()), value), 0..6);
    members.prop_map(|members| {
        let members: Vec<_> = members.into_iter().map(|(name, value)| format!("\"{name}\" :{value}")).collect();
        format!("{{{}\n}}", members.join(",\t"))
    })
}

/// A request; often one byte of it is another, or not there.
fn requests() -> impl Strategy<Value = Vec<u8>> {
    let context = prop_oneof![4 => objects(values()), 1 => values()];
    let change = proptest::option::of((any::<Index>(), proptest::option::of(any::<u8>())));
    (context, change).prop_map(|(context, change)| {
        let mut text = format!(r#"{{"context":{context}}}"#).into_bytes();
        match change {
            Some((at, Some(byte))) => *at.get_mut(&mut text) = byte,
            Some((at, None)) => drop(text.remove(at.index(text.len()))),
            None => {}
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// Compared as they are shown, for zeros of either sign are equal.
    #[test]
    fn any_request_is_read_as_serde_reads_it(text in requests(), attributes in 0..8usize, depth in 0..6usize) {
        let limits = Limits { context_attributes: attributes, context_depth: depth, ..Limits::default() };
        if text.first() == Some(&b'{') {
            let (sparing, tree) = (sparingly(&text, &limits), by_tree(&text, &limits));
            prop_assert_eq!(format!("{sparing:?}"), format!("{tree:?}"));
        }
    }
}
