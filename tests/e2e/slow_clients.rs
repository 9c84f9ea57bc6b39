//! Clients that send slowly, or never read: each costs a connection for a while, and none the node.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use harness::{
    TOKEN,
    certificates::{Authority, Files},
    cluster::{CONVERGE_BOUND, VISIBLE_BOUND, entry, flag, meet, place, put, read, sees},
    http::Client,
    http2,
    metrics::metric,
    node::{Node, Spec},
    stream::Stream,
};
use serde_json::json;

fn shed(node: &Node, reason: &str) -> f64 {
    metric(&node.client, "burgee_connections_shed_total", &[&format!("reason=\"{reason}\"")])
}

fn connect(address: &str) -> TcpStream {
    let connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(CONVERGE_BOUND)).unwrap();
    connection
}

/// A request whose head does not end.
fn half_request(address: &str) -> TcpStream {
    let mut connection = connect(address);
    connection.write_all(b"POST /ofrep/v1/evaluate/flags HTTP/1.1\r\nhost: localhost\r\n").unwrap();
    connection
}

/// A request whose body does not end; `headers` end in a line break, each.
fn half_body(address: &str, path: &str, headers: &str) -> TcpStream {
    let mut connection = connect(address);
    let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\n{headers}content-type: application/json\r\n");
    connection.write_all(format!("{head}content-length: 100\r\n\r\n{{\"context\":").as_bytes()).unwrap();
    connection
}

/// Reads to the end, which comes.
fn rest(mut connection: TcpStream) -> Vec<u8> {
    let (mut all, mut part) = (Vec::new(), [0; 4096]);
    loop {
        match connection.read(&mut part) {
            Ok(0) => return all,
            Ok(read) => all.extend_from_slice(&part[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return all,
            Err(error) => panic!("it does not end: {error}"),
        }
    }
}

#[test]
fn half_requests_keep_nobody_from_the_node() {
    // they would stand for a minute: what makes room is that others need it
    let node = Spec::serve().cluster("a").grpc().files(1024).option("--head-timeout", "60s").start();
    place(&node.client);
    flag(&node.client, "f");
    let peer = Spec::serve().cluster("b").join(&node).start();
    meet(&[&node, &peer]);
    let watch = format!("{}/api/v1/tenants/demo/watch", node.client.base);
    let stream = Stream::open(&watch, TOKEN, None);
    let grpc = node.grpc.clone().unwrap();
    let half: Vec<TcpStream> =
        (0..1_100).map(|at| half_request(if at % 5 == 0 { &grpc } else { &node.http })).collect();
    for _ in 0..20 {
        let fresh = Client::new(&node.http, Some(TOKEN));
        fresh.get("/healthz").check(200);
        fresh.post("/e/demo/development/ofrep/v1/evaluate/flags/f", &json!({})).check(200);
    }
    let body = json!({ "flagKey": "f" }).to_string();
    let headers = [("content-type", "application/json"), ("flagd-selector", "flagSetId=demo/development")];
    let path = "/flagd.evaluation.v2.Service/ResolveBoolean";
    Client::new(&grpc, Some(TOKEN)).send("POST", path, &headers, body.as_bytes()).check(200);
    put(&peer.client, "k", "v");
    let fresh = Client::new(&node.http, Some(TOKEN));
    sees("what the peer wrote", VISIBLE_BOUND, &Ok("v".to_owned()), || read(&fresh, "k"));
    let heard = stream.wait_for("about k", VISIBLE_BOUND, |event| event.data["register"]["key"] == "k");
    assert_eq!(heard.name, "change");
    assert!(shed(&node, "idle") > 300.0 && shed(&node, "full") == 0.0);
    let said = node.output().1.iter().filter(|line| line.contains("connections are shed")).count();
    assert!((1..30).contains(&said), "{said} lines");
    drop(half);
}

#[test]
fn a_node_asks_for_as_many_files_as_it_may_have() {
    let node = Spec::serve().files_unless_asked(300).start();
    let idle: Vec<TcpStream> = (0..400).map(|_| connect(&node.http)).collect();
    sees("all connections", CONVERGE_BOUND, &true, || metric(&node.client, "burgee_connections", &[]) > 400.0);
    assert_eq!((shed(&node, "idle"), shed(&node, "full")), (0.0, 0.0));
    drop(idle);
}

#[test]
fn a_head_that_does_not_end_in_time_ends_its_connection() {
    let node = Spec::serve().grpc().option("--head-timeout", "500ms").start();
    for address in [&node.http, node.grpc.as_ref().unwrap()] {
        assert_eq!(rest(half_request(address)), b"");
        assert_eq!(rest(connect(address)), b"", "it does not even say what it speaks");
    }
    assert_eq!(shed(&node, "head"), 4.0);
}

#[test]
fn a_handshake_that_does_not_end_in_time_ends_its_connection() {
    let (files, authority) = (Files::new(), Authority::new());
    let held = files.install(&authority.issue("127.0.0.1"), &[&authority]);
    let config = held.cert.with_file_name("burgee.toml");
    std::fs::write(&config, "[limits]\nhandshake_ms = 500\n").unwrap();
    let spec = Spec::serve().option("--config", config.to_str().unwrap());
    let spec = spec.option("--tls-cert", held.cert.to_str().unwrap()).option("--tls-key", held.key.to_str().unwrap());
    let node = spec.launch();
    assert_eq!(rest(connect(&node.http)), b"");
}

#[test]
fn an_answer_that_nobody_reads_ends_its_connection() {
    let node = Spec::serve().option("--unread-timeout", "1s").start();
    place(&node.client);
    node.client.put(&entry("large"), &"x".repeat(1 << 20)).check(201);
    // HTTP/1: the network takes nothing any more
    let mut plain = connect(&node.http);
    let ask = format!("GET {} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\n\r\n", entry("large"));
    plain.write_all(ask.repeat(40).as_bytes()).unwrap();
    sees("the end of the one", CONVERGE_BOUND, &1.0, || shed(&node, "unread"));
    // HTTP/2: the peer allows nothing, though it takes what there is; and an event stream, the same
    let mut framed = connect(&node.http);
    framed.write_all(&[http2::preface(10), http2::get(1, &entry("large"), TOKEN)].concat()).unwrap();
    let mut events = connect(&node.http);
    let path = "/api/v1/tenants/demo/watch";
    events.write_all(&[http2::preface(1), http2::get(1, path, TOKEN)].concat()).unwrap();
    sees("the stream", CONVERGE_BOUND, &1.0, || metric(&node.client, "burgee_streams", &[]));
    put(&node.client, "k", "u");
    sees("the end of the others", CONVERGE_BOUND, &3.0, || shed(&node, "unread"));
    assert!(!rest(framed).is_empty() && !rest(events).is_empty());
    // while a stream that is read, and has nothing to say, stays
    let stream = Stream::open(&format!("{}{path}", node.client.base), TOKEN, None);
    std::thread::sleep(Duration::from_secs(3));
    put(&node.client, "k", "v");
    let _ = stream.wait_for("about k", VISIBLE_BOUND, |event| event.data["register"]["key"] == "k");
}

/// A node with these limits.
fn limited(spec: Spec, limits: &str) -> Node {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("[limits]\n{limits}\n")).unwrap();
    let node = spec.option("--config", file.path().to_str().unwrap()).start();
    place(&node.client);
    node
}

#[test]
fn an_answer_that_is_read_too_slowly_ends_its_connection() {
    const WINDOW_BYTES: u32 = 20_000;
    let node = limited(Spec::serve().option("--unread-timeout", "2s"), "answer_bytes_per_second = 262144");
    node.client.put(&entry("large"), &"x".repeat(1 << 20)).check(201);
    let mut framed = connect(&node.http);
    framed.write_all(&[http2::preface(WINDOW_BYTES), http2::get(1, &entry("large"), TOKEN)].concat()).unwrap();
    // each time something is taken, long before nothing is would matter
    let allowed = |_: &u32| {
        std::thread::sleep(Duration::from_millis(200));
        let more = [0, 1].map(|stream| http2::allow(stream, WINDOW_BYTES)).concat();
        framed.write_all(&more).is_ok() && shed(&node, "slow") == 0.0
    };
    let rounds = (0..50).take_while(allowed).count();
    assert!(rounds < 50, "it is read to its end");
    assert_eq!((shed(&node, "slow"), shed(&node, "unread")), (1.0, 0.0));
}

#[test]
fn a_body_that_comes_too_slowly_is_given_up() {
    let node = limited(Spec::serve(), "body_grace_ms = 500\nbody_bytes_per_second = 1000");
    let token = format!("authorization: Bearer {TOKEN}\r\n");
    for path in ["/e/demo/development/ofrep/v1/evaluate/flags/f", "/api/v1/tenants"] {
        let answer = rest(half_body(&node.http, path, &token));
        assert!(answer.starts_with(b"HTTP/1.1 408"), "{path}: {}", String::from_utf8_lossy(&answer));
    }
}

#[test]
fn frames_that_are_no_answer_do_not_keep_a_connection() {
    let node = Spec::serve().option("--unread-timeout", "1s").start();
    let mut framed = connect(&node.http);
    // no byte of an answer is allowed
    framed.write_all(&[http2::preface(0), http2::get(1, "/", "")].concat()).unwrap();
    let pinged = |_: &u32| {
        std::thread::sleep(Duration::from_millis(100));
        framed.write_all(&http2::ping()).is_ok() && framed.read(&mut [0; 4096]).is_ok_and(|read| read > 0)
    };
    let rounds = (0..100).take_while(pinged).count();
    assert!(rounds < 100, "it goes on");
    assert_eq!(shed(&node, "unread"), 1.0);
}

#[test]
fn who_shows_no_token_keeps_nobody_from_the_node() {
    let node = Spec::serve().files(1024).start();
    place(&node.client);
    flag(&node.client, "f");
    let half: Vec<TcpStream> = (0..1_100).map(|_| half_body(&node.http, "/api/v1/session", "")).collect();
    for _ in 0..20 {
        let fresh = Client::new(&node.http, Some(TOKEN));
        fresh.post("/e/demo/development/ofrep/v1/evaluate/flags/f", &json!({})).check(200);
    }
    assert!(shed(&node, "idle") > 300.0 && shed(&node, "full") == 0.0);
    drop(half);
}

#[test]
fn an_answer_under_way_is_not_cut_off_for_want_of_room() {
    const ANSWERS: usize = 40;
    let node = Spec::serve().files(1024).start();
    place(&node.client);
    node.client.put(&entry("large"), &"x".repeat(1 << 20)).check(201);
    let mut slow = connect(&node.http);
    let ask = format!("GET {} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\n", entry("large"));
    let last = format!("{ask}connection: close\r\n\r\n");
    slow.write_all(format!("{}{last}", format!("{ask}\r\n").repeat(ANSWERS - 1)).as_bytes()).unwrap();
    // until the network takes no more
    std::thread::sleep(Duration::from_secs(1));
    let half: Vec<TcpStream> = (0..1_100).map(|_| half_request(&node.http)).collect();
    sees("that others gave way", CONVERGE_BOUND, &true, || shed(&node, "idle") > 300.0);
    assert!(rest(slow).len() > ANSWERS << 20);
    drop(half);
}

#[test]
fn a_flood_of_resets_ends_its_connection_and_no_other() {
    let node = Spec::serve().start();
    let mut flood = connect(&node.http);
    flood.write_all(&http2::preface(1 << 16)).unwrap();
    let asked_and_reset = |stream: u32| [http2::get(stream, "/api/v1/tenants", TOKEN), http2::reset(stream)].concat();
    // an error is what is looked for
    let _ = (0..5_000).try_for_each(|at| flood.write_all(&asked_and_reset(2 * at + 1)));
    let _ = rest(flood);
    node.client.get("/healthz").check(200);
    sees("that it is counted", CONVERGE_BOUND, &1.0, || shed(&node, "limit"));
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let node = Spec::serve().start();
    let mut large = connect(&node.http);
    let local = large.local_addr().unwrap();
    let _ = large.write_all(format!("GET /healthz HTTP/1.1\r\nhost: {}\r\n\r\n", "x".repeat(70_000)).as_bytes());
    let answer = String::from_utf8_lossy(&rest(large)).into_owned();
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer:?}");
    sees("that it is counted", CONVERGE_BOUND, &1.0, || shed(&node, "limit"));
    let address = local.to_string();
    assert!(node.output().1.iter().any(|line| line.contains(&address)), "the log names the peer");
}

#[test]
fn a_body_that_does_not_end_in_time_is_answered_so() {
    let node = Spec::serve().grpc().option("--request-timeout", "500ms").start();
    place(&node.client);
    let answer_to_half = |address: &str, head: &str| {
        let mut connection = connect(address);
        let head =
            format!("{head} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\nconnection: close\r\n");
        let body = "content-type: application/json\r\ncontent-length: 100\r\n\r\n{\"context\":";
        connection.write_all(format!("{head}{body}").as_bytes()).unwrap();
        String::from_utf8_lossy(&rest(connection)).into_owned()
    };
    for head in [
        "POST /api/v1/tenants",
        "PUT /api/v1/tenants/demo/environments/development/config/k",
        "PUT /api/v1/tenants/demo/environments/development/flagd.json",
        "POST /e/demo/development/ofrep/v1/evaluate/flags",
    ] {
        let answer = answer_to_half(&node.http, head);
        assert!(answer.starts_with("HTTP/1.1 408 "), "{head}: {answer}");
    }
    let (grpc, path) = (node.grpc.as_ref().unwrap(), "/flagd.evaluation.v2.Service/ResolveBoolean");
    let answer = answer_to_half(grpc, &format!("POST {path}"));
    assert!(answer.starts_with("HTTP/1.1 504 ") && answer.contains("deadline_exceeded"), "{answer}");
    // whose caller is not known is not waited for at all
    let answer = String::from_utf8_lossy(&rest(half_body(grpc, path, "connection: close\r\n"))).into_owned();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}
