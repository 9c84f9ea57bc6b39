//! `Idempotency-Key` on writes of config entries.

use burgee_model::Limits;
use serde_json::json;

use crate::server::{Answer, Options, Server, keys};

const CONFIG: &str = "/api/v1/tenants/t/environments/dev/config";
const DAY_MS: u64 = 24 * 3600 * 1000;

fn entry(key: &str) -> String {
    format!("{CONFIG}/{key}")
}

async fn put(server: &Server, key: &str, idempotency_key: &str, body: &str) -> Answer {
    let headers = [("content-type", "text/plain"), ("idempotency-key", idempotency_key)];
    server.send("PUT", &entry(key), &headers, body.to_owned()).await
}

fn replayed(answer: &Answer) -> bool {
    answer.header("idempotent-replayed") == "true"
}

#[tokio::test]
async fn the_same_request_is_answered_the_same_and_carried_out_once() {
    let server = Server::placed().await;
    let first = put(&server, "k", "one", "1").await.expect(201);
    assert!(!replayed(&first));
    server.put(&entry("k"), "2").await.expect(200);
    server.pass(1_000);
    let again = put(&server, "k", "one", "1").await.expect(201);
    assert_eq!((again.tag(), again.body(), replayed(&again)), (first.tag(), first.body(), true));
    assert_eq!(server.get(&entry("k")).await.body, "2", "what was written since stands");
    // also where the client read again what it writes over
    let headers = [("content-type", "text/plain"), ("idempotency-key", "one"), ("if-match", "\"never\"")];
    assert!(replayed(&server.send("PUT", &entry("k"), &headers, "1").await.expect(201)));
}

#[tokio::test]
async fn another_request_with_the_key_is_refused_by_name() {
    let server = Server::placed().await;
    put(&server, "k", "one", "1").await.expect(201);
    let reused = [("/Idempotency-Key".to_owned(), "idempotency_key_reused".to_owned())];
    assert_eq!(put(&server, "k", "one", "2").await.problem(422, "invalid_value"), reused);
    assert_eq!(put(&server, "l", "one", "1").await.problem(422, "invalid_value"), reused);
    let ttl = format!("{}?ttl=1h", entry("k"));
    let headers = [("content-type", "text/plain"), ("idempotency-key", "one")];
    assert_eq!(server.send("PUT", &ttl, &headers, "1").await.problem(422, "invalid_value"), reused);
    let headers = [("content-type", "x/other"), ("idempotency-key", "one")];
    assert_eq!(server.send("PUT", &entry("k"), &headers, "1").await.problem(422, "invalid_value"), reused);
    assert_eq!(server.send("DELETE", &entry("k"), &headers, "").await.problem(422, "invalid_value"), reused);
    assert_eq!(server.get(&entry("k")).await.body, "1");
    server.get(&entry("l")).await.problem(404, "not_found");
    // in another environment it is another key
    let prod = "/api/v1/tenants/t/environments/prod/config/k";
    server.send("PUT", prod, &[("idempotency-key", "one")], "3").await.expect(201);
}

#[tokio::test]
async fn a_refusal_is_not_kept() {
    let server = Server::placed().await;
    let headers = [("idempotency-key", "one"), ("if-match", "*")];
    server.send("PUT", &entry("k"), &headers, "1").await.problem(412, "stale");
    server.put(&entry("k"), "0").await.expect(201);
    let done = server.send("PUT", &entry("k"), &headers, "1").await.expect(200);
    assert!(!replayed(&done));
}

#[tokio::test]
async fn deletes_and_purges_come_once_too() {
    let server = Server::placed().await;
    for key in ["p/1", "p/2"] {
        server.put(&entry(key), "x").await.expect(201);
    }
    let delete = async || server.send("DELETE", &entry("p/1"), &[("idempotency-key", "d")], "").await.expect(204);
    let first = delete().await;
    assert_eq!((delete().await.tag(), replayed(&delete().await)), (first.tag(), true));
    let purge = async || {
        let path = format!("{CONFIG}?prefix=p%2F");
        server.send("DELETE", &path, &[("idempotency-key", "p")], "").await.expect(204)
    };
    assert!(!replayed(&purge().await));
    server.put(&entry("p/3"), "x").await.expect(201);
    assert!(replayed(&purge().await));
    assert_eq!(keys(&server.get(CONFIG).await.body()), ["p/3"]);
}

#[tokio::test]
async fn a_key_counts_for_a_day() {
    let server = Server::placed().await;
    put(&server, "k", "one", "1").await.expect(201);
    server.pass(DAY_MS - 1);
    assert!(replayed(&put(&server, "k", "one", "1").await.expect(201)));
    server.pass(1);
    assert!(!replayed(&put(&server, "k", "one", "2").await.expect(200)));
}

#[tokio::test]
async fn keys_are_bounded_and_what_is_none_is_named() {
    let limits = Limits { idempotency_keys_per_tenant: 2, ..Limits::default() };
    let server = Server::with(Options { limits, ..Options::default() }).place().await;
    put(&server, "k", "one", "1").await.expect(201);
    put(&server, "k", "two", "1").await.expect(200);
    let faults = put(&server, "k", "three", "1").await.problem(422, "invalid_value");
    assert_eq!(faults, [("/Idempotency-Key".to_owned(), "too_many_idempotency_keys".to_owned())]);
    assert!(replayed(&put(&server, "k", "one", "1").await.expect(201)));
    server.put(&entry("k"), "without").await.expect(200);
    server.pass(DAY_MS);
    put(&server, "k", "three", "1").await.expect(200);
    let long = "k".repeat(256);
    for wrong in [&*long, "a\tb"] {
        let faults = put(&server, "k", wrong, "1").await.problem(422, "invalid_value");
        assert_eq!(faults[0].1, "invalid_idempotency_key", "{wrong:?}");
    }
}

#[tokio::test]
async fn a_kept_answer_is_only_for_those_who_may_write() {
    let server = Server::placed().await;
    put(&server, "k", "one", "1").await.expect(201);
    let (viewer, _) = server.token("viewer", json!({})).await;
    let answer = server.with_token(&viewer, "PUT", &entry("k"), &[("idempotency-key", "one")], &json!(1)).await;
    answer.problem(403, "forbidden");
}
