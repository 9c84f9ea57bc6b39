//! Requests that come again, on several nodes: they are carried out once.

use std::thread;

use harness::{
    cli::Cli,
    cluster::{CONFIG, CONVERGE_BOUND, entry, equal, place, put, read, trio},
    http::{Answer, Client},
    node::{Node, Spec},
};

const KEYED: [(&str, &str); 2] = [("content-type", "text/plain"), ("idempotency-key", "deploy 42")];

fn write(client: &Client, key: &str, value: &str) -> Answer {
    client.send("PUT", &entry(key), &KEYED, value.as_bytes())
}

/// All that is answered, and whether it was answered before.
fn answered(answer: &Answer) -> (u16, String, String, bool) {
    let replayed = answer.header("idempotent-replayed").as_deref() == Some("true");
    (answer.status, answer.etag(), answer.text(), replayed)
}

#[test]
fn check_61_the_same_request_sent_again_is_carried_out_once_on_every_node_also_after_kill_9() {
    let [a, b, c] = trio();
    let first = write(&a.client, "k", "1").expect(201);
    let (status, tag, body, _) = answered(&first);
    equal(&[&a, &b, &c], CONVERGE_BOUND);
    put(&b.client, "k", "2");
    equal(&[&a, &b, &c], CONVERGE_BOUND);
    let again = (status, tag, body, true);
    let same = |nodes: [&Node; 3]| {
        for node in nodes {
            assert_eq!(answered(&write(&node.client, "k", "1")), again);
            let other = write(&node.client, "k", "another").problem(422, "invalid_value");
            assert_eq!(other["errors"][0]["code"], "idempotency_key_reused", "{other}");
            assert_eq!(read(&node.client, "k"), Ok("2".to_owned()), "what was written since stands");
        }
    };
    same([&a, &b, &c]);
    let killed = [a, b, c].map(Node::kill);
    let [a, b, c] = killed.map(|spec| spec.launch());
    [&a, &b, &c].into_iter().for_each(Node::wait_ready);
    equal(&[&a, &b, &c], CONVERGE_BOUND);
    same([&a, &b, &c]);
}

/// An acknowledged write has its answer on disk with it.
#[test]
fn what_was_answered_survives_kill_9_with_what_was_written() {
    let node = Spec::serve().start();
    place(&node.client);
    let first = write(&node.client, "k", "1").expect(201);
    let node = node.kill().start();
    let again = write(&node.client, "k", "1");
    assert_eq!((again.etag(), read(&node.client, "k")), (first.etag(), Ok("1".to_owned())));
    assert!(answered(&again).3);
}

#[test]
fn of_two_nodes_that_carry_a_request_out_at_once_all_tell_the_same_in_the_end() {
    let [a, b, c] = trio();
    for round in 0..5 {
        let (key, idempotency_key) = (format!("k/{round}"), format!("at once {round}"));
        let headers = [("content-type", "text/plain"), ("idempotency-key", idempotency_key.as_str())];
        let send = |node: &Node| node.client.send("PUT", &entry(&key), &headers, b"same");
        thread::scope(|scope| {
            let both = [&a, &b].map(|node| scope.spawn(|| send(node).status));
            for status in both.map(|one| one.join().unwrap()) {
                assert!(matches!(status, 200 | 201), "{status}");
            }
        });
        equal(&[&a, &b, &c], CONVERGE_BOUND);
        let told = [&a, &b, &c].map(|node| answered(&send(node)));
        assert!(told[0].3 && told.iter().all(|one| *one == told[0]), "{told:?}");
        for node in [&a, &b, &c] {
            assert_eq!(read(&node.client, &key), Ok("same".to_owned()));
            let listed =
                node.client.get(&format!("{CONFIG}?prefix={}", harness::http::encode(&key))).expect(200).json();
            assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
        }
    }
}

#[test]
fn the_command_line_names_a_write() {
    let node = Spec::serve().start();
    place(&node.client);
    let cli = Cli::of(&node);
    let put = |value: &str| cli.run(&["put", "k", value, "--idempotency-key", "deploy-42"]);
    assert_eq!(put("1").code, Some(0));
    assert_eq!(cli.run(&["put", "k", "2"]).code, Some(0));
    assert_eq!((put("1").out.as_str(), read(&node.client, "k")), ("Value stored.\n", Ok("2".to_owned())));
    let other = put("3");
    assert_eq!((other.code, other.err.contains("/Idempotency-Key")), (Some(1), true), "{other:?}");
    // also where the environment asks what is written over, which is another state each time
    node.client
        .patch("/api/v1/tenants/demo/environments/development", &serde_json::json!({ "protected": true }))
        .check(200);
    assert_eq!((put("1").code, read(&node.client, "k")), (Some(0), Ok("2".to_owned())));
}
