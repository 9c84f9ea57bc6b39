//! `/api/v1/tenants/{tenant}/environments/{environment}/config`.

use burgee_model::Limits;
use serde_json::json;

use crate::server::{Options, START, Server, keys};

const CONFIG: &str = "/api/v1/tenants/t/environments/dev/config";

fn entry(key: &str) -> String {
    format!("{CONFIG}/{key}")
}

#[tokio::test]
async fn bytes_and_type_are_kept_and_slashes_may_stand() {
    let server = Server::placed().await;
    let bytes: Vec<u8> = (0..=255).collect();
    let put = server.send("PUT", &entry("a/b%20c"), &[("content-type", "application/x-own; v=1")], bytes.clone()).await;
    let put = put.expect(201);
    for path in ["a/b%20c", "a%2Fb%20c"] {
        let got = server.get(&entry(path)).await.expect(200);
        assert_eq!((got.body.as_ref(), got.header("content-type")), (bytes.as_slice(), "application/x-own; v=1"));
        assert_eq!((got.tag(), format!("\"{}\"", got.header("burgee-stamp"))), (put.tag(), put.tag()));
        assert!(got.header("content-security-policy").contains("sandbox"));
    }
    let head = server.send("HEAD", &entry("a/b%20c"), &[], "").await.expect(200);
    assert_eq!((head.tag(), head.header("content-length"), head.body.len()), (put.tag(), "256", 0));
    let item = json!({ "key": "a/b c", "stamp": put.tag().trim_matches('"'), "contentType": "application/x-own; v=1", "size": 256 });
    assert_eq!(put.body(), item);
    server.send("PUT", &entry("a/b%20c"), &[], "x").await.expect(200);
    assert_eq!(server.get(&entry("a/b%20c")).await.header("content-type"), "application/octet-stream");
}

#[tokio::test]
async fn an_empty_value_is_a_value_and_an_absent_key_is_not() {
    let server = Server::placed().await;
    server.get(&entry("k")).await.problem(404, "not_found");
    server.send("HEAD", &entry("k"), &[], "").await.expect(404);
    server.put(&entry("k"), "").await.expect(201);
    assert!(server.get(&entry("k")).await.expect(200).body.is_empty());
    let deleted = server.delete(&entry("k")).await.expect(204);
    assert!(!deleted.header("etag").is_empty(), "a write answers with the tag of what it wrote");
    server.get(&entry("k")).await.problem(404, "not_found");
    server.delete(&entry("k")).await.problem(404, "not_found");
}

#[tokio::test]
async fn entries_end_at_their_deadline() {
    let server = Server::placed().await;
    server.put(&format!("{}?ttl=30s", entry("k")), "v").await.expect(201);
    assert_eq!(START, 1_700_000_000_000);
    assert_eq!(server.get(&entry("k")).await.header("burgee-expires-at"), "2023-11-14T22:13:50.000Z");
    assert_eq!(server.get(CONFIG).await.body()["items"][0]["expiresAt"], "2023-11-14T22:13:50.000Z");
    server.pass(30_000);
    server.get(&entry("k")).await.problem(404, "not_found");
    assert_eq!(keys(&server.get(CONFIG).await.body()), [""; 0]);
    server.send("PUT", &entry("k"), &[("if-none-match", "*")], "w").await.expect(201);
    assert_eq!(server.get(&entry("k")).await.header("burgee-expires-at"), "");
    for ttl in ["", "0s", "5", "-1s", "1.5s", "3651d"] {
        server.put(&format!("{}?ttl={ttl}", entry("k")), "x").await.problem(422, "invalid_value");
    }
    assert_eq!(server.get(&entry("k")).await.body, "w");
}

#[tokio::test]
async fn writes_are_conditional() {
    let server = Server::placed().await;
    let put = async |name: &str, value: &str, body: &str| {
        server.send("PUT", &entry("k"), &[(name, value)], body.to_owned()).await
    };
    put("if-match", "*", "0").await.problem(412, "stale");
    let first = put("if-none-match", "*", "1").await.expect(201).tag();
    put("if-none-match", "*", "2").await.problem(412, "stale");
    let second = put("if-match", &first, "3").await.expect(200).tag();
    put("if-match", &first, "4").await.problem(412, "stale");
    server.send("GET", &entry("k"), &[("if-none-match", &second)], "").await.expect(304);
    server.send("DELETE", &entry("k"), &[("if-match", &first)], "").await.problem(412, "stale");
    assert_eq!(server.get(&entry("k")).await.body, "3");
    server.send("DELETE", &entry("k"), &[("if-match", &second)], "").await.expect(204);
}

#[tokio::test]
async fn lists_go_by_prefix_in_pages() {
    let server = Server::placed().await;
    for key in ["p/3", "p/1", "p", "q", "p/2"] {
        server.put(&entry(key), "x").await.expect(201);
    }
    let first = server.get(&format!("{CONFIG}?prefix=p%2F&limit=2")).await.expect(200).body();
    assert_eq!(keys(&first), ["p/1", "p/2"]);
    let next = format!("{CONFIG}?prefix=p%2F&limit=2&cursor={}", first["nextCursor"].as_str().unwrap());
    assert_eq!(keys(&server.get(&next).await.body()), ["p/3"]);
    assert_eq!(keys(&server.get(CONFIG).await.body()), ["p", "p/1", "p/2", "p/3", "q"]);
}

#[tokio::test]
async fn a_purge_takes_its_prefix_and_must_name_it() {
    let server = Server::placed().await;
    for key in ["p/1", "p/2", "q"] {
        server.put(&entry(key), "x").await.expect(201);
    }
    server.delete(CONFIG).await.problem(422, "invalid_value");
    server.delete(&format!("{CONFIG}?prefix=p%2F")).await.expect(204);
    assert_eq!(keys(&server.get(CONFIG).await.body()), ["q"]);
    server.put(&entry("p/1"), "again").await.expect(201);
    server.delete(&format!("{CONFIG}?prefix=")).await.expect(204);
    assert_eq!(keys(&server.get(CONFIG).await.body()), [""; 0]);
}

#[tokio::test]
async fn a_purge_of_more_than_a_page_goes_by_no_tag() {
    let server = Server::placed().await;
    let whole = format!("{CONFIG}?prefix=p&limit=1000");
    let purge =
        async |tag: &str| server.json("DELETE", &format!("{CONFIG}?prefix=p"), &[("if-match", tag)], &json!({})).await;
    for number in 0..1_000 {
        server.put(&entry(&format!("p{number}")), "x").await.expect(201);
    }
    let tag = server.get(&whole).await.expect(200).tag();
    server.put(&entry("pz"), "x").await.expect(201);
    // of the first thousand the tag holds still
    let refused = purge(&tag).await;
    assert!(!refused.headers.contains_key("etag"), "there is no tag to go by");
    refused.problem(412, "stale");
    server.delete(&entry("pz")).await.expect(204);
    purge(&tag).await.expect(204);
    assert_eq!(keys(&server.get(CONFIG).await.body()), [""; 0]);
}

#[tokio::test]
async fn sizes_and_numbers_are_limited() {
    let limits = Limits { config_value_bytes: 4, config_entries: 2, ..Limits::default() };
    let server = Server::with(Options { limits, ..Options::default() }).place().await;
    server.put(&entry("a"), "1234").await.expect(201);
    server.put(&entry("b"), "12345").await.problem(413, "too_large");
    server.put(&entry("b"), "1").await.expect(201);
    assert_eq!(server.put(&entry("c"), "1").await.problem(422, "invalid_value")[0].1, "too_many_entries");
    server.put(&entry("b"), "2").await.expect(200);
}

#[tokio::test]
async fn rules_follow_the_entries_that_they_read() {
    let server = Server::placed().await;
    server.flag("f").await;
    let rule = json!({ "if": [{ "==": [{ "config": ["mode", "quiet"] }, "loud"] }, "off", "on"] });
    server.patch("/api/v1/tenants/t/flags/f/environments/dev", json!({ "targeting": rule })).await.expect(200);
    assert_eq!(server.value("f", json!({})).await["value"], true);
    server.put(&entry("mode"), "loud").await.expect(201);
    assert_eq!(server.value("f", json!({})).await["value"], false);
    server.delete(&entry("mode")).await.expect(204);
    assert_eq!(server.value("f", json!({})).await["value"], true);
}
