//! Keys, tokens, queries and bytes that are wrong.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use harness::{
    cluster::{entry, flag, flag_in, place, read},
    http::encode,
    node::{Node, Spec},
};
use serde_json::json;

fn node() -> Node {
    let node = Spec::serve().start();
    place(&node.client);
    node
}

#[test]
fn a_request_of_http_1_1_names_its_host_once() {
    let node = Spec::serve().start();
    let ask = |head: &str| {
        let mut connection = TcpStream::connect(&node.http).unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        connection.write_all(format!("GET /healthz {head}connection: close\r\n\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    };
    for wrong in ["HTTP/1.1\r\n", "HTTP/1.1\r\nhost: a\r\nhost: a\r\n"] {
        let answer = ask(wrong);
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("invalid_host"), "{answer}");
    }
    for good in ["HTTP/1.1\r\nhost: a\r\n", "HTTP/1.0\r\n"] {
        assert!(ask(good).contains(" 200 "), "{good}");
    }
}

#[test]
fn keys_that_no_path_can_carry_are_refused() {
    let node = node();
    let bad = [".", "..", "a\u{0}b", "line\nbreak", "\u{7f}", "\u{85}", &"k".repeat(513), &"ü".repeat(257)];
    for key in bad {
        for path in ["/api/v1/tenants", "/api/v1/tenants/demo/environments"] {
            node.client.post(path, &json!({ "key": key })).problem(422, "invalid_value");
        }
        let flag = json!({ "key": key, "variants": { "on": true } });
        node.client.post("/api/v1/tenants/demo/flags", &flag).problem(422, "invalid_value");
        let put = node.client.put(&entry(&encode(key)), "x");
        assert!(matches!(put.status, 400 | 422 | 404), "{key:?}: {} {}", put.status, put.text());
    }
    node.client
        .post("/api/v1/tenants/demo/flags", &json!({ "key": "", "variants": { "on": true } }))
        .problem(422, "invalid_value");
    for raw in ["%2E", "%2e%2E", ".", "..", "%00", "%FF", "%C3"] {
        let put = node.client.put(&entry(raw), "x");
        assert!((400..500).contains(&put.status), "{raw}: {} {}", put.status, put.text());
    }
    let list = node.client.get("/api/v1/tenants/demo/environments/development/config").expect(200).json();
    assert_eq!(list["items"], json!([]), "nothing was written");
    let longest = "k".repeat(512);
    node.client.put(&entry(&longest), "x").check(201);
    assert_eq!(read(&node.client, &longest), Ok("x".to_owned()));
}

#[test]
fn times_to_live_that_are_none_are_refused() {
    let node = node();
    for ttl in ["0s", "0", "5", "s", "-1s", "1.5s", "11y", "4000d", "99999999999999999999d", "1%20s", ""] {
        let put = node.client.put(&format!("{}?ttl={ttl}", entry("k")), "x");
        put.problem(422, "invalid_value");
    }
    assert_eq!(read(&node.client, "k"), Err(404));
    node.client.put(&format!("{}?ttl=1ms", entry("k")), "x").check(201);
}

#[test]
fn without_the_token_only_health_and_the_dashboard_answer() {
    let node = node();
    flag(&node.client, "f");
    for token in [None, Some("wrong-token"), Some("token-of-the-test"), Some("token-of-the-tests-and-more")] {
        let client = node.client.with_token(token);
        for path in ["/api/v1/tenants", "/api/v1/tenants/demo/flags/f", "/api/v1/cluster", "/api/v1/no/such/thing"] {
            client.get(path).problem(401, "unauthorized");
        }
        client.put(&entry("k"), "x").problem(401, "unauthorized");
        client.patch(&flag_in("f"), &json!({ "kill": true })).problem(401, "unauthorized");
        client.get("/healthz").check(200);
        client.get("/readyz").check(200);
        let page = client.get("/");
        assert!(matches!(page.status, 200 | 501), "{}", page.status);
    }
    let basic =
        node.client.with_token(None).send("GET", "/api/v1/tenants", &[("authorization", "Basic dG9rZW4=")], b"");
    basic.problem(401, "unauthorized");
    assert_eq!(read(&node.client, "k"), Err(404));
    assert_eq!(node.client.get(&flag_in("f")).expect(200).json()["kill"], false);
}

#[test]
fn what_does_not_exist_is_not_found_and_not_made() {
    let node = node();
    for (method, path) in [
        ("GET", "/api/v1/tenants/nobody"),
        ("GET", "/api/v1/tenants/nobody/flags"),
        ("GET", "/api/v1/tenants/demo/environments/nowhere"),
        ("GET", "/api/v1/tenants/demo/environments/nowhere/config"),
        ("GET", "/api/v1/tenants/demo/environments/nowhere/flagd.json"),
        ("GET", "/api/v1/tenants/demo/flags/nothing"),
        ("PATCH", "/api/v1/tenants/demo/flags/nothing"),
        ("PATCH", "/api/v1/tenants/demo/flags/nothing/environments/development"),
        ("PUT", "/api/v1/tenants/demo/environments/nowhere/config/k"),
        ("PUT", "/api/v1/tenants/nobody/environments/development/config/k"),
        ("DELETE", "/api/v1/tenants/nobody"),
        ("GET", "/api/v1/nonsense"),
    ] {
        let kind = [("content-type", "application/json")];
        node.client.send(method, path, &kind, b"{}").problem(404, "not_found");
    }
    let tenants = node.client.get("/api/v1/tenants").expect(200).json();
    assert_eq!(tenants["items"].as_array().unwrap().len(), 1);
}

#[test]
fn other_methods_are_refused() {
    let node = node();
    assert_eq!(node.client.delete("/api/v1/tenants").status, 405);
    assert_eq!(node.client.get("/e/demo/development/ofrep/v1/evaluate/flags").status, 405);
}

#[test]
fn bytes_that_are_no_http_harm_nobody() {
    let node = node();
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"GET\r\n\r\n",
        b"\0\0\0\0",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnonsense",
    ] {
        let mut stream = TcpStream::connect(&node.http).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let _ = stream.write_all(bytes);
        let _ = stream.read(&mut [0; 1024]);
    }
    // half a request, then silence
    let mut half = TcpStream::connect(&node.http).unwrap();
    half.write_all(b"PUT /api/v1/tenants HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{").unwrap();
    // a header line without end
    let mut long = TcpStream::connect(&node.http).unwrap();
    let _ = long.write_all(&[b"GET / HTTP/1.1\r\nx: ".as_slice(), &vec![b'a'; 1 << 20]].concat());
    node.client.get("/healthz").check(200);
    node.client.put(&entry("k"), "x").check(201);
}
