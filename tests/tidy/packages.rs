//! Lock files and package files: complete, and bound to no registry.

use crate::tree::{self, Text};

/// Hosts of registries, in pieces so that this file names none.
const HOSTS: [&str; 7] = [
    concat!("registry.", "npmjs"),
    concat!("registry.", "yarnpkg"),
    concat!("npm.", "pkg.github"),
    concat!("static.", "crates.io"),
    concat!("index.", "crates.io"),
    concat!("pypi.", "org"),
    concat!("deb.", "debian"),
];

#[test]
fn no_file_names_the_host_of_a_registry() {
    for text in tree::TEXTS.iter() {
        let found = text.text.lines().find(|line| HOSTS.iter().any(|host| line.contains(host)));
        assert!(found.is_none(), "{}: {}", text.path, found.unwrap_or_default().trim());
    }
}

fn npm_projects() -> impl Iterator<Item = (&'static Text, String)> {
    let packages = tree::TEXTS.iter().filter(|text| text.path.ends_with("/package.json"));
    packages.map(|text| (text, text.path.trim_end_matches("package.json").to_owned()))
}

#[test]
fn npm_projects_have_a_lock_file_without_places() {
    let mut count = 0;
    for (_, folder) in npm_projects() {
        let file = |name: &str| tree::TEXTS.iter().find(|text| text.path == format!("{folder}{name}"));
        let lock = file("package-lock.json").unwrap_or_else(|| panic!("{folder} has no lock file"));
        assert!(!lock.text.contains("\"resolved\""), "{}", lock.path);
        assert!(lock.text.contains("\"integrity\""), "{}", lock.path);
        let settings = file(".npmrc").unwrap_or_else(|| panic!("{folder} has no .npmrc"));
        assert!(settings.text.contains("omit-lockfile-registry-resolved=true"), "{}", settings.path);
        count += 1;
    }
    assert!(count >= 2, "flags-ui and the tests' own");
}

#[test]
fn npm_versions_are_exact() {
    for (package, _) in npm_projects() {
        let json: serde_json::Value = serde_json::from_str(&package.text).unwrap();
        let both = ["dependencies", "devDependencies"].map(|kind| json[kind].as_object().into_iter().flatten());
        // types without code may follow their major version
        for (name, version) in both.into_iter().flatten().filter(|(name, _)| !name.starts_with("@types/")) {
            let exact = version.as_str().is_some_and(|v| v.starts_with(|c: char| c.is_ascii_digit()));
            assert!(exact, "{}: {name} {version}", package.path);
        }
    }
}

#[test]
fn cargo_takes_everything_from_its_registry_or_from_here() {
    for lock in tree::TEXTS.iter().filter(|text| text.path.ends_with("Cargo.lock")) {
        let table: toml::Table = lock.text.parse().unwrap();
        for package in table["package"].as_array().unwrap() {
            let source = package.get("source").and_then(toml::Value::as_str).unwrap_or("here");
            assert!(source == "here" || source.starts_with("registry+"), "{}: {package}", lock.path);
        }
    }
}

#[test]
fn the_peers_have_a_workspace_of_their_own() {
    let root = tree::TEXTS.iter().find(|text| text.path == "Cargo.toml").unwrap();
    let table: toml::Table = root.text.parse().unwrap();
    let excluded = table["workspace"]["exclude"].as_array().unwrap();
    assert!(excluded.iter().any(|path| path.as_str() == Some("tests/peers")));
    let lock = tree::TEXTS.iter().find(|text| text.path == "tests/peers/Cargo.lock").expect("a lock file of its own");
    // the engine is measured in process; the node is measured as it was built
    for heavy in ["quinn", "redb", "burgee-api"] {
        assert!(!lock.text.contains(&format!("name = \"{heavy}\"")), "the peers must not build {heavy}");
    }
}
