//! From start to stop: the announcement, the generated token, SIGTERM.

use std::time::{Duration, Instant};

use harness::{
    TOKEN,
    cluster::{entry, place, read},
    flags,
    http::Client,
    metrics::metric,
    node::{Node, Spec},
    proc::Signal,
    wait,
};
use serde_json::json;

#[test]
fn the_announcement_is_the_only_line_on_stdout() {
    let node = Spec::serve().cluster("first").start();
    let announcement = node.announcement.clone();
    assert_eq!((&announcement["event"], &announcement["node"]), (&json!("listening"), &json!("first")));
    assert!(announcement["grpc"].is_null(), "{announcement}");
    assert!(announcement["cluster"].as_str().unwrap().starts_with("tcp/127.0.0.1:"), "{announcement}");
    let members: Vec<&String> = announcement.as_object().unwrap().keys().collect();
    assert_eq!(members, ["event", "node", "http", "grpc", "cluster"]);
    place(&node.client);
    node.client.put(&entry("k"), "x").check(201);
    let (stdout, _) = node.output();
    assert_eq!(stdout.len(), 1, "{stdout:?}");
    let alone = Spec::serve().start();
    assert!(alone.announcement["cluster"].is_null(), "{}", alone.announcement);
}

#[test]
fn log_lines_can_be_json() {
    let node = Spec::serve().option("--log", "json").start();
    let (_, stderr) = node.output();
    assert!(!stderr.is_empty());
    for line in stderr {
        assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok(), "{line}");
    }
}

/// The words of a text that could be a generated token.
fn tokens(lines: &[String]) -> Vec<String> {
    let words = lines.iter().flat_map(|line| line.split(|c: char| c.is_whitespace() || c == '"' || c == '`'));
    words.filter(|word| word.len() >= 32 && word.bytes().all(|b| b.is_ascii_graphic())).map(str::to_owned).collect()
}

#[test]
fn the_first_start_prints_a_token_once_and_it_stays_valid() {
    let node = Spec::serve().token(None).start();
    let (stdout, stderr) = node.output();
    let printed = tokens(&stderr);
    let works = |http: &str, token: &str| Client::new(http, Some(token)).get("/api/v1/tenants").status == 200;
    let valid: Vec<&String> = printed.iter().filter(|token| works(&node.http, token)).collect();
    assert_eq!(valid.len(), 1, "{stderr:?}");
    assert!(!stdout.concat().contains(valid[0].as_str()));
    assert!(!works(&node.http, TOKEN));
    let token = valid[0].clone();
    let node = node.stop().start();
    assert!(works(&node.http, &token), "it is remembered");
    let (_, stderr) = node.output();
    assert!(!stderr.concat().contains(&token), "it is printed once: {stderr:?}");
    // given, another one takes its place on this node
    let node = node.kill().token(Some(TOKEN)).start();
    assert!(works(&node.http, TOKEN));
}

#[test]
fn a_joining_node_generates_no_token() {
    let a = Spec::serve().cluster("a").start();
    let b = Spec::serve().cluster("b").join(&a).token(None).start();
    let (_, stderr) = b.output();
    let works = |token: &String| Client::new(&b.http, Some(token)).get("/api/v1/tenants").status == 200;
    assert!(!tokens(&stderr).iter().any(works), "{stderr:?}");
    Client::new(&b.http, Some(TOKEN)).get("/api/v1/tenants").problem(401, "unauthorized");
}

/// Waits until all rules are compiled; gives how many groups of them were found on disk, were missing, were refused.
fn compiled(node: &Node) -> [f64; 3] {
    wait::until_true("compiled", Duration::from_secs(60), || {
        let figure = |name| metric(&node.client, name, &[]);
        figure("burgee_compilations_total") > 0.0 && figure("burgee_compile_queue") == 0.0
    });
    let label = |result: &str| format!("result=\"{result}\"");
    ["hit", "miss", "refused"].map(|result| metric(&node.client, "burgee_code_cache_total", &[&label(result)]))
}

#[test]
fn a_restart_finds_its_rules_compiled_unless_somebody_touched_them() {
    let node = Spec::serve().import("demo/development", &flags::file()).start();
    let [hits, misses, _] = compiled(&node);
    assert!(hits == 0.0 && misses > 0.0, "{hits} {misses}");
    let node = node.stop().start();
    assert_eq!(compiled(&node), [misses, 0.0, 0.0]);
    let spec = node.stop();
    let kept = std::fs::read_dir(spec.data_dir().join("code")).unwrap().map(|entry| entry.unwrap().path());
    for path in kept.filter(|path| path.extension().is_some_and(|kind| kind == "code")) {
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&path, bytes).unwrap();
    }
    let node = spec.start();
    assert_eq!(compiled(&node), [0.0, 0.0, misses]);
    let case = flags::cases().into_iter().find(|case| case.answer.get("variant").is_some()).unwrap();
    let answer = node.client.ofrep("demo/development", &case.flag, &case.context).expect(200).json();
    assert_eq!(answer["variant"], case.answer["variant"]);
}

#[test]
fn sigterm_ends_the_node_within_three_seconds_and_keeps_everything() {
    let mut node = Spec::serve().start();
    place(&node.client);
    node.client.put(&entry("k"), "x").check(201);
    let _open = harness::stream::Stream::open(
        &format!("{}/api/v1/tenants/demo/environments/development/watch", node.client.base),
        TOKEN,
        None,
    );
    let start = Instant::now();
    node.signal(Signal::Term);
    let status = node.wait(Duration::from_secs(3));
    eprintln!("ended {:?} after SIGTERM", start.elapsed());
    assert_eq!(status.code(), Some(0));
    let (_, stderr) = node.output();
    assert!(!stderr.iter().any(|line| line.contains("panicked")), "{stderr:?}");
    let node = node.again().start();
    assert_eq!(read(&node.client, "k"), Ok("x".to_owned()));
}

#[test]
fn after_sigterm_readiness_goes_first_and_requests_under_way_are_answered() {
    use std::io::{Read, Write};
    let mut node = Spec::serve().start();
    place(&node.client);
    // a request under way: the head is sent, the body is not
    let head = format!(
        "PUT {} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\nlas",
        entry("late")
    );
    let mut slow = std::net::TcpStream::connect(&node.http).unwrap();
    slow.write_all(head.as_bytes()).unwrap();
    node.client.get("/readyz").check(200);
    // kept open, as a load balancer would
    let mut probe = std::net::TcpStream::connect(&node.http).unwrap();
    probe.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    node.signal(Signal::Term);
    let mut seen = Vec::new();
    wait::until_true("503 from /readyz", Duration::from_secs(2), || {
        let _ = probe.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n");
        let mut buffer = [0; 4_096];
        let length = probe.read(&mut buffer).unwrap_or(0);
        seen.extend_from_slice(&buffer[..length]);
        assert!(length > 0, "the connection closed before 503: {}", String::from_utf8_lossy(&seen));
        String::from_utf8_lossy(&seen).contains("HTTP/1.1 503")
    });
    slow.write_all(b"t").unwrap();
    let mut answer = String::new();
    slow.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    let _ = slow.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer:?}");
    assert_eq!(node.wait(Duration::from_secs(3)).code(), Some(0));
    let node = node.again().start();
    assert_eq!(read(&node.client, "late"), Ok("last".to_owned()));
}

#[test]
fn an_ephemeral_node_leaves_nothing() {
    let node = Spec::dev().start();
    let list = node.client.get("/api/v1/tenants/demo/flags").expect(200).json();
    assert!(!list["items"].as_array().unwrap().is_empty());
    let _ = node.stop();
}

#[test]
fn dev_answers_only_to_names_of_this_machine() {
    let node = Spec::dev().start();
    let foreign = node.client.send("GET", "/api/v1/tenants", &[("host", "attacker.example")], b"");
    assert!((400..500).contains(&foreign.status), "{}", foreign.status);
    node.client.send("GET", "/api/v1/tenants", &[("host", "localhost:8080")], b"").check(200);
}

#[test]
fn the_openapi_document_names_what_is_served() {
    let node = Spec::dev().start();
    let document = node.client.get("/openapi.json").expect(200).json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3."));
    for path in [
        "/api/v1/tenants",
        "/api/v1/tenants/{tenant}/flags/{flag}/environments/{environment}",
        "/ofrep/v1/evaluate/flags",
        "/readyz",
    ] {
        let known: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
        let shape = |path: &str| {
            path.split('/').map(|s| if s.starts_with('{') { "{}" } else { s }).collect::<Vec<_>>().join("/")
        };
        assert!(known.iter().any(|k| shape(k) == shape(path)), "{path} is not among {known:?}");
    }
}
