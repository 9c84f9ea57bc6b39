//! `/api/v1/tenants/{tenant}/environments/{environment}/flagd.json`.

use burgee_model::Limits;
use serde_json::{Value as Json, json};

use crate::server::{Answer, Options, Server, paths};

const DEV: &str = "/api/v1/tenants/t/environments/dev/flagd.json";

fn document() -> Json {
    json!({
        "$schema": "https://flagd.dev/schema/v0/flags.json",
        "flags": { "a": { "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "off",
            "targeting": { "if": [{ "$ref": "pro" }, "on"] }, "metadata": { "owner": "x" }, "own": 1 } },
        "$evaluators": { "pro": { "==": [{ "var": "plan" }, "pro"] } },
        "metadata": { "flagSetId": "s" },
        "unknown": [1],
    })
}

async fn put(server: &Server, query: &str, body: &Json) -> crate::server::Answer {
    server.json("PUT", &format!("{DEV}{query}"), &[], body).await
}

#[tokio::test]
async fn a_document_comes_back_as_it_went_in() {
    let server = Server::placed().await;
    let empty = server.get(DEV).await.expect(200);
    assert_eq!(empty.body(), json!({ "flags": {} }));
    let report = put(&server, "", &document()).await.expect(200);
    assert_eq!(report.body()["created"], json!(["a"]));
    let found = server.get(DEV).await.expect(200);
    assert_eq!((found.body(), found.tag()), (document(), report.tag()));
    server.send("GET", DEV, &[("if-none-match", &found.tag())], "").await.expect(304);
    let again = put(&server, "", &document()).await.expect(200).body();
    assert_eq!((&again["unchanged"], &again["changes"]), (&json!(1), &json!([])));
    assert_eq!(server.value("a", json!({ "plan": "pro" })).await["variant"], "on");
    let elsewhere = server.get("/api/v1/tenants/t/environments/prod/flagd.json").await.body();
    assert_eq!(elsewhere["flags"], json!({}), "only what is configured there");
}

#[tokio::test]
async fn a_dry_run_says_what_would_change() {
    let server = Server::placed().await;
    server.flag("kept").await;
    let before = server.get(DEV).await.body;
    let report = put(&server, "?dryRun=true&prune=true", &document()).await.expect(200).body();
    assert_eq!(
        (&report["dryRun"], &report["created"], &report["pruned"]),
        (&json!(true), &json!(["a"]), &json!(["kept"]))
    );
    let state =
        json!({ "register": { "kind": "flag", "key": "a", "environment": "dev", "field": "state" }, "op": "put" });
    assert!(report["changes"].as_array().unwrap().contains(&state), "{report}");
    assert_eq!(server.get(DEV).await.body, before);
    put(&server, "?prune=true", &document()).await.expect(200);
    assert_eq!(server.get(DEV).await.body()["flags"].as_object().unwrap().keys().collect::<Vec<_>>(), ["a"]);
    server.get("/api/v1/tenants/t/flags/kept").await.expect(200);
}

#[tokio::test]
async fn imports_are_conditional() {
    let server = Server::placed().await;
    let tag = server.get(DEV).await.tag();
    let with = [("if-match", tag.as_str())];
    server.json("PUT", DEV, &with, &document()).await.expect(200);
    server.json("PUT", DEV, &with, &json!({ "flags": {} })).await.problem(412, "stale");
}

#[tokio::test]
async fn a_killed_flag_is_exported_as_disabled() {
    let server = Server::placed().await;
    server.flag("f").await;
    assert_eq!(server.get(DEV).await.body()["flags"]["f"]["state"], "ENABLED");
    server.patch("/api/v1/tenants/t/flags/f/environments/dev", json!({ "kill": true })).await.expect(200);
    assert_eq!(server.get(DEV).await.body()["flags"]["f"]["state"], "DISABLED");
}

#[tokio::test]
async fn bad_rules_are_kept_and_listed() {
    let server = Server::placed().await;
    let bad =
        json!({ "flags": { "a/b": { "state": "ENABLED", "variants": { "on": true }, "targeting": { "zap": [] } } } });
    let report = put(&server, "", &bad).await.expect(200).body();
    assert_eq!(report["problems"][0]["path"], "/flags/a~1b/targeting/zap");
    let flag = server.get("/api/v1/tenants/t/flags/a%2Fb").await.body();
    assert_eq!(
        (&flag["problems"][0]["code"], &flag["problems"][0]["environment"]),
        (&json!("unknown_operator"), &json!("dev"))
    );
    assert_eq!(server.get(DEV).await.body()["flags"]["a/b"]["targeting"], json!({ "zap": [] }));
}

#[tokio::test]
async fn what_is_no_document_is_refused_whole() {
    let server = Server::placed().await;
    let mut two = document();
    two["flags"]["b"] = json!({ "state": "ENABLED", "variants": { "on": true }, "defaultVariant": "no" });
    let faults = put(&server, "", &two).await.problem(422, "invalid_value");
    assert_eq!(paths(&faults), ["/flags/b/defaultVariant"]);
    put(&server, "", &json!([])).await.problem(422, "invalid_value");
    server.send("PUT", DEV, &[], "{").await.problem(400, "invalid_json");
    server
        .send("PUT", "/api/v1/tenants/t/environments/x/flagd.json", &[], document().to_string())
        .await
        .problem(404, "not_found");
    assert_eq!(server.get(DEV).await.body(), json!({ "flags": {} }));
}

#[tokio::test]
async fn imports_have_limits_of_their_own() {
    let limits =
        Limits { flags_per_environment: 1, import_bytes: 4096, body_bytes: 64, rule_bytes: 100, ..Limits::default() };
    let server = Server::with(Options { limits, ..Options::default() }).place().await;
    put(&server, "", &document()).await.expect(200);
    let more = json!({ "flags": { "b": { "state": "ENABLED", "variants": { "on": true } } } });
    assert_eq!(put(&server, "", &more).await.problem(422, "invalid_value")[0].1, "too_many_flags");
    put(&server, "", &json!({ "flags": {}, "x": "x".repeat(5000) })).await.problem(413, "too_large");
    let rule = json!({ "==": ["x".repeat(200), 1] });
    let large = json!({ "flags": { "a": { "state": "ENABLED", "variants": { "on": true }, "targeting": rule } } });
    put(&server, "", &large).await.problem(413, "too_large");
}

#[tokio::test]
async fn an_export_says_how_it_buckets_and_an_import_never_changes_that() {
    let server = Server::placed().await;
    put(&server, "", &json!({ "flags": {} })).await.expect(200);
    let before = server.get(DEV).await;
    let (dev, prod) = ("/api/v1/tenants/t/environments/dev", "/api/v1/tenants/t/environments/prod");
    server.patch(dev, json!({ "fractionalVersion": 3 })).await.expect(200);
    let exported = server.get(DEV).await.expect(200);
    assert_ne!(exported.tag(), before.tag());
    let exported = exported.body();
    assert_eq!(exported, json!({ "flags": {}, "metadata": { "burgee.fractionalVersion": 3 } }));
    let same = put(&server, "", &exported).await.expect(200).body();
    assert_eq!((&same["changes"], &same["problems"]), (&json!([]), &json!([])));
    let other = server.json("PUT", &format!("{prod}/flagd.json"), &[], &exported).await.expect(200).body();
    let [problem] = other["problems"].as_array().unwrap().as_slice() else { panic!("{other}") };
    assert_eq!((&problem["code"], &problem["severity"]), (&json!("fractional_version_differs"), &json!("warning")));
    assert_eq!(server.get(prod).await.body()["fractionalVersion"], 2);
    assert_eq!(server.get(&format!("{prod}/flagd.json")).await.body(), json!({ "flags": {} }));
}

#[tokio::test]
async fn an_import_changes_no_answer_of_another_environment() {
    let server = Server::placed().await;
    server.flag("asked").await;
    server.flag("free").await;
    // what it gives is known to nobody before it is evaluated
    let computed = json!({ "state": "ENABLED", "defaultVariant": "off", "targeting": { "var": "plan" } });
    server.patch("/api/v1/tenants/t/flags/asked/environments/prod", computed).await.expect(200);
    let of_segment = json!({ "state": "ENABLED", "defaultVariant": "off" });
    server.patch("/api/v1/tenants/t/flags/free/environments/prod", of_segment).await.expect(200);
    // prepared, and not switched on yet
    server.flag("prepared").await;
    let prepared = json!({ "defaultVariant": "off", "targeting": { "if": [true, "on"] } });
    server.patch("/api/v1/tenants/t/flags/prepared/environments/prod", prepared).await.expect(200);
    let prod = "/api/v1/tenants/t/environments/prod/flagd.json";
    let rule = json!({ "if": [{ "$ref": "later" }, "on", "off"] });
    let flag = json!({ "state": "ENABLED", "variants": { "on": true, "off": false }, "targeting": rule });
    server.json("PUT", prod, &[], &json!({ "flags": { "waits": flag } })).await.expect(200);

    let context = json!({ "plan": "new" });
    let answers = async || {
        let ask = async |flag| server.value_in("prod", flag, context.clone()).await;
        [ask("asked").await, ask("free").await, ask("waits").await]
    };
    let before = answers().await;
    let flag = |more: &str| json!({ "state": "ENABLED", "variants": { "on": true, "off": false, more: true }, "defaultVariant": more });
    let flags = json!({ "asked": flag("new"), "free": flag("new"), "prepared": flag("new") });
    put(&server, "", &json!({ "flags": flags, "$evaluators": { "later": true } })).await.expect(200);
    assert_eq!(answers().await, before);
    assert_eq!(server.value("asked", json!({})).await["variant"], "new");
    let variants =
        async |flag: &str| server.get(&format!("/api/v1/tenants/t/flags/{flag}")).await.body()["variants"].clone();
    assert_eq!(variants("asked").await, json!({ "on": true, "off": false }), "it stays dev's own");
    assert_eq!(variants("free").await, json!({ "on": true, "off": false }), "nor is what nobody waits for shared");
    assert_eq!(variants("prepared").await, json!({ "on": true, "off": false }));
}

#[tokio::test]
async fn what_is_written_otherwise_has_another_tag() {
    let server = Server::placed().await;
    let mut flags = serde_json::Map::new();
    for n in 0..50 {
        let flag = json!({ "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "on" });
        flags.insert(format!("flag-{n}"), flag);
    }
    put(&server, "", &json!({ "flags": flags })).await.expect(200);
    let yaml = format!("{DEV}?format=yaml");
    let tag = |answer: Answer| answer.expect(200).header("etag").to_owned();
    let json = tag(server.get(DEV).await);
    let tags = [
        json.clone(),
        tag(server.get(&yaml).await),
        tag(server.send("GET", DEV, &[("accept-encoding", "gzip")], "").await),
        tag(server.send("GET", &yaml, &[("accept-encoding", "gzip")], "").await),
    ];
    let different: std::collections::BTreeSet<&String> = tags.iter().collect();
    assert_eq!((different.len(), tags[2].starts_with("W/")), (4, true), "{tags:?}");
    for (path, tag) in [(DEV, &tags[0]), (&yaml, &tags[1]), (DEV, &tags[2]), (&yaml, &tags[3])] {
        server.send("GET", path, &[("if-none-match", tag)], "").await.expect(304);
    }
    server.send("GET", DEV, &[("if-none-match", &tags[1])], "").await.expect(200);
    // a write is about the document, however it was read
    for tag in &tags {
        server
            .json("PUT", &format!("{DEV}?dryRun=true"), &[("if-match", tag)], &json!({ "flags": {} }))
            .await
            .expect(200);
    }
}
