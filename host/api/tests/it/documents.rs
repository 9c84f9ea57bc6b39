//! Any flagd document, of JSON or YAML: it comes back as it went in, and touches no other environment.

use burgee_model::{Limits, json::Bounds};
use proptest::{prelude::*, sample::select};
use serde_json::{Map, Value as Json, json};

use crate::server::{Answer, Server};

const DEV: &str = "/api/v1/tenants/t/environments/dev/flagd.json";
const PROD: &str = "/api/v1/tenants/t/environments/prod/flagd.json";

/// Names that one format or the other could take for something else.
const NAMES: [&str; 11] = ["a", "b", "c/d", "on", "no", "null", "1", "é ü", "- x", "a: b", "<<"];

fn names() -> impl Strategy<Value = String> {
    select(&NAMES[..]).prop_map(str::to_owned)
}

fn values(kind: usize) -> BoxedStrategy<Json> {
    match kind {
        0 => any::<bool>().prop_map(Json::from).boxed(),
        1 => prop_oneof![any::<String>(), names()].prop_map(Json::from).boxed(),
        2 => prop_oneof![any::<i64>().prop_map(Json::from), any::<f64>().prop_map(Json::from)].boxed(),
        _ => objects((0..3usize).prop_flat_map(values)).prop_map(Json::Object).boxed(),
    }
}

fn objects(values: impl Strategy<Value = Json>) -> impl Strategy<Value = Map<String, Json>> {
    prop::collection::vec((names(), values), 0..4).prop_map(|members| members.into_iter().collect())
}

fn rules() -> impl Strategy<Value = Json> {
    let known = [
        json!({ "if": [{ "==": [{ "var": "plan" }, "pro"] }, "on", "no"] }),
        json!({ "if": [{ "$ref": "pro" }, "a", null] }),
        json!({ "fractional": [["on", 50], ["a", 50]] }),
        json!({ "zap": ["kept, though it is no rule", 1.0, 1] }),
    ];
    select(known.to_vec())
}

fn flags() -> impl Strategy<Value = Json> {
    let mixed = prop::collection::vec((names(), (0..4usize).prop_flat_map(values)), 1..4);
    let alike = (0..4usize).prop_flat_map(|kind| prop::collection::vec((names(), values(kind)), 1..4));
    let variants = prop_oneof![3 => alike, 1 => mixed];
    let metadata = objects((0..4usize).prop_flat_map(values));
    let parts = (variants, any::<bool>(), any::<prop::sample::Index>(), any::<bool>());
    let more = (proptest::option::of(rules()), metadata, proptest::option::of(objects(values(3))));
    (parts, more).prop_map(|((variants, on, default, has_default), (targeting, metadata, own))| {
        let variants: Map<String, Json> = variants.into_iter().collect();
        let default = has_default.then(|| default.get(&variants.keys().collect::<Vec<_>>()).to_string());
        let flag = json!({
            "state": if on { "ENABLED" } else { "DISABLED" }, "variants": variants, "defaultVariant": default,
            "targeting": targeting, "metadata": (!metadata.is_empty()).then_some(metadata), "own": own,
        });
        present(flag)
    })
}

/// Without members that are null.
fn present(mut object: Json) -> Json {
    object.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    object
}

fn documents() -> impl Strategy<Value = Json> {
    let flags = prop::collection::vec((names(), flags()), 0..4);
    let evaluators = prop_oneof![Just(None), rules().prop_map(|rule| Some(json!({ "pro": rule })))];
    let metadata = objects((0..4usize).prop_flat_map(values));
    (flags, evaluators, metadata, proptest::option::of(values(3))).prop_map(|(flags, evaluators, metadata, own)| {
        present(json!({
            "flags": flags.into_iter().collect::<Map<_, _>>(), "$evaluators": evaluators,
            "metadata": (!metadata.is_empty()).then_some(metadata), "own": own,
        }))
    })
}

async fn import(server: &Server, path: &str, document: &Json, yaml: bool) -> Answer {
    let (media, text) = if yaml {
        ("application/yaml", burgee_model::yaml::text(document).unwrap())
    } else {
        ("application/json", document.to_string())
    };
    server.send("PUT", path, &[("content-type", media)], text).await.expect(200)
}

async fn export(server: &Server, path: &str, yaml: bool) -> Json {
    let answer = server.get(&format!("{path}?format={}", if yaml { "yaml" } else { "json" })).await.expect(200);
    if !yaml {
        return answer.body();
    }
    assert_eq!(answer.header("content-type"), "application/yaml");
    let bounds = Bounds { depth: 64, values: 10_000 };
    burgee_model::yaml::document(&answer.body, bounds, 1 << 20).unwrap()
}

/// An environment as others see it: its document, and what the flags that are configured there answer. Left out is what
/// every environment hears of: segments that the tenant did not have, by answers that asked for them before they were there.
async fn seen(server: &Server, environment: &str, segments: &[&str]) -> (Json, Vec<Json>) {
    let mut document = export(server, &format!("/api/v1/tenants/t/environments/{environment}/flagd.json"), false).await;
    let members = document.as_object_mut().unwrap();
    if let Some(all) = members.get_mut("$evaluators").and_then(Json::as_object_mut) {
        all.retain(|name, _| segments.contains(&name.as_str()));
    }
    members.retain(|name, value| name != "$evaluators" || *value != json!({}));
    let context = json!({ "context": { "targetingKey": "u", "plan": "pro" } });
    let path = format!("/e/t/{environment}/ofrep/v1/evaluate/flags");
    let mut answers = server.post(&path, context).await.expect(200).body()["flags"].take();
    let asks = |flag: &Json| flag["targeting"].to_string().contains("$ref") && segments.is_empty();
    let counts = |item: &Json| document["flags"].get(item["key"].as_str().unwrap()).is_some_and(|flag| !asks(flag));
    let answers = answers.as_array_mut().unwrap().drain(..).filter(counts).collect();
    (document, answers)
}

fn run<T: std::fmt::Debug>(strategy: impl Strategy<Value = T>, test: impl AsyncFn(T) -> Result<(), TestCaseError>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    runner.run(&strategy, |value| runtime.block_on(test(value))).unwrap();
}

#[test]
fn nothing_is_lost_in_a_round_trip() {
    run((documents(), any::<bool>()), async |(document, yaml): (Json, bool)| {
        let server = Server::placed().await;
        import(&server, DEV, &document, yaml).await;
        for yaml in [false, true] {
            prop_assert_eq!(&export(&server, DEV, yaml).await, &document);
        }
        let again = import(&server, DEV, &document, !yaml).await.body();
        prop_assert_eq!((&again["changes"], &again["diff"]), (&json!([]), &json!([])));
        Ok(())
    });
}

#[test]
fn an_import_makes_its_environment_as_the_document_and_changes_no_other() {
    let three = (documents(), documents(), documents());
    run((three, any::<bool>()), async |((first, elsewhere, second), prune)| {
        let server = Server::placed().await;
        import(&server, DEV, &first, false).await;
        import(&server, PROD, &elsewhere, false).await;
        let segments: &[&str] =
            if export(&server, PROD, false).await.get("$evaluators").is_some() { &["pro"] } else { &[] };
        let before = seen(&server, "prod", segments).await;
        import(&server, &format!("{DEV}?prune={prune}"), &second, false).await;
        prop_assert_eq!(before, seen(&server, "prod", segments).await);
        let here = export(&server, DEV, false).await;
        let flags = |document: &Json| document["flags"].as_object().unwrap().clone();
        let left = flags(&here).into_iter().filter(|(key, _)| prune || flags(&second).contains_key(key));
        prop_assert_eq!(left.collect::<Map<_, _>>(), flags(&second));
        prop_assert_eq!(here.get("metadata"), second.get("metadata"));
        Ok(())
    });
}

/// flagd takes what its schema does not allow, and keeps it; so do we, beside what others have or not.
#[tokio::test]
async fn what_flagd_keeps_comes_back() {
    let flag = json!({
        "state": "ENABLED", "defaultVariant": "text", "own": { "x": [null] },
        "variants": { "text": "x", "number": 1, "list": [1], "object": { "a": null } },
        "targeting": { "if": [{ "==": [{ "var": "plan" }, "pro"] }, "number", null] },
        "metadata": { "owner": { "team": "a", "people": ["b"] }, "order": 1 },
    });
    let metadata = json!({ "nested": { "a": [1] }, "nothing": null, "version": 1 });
    let document = json!({ "flags": { "f": flag }, "metadata": metadata });
    for yaml in [false, true] {
        let server = Server::placed().await;
        for (path, environment) in [(DEV, "dev"), (PROD, "prod")] {
            import(&server, path, &document, yaml).await;
            assert_eq!(export(&server, path, yaml).await, document);
            let answer = server.value_in(environment, "f", json!({ "plan": "pro" })).await;
            assert_eq!((&answer["value"], &answer["metadata"]), (&json!(1), &json!({ "order": 1, "version": 1 })));
        }
        let other = json!({ "flags": { "f": { "state": "ENABLED", "variants": { "text": 7, "more": "y" } } } });
        import(&server, PROD, &other, yaml).await;
        assert_eq!((export(&server, DEV, yaml).await, export(&server, PROD, yaml).await), (document.clone(), other));
        let problems = server.get("/api/v1/tenants/t/flags/f").await.body()["problems"].to_string();
        assert!(problems.contains("mixed_variant_types"), "{problems}");
    }
}

#[tokio::test]
async fn what_could_not_come_back_is_refused_by_name() {
    let server = Server::placed().await;
    let document = json!({
        "flags": {
            "f": { "state": "ENABLED", "variants": { "on": null }, "metadata": { "x": null } },
            "g": { "state": "enabled", "variants": { "on": true } },
            "h": { "variants": { "on": true } },
        },
        "$evaluators": { "..": true, "s": null },
    });
    let answer = server.send("PUT", DEV, &[], document.to_string()).await;
    let said = answer.body();
    let found: Vec<&str> = said["errors"].as_array().unwrap().iter().map(|e| e["path"].as_str().unwrap()).collect();
    let places = [
        "/flags/f/variants/on",
        "/flags/f/metadata/x",
        "/flags/g/state",
        "/flags/h/state",
        "/$evaluators/..",
        "/$evaluators/s",
    ];
    assert!(places.iter().all(|place| found.contains(place)), "{said}");
    let text = said.to_string();
    assert!(text.contains("flag `g` has the state `enabled`") && text.contains("flag `h` has no `state`"), "{text}");
    answer.problem(422, "invalid_value");
}

#[tokio::test]
async fn many_small_values_are_refused_where_they_become_too_many() {
    let limits = Limits { import_values: 200, body_values: 50, ..Limits::default() };
    let server = Server::with(crate::server::Options { limits, ..Default::default() }).place().await;
    let too_many = async |answer: Answer, path: &str| {
        assert_eq!(answer.problem(413, "too_large"), [(path.to_owned(), "too_many_values".to_owned())]);
    };
    let put = async |text: String, yaml: bool| {
        server.send("PUT", &format!("{DEV}?format={}", if yaml { "yaml" } else { "json" }), &[], text).await
    };
    let list = |n: usize| vec!["0"; n].join(",");
    for yaml in [false, true] {
        put(format!(r#"{{"flags":{{}},"x":[{}]}}"#, list(197)), yaml).await.expect(200);
        too_many(put(format!(r#"{{"flags":{{}},"x":[{}]}}"#, list(198)), yaml).await, "/x/197").await;
    }
    too_many(put(format!("flags: {{}}\nx: &x [{}]\ny: *x", list(150)), true).await, "/y/46").await;
    let body = |n: usize| format!(r#"{{"key":"f","variants":{{"on":{{"l":[{}]}}}}}}"#, list(n));
    server.send("POST", "/api/v1/tenants/t/flags", &[], body(45)).await.expect(201);
    too_many(server.send("POST", "/api/v1/tenants/t/flags", &[], body(46)).await, "/variants/on/l/45").await;
}

#[tokio::test]
async fn a_document_says_how_it_is_written() {
    let server = Server::placed().await;
    let text = "flags:\n  f: {state: ENABLED, variants: {on: true, off: false}, defaultVariant: on}\n";
    let put = async |query: &str, media: &str| {
        server.send("PUT", &format!("{DEV}{query}"), &[("content-type", media)], text).await
    };
    put("", "application/json").await.problem(400, "invalid_json");
    put("?format=json", "application/yaml").await.problem(400, "invalid_json");
    put("?format=xml", "application/yaml").await.problem(422, "invalid_value");
    put("", "text/plain").await.problem(415, "unsupported_media_type");
    let report = put("", "text/yaml").await.expect(200).body();
    assert_eq!(
        report["diff"],
        json!([{ "op": "add", "kind": "flag", "key": "f", "type": "boolean", "state": "ENABLED" }])
    );
    put("?format=yaml", "").await.expect(200);
    assert_eq!(server.value("f", json!({})).await["value"], true);
}

#[tokio::test]
async fn what_is_no_yaml_or_too_much_of_it_is_refused() {
    let limits = Limits { import_bytes: 64 * 1024, ..Limits::default() };
    let server = Server::with(crate::server::Options { limits, ..Default::default() }).place().await;
    let put = async |text: String| server.send("PUT", &format!("{DEV}?format=yaml"), &[], text).await;
    let level = |n: u8| {
        format!("{0}: &{0} [{1}]\n", (b'a' + n) as char, vec![format!("*{}", (b'a' + n - 1) as char); 10].join(","))
    };
    put(format!("a: &a [ha]\n{}flags: {{}}", (1..9).map(level).collect::<String>())).await.problem(413, "too_large");
    put(format!("flags: {}", "x".repeat(70_000))).await.problem(413, "too_large");
    let deep = put(format!("{}{}", "[".repeat(30_000), "]".repeat(30_000))).await.problem(422, "invalid_value");
    assert_eq!(deep[0].1, "too_deep");
    let doubled = put("flags: {a: {}, a: {}}".into()).await.problem(422, "invalid_value");
    assert_eq!(doubled, [("/flags/a".into(), "doubled_member".into())]);
    put("flags: [".into()).await.problem(400, "invalid_yaml");
    put("- 1".into()).await.problem(422, "invalid_value");
}
