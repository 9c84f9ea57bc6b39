//! Rules and contexts that nobody should send: what docs/rules.md says comes of each.

use http_body_util::BodyExt;
use serde_json::{Map, Value as Json, json};

use crate::{
    grpc::{call, framed, placed_token},
    server::{Server, paths},
};

const FLAG: &str = "/api/v1/tenants/t/flags/f/environments/dev";
const DOCUMENT: &str = "/api/v1/tenants/t/environments/dev/flagd.json";
const EVALUATE: &str = "/api/v1/tenants/t/environments/dev/evaluate";
const OFREP: &str = "/e/t/dev/ofrep/v1/evaluate/flags/f";
const RULE_BYTES: usize = 256 * 1024;

async fn server() -> Server {
    let server = Server::placed().await;
    server.flag("f").await;
    server
}

/// Gives the flag a rule.
async fn targeted(server: &Server, rule: &Json) {
    server.patch(FLAG, json!({ "targeting": rule })).await.expect(200);
}

/// An OFREP answer's status, with its variant or error.
async fn answer(server: &Server, context: &Json) -> (u16, String) {
    text(server, &json!({ "context": context }).to_string()).await
}

async fn text(server: &Server, body: &str) -> (u16, String) {
    let answer = server.send("POST", OFREP, &[], body.to_owned()).await;
    let item = answer.body();
    let told = item["variant"].as_str().or(item["errorCode"].as_str()).unwrap_or("none").to_owned();
    let details = item["errorDetails"].as_str().unwrap_or_default();
    (answer.status.as_u16(), format!("{told} {details}").trim_end().to_owned())
}

/// A rule of exactly so many bytes.
fn rule_of(bytes: usize) -> Json {
    let rule = |length: usize| json!({ "if": [{ "==": [{ "var": "a" }, "x".repeat(length)] }, "on", "off"] });
    let rest = rule(0).to_string().len();
    rule(bytes - rest)
}

#[tokio::test]
async fn a_rule_has_at_most_256_kib() {
    let server = server().await;
    targeted(&server, &rule_of(RULE_BYTES)).await;
    assert_eq!(answer(&server, &json!({ "a": "x" })).await, (200, "off".into()));
    let larger = rule_of(RULE_BYTES + 1);
    server.patch(FLAG, json!({ "targeting": larger })).await.problem(413, "too_large");
    let flag = json!({ "state": "ENABLED", "variants": { "on": true, "off": false }, "targeting": larger });
    let document = json!({ "flags": { "f": flag } });
    server.json("PUT", DOCUMENT, &[], &document).await.problem(413, "too_large");
}

#[tokio::test]
async fn a_rule_has_at_most_256_levels_and_a_body_of_10_000_is_not_even_read() {
    let server = server().await;
    let nested = |levels: usize| (0..levels / 2).fold(json!("on"), |inner, _| json!({ "if": [inner] }));
    targeted(&server, &nested(256)).await;
    assert_eq!(answer(&server, &json!({})).await, (200, "on".into()));
    let faults = server.patch(FLAG, json!({ "targeting": nested(258) })).await.problem(422, "invalid_rule");
    assert_eq!(faults, [("/targeting".to_owned(), "too_deep".to_owned())]);
    let deep = format!(r#"{{"targeting":{}1{}}}"#, r#"{"!":["#.repeat(5_000), "]}".repeat(5_000));
    for (method, path) in [("PATCH", FLAG), ("PUT", DOCUMENT), ("POST", EVALUATE)] {
        let faults = server.send(method, path, &[], deep.clone()).await.problem(422, "invalid_value");
        assert_eq!(faults[0].1, "too_deep", "{method} {path}");
    }
    let context = format!(r#"{{"context":{{"a":{}{}}}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let (status, told) = text(&server, &context).await;
    assert_eq!((status, told.starts_with("INVALID_CONTEXT")), (400, true), "{told}");
}

#[tokio::test]
async fn a_list_of_100_000_values_is_one_constant() {
    let server = server().await;
    let mut list = vec![json!(0); 100_000];
    list.push(json!(7));
    targeted(&server, &json!({ "if": [{ "in": [{ "var": "n" }, list] }, "on", "off"] })).await;
    for (n, expected) in [(7, "on"), (8, "off")] {
        assert_eq!(answer(&server, &json!({ "n": n })).await, (200, expected.into()));
    }
    // in a context it is as long as the context may be, and each item that is gone through costs steps
    targeted(
        &server,
        &json!({ "if": [{ "some": [{ "var": "l" }, { "==": [{ "+": [{ "var": "" }, 1] }, 7] }] }, "on", "off"] }),
    )
    .await;
    let (status, told) = answer(&server, &json!({ "l": vec![0; 32_000] })).await;
    assert_eq!((status, told.starts_with("GENERAL rule_too_costly")), (400, true), "{told}");
    let (status, _) = answer(&server, &json!({ "l": vec![0; 100_000] })).await;
    assert_eq!(status, 413);
}

#[tokio::test]
async fn numbers_are_doubles() {
    let server = server().await;
    for number in ["1e400", "-1e400"] {
        let rule = format!(r#"{{"targeting":{{"if":[{{"==":[{{"var":"n"}},{number}]}},"on"]}}}}"#);
        server.send("PATCH", FLAG, &[], rule).await.problem(400, "invalid_json");
        let (status, told) = text(&server, &format!(r#"{{"context":{{"n":{number}}}}}"#)).await;
        assert_eq!((status, told.starts_with("PARSE_ERROR")), (400, true), "{told}");
    }
    let rule = r#"{"targeting":{"if":[{"==":[{"var":"n"},18446744073709551616]},"on","off"]}}"#;
    server.send("PATCH", FLAG, &[], rule).await.expect(200);
    for (number, expected) in [
        ("18446744073709551616", "on"),
        ("18446744073709551617", "on"),
        ("1.8446744073709552e19", "on"),
        ("18446744073709555712", "off"),
    ] {
        assert_eq!(
            text(&server, &format!(r#"{{"context":{{"n":{number}}}}}"#)).await,
            (200, expected.into()),
            "{number}"
        );
    }
}

#[tokio::test]
async fn half_of_a_surrogate_pair_is_no_text() {
    let server = server().await;
    for half in [r"\ud800", r"\udc00", r"\ud800\ud800", r"\ud800x"] {
        let rule = format!(r#"{{"targeting":{{"==":[{{"var":"a"}},"{half}"]}}}}"#);
        server.send("PATCH", FLAG, &[], rule).await.problem(400, "invalid_json");
        let (status, told) = text(&server, &format!(r#"{{"context":{{"a":"{half}"}}}}"#)).await;
        assert_eq!((status, told.starts_with("PARSE_ERROR")), (400, true), "{half} {told}");
    }
    targeted(&server, &json!({ "if": [{ "==": [{ "var": "a" }, "\u{1f6a9}"] }, "on", "off"] })).await;
    assert_eq!(text(&server, r#"{"context":{"a":"\ud83d\udea9"}}"#).await, (200, "on".into()));
}

#[tokio::test]
async fn arithmetic_goes_on_with_what_is_no_number() {
    let server = server().await;
    let nan = json!({ "+": [{ "var": "a" }, 1] });
    for (condition, expected) in [
        (json!({ "==": [nan, nan] }), "off"),
        (json!({ "<": [nan, 1] }), "off"),
        (json!({ ">=": [nan, 1] }), "off"),
        (json!({ "!=": [nan, 1] }), "on"),
        (json!({ "!": [nan] }), "on"),
        (json!({ ">": [{ "/": [1, 0] }, 1e300] }), "on"),
        (json!({ "<": [{ "/": [-1, 0] }, -1e300] }), "on"),
        (json!({ "!": [{ "/": [0, 0] }] }), "on"),
        (json!({ "!": [{ "%": [1, 0] }] }), "on"),
    ] {
        targeted(&server, &json!({ "if": [condition, "on", "off"] })).await;
        assert_eq!(answer(&server, &json!({ "a": "x" })).await, (200, expected.into()), "{condition}");
    }
    for (rule, name) in [(nan, "NaN"), (json!({ "/": [1, 0] }), "Infinity"), (json!({ "/": [0, 0] }), "NaN")] {
        targeted(&server, &rule).await;
        let (status, told) = answer(&server, &json!({ "a": "x" })).await;
        assert_eq!((status, told.starts_with("GENERAL") && told.contains(name)), (400, true), "{told}");
    }
}

#[tokio::test]
async fn text_that_doubles_with_each_item_is_too_costly() {
    let server = server().await;
    let twice = json!({ "cat": [{ "var": "accumulator" }, { "var": "accumulator" }] });
    targeted(&server, &json!({ "reduce": [{ "var": "l" }, twice, "x"] })).await;
    let (status, told) = answer(&server, &json!({ "l": vec![0; 64] })).await;
    assert_eq!((status, told.starts_with("GENERAL rule_too_costly")), (400, true), "{told}");
}

#[tokio::test]
async fn a_context_has_at_most_512_attributes() {
    let server = server().await;
    let context = |attributes: usize| {
        let inner: Map<String, Json> = (0..attributes - 1).map(|n| (format!("a{n}"), json!(n))).collect();
        json!({ "inner": inner })
    };
    assert_eq!(answer(&server, &context(512)).await, (200, "on".into()));
    let (status, told) = answer(&server, &context(513)).await;
    assert_eq!((status, told.starts_with("INVALID_CONTEXT")), (400, true), "{told}");
    let all = "/e/t/dev/ofrep/v1/evaluate/flags";
    server.post(all, json!({ "context": context(512) })).await.expect(200);
    let refused = server.post(all, json!({ "context": context(513) })).await.expect(400).body();
    assert_eq!(refused["errorCode"], "INVALID_CONTEXT", "{refused}");
    server.post(EVALUATE, json!({ "flag": "f", "context": context(512) })).await.expect(200);
    let faults = server.post(EVALUATE, json!({ "context": context(513) })).await.problem(422, "invalid_value");
    assert_eq!(faults, [("/context".to_owned(), "too_many_attributes".to_owned())]);
}

#[tokio::test]
async fn a_member_that_is_there_twice_is_refused_by_name() {
    let server = server().await;
    let rule = r#"{"targeting":{"if":[{"==":[1,1],"==":[1,2]},"on"]}}"#;
    let faults = server.send("PATCH", FLAG, &[], rule).await.problem(422, "invalid_value");
    assert_eq!(faults, [("/targeting/if/0/==".to_owned(), "doubled_member".to_owned())]);
    let asked = r#"{"flag":"f","context":{"a":[{"b":1,"b":2}]}}"#;
    let faults = server.send("POST", EVALUATE, &[], asked).await.problem(422, "invalid_value");
    assert_eq!(paths(&faults), ["/context/a/0/b"]);
    for context in [
        r#"{"b":1,"b":1}"#.to_owned(),
        r#"{"a":{"c":[{"b":1,"x":2,"b":3}]}}"#.to_owned(),
        r#"{"b":1,"\u0062":1}"#.to_owned(),
        format!(r#"{{{}"b":1,"b":2}}"#, (0..40).map(|n| format!("\"a{n}\":{n},")).collect::<String>()),
    ] {
        for path in [OFREP, "/e/t/dev/ofrep/v1/evaluate/flags"] {
            let refused = server.send("POST", path, &[], format!(r#"{{"context":{context}}}"#)).await;
            let told = refused.body();
            assert_eq!((refused.status.as_u16(), &told["errorCode"]), (400, &json!("PARSE_ERROR")), "{told}");
            assert!(told["errorDetails"].as_str().unwrap().contains("`b` is there twice"), "{told}");
        }
    }
}

#[tokio::test]
async fn without_a_targeting_key_there_is_nothing_to_bucket_by() {
    let server = server().await;
    let whole = json!({ "fractional": [["off", 1]] });
    let percentage = json!({ "if": [{ "percentage": [100] }, "off"] });
    for version in [2, 3] {
        let path = "/api/v1/tenants/t/environments/dev";
        server.patch(path, json!({ "fractionalVersion": version })).await.expect(200);
        for rule in [&whole, &percentage] {
            targeted(&server, rule).await;
            assert_eq!(answer(&server, &json!({ "targetingKey": "u" })).await, (200, "off".into()));
            for context in [
                json!({}),
                json!({ "targetingKey": "" }),
                json!({ "targetingKey": 7 }),
                json!({ "targetingKey": null }),
            ] {
                assert_eq!(answer(&server, &context).await, (200, "on".into()), "{rule} {context}: the default");
            }
        }
    }
    // what buckets by something else, or by nothing, goes on; and rules see the key as it came
    for (rule, context) in [
        (json!({ "fractional": [{ "var": "company" }, ["off", 1]] }), json!({ "company": "c" })),
        (json!({ "if": [{ "percentage": [100, { "var": "company" }] }, "off"] }), json!({ "company": "c" })),
        (json!({ "if": [{ "===": [{ "var": "targetingKey" }, null] }, "off"] }), json!({})),
        (json!({ "if": [{ "===": [{ "var": "targetingKey" }, ""] }, "off"] }), json!({ "targetingKey": "" })),
        (json!({ "if": [{ "===": [{ "var": "targetingKey" }, 7] }, "off"] }), json!({ "targetingKey": 7 })),
    ] {
        targeted(&server, &rule).await;
        assert_eq!(answer(&server, &context).await, (200, "off".into()), "{rule} {context}");
    }
}

/// A length-delimited field of protobuf.
fn field(number: u8, body: &[u8]) -> Vec<u8> {
    let mut length = body.len();
    let mut out = vec![number << 3 | 2];
    while length >= 0x80 {
        out.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    out.push(u8::try_from(length).unwrap());
    [out, body.to_vec()].concat()
}

/// A member of a `google.protobuf.Struct`.
fn member(name: &str, value: &[u8]) -> Vec<u8> {
    field(1, &[field(1, name.as_bytes()), field(2, value)].concat())
}

fn number(value: f64) -> Vec<u8> {
    [&[0x11], &value.to_le_bytes()[..]].concat()
}

#[tokio::test]
async fn a_context_in_protobuf_has_the_same_bounds() {
    let server = server().await;
    let token = placed_token(&server, "server").await;
    let bearer = format!("Bearer {token}");
    // gRPC's status, and the variant that the flag gave
    let ask = async |members: &[u8]| {
        let headers = [("content-type", "application/grpc"), ("authorization", bearer.as_str())];
        let message = [field(1, b"f"), field(2, members)].concat();
        let answer = call(&server, &headers, "flagd.evaluation.v2.Service/ResolveBoolean", framed(&message)).await;
        let refused = answer.headers().get("grpc-status").map(|code| code.to_str().unwrap().to_owned());
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        refused.unwrap_or_else(|| if body.windows(3).any(|part| part == b"off") { "off" } else { "on" }.to_owned())
    };
    // numbers that JSON does not have are as null
    targeted(&server, &json!({ "if": [{ "===": [{ "var": "n" }, null] }, "off", "on"] })).await;
    for (value, expected) in [(7.0, "on"), (f64::NAN, "off"), (f64::INFINITY, "off"), (f64::NEG_INFINITY, "off")] {
        assert_eq!(ask(&member("n", &number(value))).await, expected, "{value}");
    }
    // of two members of one name protobuf has the last one count
    assert_eq!(ask(&[member("n", &number(f64::NAN)), member("n", &number(7.0))].concat()).await, "on");
    let many =
        |attributes: usize| (0..attributes).flat_map(|n| member(&format!("a{n}"), &number(1.0))).collect::<Vec<_>>();
    assert_eq!((ask(&many(512)).await, ask(&many(513)).await), ("off".into(), "3".into()));
    let deep = |levels: usize| (0..levels).fold(number(1.0), |inner, _| field(5, &member("a", &inner)));
    assert_eq!((ask(&member("a", &deep(20))).await, ask(&member("a", &deep(1_000))).await), ("off".into(), "3".into()));
}
