//! Guests through the front doors: uploaded, listed, deleted, replicated, refused.

use std::{fs, thread, time::Duration};

use harness::{
    cli::Cli,
    cluster::{CONVERGE_BOUND, entry, flag, flag_in, pair, place, sees},
    guests,
    http::Client,
    metrics::metric,
    node::{Node, Spec},
    proc::Signal,
};
use serde_json::{Value as Json, json};

const GUESTS: &str = "/api/v1/tenants/demo/guests";
const WASM: [(&str, &str); 1] = [("content-type", "application/wasm")];
const MODULE_BYTES_MAX: usize = 4 << 20;

fn put(client: &Client, name: &str, module: &[u8]) -> Json {
    let answer = client.send("PUT", &format!("{GUESTS}/{name}"), &WASM, module);
    assert!(matches!(answer.status, 200 | 201), "{answer:?}");
    answer.json()
}

/// What a node says that its whole replica is.
fn root(node: &Node) -> Json {
    let cluster = node.client.get("/api/v1/cluster").json();
    let own = cluster["nodes"].as_array().unwrap().iter().find(|node| node["name"] == cluster["self"]);
    own.unwrap()["root"].clone()
}

/// Waits until another node has a guest with its module: only then it takes its version for restored.
fn has(node: &Node, name: &str, guest: &Json) {
    let path = format!("{GUESTS}/{name}");
    sees("the guest", CONVERGE_BOUND, guest, || node.client.get(&path).json());
    let restore = json!({ "register": { "kind": "guest", "key": name }, "stamp": guest["stamps"]["guest"] });
    sees("its module", CONVERGE_BOUND, &200, || node.client.post("/api/v1/tenants/demo/restore", &restore).status);
}

#[test]
fn a_module_of_four_mebibytes_arrives_by_hint_by_repair_and_by_joining() {
    let (a, b) = pair();
    let module = guests::limit_of(MODULE_BYTES_MAX);
    assert_eq!(module.len(), MODULE_BYTES_MAX);
    let hinted = put(&a.client, "hinted", &module);
    has(&b, "hinted", &hinted);
    b.signal(Signal::Stop);
    let repaired = put(&a.client, "repaired", &module);
    thread::sleep(Duration::from_secs(5)); // beyond the time after which a silent peer counts as gone
    b.signal(Signal::Continue);
    has(&b, "repaired", &repaired);
    let c = Spec::serve().cluster("c").join(&a).start();
    has(&c, "repaired", &b.client.get(&format!("{GUESTS}/repaired")).json());
    sees("all the same", CONVERGE_BOUND, &true, || root(&a) == root(&b) && root(&b) == root(&c));
    a.client.delete(&format!("{GUESTS}/hinted")).check(204);
    sees("no guest", CONVERGE_BOUND, &404, || c.client.get(&format!("{GUESTS}/hinted")).status);
    let too_large = guests::limit_of(MODULE_BYTES_MAX + 1);
    a.client.send("PUT", &format!("{GUESTS}/larger"), &WASM, &too_large).problem(413, "too_large");
}

#[test]
fn guests_survive_a_restart_and_go_with_their_tenant() {
    let node = Spec::serve().start();
    place(&node.client);
    let guest = put(&node.client, "g", &guests::limit());
    let node = node.stop().start();
    has(&node, "g", &guest);
    node.client.delete("/api/v1/tenants/demo").check(204);
    place(&node.client);
    assert_eq!(node.client.get(&format!("{GUESTS}/g")).status, 404);
    let node = node.stop().start();
    assert_eq!(node.client.get(GUESTS).json()["items"], json!([]));
}

#[test]
fn the_command_line_puts_lists_and_deletes() {
    let node = Spec::serve().start();
    place(&node.client);
    let (cli, dir) = (Cli::of(&node), tempfile::tempdir().unwrap());
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let module = file("limit.wasm", &guests::limit());
    let good = file("good.json", br#"[{"context":{},"config":{"limit":[1]},"expected":[1]}]"#);
    let bad = file("bad.json", br#"[{"context":{},"expected":1}]"#);
    let said = cli.run(&["guest", "put", "limit", &module, "--fixtures", &good]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), "Guest stored.\n"), "{said:?}");
    let said = cli.run(&["guest", "put", "other", &module, "--fixtures", &bad]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("fixture 0 gave null, expected 1") && said.err.contains("at /fixtures/0"), "{said:?}");
    assert_eq!(cli.run(&["guest", "put", "plain", &module]).code, Some(0));
    let listed = cli.run(&["guest", "list"]);
    let names: Vec<&str> = listed.out.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, ["limit", "plain"], "{listed:?}");
    assert_eq!(cli.run(&["guest", "delete", "limit"]).out, "Guest deleted.\n");
    assert_eq!(cli.run(&["guest", "delete", "limit"]).code, Some(1));
    assert_eq!(cli.run(&["guest", "put", "x", "/no/such/file"]).code, Some(1));
    assert_eq!(cli.run(&["guest", "put", "", &module]).code, Some(2));
}

#[test]
fn what_may_not_run_is_refused_by_name_and_harms_nothing() {
    let node = Spec::serve().start();
    place(&node.client);
    let send = |module: &[u8]| node.client.send("PUT", &format!("{GUESTS}/g"), &WASM, module);
    let nosy = guests::module(r#"(module (import "wasi_snapshot_preview1" "fd_write" (func)))"#);
    let refused = send(&nosy);
    let text = String::from_utf8_lossy(&refused.body).into_owned();
    assert!(text.contains("`wasi_snapshot_preview1.fd_write`"), "{text}");
    refused.problem(422, "invalid_value");
    send(b"not a module").problem(422, "invalid_value");
    send(&guests::module("(module)")).problem(422, "invalid_value");
    let damaged: Vec<u8> = guests::limit().into_iter().rev().collect();
    send(&damaged).problem(422, "invalid_value");
    assert_eq!(node.client.get(GUESTS).json()["items"], json!([]));
    put(&node.client, "g", &guests::limit());
}

#[test]
fn a_guest_in_rust_passes_its_fixtures() {
    let node = Spec::serve().start();
    place(&node.client);
    let (cli, dir) = (Cli::of(&node), tempfile::tempdir().unwrap());
    let module = dir.path().join("loyalty.wasm");
    fs::write(&module, guests::example("loyalty")).unwrap();
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../guest-sdk/examples/loyalty/fixtures.json");
    let said = cli.run(&["guest", "put", "loyalty", module.to_str().unwrap(), "--fixtures", fixtures]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    assert_eq!(node.client.get(&format!("{GUESTS}/loyalty")).json()["fixtures"], 3);
}

fn targeted(client: &Client, key: &str, rule: &Json) {
    flag(client, key);
    client.patch(&flag_in(key), &json!({ "targeting": rule })).check(200);
}

fn answer(node: &Node, key: &str, context: &Json) -> Json {
    let answer = node.client.ofrep("demo/development", key, context).expect(200).json();
    json!([answer["variant"], answer["reason"]])
}

#[test]
fn a_rule_decides_by_what_a_guest_answers() {
    let (a, b) = pair();
    let loyalty = put(&a.client, "loyalty", &guests::example("loyalty"));
    has(&b, "loyalty", &loyalty);
    let rule = json!({"if": [{"==": [{"guest": ["loyalty", 365]}, "gold"]}, "on", "off"]});
    targeted(&a.client, "f", &rule);
    for node in [&a, &b] {
        let rich = json!({"spent": 5_000});
        sees("gold", CONVERGE_BOUND, &json!(["on", "TARGETING_MATCH"]), || answer(node, "f", &rich));
        assert_eq!(answer(node, "f", &json!({"spent": 1})), json!(["off", "TARGETING_MATCH"]));
        // it answers an error of its own: the default, and the metric counts
        assert_eq!(answer(node, "f", &json!({})), json!(["on", "ERROR"]));
        assert_eq!(metric(&node.client, "burgee_guest_faults_total", &["kind=\"failed\""]), 1.0);
    }
    // a config entry is read at each call
    let number = [("content-type", "application/json")];
    a.client.send("PUT", &entry("loyalty/gold"), &number, b"1").check(201);
    sees("cheap gold", CONVERGE_BOUND, &json!(["on", "TARGETING_MATCH"]), || answer(&b, "f", &json!({"spent": 2})));
    // gone, it is as one that never was: it gives null
    a.client.delete(&format!("{GUESTS}/loyalty")).check(204);
    sees("no guest", CONVERGE_BOUND, &json!(["off", "TARGETING_MATCH"]), || answer(&b, "f", &json!({"spent": 9_999})));
}
