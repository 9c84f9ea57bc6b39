//! Documents that are wrong: refused by name and place, nothing half applied.

use harness::{
    cluster::{flag, flag_in, place},
    node::{Node, Spec},
};
use serde_json::{Value as Json, json};

const FLAGS: &str = "/api/v1/tenants/demo/flags";
const DOCUMENT: &str = "/api/v1/tenants/demo/environments/development/flagd.json";
const JSON: (&str, &str) = ("content-type", "application/json");

/// A node with one flag, and a look at everything that a refused request might have changed.
struct Untouched {
    node: Node,
    before: Vec<Vec<u8>>,
}

impl Untouched {
    fn new() -> Self {
        let node = Spec::serve().start();
        place(&node.client);
        flag(&node.client, "f");
        let before = Self::look(&node);
        Self { node, before }
    }

    fn look(node: &Node) -> Vec<Vec<u8>> {
        let paths = ["/api/v1/tenants", FLAGS, DOCUMENT, "/api/v1/tenants/demo/flags/f", &flag_in("f")];
        paths.map(|path| node.client.get(path).expect(200).body).to_vec()
    }

    fn refuses(&self, method: &str, path: &str, body: &[u8], status: u16, code: &str) -> Json {
        let problem = self.node.client.send(method, path, &[JSON], body).problem(status, code);
        let seen = Self::look(&self.node);
        assert!(seen == self.before, "{method} {path} was refused, yet something changed");
        problem
    }

    fn refuses_json(&self, method: &str, path: &str, body: &Json, status: u16, code: &str) -> Json {
        self.refuses(method, path, body.to_string().as_bytes(), status, code)
    }
}

fn paths(problem: &Json) -> Vec<&str> {
    problem["errors"].as_array().unwrap().iter().map(|error| error["path"].as_str().unwrap()).collect()
}

#[test]
fn malformed_json_is_named_everywhere() {
    let it = Untouched::new();
    for body in ["{", "", "nonsense", "{\"key\":\"x\",}", "\u{feff}{}", "{\"key\": \"\\ud800\"}"] {
        for (method, path) in [
            ("POST", "/api/v1/tenants"),
            ("POST", "/api/v1/tenants/demo/environments"),
            ("POST", FLAGS),
            ("PATCH", "/api/v1/tenants/demo/flags/f"),
            ("PATCH", &flag_in("f")),
            ("PUT", DOCUMENT),
            ("POST", "/api/v1/tenants/demo/environments/development/evaluate"),
        ] {
            it.refuses(method, path, body.as_bytes(), 400, "invalid_json");
        }
    }
    it.refuses("PATCH", &flag_in("f"), b"{\"state\": \xff}", 400, "invalid_json");
    let deep = format!(r#"{{"targeting":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let answer = it.node.client.send("PATCH", &flag_in("f"), &[JSON], deep.as_bytes());
    assert!(matches!(answer.status, 400 | 422), "{}", answer.text());
}

#[test]
fn an_unknown_operator_is_refused_at_its_place() {
    let it = Untouched::new();
    let rule = json!({ "if": [{ "==": [{ "var": "plan" }, "pro"] }, { "no/such~op": [1] }, "off"] });
    let problem = it.refuses_json("PATCH", &flag_in("f"), &json!({ "targeting": rule }), 422, "invalid_rule");
    let path = paths(&problem)[0];
    assert!(path.starts_with("/targeting/if/1"), "{problem}");
    assert_eq!(problem["errors"][0]["code"], "unknown_operator", "{problem}");
    assert!(problem["errors"][0]["message"].as_str().unwrap().contains("no/such~op"), "{problem}");
    let body = json!({
        "key": "g", "variants": { "on": true },
        "environments": { "development": { "state": "ENABLED", "defaultVariant": "on", "targeting": { "nonsense": 1 } } },
    });
    let problem = it.refuses_json("POST", FLAGS, &body, 422, "invalid_rule");
    assert!(paths(&problem)[0].starts_with("/environments/development/targeting"), "{problem}");
}

#[test]
fn rules_of_the_wrong_shape_are_refused() {
    let it = Untouched::new();
    for rule in [
        json!({ "var": "a", "if": [] }),
        json!({ "sem_ver": ["1.0.0", "=="] }),
        json!({ "fractional": [["on", -0.5], ["off", 1.5]] }),
        json!({ "$ref": "no-such-segment" }),
        json!({ "starts_with": ["only one"] }),
        json!({ "if": [true, "no-such-variant"] }),
    ] {
        it.refuses_json("PATCH", &flag_in("f"), &json!({ "targeting": rule }), 422, "invalid_rule");
    }
    let mut nested = json!("on");
    (0..300).for_each(|_| nested = json!({ "if": [true, nested.take()] }));
    it.refuses_json("PATCH", &flag_in("f"), &json!({ "targeting": nested }), 422, "invalid_rule");
}

#[test]
fn a_default_that_names_no_variant_is_refused() {
    let it = Untouched::new();
    let problem = it.refuses_json("PATCH", &flag_in("f"), &json!({ "defaultVariant": "nope" }), 422, "invalid_value");
    assert_eq!(paths(&problem), ["/defaultVariant"], "{problem}");
    // the valid half of the same request is not applied either
    it.refuses_json(
        "PATCH",
        &flag_in("f"),
        &json!({ "state": "DISABLED", "defaultVariant": "nope" }),
        422,
        "invalid_value",
    );
    let document = |default: &str| {
        json!({ "flags": {
            "a": { "state": "ENABLED", "variants": { "on": true }, "defaultVariant": "on" },
            "b": { "state": "ENABLED", "variants": { "on": true }, "defaultVariant": default },
        } })
    };
    let problem = it.refuses_json("PUT", DOCUMENT, &document("nope"), 422, "invalid_value");
    assert_eq!(paths(&problem), ["/flags/b/defaultVariant"], "{problem}");
}

#[test]
fn variants_of_mixed_types_are_refused() {
    let it = Untouched::new();
    let body = json!({ "key": "g", "variants": { "on": true, "two": 2 } });
    let problem = it.refuses_json("POST", FLAGS, &body, 422, "invalid_value");
    assert!(paths(&problem)[0].starts_with("/variants"), "{problem}");
    it.refuses_json(
        "PATCH",
        "/api/v1/tenants/demo/flags/f",
        &json!({ "variants": { "on": true, "off": "no" } }),
        422,
        "invalid_value",
    );
    it.refuses_json("POST", FLAGS, &json!({ "key": "g", "variants": {} }), 422, "invalid_value");
    it.refuses_json("POST", FLAGS, &json!({ "key": "g", "variants": { "a": null } }), 422, "invalid_value");
}

#[test]
fn unknown_members_and_wrong_types_are_refused() {
    let it = Untouched::new();
    for (path, body, member) in [
        ("/api/v1/tenants/demo", json!({ "nmae": "x" }), "/nmae"),
        ("/api/v1/tenants/demo/environments/development", json!({ "locked": true }), "/locked"),
        ("/api/v1/tenants/demo/flags/f", json!({ "variant": {} }), "/variant"),
        (&flag_in("f"), json!({ "enabled": true }), "/enabled"),
        (&flag_in("f"), json!({ "state": "ON" }), "/state"),
        (&flag_in("f"), json!({ "state": null }), "/state"),
        (&flag_in("f"), json!({ "kill": "yes" }), "/kill"),
        (&flag_in("f"), json!({ "defaultVariant": 1 }), "/defaultVariant"),
        ("/api/v1/tenants/demo/flags/f", json!({ "tags": [1] }), "/tags"),
    ] {
        let problem = it.refuses_json("PATCH", path, &body, 422, "invalid_value");
        assert!(paths(&problem)[0].starts_with(member), "{path} {body}: {problem}");
    }
    it.refuses_json("PATCH", &flag_in("f"), &json!([1]), 422, "invalid_value");
    it.refuses_json(
        "POST",
        FLAGS,
        &json!({ "key": "g", "variants": { "on": true }, "extra": 1 }),
        422,
        "invalid_value",
    );
    it.refuses_json("POST", FLAGS, &json!({ "variants": { "on": true } }), 422, "invalid_value");
    it.refuses_json(
        "PATCH",
        "/api/v1/tenants/demo/flags/f",
        &json!({ "metadata": { "a": [1] } }),
        422,
        "invalid_value",
    );
}

#[test]
fn an_import_that_is_no_flagd_document_is_refused_whole() {
    let it = Untouched::new();
    for body in [
        json!([]),
        json!({}),
        json!({ "flags": [{ "state": "ENABLED", "variants": { "on": true } }] }),
        json!({ "flags": { "a": 7 } }),
        json!({ "flags": { "a": { "state": "PERHAPS", "variants": { "on": true } } } }),
        json!({ "flags": { "a": { "state": "ENABLED", "variants": { "on": true } }, "": { "state": "ENABLED", "variants": { "on": true } } } }),
    ] {
        let answer = it.node.client.send("PUT", DOCUMENT, &[JSON], body.to_string().as_bytes());
        assert!(matches!(answer.status, 400 | 422), "{body}: {} {}", answer.status, answer.text());
        assert!(Untouched::look(&it.node) == it.before, "{body} was refused, yet something changed");
    }
}

#[test]
fn an_import_keeps_a_bad_rule_and_lists_it() {
    let node = Spec::serve().start();
    place(&node.client);
    let document = json!({ "flags": { "a": {
        "state": "ENABLED", "variants": { "on": true }, "defaultVariant": "on", "targeting": { "if": [{ "nonsense": 1 }, "on"] },
    } } });
    node.client.send("PUT", DOCUMENT, &[JSON], document.to_string().as_bytes()).check(200);
    let flag = node.client.get("/api/v1/tenants/demo/flags/a").expect(200).json();
    let problem = &flag["problems"][0];
    assert_eq!(
        (&problem["code"], &problem["environment"]),
        (&json!("unknown_operator"), &json!("development")),
        "{flag}"
    );
    assert!(problem["path"].as_str().unwrap().contains("/if/0"), "{flag}");
    // and gives it back as it came
    let exported = node.client.get(DOCUMENT).expect(200).json();
    assert_eq!(exported["flags"]["a"]["targeting"], document["flags"]["a"]["targeting"]);
}

#[test]
fn two_mebibytes_are_too_much() {
    let it = Untouched::new();
    let huge = "x".repeat(2 << 20);
    it.refuses_json(
        "POST",
        FLAGS,
        &json!({ "key": "g", "description": huge, "variants": { "on": true } }),
        413,
        "too_large",
    );
    it.refuses_json("PATCH", &flag_in("f"), &json!({ "targeting": { "==": [huge, "x"] } }), 413, "too_large");
    it.refuses("PUT", &harness::cluster::entry("big"), huge.as_bytes(), 413, "too_large");
    // a rule beyond its own limit within an allowed body
    let rule = json!({ "targeting": { "==": ["x".repeat(300 << 10), "x"] } });
    let answer = it.node.client.patch(&flag_in("f"), &rule);
    assert!(matches!(answer.status, 413 | 422), "{}", answer.text());
    // exactly at the limit is allowed
    it.node.client.put(&harness::cluster::entry("full"), &"x".repeat(1 << 20)).check(201);
    let over = "x".repeat((1 << 20) + 1);
    it.node.client.put(&harness::cluster::entry("full"), &over).problem(413, "too_large");
    // an import may be larger
    let flags: serde_json::Map<String, Json> = (0..12_000)
        .take(9_000)
        .map(|n| {
            (
                format!("flag-{n}"),
                json!({ "state": "ENABLED", "variants": { "on": "x".repeat(200) }, "defaultVariant": "on" }),
            )
        })
        .collect();
    let body = json!({ "flags": flags }).to_string();
    assert!(body.len() > 2 << 20);
    it.node.client.send("PUT", DOCUMENT, &[JSON], body.as_bytes()).check(200);
}

#[test]
fn more_flags_than_allowed_are_refused_by_name() {
    let it = Untouched::new();
    let flag = json!({ "state": "ENABLED", "variants": { "on": true }, "defaultVariant": "on" });
    let flags: serde_json::Map<String, Json> = (0..10_001).map(|n| (format!("flag-{n}"), flag.clone())).collect();
    let body = json!({ "flags": flags }).to_string();
    let answer = it.node.client.send("PUT", DOCUMENT, &[JSON], body.as_bytes());
    assert!(matches!(answer.status, 413 | 422 | 429), "{} {}", answer.status, answer.text());
    assert!(Untouched::look(&it.node) == it.before);
}
