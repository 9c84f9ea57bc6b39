//! flagd's services on their own port: the announcement, the end, and a change on another node.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use harness::{
    TOKEN, flags,
    http::Client,
    http2,
    node::{Node, Spec},
    proc::Signal,
    wait,
};
use serde_json::{Value as Json, json};

const PLACE: &str = "flagSetId=demo/development";

/// The stream of a node's events, by Connect; what it sends is searched as text.
struct Events {
    connection: TcpStream,
    read: String,
}

impl Events {
    fn open(node: &Node, token: &str) -> Self {
        let mut connection = TcpStream::connect(node.grpc.as_ref().unwrap()).unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let head = format!(
            "POST /flagd.evaluation.v1.Service/EventStream HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             flagd-selector: {PLACE}\r\ncontent-type: application/connect+json\r\ncontent-length: 7\r\n\r\n"
        );
        connection.write_all(head.as_bytes()).unwrap();
        connection.write_all(b"\0\0\0\0\x02{}").unwrap();
        Self { connection, read: String::new() }
    }

    /// Reads until a text comes, or to the end.
    fn until(&mut self, text: &str) {
        let mut buffer = [0; 4096];
        while !self.read.contains(text) {
            let read = self.connection.read(&mut buffer).unwrap();
            assert!(read > 0, "it ended before {text:?}: {:?}", self.read);
            self.read.push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
    }
}

fn resolve(address: &str, token: Option<&str>, flag: &str) -> (u16, Json) {
    let path = "/flagd.evaluation.v2.Service/ResolveBoolean";
    let headers = [("content-type", "application/json"), ("flagd-selector", PLACE)];
    let body = json!({ "flagKey": flag }).to_string();
    let answer = Client::new(address, token).send("POST", path, &headers, body.as_bytes());
    (answer.status, answer.json())
}

#[test]
fn the_port_is_announced_and_a_stop_is_told_to_those_who_listen() {
    let mut node = Spec::serve().grpc().import("demo/development", &flags::file()).start();
    let address = node.announcement["grpc"].as_str().unwrap().to_owned();
    assert_eq!(resolve(&address, Some(TOKEN), "static-boolean-0").1["value"], true);
    assert_eq!(resolve(&address, None, "static-boolean-0").0, 401);
    let mut events = Events::open(&node, TOKEN);
    events.until("provider_ready");
    node.signal(Signal::Term);
    let status = node.wait(Duration::from_secs(3));
    assert_eq!(status.code(), Some(0));
    events.until("provider_shutdown");
    events.until("unavailable");
}

#[test]
fn a_clients_pings_are_answered_with_a_stream_and_without_one() {
    let node = Spec::serve().grpc().import("demo/development", &flags::file()).start();
    let mut connection = TcpStream::connect(node.grpc.as_ref().unwrap()).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    connection.write_all(&http2::preface(1 << 16)).unwrap();
    let ping = |connection: &mut TcpStream| {
        connection.write_all(&http2::ping()).unwrap();
        http2::until(connection, &http2::pong());
    };
    (0..3).for_each(|_| ping(&mut connection));
    let events = http2::call(1, "/flagd.evaluation.v1.Service/EventStream", TOKEN, PLACE, b"");
    connection.write_all(&events).unwrap();
    http2::until(&mut connection, b"provider_ready");
    (0..3).for_each(|_| ping(&mut connection));
    let path = "/api/v1/tenants/demo/flags/static-boolean-0/environments/development";
    node.client.patch(path, &json!({ "defaultVariant": "off" })).check(200);
    http2::until(&mut connection, b"configuration_change");
}

#[test]
fn a_port_in_use_is_told_by_its_option() {
    let node = Spec::serve().grpc().start();
    let taken = node.announcement["grpc"].as_str().unwrap();
    let (code, stderr) = Spec::serve().option("--grpc-listen", taken).refuses();
    assert_eq!(code, Some(1), "{stderr:?}");
    assert!(stderr[0].starts_with("burgee: grpc-listen: "), "{stderr:?}");
}

#[test]
fn without_login_the_demo_is_open_on_this_machine() {
    let node = Spec::dev().start();
    let (status, answer) = resolve(node.announcement["grpc"].as_str().unwrap(), None, "nobody-made-this");
    assert_eq!((status, &answer["code"]), (404, &json!("not_found")));
}

#[test]
fn a_toggle_on_one_node_is_told_by_another() {
    let file = flags::file();
    let a = Spec::serve().cluster("a").import("demo/development", &file).start();
    let b = Spec::serve().grpc().cluster("b").join(&a).start();
    let mut events = Events::open(&b, TOKEN);
    events.until("provider_ready");
    let path = "/api/v1/tenants/demo/flags/static-boolean-0/environments/development";
    a.client.patch(path, &json!({ "defaultVariant": "off" })).check(200);
    events.until(r#""static-boolean-0":{"type":"update"}"#);
    let address = b.grpc.as_ref().unwrap();
    wait::until_true("evaluated on b", Duration::from_secs(1), || {
        resolve(address, Some(TOKEN), "static-boolean-0").1["value"] == false
    });
}
