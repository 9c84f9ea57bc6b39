//! The change stream: what happened, once, in order; resumed after the last seen; reset where that is unsure.

use std::time::Duration;

use harness::{
    TOKEN,
    cluster::{CONVERGE_BOUND, entry, flag, flag_in, pair, place, read, sees},
    node::{Node, Spec},
    stream::{Event, Stream},
};
use serde_json::json;

const BOUND: Duration = Duration::from_secs(5);

fn watch(node: &Node, query: &str, after: Option<&str>) -> Stream {
    let url = format!("{}/api/v1/tenants/demo/environments/development/watch{query}", node.client.base);
    Stream::open(&url, TOKEN, after)
}

fn is(event: &Event, key: &str, op: &str) -> bool {
    event.name == "change" && event.data["register"]["key"] == key && event.data["op"] == op
}

#[test]
fn changes_arrive_with_register_stamp_actor_and_id() {
    let node = Spec::serve().start();
    place(&node.client);
    let stream = watch(&node, "", None);
    let tag = node.client.put(&entry("a/b"), "1").expect(201).etag();
    let event = stream.wait_for("put", BOUND, |event| is(event, "a/b", "put"));
    let register = &event.data["register"];
    assert_eq!((&register["kind"], &register["environment"]), (&json!("config"), &json!("development")));
    assert!(tag.contains(event.data["stamp"].as_str().unwrap()), "{tag} is the stamp of {event:?}");
    assert!(event.data["actor"].is_string() && event.data["change"].is_string(), "{event:?}");
    let (id, position) = event.id.as_deref().unwrap().rsplit_once('.').unwrap();
    assert!(!id.is_empty() && position.bytes().all(|b| b.is_ascii_digit()), "{event:?}");
    node.client.delete(&entry("a/b")).check(204);
    let _ = stream.wait_for("delete", BOUND, |event| is(event, "a/b", "delete"));
    flag(&node.client, "f");
    let state = |event: &Event| is(event, "f", "put") && event.data["register"]["field"] == "state";
    let event = stream.wait_for("flag", BOUND, state);
    assert_eq!(event.data["register"]["kind"], "flag");
}

#[test]
fn kinds_and_prefixes_select() {
    let node = Spec::serve().start();
    place(&node.client);
    let flags = watch(&node, "?kind=flag", None);
    let entries = watch(&node, "?kind=config&prefix=in%2F", None);
    node.client.put(&entry("out/1"), "x").check(201);
    node.client.put(&entry("in/1"), "x").check(201);
    flag(&node.client, "f");
    let event = entries.next(BOUND).unwrap();
    assert_eq!(event.data["register"]["key"], "in/1", "nothing else came before");
    let event = flags.next(BOUND).unwrap();
    assert_eq!(event.data["register"]["kind"], "flag", "nothing else came before");
}

#[test]
fn a_reader_resumes_after_what_it_saw_last() {
    let node = Spec::serve().start();
    place(&node.client);
    let stream = watch(&node, "?kind=config", None);
    node.client.put(&entry("k/1"), "x").check(201);
    let seen = stream.wait_for("k/1", BOUND, |event| is(event, "k/1", "put"));
    drop(stream);
    (2..6).for_each(|n| node.client.put(&entry(&format!("k/{n}")), "x").check(201));
    let resumed = watch(&node, "?kind=config", seen.id.as_deref());
    for number in 2..6 {
        let event = resumed.next(BOUND).unwrap();
        assert!(is(&event, &format!("k/{number}"), "put"), "k/{number} is next, not {event:?}");
    }
}

#[test]
fn a_position_of_another_node_or_of_an_earlier_life_gets_a_reset_first() {
    let (a, b) = pair();
    let stream = watch(&a, "?kind=config", None);
    a.client.put(&entry("k"), "x").check(201);
    let seen = stream.wait_for("k", BOUND, |event| is(event, "k", "put"));
    sees("k on b", CONVERGE_BOUND, &Ok("x".to_owned()), || read(&b.client, "k"));
    let first = |node: &Node, after: &str| watch(node, "?kind=config", Some(after)).next(BOUND).unwrap();
    let id = seen.id.unwrap();
    let event = first(&b, &id);
    assert_eq!(event.name, "reset");
    assert!(event.data["reason"].is_string(), "{event:?}");
    let a = a.kill().start();
    assert_eq!(first(&a, &id).name, "reset");
    for nonsense in ["", "x", "1", "00.99999999999999999999", "-1.-1"] {
        if !nonsense.is_empty() {
            assert_eq!(first(&a, nonsense).name, "reset", "{nonsense:?}");
        }
    }
}

#[test]
fn a_stream_ends_when_the_node_stops() {
    let node = Spec::serve().start();
    place(&node.client);
    let stream = watch(&node, "", None);
    node.client.patch(&flag_in("nothing"), &json!({ "state": "ENABLED" })).problem(404, "not_found");
    let _ = node.stop();
    assert_eq!(stream.next(Duration::from_secs(3)), None);
}
