//! The API's description.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use burgee_api::access::routes::{OTHERS, RULES};

use crate::server::Server;

const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

/// Every route of the tables, as the description has paths.
fn tables() -> BTreeSet<(String, String)> {
    let rules = RULES.iter().map(|rule| (rule.method, rule.path));
    let all = rules.chain(OTHERS.iter().map(|(method, path, _)| (*method, *path)));
    all.map(|(method, path)| (method.to_owned(), path.replace("{*", "{"))).collect()
}

async fn document() -> Json {
    Server::new().get("/openapi.json").await.expect(200).body()
}

fn operations(document: &Json) -> Vec<(String, String, &Json)> {
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, item): (&String, &'_ Json)| -> Vec<(String, String)> {
        METHODS.iter().filter(|m| item.get(**m).is_some()).map(|m| (m.to_uppercase(), path.clone())).collect()
    };
    let all = paths.iter().flat_map(of);
    all.map(|(method, path)| {
        let operation = &document["paths"][&path][method.to_lowercase()];
        (method, path, operation)
    })
    .collect()
}

#[tokio::test]
async fn it_lists_every_route_and_no_other() {
    let document = document().await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let described: BTreeSet<(String, String)> = operations(&document).into_iter().map(|(m, p, _)| (m, p)).collect();
    // it does not describe itself, nor a slash more, nor the other port
    let is_described = |path: &str| path != "/openapi.json" && !path.ends_with('/') && !path.starts_with("/flagd.");
    let wanted = tables().into_iter().filter(|(_, path)| is_described(path)).collect();
    assert_eq!(described, wanted);
}

/// Those that are added to the router by hand are in no description.
#[test]
fn every_route_that_is_not_described_stands_in_a_table() {
    let router = include_str!("../../src/router.rs");
    let paths: Vec<&str> = router.split(".route(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(paths.len() > 2, "{paths:?}");
    let tables = tables();
    let missing: Vec<_> = paths.iter().filter(|path| !tables.iter().any(|(_, known)| known == *path)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(router.matches(".route(").count(), paths.len(), "paths are written where they are added");
}

#[tokio::test]
async fn operations_are_named_once_and_describe_their_paths() {
    let document = document().await;
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let name = operation["operationId"].as_str().unwrap();
        assert!(names.insert(name.to_owned()), "{name} stands twice");
        assert!(operation["summary"].is_string(), "{method} {path} says what it does");
        let declared: BTreeSet<&str> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        let in_path = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        assert_eq!(declared, in_path, "{method} {path}");
    }
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    fn references<'a>(json: &'a Json, found: &mut Vec<&'a str>) {
        match json {
            Json::Object(members) => {
                found.extend(members.get("$ref").and_then(Json::as_str));
                members.values().for_each(|value| references(value, found));
            }
            Json::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = document().await;
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 20, "{found:?}");
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}
