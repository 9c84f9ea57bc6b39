//! `/api/v1/tenants/{tenant}/environments/{environment}/rollouts`, and readers that name themselves.

use serde_json::{Value as Json, json};

use crate::{
    server::{Answer, Options, Server, keys, paths},
    stream::Stream,
};

const DEV: &str = "/api/v1/tenants/t/environments/dev";
const HOUR_MS: u64 = 3_600_000;

fn entry(key: &str) -> String {
    format!("{DEV}/config/{key}")
}

fn rollout(key: &str) -> String {
    format!("{DEV}/rollouts/{key}")
}

async fn start(server: &Server, key: &str, query: &str) -> Answer {
    server.put(&format!("{}?{query}", rollout(key)), "next").await
}

async fn act(server: &Server, key: &str, action: &str) -> Answer {
    server.post(&rollout(key), json!({ "action": action })).await
}

/// An entry `k` with a rollout within an hour.
async fn rolling() -> Server {
    let server = Server::placed().await;
    server.put(&entry("k"), "present").await.expect(201);
    start(&server, "k", "during=1h").await.expect(201);
    server
}

async fn read(server: &Server, reader: &str) -> String {
    let answer = server.get(&format!("{}?as={reader}", entry("k"))).await.expect(200);
    let body = String::from_utf8(answer.body.to_vec()).unwrap();
    if !answer.header("burgee-rollout").is_empty() {
        assert_eq!(answer.header("burgee-rollout"), body);
    }
    body
}

async fn status(server: &Server, key: &str) -> Json {
    server.get(&rollout(key)).await.expect(200).body()
}

#[tokio::test]
async fn readers_come_to_the_next_value_one_after_the_other_and_stay() {
    let server = rolling().await;
    let readers: Vec<String> = (0..50).map(|n| format!("web-{n}")).collect();
    let mut have: Vec<bool> = vec![false; readers.len()];
    for _ in 0..=12 {
        for (reader, had) in readers.iter().zip(&mut have) {
            let has = read(&server, reader).await == "next";
            assert!(has || !*had, "{reader} went back");
            *had = has;
        }
        assert_eq!(server.get(&entry("k")).await.body, "present", "who does not name itself waits for the end");
        server.pass(HOUR_MS / 12);
    }
    assert!(have.iter().all(|has| *has));
    assert_eq!(status(&server, "k").await["state"], "whole");
}

#[tokio::test]
async fn a_reader_is_told_which_value_it_got_and_when_the_next_comes() {
    let server = rolling().await;
    let before = server.get(&format!("{}?as=web-1", entry("k"))).await.expect(200);
    assert_eq!((before.header("burgee-rollout"), before.tag()), ("present", server.get(&entry("k")).await.tag()));
    assert!(before.header("burgee-next-at").starts_with("2023-11-14T2"), "{before:?}");
    server.pass(HOUR_MS);
    let after = server.get(&format!("{}?as=web-1", entry("k"))).await.expect(200);
    assert_eq!((after.header("burgee-rollout"), after.header("content-type")), ("next", "text/plain"));
    assert_eq!(
        (after.tag(), after.header("burgee-next-at")),
        (server.get(&rollout("k")).await.tag(), before.header("burgee-next-at"))
    );
    let unchanged =
        server.send("GET", &format!("{}?as=web-1", entry("k")), &[("if-none-match", &after.tag())], "").await;
    unchanged.expect(304);
    let said = server.get(&format!("{}?as=web-1", rollout("k"))).await.expect(200).body();
    assert_eq!((&said["as"]["name"], &said["as"]["gets"]), (&json!("web-1"), &json!("next")));
}

#[tokio::test]
async fn a_rollout_is_paused_resumed_finished_and_aborted() {
    let server = rolling().await;
    server.pass(HOUR_MS / 2);
    act(&server, "k", "pause").await.expect(200);
    server.pass(HOUR_MS);
    let paused = status(&server, "k").await;
    assert_eq!((&paused["state"], paused["wholeAt"].is_null()), (&json!("paused"), true), "{paused}");
    let share = paused["share"].as_f64().unwrap();
    assert!((50.0..50.1).contains(&share), "{share}");
    assert_eq!(act(&server, "k", "pause").await.problem(422, "invalid_value")[0].1, "already_paused");
    act(&server, "k", "resume").await.expect(200);
    assert_eq!(status(&server, "k").await["share"], paused["share"]);
    assert_eq!(act(&server, "k", "resume").await.problem(422, "invalid_value")[0].1, "not_paused");
    let finished = act(&server, "k", "finish").await.expect(200);
    assert_eq!(finished.body()["entry"]["size"], 4);
    assert_eq!(server.get(&entry("k")).await.body, "next");
    server.get(&rollout("k")).await.problem(404, "not_found");
    start(&server, "k", "during=1ms").await.expect(201);
    server.pass(1);
    assert_eq!(act(&server, "k", "abort").await.expect(200).body()["done"], "aborted");
    for action in ["pause", "resume", "abort", "finish"] {
        act(&server, "k", action).await.problem(404, "not_found");
    }
    assert_eq!(read(&server, "web-1").await, "next");
}

#[tokio::test]
async fn what_ends_the_value_ends_the_rollout() {
    let server = rolling().await;
    start(&server, "k", "during=1h").await.problem(409, "already_exists");
    server.put(&entry("k"), "put").await.expect(200);
    server.get(&rollout("k")).await.problem(404, "not_found");
    server.pass(2 * HOUR_MS);
    assert_eq!(read(&server, "web-1").await, "put");
    start(&server, "k", "during=1h").await.expect(201);
    server.delete(&entry("k")).await.expect(204);
    server.get(&rollout("k")).await.problem(404, "not_found");
    server.put(&format!("{}?ttl=1h", entry("k")), "again").await.expect(201);
    let begun = start(&server, "k", "during=4h").await.expect(201);
    assert_eq!(begun.body()["done"], "started");
    assert!(status(&server, "k").await["expiresAt"].is_string());
    server.pass(HOUR_MS);
    server.get(&rollout("k")).await.problem(404, "not_found");
    server.put(&entry("k"), "anew").await.expect(201);
    start(&server, "k", "during=1h").await.expect(201);
    server.delete(&format!("{DEV}/config?prefix=")).await.expect(204);
    server.put(&entry("k"), "after").await.expect(201);
    server.get(&rollout("k")).await.problem(404, "not_found");
    assert_eq!(read(&server, "web-1").await, "after");
}

#[tokio::test]
async fn what_is_wrong_with_a_start_is_named() {
    let server = Server::placed().await;
    start(&server, "none", "during=1h").await.problem(404, "not_found");
    server.put(&entry("k"), "present").await.expect(201);
    for (query, at) in [
        ("", "/ramp"),
        ("during=1h&ramp=%7B%7D", "/during"),
        ("during=soon", "/during"),
        ("ramp=%7B", "/ramp"),
        ("ramp=%5B%5D", "/ramp"),
        ("ramp=%7B%22start%22%3A2%2C%22end%22%3A1%7D", "/ramp/end"),
        ("ramp=%7B%22start%22%3A1%2C%22end%22%3A2%2C%22from%22%3A9%2C%22to%22%3A5%7D", "/ramp"),
        ("during=1h&by=zone", "/by"),
        ("during=1h&for=web", "/for"),
    ] {
        let faults = start(&server, "k", query).await.problem(422, "invalid_value");
        assert_eq!(paths(&faults), [at], "{query}");
    }
    let large = "x".repeat((1 << 20) + 1);
    server.put(&format!("{}?during=1h", rollout("k")), &large).await.problem(413, "too_large");
    for (body, at) in
        [(json!({}), "/action"), (json!({ "action": "stop" }), "/action"), (json!({ "action": "pause", "x": 1 }), "/x")]
    {
        let faults = server.post(&rollout("k"), body.clone()).await.problem(422, "invalid_value");
        assert_eq!(paths(&faults), [at], "{body}");
    }
    let long = "r".repeat(513);
    for reader in ["", &long, "a%00b", "%0A"] {
        let faults = server.get(&format!("{}?as={reader}", entry("k"))).await.problem(422, "invalid_value");
        assert_eq!(paths(&faults), ["/as"], "{reader}");
    }
}

#[tokio::test]
async fn rollouts_are_conditional_and_come_once_as_other_writes_do() {
    let server = Server::placed().await;
    let written = server.put(&entry("k"), "present").await.expect(201).tag();
    let path = format!("{}?during=1h", rollout("k"));
    server.send("PUT", &path, &[("if-match", "\"never\"")], "next").await.problem(412, "stale");
    let headers = [("if-match", written.as_str()), ("idempotency-key", "go")];
    let begun = server.send("PUT", &path, &headers, "next").await.expect(201);
    let again = server.send("PUT", &path, &headers, "next").await.expect(201);
    assert_eq!((again.tag(), again.header("idempotent-replayed")), (begun.tag(), "true"));
    let pause = json!({ "action": "pause" });
    server.json("POST", &rollout("k"), &[("if-match", &written)], &pause).await.problem(412, "stale");
    server.json("POST", &rollout("k"), &[("if-match", &begun.tag())], &pause).await.expect(200);
}

#[tokio::test]
async fn rollouts_are_listed_watched_and_remembered() {
    let server = Server::placed().await;
    for key in ["a/1", "a/2", "b"] {
        server.put(&entry(key), "present").await.expect(201);
    }
    let mut stream = Stream::open(&server, &format!("{DEV}/watch?kind=config&prefix=a%2F"), None).await;
    for key in ["b", "a/2", "a/1"] {
        start(&server, key, "during=1h&note=why").await.expect(201);
    }
    let list = |query: &str| format!("{DEV}/rollouts{query}");
    assert_eq!(keys(&server.get(&list("")).await.body()), ["a/1", "a/2", "b"]);
    let first = server.get(&list("?prefix=a%2F&limit=1")).await.body();
    let next = list(&format!("?prefix=a%2F&limit=1&cursor={}", first["nextCursor"].as_str().unwrap()));
    assert_eq!((keys(&first), keys(&server.get(&next).await.body())), (vec!["a/1"], vec!["a/2"]));
    let register = json!({ "kind": "config", "key": "a/2", "environment": "dev", "field": "rollout" });
    assert_eq!(stream.next().await.data["register"], register);
    act(&server, "b", "pause").await.expect(200);
    act(&server, "b", "abort").await.expect(200);
    let history = "/api/v1/tenants/t/history?kind=config&key=b&environment=dev&field=rollout";
    let history = server.get(history).await.expect(200).body();
    let items: Vec<&Json> = history["items"].as_array().unwrap().iter().collect();
    assert_eq!(items.iter().map(|item| item["op"].as_str().unwrap()).collect::<Vec<_>>(), ["delete", "put", "put"]);
    assert_eq!((&items[2]["note"], &items[2]["value"]["next"]["text"]), (&json!("why"), &json!("next")));
    // what was aborted can be brought back, unless the entry is another one since
    let restore = json!({ "register": items[0]["register"], "stamp": items[2]["stamp"] });
    server.post("/api/v1/tenants/t/restore", restore.clone()).await.expect(200);
    assert_eq!(status(&server, "b").await["state"], "waiting");
    server.put(&entry("b"), "another").await.expect(200);
    let faults = server.post("/api/v1/tenants/t/restore", restore).await.problem(422, "invalid_value");
    assert_eq!(faults, [("/stamp".to_owned(), "entry_changed".to_owned())]);
}

#[tokio::test]
async fn in_a_protected_environment_an_operator_says_what_it_writes_over() {
    let server = Server::with(Options::default()).place().await;
    let prod = "/api/v1/tenants/t/environments/prod";
    server.put(&format!("{prod}/config/k"), "present").await.expect(201);
    server.patch(prod, json!({ "protected": true })).await.expect(200);
    let path = format!("{prod}/rollouts/k?during=1h");
    let [(editor, _), (operator, _)] =
        [server.token("editor", json!({})).await, server.token("operator", json!({})).await];
    let none = [("if-none-match", "*")];
    server.with_token(&editor, "PUT", &path, &none, &json!(1)).await.problem(403, "forbidden");
    server.with_token(&operator, "PUT", &path, &[], &json!(1)).await.problem(428, "precondition_required");
    server.with_token(&operator, "PUT", &path, &none, &json!(1)).await.expect(201);
}
