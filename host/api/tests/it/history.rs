//! History, conflicts, and what ends them.

use burgee_model::{Blob, FlagField, FlagInField, Key, NodeId, RegisterId, Stamp, stamp::millis_to_ntp64};
use burgee_store::{ChangeId, Version};
use serde_json::{Value as Json, json};

use crate::server::{Answer, START, Server, paths};

const HISTORY: &str = "/api/v1/tenants/t/history?kind=flag&key=f";
const CONFLICTS: &str = "/api/v1/tenants/t/conflicts";
const RESTORE: &str = "/api/v1/tenants/t/restore";
const OTHER: NodeId = NodeId([9; 16]);

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

pub fn name() -> RegisterId {
    RegisterId::flag(&key("t"), &key("f"), FlagField::Name)
}

fn kill() -> RegisterId {
    RegisterId::flag_in(&key("t"), &key("f"), &key("dev"), FlagInField::Kill)
}

fn named(id: &RegisterId) -> Json {
    json!(burgee_api::admin::address::Register::new(id))
}

pub async fn server() -> Server {
    let server = Server::placed().await;
    server.flag("f").await;
    server
}

/// Merges what another node wrote at a time, knowing these stamps of the register.
fn merge(server: &Server, id: &RegisterId, at_ms: u64, parents: &[Stamp], value: &Json) -> Stamp {
    let stamp = Stamp { time: millis_to_ntp64(START + at_ms), id: OTHER };
    let version = Version {
        register: id.clone(),
        stamp,
        parents: parents.into(),
        floor_seen: None,
        content: Some(Blob::json(value)),
        expires_at: None,
        actor: "else".into(),
        change: ChangeId(stamp),
        note: Some("from afar".into()),
    };
    assert_eq!(server.store.merge(vec![std::sync::Arc::new(version)], OTHER).unwrap().applied, 1);
    stamp
}

/// `Old`, then here `Mine`, while another node wrote `Theirs` over `Old`, later.
pub async fn conflicting(server: &Server) -> Stamp {
    rename(server, "Old").await;
    let old = server.store.read().latest(&name()).unwrap().stamp;
    server.pass(1000);
    rename(server, "Mine").await;
    merge(server, &name(), 5000, &[old], &json!("Theirs"))
}

async fn rename(server: &Server, name: &str) {
    server.patch("/api/v1/tenants/t/flags/f", json!({ "name": name, "note": "renamed" })).await.expect(200);
}

async fn shown_name(server: &Server) -> Json {
    server.get("/api/v1/tenants/t/flags/f").await.body()["name"].clone()
}

async fn conflicts(server: &Server) -> Vec<Json> {
    server.get(CONFLICTS).await.expect(200).body()["items"].as_array().unwrap().clone()
}

pub async fn dismiss(server: &Server, id: &RegisterId) -> Answer {
    server.post(&format!("{CONFLICTS}/dismiss"), json!({ "register": named(id), "note": "seen" })).await
}

async fn restore(server: &Server, id: &RegisterId, stamp: &str) -> Answer {
    server.post(RESTORE, json!({ "register": named(id), "stamp": stamp })).await
}

#[tokio::test]
async fn versions_come_newest_first_with_who_when_and_why() {
    let server = server().await;
    rename(&server, "One").await;
    server.pass(60_000);
    rename(&server, "Two").await;
    let list = server.get(&format!("{HISTORY}&field=name")).await.expect(200).body();
    let items = list["items"].as_array().unwrap();
    let values: Vec<&Json> = items.iter().map(|item| &item["value"]).collect();
    assert_eq!(values[..2], [&json!("Two"), &json!("One")]);
    let current: Vec<&Json> = items.iter().map(|item| &item["current"]).collect();
    assert!(current[0] == true && current[1..].iter().all(|current| *current == false), "{list}");
    let newest = &items[0];
    assert_eq!(newest["register"], named(&name()));
    assert_eq!((&newest["actor"], &newest["note"], &newest["op"]), (&json!("admin"), &json!("renamed"), &json!("put")));
    assert!(newest["at"].as_str().unwrap().starts_with("2023-11-14T22:14:20"), "{newest}");
    assert_eq!(newest["stamp"], server.get("/api/v1/tenants/t/flags/f").await.body()["stamps"]["name"]);
}

#[tokio::test]
async fn pages_of_history_hold_everything_once() {
    let server = server().await;
    for number in 0..7 {
        rename(&server, &number.to_string()).await;
    }
    let whole = server.get(HISTORY).await.body()["items"].as_array().unwrap().clone();
    assert!(whole.is_sorted_by(|a, b| a["stamp"].as_str() >= b["stamp"].as_str()));
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("{HISTORY}&limit=3{cursor}")).await.expect(200).body();
        paged.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged, whole);
}

#[tokio::test]
async fn history_is_of_one_thing() {
    let server = server().await;
    let of_dev = server.get(&format!("{HISTORY}&environment=dev")).await.expect(200).body();
    let items = of_dev["items"].as_array().unwrap();
    assert!(!items.is_empty() && items.iter().all(|item| item["register"]["environment"] == "dev"), "{of_dev}");
    for (kind, key) in [("tenant", "t"), ("environment", "prod")] {
        let list = server.get(&format!("/api/v1/tenants/t/history?kind={kind}&key={key}")).await.expect(200).body();
        assert_eq!(list["items"].as_array().unwrap().len(), 1, "{list}");
    }
    for missing in ["kind=flag&key=x", "kind=environment&key=x", "kind=tenant&key=x", "kind=flag&key=f&environment=x"] {
        server.get(&format!("/api/v1/tenants/t/history?{missing}")).await.problem(404, "not_found");
    }
    for wrong in ["", "kind=flag", "key=f", "kind=what&key=f", "kind=flag&key=f&cursor=00", "kind=flag&key=f&x=1"] {
        server.get(&format!("/api/v1/tenants/t/history?{wrong}")).await.problem(422, "invalid_value");
    }
    server.get("/api/v1/tenants/t/history?kind=config&key=k").await.problem(422, "history_not_kept");
    server.get("/api/v1/tenants/x/history?kind=flag&key=f").await.problem(404, "not_found");
}

#[tokio::test]
async fn an_earlier_value_is_written_again() {
    let server = server().await;
    rename(&server, "Good").await;
    let good = server.store.read().latest(&name()).unwrap().stamp.to_string();
    rename(&server, "Bad").await;
    let answer = restore(&server, &name(), &good).await.expect(200);
    let written = server.store.read().latest(&name()).unwrap();
    assert_eq!(answer.tag(), format!("\"{}\"", written.stamp));
    assert_eq!((&answer.body()["value"], &answer.body()["losersLeft"]), (&json!("Good"), &json!(0)));
    assert!(written.parents.iter().any(|parent| parent.to_string() == good), "it names what it restores");
    assert_eq!(shown_name(&server).await, "Good");
}

#[tokio::test]
async fn what_cannot_be_restored_says_why() {
    let server = server().await;
    server.put("/api/v1/tenants/t/environments/dev/config/k", "v").await.expect(201);
    let entry = RegisterId::config(&key("t"), &key("dev"), &key("k"));
    let unknown = Stamp { time: 7, id: OTHER }.to_string();
    restore(&server, &name(), &unknown).await.problem(404, "not_found");
    restore(&server, &RegisterId::flag(&key("t"), &key("x"), FlagField::Name), &unknown)
        .await
        .problem(404, "not_found");
    restore(&server, &entry, &unknown).await.problem(422, "history_not_kept");
    dismiss(&server, &entry).await.problem(422, "history_not_kept");
    let faults = restore(&server, &name(), "x").await.problem(422, "invalid_value");
    assert_eq!(paths(&faults), ["/stamp"]);
    let flag = |more: &str| serde_json::from_str::<Json>(&format!(r#"{{"kind":"flag","key":"f"{more}}}"#)).unwrap();
    for (register, at) in [
        (json!(null), "/register"),
        (json!({ "kind": "flag" }), "/register/key"),
        (json!({ "kind": "x", "key": "f" }), "/register/kind"),
        (flag(r#","field":"x""#), "/register/field"),
        (flag(r#","field":"state""#), "/register/environment"),
    ] {
        for (path, more) in [(format!("{CONFLICTS}/dismiss"), None), (RESTORE.to_owned(), Some(&unknown))] {
            let body = json!({ "register": register, "stamp": more });
            let body = if more.is_some() { body } else { json!({ "register": register }) };
            let faults = server.post(&path, body).await.problem(422, "invalid_value");
            assert_eq!(paths(&faults), [at], "{path} {register}");
        }
    }
    let faults = server.post(RESTORE, json!({})).await.problem(422, "invalid_value");
    assert_eq!(paths(&faults), ["/register", "/stamp"]);
    let faults = restore(&server, &name(), &unknown).await.problem(404, "not_found");
    assert_eq!(paths(&faults), ["/stamp"]);
    let faults = dismiss(&server, &name()).await.problem(404, "not_found");
    assert_eq!(paths(&faults), ["/register"]);
}

#[tokio::test]
async fn a_container_that_does_not_exist_is_said_to_be_what_is_missing() {
    let server = server().await;
    let unknown = Stamp { time: 7, id: OTHER }.to_string();
    let elsewhere = RegisterId::flag_in(&key("t"), &key("f"), &key("x"), FlagInField::State);
    for (tenant, id, detail) in [
        ("x", name(), "there is no tenant `x`"),
        ("t", elsewhere, "there is no environment `x`"),
        ("t", RegisterId::environment(&key("t"), &key("x")), "there is no environment `x`"),
        ("t", RegisterId::flag(&key("t"), &key("x"), FlagField::Name), "there is no flag `x`"),
    ] {
        let tenant = format!("/api/v1/tenants/{tenant}");
        let restoration = json!({ "register": named(&id), "stamp": unknown });
        let restored = server.post(&format!("{tenant}/restore"), restoration).await;
        let dismissed = server.post(&format!("{tenant}/conflicts/dismiss"), json!({ "register": named(&id) })).await;
        for answer in [restored, dismissed] {
            assert_eq!(answer.body()["detail"], detail);
            answer.problem(404, "not_found");
        }
    }
}

#[tokio::test]
async fn a_conflict_is_listed_with_both_sides() {
    let server = server().await;
    assert!(conflicts(&server).await.is_empty());
    let theirs = conflicting(&server).await;
    let [conflict] = conflicts(&server).await.try_into().unwrap();
    assert_eq!(conflict["register"], named(&name()));
    assert_eq!((&conflict["winner"]["value"], &conflict["winner"]["actor"]), (&json!("Theirs"), &json!("else")));
    assert_eq!(conflict["winner"]["stamp"], theirs.to_string());
    let [loser] = conflict["losers"].as_array().unwrap().as_slice() else { panic!("{conflict}") };
    assert_eq!(
        (&loser["value"], &loser["actor"], &loser["note"]),
        (&json!("Mine"), &json!("admin"), &json!("renamed"))
    );
    for member in ["stamp", "change", "at"] {
        assert!(loser[member].is_string(), "{member} in {loser}");
    }
    server.get("/api/v1/tenants/x/conflicts").await.problem(404, "not_found");
}

#[tokio::test]
async fn dismissing_keeps_the_winner_and_ends_the_conflict() {
    let server = server().await;
    conflicting(&server).await;
    let answer = dismiss(&server, &name()).await.expect(200);
    assert_eq!((&answer.body()["value"], &answer.body()["losersLeft"]), (&json!("Theirs"), &json!(0)));
    assert!(conflicts(&server).await.is_empty());
    assert_eq!(shown_name(&server).await, "Theirs");
    dismiss(&server, &name()).await.problem(404, "not_found");
}

#[tokio::test]
async fn restoring_the_loser_ends_the_conflict() {
    let server = server().await;
    conflicting(&server).await;
    let loser = conflicts(&server).await[0]["losers"][0]["stamp"].as_str().unwrap().to_owned();
    restore(&server, &name(), &loser).await.expect(200);
    assert!(conflicts(&server).await.is_empty());
    assert_eq!(shown_name(&server).await, "Mine");
}

#[tokio::test]
async fn restoring_what_has_no_part_in_it_leaves_the_conflict() {
    let server = server().await;
    conflicting(&server).await;
    let items = server.get(&format!("{HISTORY}&field=name")).await.body()["items"].clone();
    let old = items.as_array().unwrap().iter().find(|item| item["value"] == "Old").unwrap()["stamp"].clone();
    restore(&server, &name(), old.as_str().unwrap()).await.expect(200);
    assert_eq!(shown_name(&server).await, "Old");
    assert_eq!(conflicts(&server).await[0]["losers"][0]["value"], "Mine", "nobody decided about it");
}

#[tokio::test]
async fn if_match_guards_both() {
    let server = server().await;
    let theirs = conflicting(&server).await.to_string();
    let dismissal = json!({ "register": named(&name()) });
    let path = format!("{CONFLICTS}/dismiss");
    let other = Stamp { time: 7, id: OTHER }.to_string();
    server.json("POST", &path, &[("if-match", &format!("\"{other}\""))], &dismissal).await.problem(412, "stale");
    let restoration = json!({ "register": named(&name()), "stamp": theirs });
    server.json("POST", RESTORE, &[("if-match", "\"x\"")], &restoration).await.problem(412, "stale");
    server.json("POST", &path, &[("if-match", &format!("\"{theirs}\""))], &dismissal).await.expect(200);
}

#[tokio::test]
async fn a_conflict_of_many_is_settled_in_several_versions() {
    let server = server().await;
    rename(&server, "Old").await;
    for number in 0..30 {
        merge(&server, &name(), 1000 + number, &[], &json!(number));
    }
    assert_eq!(conflicts(&server).await[0]["losers"].as_array().unwrap().len(), 30, "`Old` is one of them");
    let answer = dismiss(&server, &name()).await.expect(200);
    assert_eq!((&answer.body()["value"], &answer.body()["losersLeft"]), (&json!(29), &json!(0)));
    assert!(conflicts(&server).await.is_empty());
}

#[tokio::test]
async fn settling_a_kill_does_not_release_it() {
    let server = server().await;
    let place = "/api/v1/tenants/t/flags/f/environments/dev";
    server.patch(place, json!({ "kill": true, "reason": "fire" })).await.expect(200);
    merge(&server, &kill(), 5000, &[], &json!({ "killed": false }));
    assert_eq!(server.get(place).await.body()["kill"], true, "killed wins, whichever is later");
    let [conflict] = conflicts(&server).await.try_into().unwrap();
    assert_eq!(conflict["register"], named(&kill()));
    assert_eq!(conflict["winner"]["value"]["killed"], true, "what counts is shown to");
    assert_eq!(conflict["losers"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&conflict["losers"][0]["value"]["killed"], &conflict["losers"][0]["actor"]),
        (&json!(false), &json!("else"))
    );
    let winner = conflict["winner"]["stamp"].as_str().unwrap();
    let (path, body) = (format!("{CONFLICTS}/dismiss"), json!({ "register": named(&kill()) }));
    server.json("POST", &path, &[("if-match", "\"x\"")], &body).await.problem(412, "stale");
    let answer = server.json("POST", &path, &[("if-match", &format!("\"{winner}\""))], &body).await.expect(200);
    assert_eq!(answer.body()["value"]["killed"], true);
    assert!(conflicts(&server).await.is_empty());
    let found = server.get(place).await.body();
    assert_eq!((&found["kill"], &found["reason"]), (&json!(true), &json!("fire")));
}
