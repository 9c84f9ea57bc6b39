//! Tokens on several nodes: made on one, known on all, revoked everywhere.

use harness::{
    cli::Cli,
    cluster::{CONVERGE_BOUND, VISIBLE_BOUND, flag, live, pair, place, sees},
    http::Client,
    node::Spec,
    stream::Stream,
};
use serde_json::{Value as Json, json};

const TOKENS: &str = "/api/v1/tenants/demo/tokens";

fn create(client: &Client, body: &Json) -> (String, String) {
    let created = client.post(TOKENS, body).expect(201).json();
    let text = |name: &str| created[name].as_str().unwrap().to_owned();
    (text("token"), text("id"))
}

fn reads(client: &Client, token: &str) -> u16 {
    client.with_token(Some(token)).get("/api/v1/tenants/demo").status
}

#[test]
fn a_token_is_revoked_at_once_here_and_within_a_second_there() {
    let (a, b) = pair();
    let (token, id) = create(&a.client, &json!({ "name": "n", "kind": "viewer" }));
    assert_eq!(reads(&a.client, &token), 200);
    sees("the token", CONVERGE_BOUND, &200, || reads(&b.client, &token));
    let watch = |base: &str| Stream::open(&format!("{base}/api/v1/tenants/demo/watch"), &token, None);
    let (here, there) = (watch(&a.client.base), watch(&b.client.base));
    a.client.delete(&format!("{TOKENS}/{id}")).check(204);
    assert_eq!(reads(&a.client, &token), 401);
    sees("the revocation", VISIBLE_BOUND, &401, || reads(&b.client, &token));
    assert!(here.ends(VISIBLE_BOUND) && there.ends(VISIBLE_BOUND));
    // by restarts it does not come back, and its text is nowhere on disk
    let (spec_a, spec_b) = (a.stop(), b.kill());
    for spec in [&spec_a, &spec_b] {
        let secret = token.rsplit_once('_').unwrap().1;
        for file in std::fs::read_dir(spec.data_dir()).unwrap().map(Result::unwrap).filter(|f| f.path().is_file()) {
            let bytes = std::fs::read(file.path()).unwrap();
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{file:?}");
        }
    }
    let (a, b) = (spec_a.start(), spec_b.start());
    assert_eq!((reads(&a.client, &token), reads(&b.client, &token)), (401, 401));
}

#[test]
fn the_last_use_on_another_node_is_shown_where_that_node_can_tell() {
    let (a, b) = pair();
    let (token, id) = create(&a.client, &json!({ "name": "n", "kind": "viewer" }));
    let used = |client: &Client| client.get(&format!("{TOKENS}/{id}")).expect(200).json()["lastUsedAt"].is_string();
    assert!(!used(&a.client));
    sees("the token", CONVERGE_BOUND, &200, || reads(&b.client, &token));
    sees("the use on b", CONVERGE_BOUND, &true, || used(&a.client));
    let listed = a.client.get(TOKENS).expect(200).json();
    assert!(listed["items"][0]["lastUsedAt"].is_string(), "{listed}");
    // a node of the release before knows no such question, and is not asked
    let b = b.stop().env("BURGEE_PROTOCOL_MAX", "4").start();
    sees("both", CONVERGE_BOUND, &vec!["a".to_owned(), "b".to_owned()], || live(&a.client));
    sees("the token", CONVERGE_BOUND, &200, || reads(&b.client, &token));
    assert!(!used(&a.client) && used(&b.client));
    for node in [&a, &b] {
        let text = String::from_utf8(node.client.get("/metrics").expect(200).body).unwrap();
        assert!(text.contains("burgee_frames_refused_total{reason=\"garbage\"} 0\n"), "{text}");
    }
}

#[test]
fn tokens_end_with_their_tenant_and_do_not_return_with_it() {
    let (a, b) = pair();
    let (token, _) = create(&a.client, &json!({ "name": "n", "kind": "admin" }));
    sees("the token", CONVERGE_BOUND, &200, || reads(&b.client, &token));
    b.client.delete("/api/v1/tenants/demo").check(204);
    assert_eq!(reads(&b.client, &token), 401);
    sees("the end", VISIBLE_BOUND, &401, || reads(&a.client, &token));
    place(&a.client);
    sees("the tenant", CONVERGE_BOUND, &200, || b.client.get("/api/v1/tenants/demo").status);
    assert_eq!((reads(&a.client, &token), reads(&b.client, &token)), (401, 401));
}

#[test]
fn applications_evaluate_with_a_token_of_their_environment_and_do_nothing_else() {
    let node = Spec::serve().start();
    place(&node.client);
    flag(&node.client, "f");
    let (token, _) = create(&node.client, &json!({ "name": "n", "kind": "server", "environments": ["development"] }));
    let application = node.client.with_token(Some(&token));
    let answer = application.post("/ofrep/v1/evaluate/flags/f", &json!({})).expect(200).json();
    assert_eq!(answer["value"], true);
    application.get("/api/v1/tenants/demo/flags").problem(403, "forbidden");
    let other = application.post("/e/demo/other/ofrep/v1/evaluate/flags/f", &json!({})).expect(403).json();
    assert_eq!(other["code"], "forbidden");
}

#[test]
fn the_command_line_creates_lists_and_revokes() {
    let node = Spec::serve().start();
    place(&node.client);
    let cli = Cli::of(&node);
    let created = cli.run(&["token", "create", "ci", "--kind", "editor", "--environment", "development"]);
    let token = created.out.trim_end().to_owned();
    assert!(created.code == Some(0) && token.starts_with("burgee_editor_"), "{created:?}");
    assert_eq!(reads(&node.client, &token), 200);
    let listed = cli.run(&["token", "list"]);
    assert!(!listed.out.contains(&token), "{listed:?}");
    let row: Vec<&str> = listed.out.split_whitespace().collect();
    assert_eq!((row[1], row[3], row[5]), ("editor", "development", "ci"), "{listed:?}");
    assert_eq!(cli.run(&["token", "revoke", row[0]]).out, "Token revoked.\n");
    assert_eq!(reads(&node.client, &token), 401);
    assert_eq!(cli.run(&["token", "revoke", row[0]]).code, Some(1));
    assert_eq!(cli.run(&["token", "revoke", "x"]).code, Some(2));
    assert_eq!(cli.run(&["token", "create", "n", "--kind", "king"]).code, Some(2));
    let root = cli.run(&["token", "create", "r", "--root", "--kind", "admin"]);
    let root = node.client.with_token(Some(root.out.trim_end()));
    root.post("/api/v1/tenants", &json!({ "key": "more" })).check(201);
    assert_eq!(cli.run(&["token", "list", "--root"]).out.lines().count(), 1);
    let log = node.output().1.join("\n");
    assert!(!log.contains(&token[..24]), "{log}");
}

#[test]
fn the_command_line_writes_in_a_protected_environment() {
    let node = Spec::serve().start();
    place(&node.client);
    flag(&node.client, "f");
    node.client.patch("/api/v1/tenants/demo/environments/development", &json!({ "protected": true })).check(200);
    let cli = Cli::of(&node);
    assert_eq!(cli.run(&["flag", "off", "f"]).code, Some(0));
    assert_eq!(cli.run(&["put", "k", "1"]).out, "Value stored.\n");
    assert_eq!(cli.run(&["put", "k", "2"]).out, "Value stored.\n");
    assert_eq!(cli.run(&["delete", "k"]).out, "Key deleted.\n");
}
