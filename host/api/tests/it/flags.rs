//! `/api/v1/tenants/{tenant}/flags`.

use burgee_model::Limits;
use serde_json::{Value as Json, json};

use crate::server::{Options, Server, keys, paths};

const FLAGS: &str = "/api/v1/tenants/t/flags";

#[tokio::test]
async fn a_flag_is_what_was_written() {
    let server = Server::placed().await;
    let rule = json!({ "if": [{ "==": [{ "var": "plan" }, "pro"] }, "on", "off"] });
    let wanted = json!({
        "key": "shop/new", "name": "New", "description": "D", "tags": ["a"], "metadata": { "owner": "x", "n": 1 },
        "variants": { "on": true, "off": false },
        "environments": { "dev": { "state": "ENABLED", "defaultVariant": "on", "targeting": rule } },
    });
    let created = server.post(FLAGS, wanted.clone()).await.expect(201);
    assert_eq!(created.header("location"), "/api/v1/tenants/t/flags/shop%2Fnew");
    let found = server.get("/api/v1/tenants/t/flags/shop%2Fnew").await.expect(200);
    assert_eq!((found.body(), found.tag()), (created.body(), created.tag()));
    let flag = found.body();
    for member in ["key", "name", "description", "tags", "metadata", "variants"] {
        assert_eq!(flag[member], wanted[member], "{member}");
    }
    let dev = json!({ "state": "ENABLED", "defaultVariant": "on", "targeting": rule, "kill": false });
    let prod = json!({ "state": "DISABLED", "defaultVariant": null, "targeting": null, "kill": false });
    assert_eq!(flag["environments"], json!({ "dev": dev, "prod": prod }), "every environment is listed");
    assert_eq!(flag["problems"], json!([]));
    for path in ["variants", "environments/dev/state"] {
        assert!(flag["stamps"][path].is_string(), "{path}: {}", flag["stamps"]);
    }
    server.post(FLAGS, wanted).await.problem(409, "already_exists");
}

#[tokio::test]
async fn patch_replaces_members_whole_and_null_clears() {
    let server = Server::placed().await;
    server.flag("f").await;
    let path = "/api/v1/tenants/t/flags/f";
    server.patch(path, json!({ "name": "F", "metadata": { "a": 1 }, "tags": ["x"] })).await.expect(200);
    let flag = server.patch(path, json!({ "metadata": { "b": 2 }, "name": null })).await.expect(200).body();
    assert_eq!((&flag["metadata"], &flag["tags"], flag.get("name")), (&json!({ "b": 2 }), &json!(["x"]), None));
    let variants = json!({ "off": false, "on": true, "more": true });
    let flag = server.patch(path, json!({ "variants": variants })).await.expect(200).body();
    assert_eq!(flag["variants"].as_object().unwrap().keys().collect::<Vec<_>>(), ["off", "on", "more"]);
}

#[tokio::test]
async fn variants_that_are_in_use_stay() {
    let server = Server::placed().await;
    server.flag("f").await;
    let path = "/api/v1/tenants/t/flags/f";
    let faults = server.patch(path, json!({ "variants": { "off": false } })).await.problem(422, "invalid_value");
    assert_eq!(faults, [("/variants".to_owned(), "variant_in_use".to_owned())]);
    server.patch("/api/v1/tenants/t/flags/f/environments/dev", json!({ "defaultVariant": "off" })).await.expect(200);
    server.patch(path, json!({ "variants": { "off": false } })).await.expect(200);
}

#[tokio::test]
async fn a_stale_writer_is_told() {
    let server = Server::placed().await;
    server.flag("f").await;
    let path = "/api/v1/tenants/t/flags/f";
    let tag = server.get(path).await.tag();
    server.send("GET", path, &[("if-none-match", &tag)], "").await.expect(304);
    server.patch("/api/v1/tenants/t/flags/f/environments/prod", json!({ "kill": true })).await.expect(200);
    server.send("GET", path, &[("if-none-match", &tag)], "").await.expect(200);
    server.json("PATCH", path, &[("if-match", &tag)], &json!({ "name": "x" })).await.problem(412, "stale");
    server.send("DELETE", path, &[("if-match", &tag)], "").await.problem(412, "stale");
    let tag = server.get(path).await.tag();
    let tag = server.json("PATCH", path, &[("if-match", &tag)], &json!({ "name": "x" })).await.expect(200).tag();
    server.send("DELETE", path, &[("if-match", &tag)], "").await.expect(204);
}

#[tokio::test]
async fn a_new_environment_changes_a_flags_document_and_tag() {
    let server = Server::placed().await;
    server.flag("f").await;
    let tag = server.get("/api/v1/tenants/t/flags/f").await.tag();
    server.post("/api/v1/tenants/t/environments", json!({ "key": "stage" })).await.expect(201);
    let found = server.get("/api/v1/tenants/t/flags/f").await;
    assert_ne!(found.tag(), tag);
    assert_eq!(found.body()["environments"]["stage"]["state"], "DISABLED");
}

#[tokio::test]
async fn a_recreated_flag_remembers_nothing() {
    let server = Server::placed().await;
    let flag = json!({ "key": "f", "name": "old", "tags": ["old"], "variants": { "on": true },
        "environments": { "dev": { "state": "ENABLED", "kill": true } } });
    server.post(FLAGS, flag).await.expect(201);
    server.delete("/api/v1/tenants/t/flags/f").await.expect(204);
    server.get("/api/v1/tenants/t/flags/f").await.problem(404, "not_found");
    assert_eq!(server.value("f", json!({})).await["errorCode"], "FLAG_NOT_FOUND");
    let flag = server.post(FLAGS, json!({ "key": "f", "variants": { "x": 1 } })).await.expect(201).body();
    assert_eq!((flag.get("name"), &flag["tags"]), (None, &json!([])));
    assert_eq!(
        (&flag["environments"]["dev"]["state"], &flag["environments"]["dev"]["kill"]),
        (&json!("DISABLED"), &json!(false))
    );
}

#[tokio::test]
async fn lists_are_searched_filtered_and_paged() {
    let server = Server::placed().await;
    for number in 0..5 {
        let tag = if number % 2 == 0 { "even" } else { "odd" };
        let flag = json!({ "key": format!("f{number}"), "name": format!("Number {number}"), "tags": [tag], "variants": { "on": true } });
        server.post(FLAGS, flag).await.expect(201);
    }
    let get = async |query: &str| server.get(&format!("{FLAGS}?{query}")).await.expect(200).body();
    assert_eq!(keys(&get("").await), ["f0", "f1", "f2", "f3", "f4"]);
    assert_eq!(keys(&get("tag=even").await), ["f0", "f2", "f4"]);
    assert_eq!(keys(&get("search=NUMBER%203").await), ["f3"]);
    assert_eq!(keys(&get("search=number&tag=odd").await), ["f1", "f3"]);
    let first = get("tag=even&limit=2").await;
    assert_eq!(keys(&first), ["f0", "f2"]);
    let second = get(&format!("tag=even&limit=2&cursor={}", first["nextCursor"].as_str().unwrap())).await;
    assert_eq!((keys(&second), second.get("nextCursor")), (vec!["f4"], None));
    assert!(first["items"][0]["environments"]["dev"].is_object() && first["items"][0].get("stamps").is_none());
}

#[tokio::test]
async fn wrong_flags_are_refused_by_place() {
    let server = Server::placed().await;
    let post = async |flag: Json, code: &str| server.post(FLAGS, flag).await.problem(422, code);
    for variants in [json!({}), json!({ "a": null }), json!({ "a": 1, "b": "x" })] {
        let faults = post(json!({ "key": "f", "variants": variants }), "invalid_value").await;
        assert!(faults[0].0.starts_with("/variants"), "{variants}: {faults:?}");
    }
    assert_eq!(paths(&post(json!({ "key": "f" }), "invalid_value").await), ["/variants"]);
    let in_dev =
        |settings: Json| json!({ "key": "f", "variants": { "on": true }, "environments": { "dev": settings } });
    let faults = post(in_dev(json!({ "defaultVariant": "no" })), "invalid_value").await;
    assert_eq!(paths(&faults), ["/environments/dev/defaultVariant"]);
    let faults = post(in_dev(json!({ "targeting": { "if": [true, { "zap": 1 }] } })), "invalid_rule").await;
    assert_eq!(faults[0].0, "/environments/dev/targeting/if/1/zap");
    assert_eq!(faults[0].1, "unknown_operator");
    let faults = post(in_dev(json!({ "reason": "why" })), "invalid_value").await;
    assert_eq!(paths(&faults), ["/environments/dev/reason"]);
    let unknown = json!({ "key": "f", "variants": { "on": true }, "environments": { "no/where": {} } });
    assert_eq!(paths(&post(unknown, "invalid_value").await), ["/environments/no~1where"]);
    assert_eq!(keys(&server.get(FLAGS).await.body()), [""; 0]);
}

#[tokio::test]
async fn the_number_of_flags_is_limited() {
    let limits = Limits { flags_per_environment: 2, ..Limits::default() };
    let server = Server::with(Options { limits, ..Options::default() }).place().await;
    server.flag("a").await;
    server.flag("b").await;
    let third = json!({ "key": "c", "variants": { "on": true } });
    let faults = server.post(FLAGS, third.clone()).await.problem(422, "invalid_value");
    assert_eq!(faults[0].1, "too_many_flags");
    server.delete("/api/v1/tenants/t/flags/a").await.expect(204);
    server.post(FLAGS, third).await.expect(201);
}

#[tokio::test]
async fn the_patterns_of_an_environment_are_limited() {
    let limits = Limits { patterns_per_environment: 2, ..Limits::default() };
    let server = Server::with(Options { limits, ..Options::default() }).place().await;
    let rule = |pattern: &str| json!({ "if": [{ "matches": [{ "var": "x" }, pattern] }, "on"] });
    for (flag, pattern) in [("a", "x"), ("b", "y"), ("c", "y"), ("d", "z")] {
        let here = json!({ "dev": { "targeting": rule(pattern) } });
        let created =
            server.post(FLAGS, json!({ "key": flag, "variants": { "on": true }, "environments": here })).await;
        match flag {
            "d" => {
                let faults = created.problem(422, "invalid_rule");
                let expected = ("/environments/dev/targeting", "too_many_patterns");
                assert_eq!((faults[0].0.as_str(), faults[0].1.as_str()), expected);
            }
            _ => drop(created.expect(201)),
        }
    }
    let patch = async |pattern: &str| {
        server.patch("/api/v1/tenants/t/flags/c/environments/dev", json!({ "targeting": rule(pattern) })).await
    };
    assert_eq!(patch("z").await.problem(422, "invalid_rule")[0].1, "too_many_patterns");
    patch("x").await.expect(200);
}
