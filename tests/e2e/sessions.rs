//! Logging in on one node, working on another.

use harness::{
    TOKEN,
    cluster::{CONVERGE_BOUND, VISIBLE_BOUND, pair, sees},
    http::{Answer, Client},
};
use serde_json::json;

const SESSION: &str = "/api/v1/session";

fn with_cookie(client: &Client, method: &str, path: &str, cookie: &str, csrf: &str) -> Answer {
    let headers = [("cookie", cookie), ("x-csrf-token", csrf), ("content-type", "application/json")];
    client.with_token(None).send(method, path, &headers, br#"{"name":"D"}"#)
}

#[test]
fn a_session_is_valid_on_every_node_and_ends_with_its_token_or_its_logout() {
    let (a, b) = pair();
    let new = json!({ "name": "n", "kind": "admin" });
    let created = a.client.post("/api/v1/tenants/demo/tokens", &new).expect(201).json();
    for token in [TOKEN, created["token"].as_str().unwrap()] {
        let opened = a.client.with_token(None).post(SESSION, &json!({ "token": token })).expect(200);
        let cookie = opened.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let csrf = opened.json()["csrfToken"].as_str().unwrap().to_owned();
        sees("the session", CONVERGE_BOUND, &200, || with_cookie(&b.client, "GET", SESSION, &cookie, "").status);
        let path = "/api/v1/tenants/demo";
        with_cookie(&b.client, "PATCH", path, &cookie, "").problem(403, "forbidden");
        with_cookie(&b.client, "PATCH", path, &cookie, &csrf).check(200);
        if token != TOKEN {
            let id = created["id"].as_str().unwrap();
            a.client.delete(&format!("/api/v1/tenants/demo/tokens/{id}")).check(204);
            assert_eq!(with_cookie(&a.client, "GET", SESSION, &cookie, "").status, 401);
        } else {
            with_cookie(&b.client, "DELETE", SESSION, &cookie, &csrf).check(204);
            assert_eq!(with_cookie(&b.client, "GET", SESSION, &cookie, "").status, 401);
        }
        for node in [&a, &b] {
            sees("its end", VISIBLE_BOUND, &401, || with_cookie(&node.client, "GET", SESSION, &cookie, "").status);
        }
    }
}

#[test]
fn guessing_is_limited_by_address() {
    let (a, _b) = pair();
    let guess = || a.client.with_token(None).post(SESSION, &json!({ "token": "guess" }));
    let refused = (0..20).map(|_| guess()).find(|answer| answer.status != 401).unwrap();
    assert!(refused.header("retry-after").unwrap().parse::<u32>().unwrap() >= 1);
    refused.problem(429, "rate_limited");
}
