//! OFREP, single and bulk, on both paths.

use std::sync::atomic::Ordering;

use burgee_model::Limits;
use serde_json::{Value as Json, json};

use crate::server::{Answer, Options, Server, TOKEN};

const BULK: &str = "/e/t/dev/ofrep/v1/evaluate/flags";

async fn ask(server: &Server, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    server.send("POST", path, headers, body.to_owned()).await
}

#[tokio::test]
async fn one_flag_with_its_status() {
    let server = Server::placed().await;
    server.flag("we/ird key").await;
    for key in ["we/ird%20key", "we%2Fird%20key"] {
        let answer = ask(&server, &format!("{BULK}/{key}"), &[], "").await.expect(200);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.body(), json!({ "key": "we/ird key", "value": true, "variant": "on", "reason": "STATIC" }));
    }
    let unknown = ask(&server, &format!("{BULK}/x"), &[], "{}").await.expect(404).body();
    assert_eq!((&unknown["key"], &unknown["errorCode"]), (&json!("x"), &json!("FLAG_NOT_FOUND")));
    let bad =
        json!({ "flags": { "bad": { "state": "ENABLED", "variants": { "on": true }, "targeting": { "zap": [] } } } });
    server.json("PUT", "/api/v1/tenants/t/environments/dev/flagd.json", &[], &bad).await.expect(200);
    let bad = ask(&server, &format!("{BULK}/bad"), &[], "{}").await.expect(400).body();
    assert_eq!((&bad["key"], &bad["errorCode"]), (&json!("bad"), &json!("PARSE_ERROR")));
}

#[tokio::test]
async fn all_flags_with_and_without_a_trailing_slash() {
    let server = Server::placed().await;
    let empty = ask(&server, BULK, &[], "").await.expect(200);
    assert_eq!(empty.body()["flags"], json!([]));
    server.flag("a").await;
    let document = json!({ "metadata": { "flagSetId": "s" }, "flags": {
        "b": { "state": "ENABLED", "variants": { "on": true }, "defaultVariant": "on", "targeting": { "zap": [] } },
        "c": { "state": "DISABLED", "variants": { "on": true } },
    } });
    server.json("PUT", "/api/v1/tenants/t/environments/dev/flagd.json", &[], &document).await.expect(200);
    let all = ask(&server, BULK, &[], "{}").await.expect(200);
    let body = all.body();
    let items = body["flags"].as_array().unwrap();
    let keys: Vec<&Json> = items.iter().map(|item| &item["key"]).collect();
    assert_eq!(keys, ["a", "b", "c"]);
    assert_eq!((&items[1]["errorCode"], &items[2]["reason"]), (&json!("PARSE_ERROR"), &json!("DISABLED")));
    assert_eq!(body["metadata"], json!({ "flagSetId": "s" }));
    let slash = ask(&server, &format!("{BULK}/"), &[], "{}").await.expect(200);
    assert_eq!((slash.body(), slash.tag()), (body, all.tag()));
}

#[tokio::test]
async fn the_tag_covers_flags_and_context() {
    let server = Server::placed().await;
    server.flag("a").await;
    let context = r#"{"context":{"targetingKey":"u","plan":"pro"}}"#;
    let tag = ask(&server, BULK, &[], context).await.expect(200).tag();
    let known = ask(&server, BULK, &[("if-none-match", &tag)], context).await.expect(304);
    assert_eq!((known.tag(), known.body.len()), (tag.clone(), 0));
    let reordered = r#"{"context":{"plan":"pro","targetingKey":"u"}}"#;
    ask(&server, BULK, &[("if-none-match", &format!("\"x\", W/{tag}"))], reordered).await.expect(304);
    let other = r#"{"context":{"targetingKey":"v","plan":"pro"}}"#;
    ask(&server, BULK, &[("if-none-match", &tag)], other).await.expect(200);
    // no rule reads the plan, so no answer depends on it
    let unread = r#"{"context":{"targetingKey":"u","plan":"free"}}"#;
    ask(&server, BULK, &[("if-none-match", &tag)], unread).await.expect(304);
    server.patch("/api/v1/tenants/t/flags/a/environments/dev", json!({ "defaultVariant": "off" })).await.expect(200);
    ask(&server, BULK, &[("if-none-match", &tag)], context).await.expect(200);
    server.patch("/api/v1/tenants/t/flags/a/environments/dev", json!({ "defaultVariant": "on" })).await.expect(200);
    ask(&server, BULK, &[("if-none-match", &tag)], context).await.expect(304);
}

#[tokio::test]
async fn where_an_answer_varies_with_time_the_tag_is_its_bodys() {
    let server = Server::placed().await;
    server.flag("a").await;
    let rule = json!({ "if": [{ ">": [{ "var": "$flagd.timestamp" }, 1_700_000_050] }, "off", "on"] });
    server.patch("/api/v1/tenants/t/flags/a/environments/dev", json!({ "targeting": rule })).await.expect(200);
    let tag = ask(&server, BULK, &[], "").await.expect(200).tag();
    server.pass(10_000);
    ask(&server, BULK, &[("if-none-match", &tag)], "").await.expect(304);
    server.pass(90_000);
    ask(&server, BULK, &[("if-none-match", &tag)], "").await.expect(200);
}

#[tokio::test]
async fn faults_have_ofreps_shape() {
    let server = Server::placed().await;
    server.flag("f").await;
    let single = format!("{BULK}/f");
    for (body, code) in [("{", "PARSE_ERROR"), ("[]", "PARSE_ERROR"), (r#"{"context":7}"#, "INVALID_CONTEXT")] {
        let answer = ask(&server, &single, &[], body).await.expect(400).body();
        assert_eq!((&answer["key"], &answer["errorCode"]), (&json!("f"), &json!(code)), "{body}");
        assert!(answer["errorDetails"].is_string());
        let answer = ask(&server, BULK, &[], body).await.expect(400).body();
        assert_eq!((answer.get("key"), &answer["errorCode"]), (None, &json!(code)), "{body}");
    }
    let large = format!(r#"{{"context":{{"a":"{}"}}}}"#, "x".repeat(70 << 10));
    assert_eq!(ask(&server, &single, &[], &large).await.expect(413).body()["errorCode"], "INVALID_CONTEXT");
    let huge = "x".repeat(2 << 20);
    assert_eq!(ask(&server, &single, &[], &huge).await.expect(413).body()["key"], "f");
    let many: Vec<String> = (0..600).map(|n| format!("\"{n}\":1")).collect();
    ask(&server, &single, &[], &format!(r#"{{"context":{{{}}}}}"#, many.join(","))).await.expect(400);
    let nowhere = ask(&server, "/e/t/x/ofrep/v1/evaluate/flags/f", &[], "").await.expect(404).body();
    assert_eq!((&nowhere["key"], &nowhere["errorCode"]), (&json!("f"), &json!("FLAG_NOT_FOUND")));
    ask(&server, "/e/t/x/ofrep/v1/evaluate/flags", &[], "").await.expect(404);
    ask(&server, &format!("{BULK}/%ff"), &[], "").await.expect(400);
}

#[tokio::test]
async fn before_the_node_is_ready_nothing_is_evaluated() {
    let server = Server::placed().await;
    server.flag("f").await;
    server.status.ready.store(false, Ordering::Relaxed);
    for path in [BULK.to_owned(), format!("{BULK}/f")] {
        let answer = ask(&server, &path, &[], "").await.expect(503);
        assert_eq!((&answer.body()["errorCode"], answer.header("retry-after")), (&json!("PROVIDER_NOT_READY"), "1"));
    }
}

/// It has not heard of its tokens yet, and clients take 401 for final.
#[tokio::test]
async fn a_node_that_is_not_ready_says_nothing_about_tokens() {
    let limits = Limits { wrong_tokens_per_address_per_minute: 1, ..Limits::default() };
    let server = Server::with(Options { limits, ..Options::default() }).place().await;
    server.status.ready.store(false, Ordering::Relaxed);
    let unknown = [("authorization", "Bearer of-another-node")];
    for _ in 0..3 {
        for path in ["/ofrep/v1/evaluate/flags", "/ofrep/v1/evaluate/flags/f"] {
            let answer = ask(&server, path, &unknown, "").await.expect(503);
            let told = (&answer.body()["errorCode"], answer.header("retry-after"));
            assert_eq!(told, (&json!("PROVIDER_NOT_READY"), "1"));
        }
        for path in [
            "/ofrep/v1/events?token=unknown",
            "/api/v1/tenants/t/environments/dev/flagd.json",
            "/openfeature/v0/manifest",
            "/e/t/dev/openfeature/v0/manifest",
        ] {
            assert_eq!(server.send("GET", path, &unknown, "").await.expect(503).header("retry-after"), "1", "{path}");
            // nor does it answer with what it has so far
            server.get(path).await.expect(503);
        }
    }
    server.status.ready.store(true, Ordering::Relaxed);
    ask(&server, BULK, &unknown, "").await.expect(401);
}

#[tokio::test]
async fn tokens_come_in_two_headers_and_the_bare_path_needs_an_environment() {
    let server = Server::placed().await;
    server.flag("f").await;
    let anonymous = [("authorization", "")];
    let refused = ask(&server, &format!("{BULK}/f"), &anonymous, "").await.expect(401);
    assert!(refused.header("www-authenticate").starts_with("Bearer"));
    assert_eq!(refused.body()["key"], "f");
    ask(&server, BULK, &[("authorization", ""), ("x-api-key", "wrong")], "").await.expect(401);
    ask(&server, BULK, &[("authorization", ""), ("x-api-key", TOKEN)], "").await.expect(200);
    let bare = ask(&server, "/ofrep/v1/evaluate/flags/f", &[], "").await.expect(400).body();
    assert_eq!((&bare["code"], &bare["key"]), (&json!("environment_required"), &json!("f")));
    assert!(bare["errorCode"].is_string());
}

#[tokio::test]
async fn browsers_of_other_origins_may_ask() {
    let server = Server::placed().await;
    let preflight = [
        ("authorization", ""),
        ("origin", "https://shop.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization"),
    ];
    let answer = server.send("OPTIONS", &format!("{BULK}/f"), &preflight, "").await.expect(200);
    let allowed = answer.header("access-control-allow-headers").to_lowercase();
    for name in ["content-type", "authorization", "x-api-key", "if-none-match", "flagd-selector"] {
        assert!(allowed.contains(name), "{name}: {allowed}");
    }
    let answer = ask(&server, BULK, &[("origin", "https://shop.example")], "").await.expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let exposed = answer.header("access-control-expose-headers").to_lowercase();
    assert!(exposed.contains("etag") && exposed.contains("retry-after"), "{exposed}");
    let refused =
        ask(&server, BULK, &[("origin", "https://shop.example"), ("authorization", "")], "").await.expect(401);
    assert_eq!(refused.header("access-control-allow-origin"), "*", "or the browser cannot say why");
}

#[tokio::test]
async fn another_method_is_refused_in_the_same_shape() {
    let server = Server::placed().await;
    for path in [BULK, &format!("{BULK}/f"), "/ofrep/v1/evaluate/flags"] {
        let answer = server.get(path).await.expect(405);
        assert_eq!((answer.header("allow"), &answer.body()["errorCode"]), ("POST", &json!("GENERAL")), "{path}");
    }
}

#[tokio::test]
async fn a_selector_names_the_environment_and_is_told_back() {
    let server = Server::placed().await;
    server.flag("f").await;
    let (bound, _) = server.token("viewer", json!({ "environments": ["prod"] })).await;
    let path = "/ofrep/v1/evaluate/flags";
    let dev = [("flagd-selector", "flagSetId=t/dev")];
    let answer = ask(&server, path, &dev, "").await.expect(200);
    assert_eq!(
        (&answer.body()["flags"][0]["value"], &answer.body()["metadata"]),
        (&json!(true), &json!({ "flagSetId": "t/dev" }))
    );
    let known = [dev[0], ("if-none-match", &answer.tag())];
    ask(&server, path, &known, "").await.expect(304);
    ask(&server, BULK, &known[1..], "").await.expect(200);
    ask(&server, &format!("{path}/f"), &dev, "").await.expect(200);
    ask(&server, BULK, &dev, "").await.expect(200);
    for wrong in ["flagSetId=t/prod", "source=x", "flagSetId=t"] {
        let refused = ask(&server, BULK, &[("flagd-selector", wrong)], "").await.expect(400).body();
        assert_eq!(refused["errorCode"], "GENERAL", "{wrong}");
    }
    server.with_token(&bound, "POST", path, &dev, &json!({})).await.expect(403);
    server.with_token(&bound, "POST", path, &[("flagd-selector", "")], &json!({})).await.expect(200);
}

#[tokio::test]
async fn what_an_answer_has_no_room_for_is_an_error_by_name() {
    let limits = burgee_model::Limits { bulk_answer_bytes: 400, ..Default::default() };
    let server = Server::with(crate::server::Options { limits, ..Default::default() }).place().await;
    let text = "x".repeat(100);
    let flag = json!({ "state": "ENABLED", "variants": { "on": text }, "defaultVariant": "on" });
    let flags: serde_json::Map<String, Json> = (0..6).map(|n| (format!("f{n}"), flag.clone())).collect();
    let document = json!({ "flags": flags });
    server.json("PUT", "/api/v1/tenants/t/environments/dev/flagd.json", &[], &document).await.expect(200);
    let own =
        ask(&server, "/api/v1/tenants/t/environments/dev/evaluate", &[("content-type", "application/json")], "{}");
    for body in [ask(&server, BULK, &[], "{}").await.expect(200).body(), own.await.expect(200).body()] {
        let items = body["flags"].as_array().unwrap();
        let given = items.iter().filter(|item| item["value"] == json!(text)).count();
        assert!((1..6).contains(&given), "{body}");
        for item in &items[given..] {
            assert_eq!(item["errorCode"], "GENERAL");
            assert!(item["errorDetails"].as_str().unwrap().starts_with("answer_too_large"), "{item}");
        }
    }
    let one = ask(&server, &format!("{BULK}/f5"), &[], "{}").await.expect(200).body();
    assert_eq!(one["value"], json!(text), "alone there is room for it");
}

/// A server whose requests may take so much, with flags enough that the clock is looked at.
async fn with_budget(limits: burgee_model::Limits) -> Server {
    let server = Server::with(crate::server::Options { limits, ..Default::default() }).place().await;
    let rule = json!({ "if": [{ "==": [{ "var": "plan" }, "pro"] }, "on", "off"] });
    let flag = json!({ "state": "ENABLED", "variants": { "on": true, "off": false }, "targeting": rule });
    let flags: serde_json::Map<String, Json> = (0..70).map(|n| (format!("f{n:02}"), flag.clone())).collect();
    let document = json!({ "flags": flags });
    server.json("PUT", "/api/v1/tenants/t/environments/dev/flagd.json", &[], &document).await.expect(200);
    server
}

#[tokio::test]
async fn an_answer_that_the_clock_cut_bears_no_tag_and_one_that_steps_cut_does() {
    let answered = |answer: &Answer| {
        let items = answer.body()["flags"].as_array().unwrap().clone();
        let costly =
            |item: &&Json| item["errorDetails"].as_str().is_some_and(|text| text.starts_with("rule_too_costly"));
        (items.iter().filter(|item| item.get("variant").is_some()).count(), items.iter().filter(costly).count())
    };
    let by_clock = with_budget(burgee_model::Limits { request_evaluation_ms: 0, ..Default::default() }).await;
    let whole = with_budget(burgee_model::Limits::default()).await;
    let tag = ask(&whole, BULK, &[], "{}").await.expect(200).tag();
    let cut = ask(&by_clock, BULK, &[], "{}").await.expect(200);
    assert_eq!((answered(&cut), cut.header("etag")), ((63, 7), ""));
    // who has the whole answer may keep it
    ask(&by_clock, BULK, &[("if-none-match", &tag)], "{}").await.expect(304);
    let by_steps = with_budget(burgee_model::Limits { request_steps: 100, ..Default::default() }).await;
    let cut = ask(&by_steps, BULK, &[], "{}").await.expect(200);
    let (given, costly) = answered(&cut);
    assert!(given > 0 && costly > 0 && given + costly == 70, "{given} {costly}");
    ask(&by_steps, BULK, &[("if-none-match", &cut.tag())], "{}").await.expect(304);
}
