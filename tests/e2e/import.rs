//! A flagd file in, right answers out.

use harness::{cluster::sees, flags, http::Client, node::Spec, wait};
use serde_json::{Value as Json, json};
use std::time::Duration;

const PLACE: &str = "demo/development";

/// An OFREP answer reduced to what a case names.
fn reduced(answer: &Json) -> Json {
    if let Some(code) = answer.get("errorCode") {
        return json!({ "errorCode": code });
    }
    let mut reduced = json!({ "reason": answer["reason"] });
    for member in ["value", "variant"] {
        if let Some(value) = answer.get(member) {
            reduced[member] = value.clone();
        }
    }
    reduced
}

/// Whether two answers are the same; numbers are compared as numbers.
fn same(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::Number(a), Json::Number(b)) => a.as_f64() == b.as_f64(),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, value)| b.get(name).is_some_and(|other| same(value, other)))
        }
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        _ => left == right,
    }
}

fn status_of(answer: &Json) -> u16 {
    match answer["errorCode"].as_str() {
        None => 200,
        Some("FLAG_NOT_FOUND") => 404,
        Some(_) => 400,
    }
}

fn check_single(client: &Client) {
    for case in flags::cases() {
        let answer = client.ofrep(PLACE, &case.flag, &case.context).expect(status_of(&case.answer)).json();
        assert_eq!(answer["key"], case.flag.as_str());
        assert!(same(&reduced(&answer), &case.answer), "{case:?}: {answer}");
    }
}

fn check_bulk(client: &Client) {
    let contexts: Vec<Json> = flags::cases().into_iter().filter(|c| c.flag == "split-0").map(|c| c.context).collect();
    for context in contexts {
        let body = json!({ "context": context });
        let answer = client.post(&format!("/e/{PLACE}/ofrep/v1/evaluate/flags"), &body).expect(200).json();
        let items = answer["flags"].as_array().unwrap();
        assert_eq!(items.len(), flags::COUNT);
        for case in flags::cases().into_iter().filter(|c| c.context == context && c.flag != "unknown-flag") {
            let item = items.iter().find(|item| item["key"] == case.flag.as_str()).unwrap();
            assert!(same(&reduced(item), &case.answer), "{case:?}: {item}");
        }
    }
}

#[test]
fn a_hundred_flags_answer_as_flagds_own_library_does() {
    let node = Spec::serve().import(PLACE, &flags::file()).start();
    check_single(&node.client);
    check_bulk(&node.client);
    // the same again from compiled code, however long the compiler took
    let tiers = |name: &str| {
        let metrics = node.client.get("/metrics").text();
        metrics.lines().filter(|line| line.contains(name)).map(str::to_owned).collect::<Vec<_>>()
    };
    eprintln!("evaluations by tier: {:?}", tiers("burgee_evaluations_total"));
    check_bulk(&node.client);
}

#[test]
fn metadata_of_flag_and_set_reach_the_answer() {
    let node = Spec::serve().import(PLACE, &flags::file()).start();
    let answer = node.client.ofrep(PLACE, "static-object-1", &json!({})).expect(200).json();
    let wanted = json!({ "owner": "team-1", "order": 1, "live": true, "flagSetId": "hundred", "version": 1 });
    assert!(same(&answer["metadata"], &wanted), "{answer}");
}

#[test]
fn readiness_comes_after_the_import() {
    let node = Spec::serve().import(PLACE, &flags::file()).launch();
    let anonymous = node.client.with_token(None);
    let (_, took) = wait::until("ready", Duration::from_secs(30), || {
        let ready = anonymous.get("/readyz");
        let body = ready.json();
        match ready.status {
            // nothing may be missing at the first 200
            200 => {
                assert_eq!(body["ready"], true);
                node.client.ofrep(PLACE, "we/ird kéy", &json!({})).check(200);
                Some(())
            }
            503 => {
                assert_eq!(body["ready"], false);
                assert!(!body["reasons"].as_array().unwrap().is_empty());
                None
            }
            status => panic!("/readyz answered {status}"),
        }
    });
    eprintln!("ready after {took:?}");
}

#[test]
fn an_environment_that_exists_is_not_imported_again() {
    let node = Spec::serve().import(PLACE, &flags::file()).start();
    let path = "/api/v1/tenants/demo/flags/static-boolean-0/environments/development";
    node.client.patch(path, &json!({ "defaultVariant": "off" })).check(200);
    let node = node.stop().start();
    assert_eq!(node.client.value(PLACE, "static-boolean-0"), json!(false));
    let skipped = || {
        let (_, log) = node.output();
        log.iter().filter(|line| line.contains("demo") && line.contains("development")).count()
    };
    sees("one log line that says so", Duration::from_secs(5), &1, skipped);
}

#[test]
fn a_deleted_environment_is_not_imported_again() {
    let node = Spec::serve().import(PLACE, &flags::file()).start();
    node.client.delete("/api/v1/tenants/demo/environments/development").check(204);
    let node = node.stop().start();
    node.client.get("/api/v1/tenants/demo/environments/development").problem(404, "not_found");
}

#[test]
fn the_same_file_on_two_nodes_makes_one_environment() {
    let a = Spec::serve().cluster("a").import(PLACE, &flags::file()).start();
    let b = Spec::serve().cluster("b").join(&a).import(PLACE, &flags::file()).start();
    let path = "/api/v1/tenants/demo/flags/split-1/environments/development";
    let tag = a.client.get(path).expect(200).etag();
    sees("the same stamps", Duration::from_secs(5), &tag, || b.client.get(path).expect(200).etag());
}

#[test]
fn the_export_is_a_document_that_answers_the_same() {
    let node = Spec::serve().import(PLACE, &flags::file()).start();
    let exported = node.client.get("/api/v1/tenants/demo/environments/development/flagd.json").expect(200);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("exported.json");
    std::fs::write(&file, &exported.body).unwrap();
    let other = Spec::serve().import(PLACE, &file).start();
    check_bulk(&other.client);
}

#[test]
fn demo_data_answers_without_login_in_dev() {
    let node = Spec::dev().start();
    let anonymous = Client::new(&node.http, None);
    let tenants = anonymous.get("/api/v1/tenants").expect(200).json();
    assert_eq!(tenants["items"][0]["key"], "demo");
    let environments = anonymous.get("/api/v1/tenants/demo/environments").expect(200).json();
    let keys: Vec<&str> =
        environments["items"].as_array().unwrap().iter().map(|e| e["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["development", "production", "staging"]);
    // without a token, OFREP's bare path means demo/development there
    let body = json!({ "context": {} });
    let short = anonymous.post("/ofrep/v1/evaluate/flags", &body).expect(200).json();
    let long = anonymous.post(&format!("/e/{PLACE}/ofrep/v1/evaluate/flags"), &body).expect(200).json();
    assert_eq!(short, long);
    assert!(!long["flags"].as_array().unwrap().is_empty());
}
