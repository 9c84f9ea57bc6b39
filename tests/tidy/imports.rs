//! Who may import whom. What is absent here is the architecture.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree;

/// Crate to the crates of ours that its code may use.
const MAY_USE: [(&str, &[&str]); 11] = [
    ("burgee-model", &[]),
    ("burgee-guest", &[]),
    ("burgee-flags-ui", &[]),
    ("burgee-store", &["burgee-model"]),
    ("burgee-replication", &["burgee-model", "burgee-store"]),
    ("burgee-discovery", &[]),
    ("burgee-simulation", &["burgee-model", "burgee-store", "burgee-replication"]),
    ("burgee-rules", &["burgee-model", "burgee-guest"]),
    ("burgee-engine", &["burgee-model", "burgee-guest", "burgee-rules"]),
    ("burgee-api", &["burgee-model", "burgee-store", "burgee-rules", "burgee-engine"]),
    (
        "burgee",
        &[
            "burgee-model",
            "burgee-store",
            "burgee-replication",
            "burgee-discovery",
            "burgee-rules",
            "burgee-engine",
            "burgee-api",
            "burgee-flags-ui",
        ],
    ),
];

/// Libraries that only these crates may name, so that what is heavy or impure stays in its place.
const ONLY_IN: [(&str, &[&str]); 16] = [
    ("quinn", &["burgee-replication"]),
    ("hickory-resolver", &["burgee-discovery"]),
    ("async-nats", &["burgee-discovery"]),
    ("kube", &["burgee-discovery"]),
    ("k8s-openapi", &["burgee-discovery"]),
    ("axum", &["burgee-api", "burgee"]),
    ("tower-http", &["burgee-api"]),
    ("utoipa", &["burgee-api"]),
    ("redb", &["burgee-store"]),
    ("uhlc", &["burgee-store"]),
    ("wasmtime", &["burgee-engine"]),
    ("wit-component", &["burgee-engine"]),
    ("wit-parser", &["burgee-engine"]),
    ("wasm-encoder", &["burgee-rules"]),
    ("clap", &["burgee"]),
    ("mimalloc", &["burgee"]),
];

/// Pure crates: no network, no clock, no randomness, no threads.
const PURE: [&str; 2] = ["host/model", "host/rules"];

/// Packages with a workspace of their own.
const OTHER_WORKSPACES: [&str; 3] = ["tests/peers/", "tests/fuzz/", "guest-sdk/examples/"];

struct Manifest {
    folder: String,
    name: String,
    table: toml::Table,
}

fn manifests() -> Vec<Manifest> {
    let files = tree::TEXTS.iter().filter(|text| text.path.ends_with("/Cargo.toml"));
    files
        .filter(|text| !OTHER_WORKSPACES.iter().any(|folder| text.path.starts_with(folder)))
        .map(|text| {
            let table: toml::Table = text.text.parse().unwrap();
            let name = table["package"]["name"].as_str().unwrap().to_owned();
            Manifest { folder: text.path.trim_end_matches("/Cargo.toml").to_owned(), name, table }
        })
        .collect()
}

fn dependencies<'a>(manifest: &'a Manifest, kinds: &'a [&str]) -> BTreeSet<&'a str> {
    let tables = kinds.iter().filter_map(|kind| manifest.table.get(*kind)?.as_table());
    tables.flat_map(|table| table.keys().map(String::as_str)).collect()
}

#[test]
fn crates_depend_only_downwards() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.into_iter().collect();
    for manifest in manifests().iter().filter(|m| m.name != "burgee-tests") {
        let may = allowed
            .get(manifest.name.as_str())
            .unwrap_or_else(|| panic!("{} is new: say what it may use", manifest.name));
        let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
        let ours = dependencies(manifest, &kinds).into_iter().filter(|name| name.starts_with("burgee"));
        let wrong: Vec<&str> = ours.filter(|name| !may.contains(name)).collect();
        assert!(wrong.is_empty(), "{} must not use {wrong:?}", manifest.name);
    }
}

#[test]
fn nobody_depends_on_the_tests() {
    for manifest in manifests() {
        let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
        assert!(!dependencies(&manifest, &kinds).contains("burgee-tests"), "{}", manifest.name);
    }
}

#[test]
fn heavy_libraries_stay_in_their_crate() {
    for manifest in manifests() {
        let names = dependencies(&manifest, &["dependencies", "build-dependencies"]);
        for (library, crates) in ONLY_IN {
            let wrong = names.contains(library) && !crates.contains(&manifest.name.as_str());
            assert!(!wrong, "{} must not use {library}", manifest.name);
        }
    }
}

#[test]
fn versions_are_named_once_at_the_top() {
    for manifest in manifests() {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(table) = manifest.table.get(kind).and_then(toml::Value::as_table) else { continue };
            for (name, value) in table {
                let inherits = value.get("workspace").and_then(toml::Value::as_bool) == Some(true);
                assert!(inherits, "{}: {name} must be `workspace = true`", manifest.folder);
            }
        }
        assert_eq!(manifest.table["lints"]["workspace"].as_bool(), Some(true), "{}", manifest.folder);
    }
}

/// Whether a line of code names a crate's path, such as `quinn::`.
fn names(line: &str, library: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    code.match_indices(&format!("{library}::"))
        .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
}

#[test]
fn only_the_transport_knows_the_network_library() {
    let allowed = |path: &str| path.starts_with("host/replication/src/transport/");
    for text in tree::rust().filter(|text| !allowed(&text.path) && !text.path.starts_with("tests/")) {
        let found = text.text.lines().find(|line| names(line, "quinn"));
        assert!(found.is_none(), "{}: {}", text.path, found.unwrap_or_default());
    }
    assert!(names("use quinn::Endpoint;", "quinn") && !names("transport::quinn::start()", "quinn"));
}

#[test]
fn only_api_and_the_host_know_http() {
    let allowed = |path: &str| ["host/api", "host", "tests", "tests/peers"].contains(&tree::crate_of(path));
    for text in tree::rust().filter(|text| !allowed(&text.path)) {
        for library in ["axum", "http", "hyper", "tower_http"] {
            let found = text.text.lines().find(|line| names(line, library));
            assert!(found.is_none(), "{}: {}", text.path, found.unwrap_or_default());
        }
    }
}

#[test]
fn pure_crates_read_neither_clock_nor_randomness_nor_network() {
    let impure =
        ["SystemTime", "Instant::now", "std::net", "std::fs", "std::thread", "std::env", "getrandom", "tokio::"];
    for text in tree::rust()
        .filter(|text| PURE.contains(&tree::crate_of(&text.path)) && !tree::TEST_FILES.contains(text.path.as_str()))
    {
        for line in tree::without_tests(&text.text).lines() {
            let code = line.split("//").next().unwrap_or_default();
            let found = impure.iter().find(|name| code.contains(**name));
            assert!(found.is_none(), "{}: {}", text.path, line.trim());
        }
    }
}

#[test]
fn the_engine_imports_no_parser() {
    for text in tree::rust().filter(|text| text.path.starts_with("host/engine/src/")) {
        let found = tree::without_tests(&text.text).lines().find(|line| names(line, "burgee_rules::check"));
        assert!(found.is_none(), "{}: {}", text.path, found.unwrap_or_default());
    }
    for text in tree::rust().filter(|text| text.path.starts_with("host/rules/")) {
        assert!(!text.text.contains("burgee_engine"), "{}: rules never imports engine", text.path);
    }
}
