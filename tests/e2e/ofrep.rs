//! OFREP where it is more than an answer: tags, tokens, keys in paths, cross-origin, faults.

use std::time::Duration;

use harness::{
    TOKEN,
    cluster::{CONVERGE_BOUND, flag, flag_in, pair, place, sees},
    flags,
    node::{Node, Spec},
};
use serde_json::{Value as Json, json};

const PLACE: &str = "demo/development";
const BULK: &str = "/e/demo/development/ofrep/v1/evaluate/flags";

fn bulk(node: &Node, context: &Json, tag: Option<&str>) -> harness::http::Answer {
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(tag.map(|tag| ("if-none-match", tag)));
    node.client.send("POST", BULK, &headers, json!({ "context": context }).to_string().as_bytes())
}

#[test]
fn a_bulk_tag_covers_flags_and_context() {
    let node = Spec::serve().import(PLACE, &flags::file()).start();
    let context = json!({ "targetingKey": "u", "plan": "pro" });
    let tag = bulk(&node, &context, None).expect(200).etag();
    // one flag of the hundred reads the time, so the tag is one of the body: still the same
    let again = bulk(&node, &context, Some(&tag)).expect(304);
    assert!(again.body.is_empty());
    bulk(&node, &json!({ "targetingKey": "u", "plan": "free" }), Some(&tag)).check(200);
    bulk(&node, &json!({ "targetingKey": "v", "plan": "pro" }), Some(&tag)).check(200);
    node.client
        .patch(
            "/api/v1/tenants/demo/flags/static-boolean-0/environments/development",
            &json!({ "defaultVariant": "off" }),
        )
        .check(200);
    let changed = bulk(&node, &context, Some(&tag)).expect(200);
    assert_ne!(changed.etag(), tag);
}

#[test]
fn a_tag_of_one_node_is_valid_on_another() {
    let (a, b) = pair();
    (0..5).for_each(|n| flag(&a.client, &format!("f{n}")));
    let rule = json!({ "if": [{ "==": [{ "var": "plan" }, "pro"] }, "on", "off"] });
    a.client.patch(&flag_in("f1"), &json!({ "targeting": rule })).check(200);
    let context = json!({ "targetingKey": "u", "plan": "pro" });
    let tag = bulk(&a, &context, None).expect(200).etag();
    sees("the same tag", CONVERGE_BOUND, &tag, || bulk(&b, &context, None).header("etag").unwrap_or_default());
    assert_eq!(bulk(&a, &context, None).body, bulk(&b, &context, None).body);
    bulk(&b, &context, Some(&tag)).check(304);
    b.client.patch(&flag_in("f2"), &json!({ "state": "DISABLED" })).check(200);
    bulk(&b, &context, Some(&tag)).check(200);
    sees("the change", Duration::from_secs(1), &200, || bulk(&a, &context, Some(&tag)).status);
    // back to what it was: other stamps, the same answers
    b.client.patch(&flag_in("f2"), &json!({ "state": "ENABLED" })).check(200);
    let b_again = bulk(&b, &context, None).expect(200);
    sees("the same again", CONVERGE_BOUND, &b_again.body, || bulk(&a, &context, None).body);
    // and across a restart, once what was not yet on disk has come again
    let tag = b_again.etag();
    let a = a.kill().start();
    sees("the tag after the restart", CONVERGE_BOUND, &304, || bulk(&a, &context, Some(&tag)).status);
}

#[test]
fn keys_in_paths_may_be_encoded_or_not() {
    let node = Spec::serve().import(PLACE, &flags::file()).start();
    for path in ["we%2Fird%20k%C3%A9y", "we/ird%20k%C3%A9y"] {
        let answer = node.client.post(&format!("{BULK}/{path}"), &json!({})).expect(200).json();
        assert_eq!((answer["key"].as_str(), &answer["value"]), (Some("we/ird kéy"), &json!(true)));
    }
    node.client.post(&format!("{BULK}/"), &json!({})).check(200);
}

#[test]
fn a_body_may_leave_out_what_no_rule_needs() {
    let node = Spec::serve().import(PLACE, &flags::file()).start();
    let path = format!("{BULK}/static-boolean-0");
    for body in ["", "{}", r#"{"context":{}}"#, r#"{"context":{"targetingKey":"u"},"unknown":1}"#] {
        let answer = node.client.send("POST", &path, &[("content-type", "application/json")], body.as_bytes());
        assert_eq!(answer.expect(200).json()["value"], true, "{body:?}");
    }
}

#[test]
fn faults_have_ofreps_own_shape() {
    let node = Spec::serve().import(PLACE, &flags::file()).start();
    let send = |path: &str, body: &str| {
        node.client.send("POST", path, &[("content-type", "application/json")], body.as_bytes())
    };
    let single = format!("{BULK}/static-boolean-0");
    for body in ["{", "[]", r#"{"context":[]}"#, r#"{"context":7}"#, "\u{0}"] {
        let answer = send(&single, body).expect(400).json();
        assert_eq!(answer["key"], "static-boolean-0", "{body:?}: {answer}");
        let code = answer["errorCode"].as_str().unwrap();
        assert!(matches!(code, "PARSE_ERROR" | "INVALID_CONTEXT"), "{body:?}: {answer}");
        let answer = send(BULK, body).expect(400).json();
        assert!(answer["errorCode"].is_string() && answer.get("key").is_none(), "{body:?}: {answer}");
    }
    let unknown = send(&format!("{BULK}/nobody"), "{}").expect(404).json();
    assert_eq!((&unknown["key"], &unknown["errorCode"]), (&json!("nobody"), &json!("FLAG_NOT_FOUND")));
    let huge = format!(r#"{{"context":{{"a":"{}"}}}}"#, "x".repeat(2 << 20));
    send(&single, &huge).check(413);
    send(BULK, &huge).check(413);
    let deep = format!(r#"{{"context":{{"a":{}1{}}}}}"#, "[".repeat(20_000), "]".repeat(20_000));
    send(&single, &deep).check(400);
    let many: Vec<String> = (0..2_000).map(|n| format!(r#""a{n}":{n}"#)).collect();
    let status = send(&single, &format!(r#"{{"context":{{{}}}}}"#, many.join(","))).status;
    assert!(matches!(status, 400 | 413), "{status}");
    // it still answers
    send(&single, "{}").check(200);
    send("/e/demo/nowhere/ofrep/v1/evaluate/flags", "{}").check(404);
}

#[test]
fn without_a_token_nothing_is_told_and_the_bare_path_needs_an_environment() {
    let node = Spec::serve().import(PLACE, &flags::file()).start();
    let anonymous = node.client.with_token(None);
    anonymous.post(BULK, &json!({})).check(401);
    anonymous.post(&format!("{BULK}/static-boolean-0"), &json!({})).check(401);
    node.client.with_token(Some("wrong-token")).post(BULK, &json!({})).check(401);
    let key = [("x-api-key", TOKEN), ("content-type", "application/json")];
    anonymous.send("POST", BULK, &key, b"{}").check(200);
    let bare = node.client.post("/ofrep/v1/evaluate/flags", &json!({})).expect(400);
    assert!(bare.text().contains("environment_required"), "{}", bare.text());
}

#[test]
fn a_browser_of_another_origin_may_ask_and_read_the_tag() {
    let node = Spec::serve().import(PLACE, &flags::file()).start();
    let preflight = [
        ("origin", "https://shop.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type,if-none-match"),
    ];
    let answer = node.client.with_token(None).send("OPTIONS", BULK, &preflight, b"");
    assert!(matches!(answer.status, 200 | 204), "{}", answer.status);
    let allowed = answer.header("access-control-allow-headers").unwrap_or_default().to_lowercase();
    for name in ["authorization", "content-type", "if-none-match", "x-api-key"] {
        assert!(allowed == "*" || allowed.contains(name), "{name} is not in {allowed:?}");
    }
    let origin = [("origin", "https://shop.example"), ("content-type", "application/json")];
    let answer = node.client.send("POST", BULK, &origin, b"{}").expect(200);
    let exposed = answer.header("access-control-expose-headers").unwrap_or_default().to_lowercase();
    assert!(exposed.contains("etag") && exposed.contains("retry-after"), "{exposed:?}");
}

#[test]
fn one_faulty_flag_does_not_fail_the_others() {
    let node = Spec::serve().start();
    place(&node.client);
    flag(&node.client, "good");
    let path = "/api/v1/tenants/demo/environments/development/flagd.json";
    let document = json!({ "flags": {
        "good": { "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "on" },
        "bad": { "state": "ENABLED", "variants": { "on": true }, "defaultVariant": "on", "targeting": { "no_such_operator": [1] } },
    } });
    node.client.send("PUT", path, &[("content-type", "application/json")], document.to_string().as_bytes()).check(200);
    let answer = bulk(&node, &json!({}), None).expect(200).json();
    let codes: Vec<(&str, Option<&str>)> = answer["flags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["key"].as_str().unwrap(), item["errorCode"].as_str()))
        .collect();
    assert_eq!(codes, [("bad", Some("PARSE_ERROR")), ("good", None)]);
    let single = node.client.ofrep(PLACE, "bad", &json!({})).expect(400).json();
    assert_eq!((&single["key"], &single["errorCode"]), (&json!("bad"), &json!("PARSE_ERROR")));
}
