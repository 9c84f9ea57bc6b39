//! The tables of the features of others name routes and tests that exist.

use crate::{
    named::{cells, document, has_test, quoted},
    tree,
};

const FEATURES: &str = "host/docs/features.md";
const ROUTES: &str = "host/api/src/access/routes.rs";
/// Where commands and options are.
const COMMANDS: [&str; 2] = ["host/src/cli/", "host/src/options"];

/// The rows of all tables: the feature, what does it here, and the tests.
fn rows() -> Vec<[&'static str; 3]> {
    let rows = document(FEATURES).lines().filter_map(cells);
    let rows = rows.map(|row| row.try_into().unwrap_or_else(|row| panic!("three cells: {row:?}")));
    rows.filter(|row: &[&str; 3]| row[0] != "there").collect()
}

/// The tests that a cell names, each with its file: `` `test`, `test` (path), `test` (path) ``.
fn tests(cell: &str) -> Vec<(&str, &str)> {
    let groups = cell.split_terminator(')').map(|group| group.rsplit_once('(').expect("tests, and (their file)"));
    groups.flat_map(|(tests, path)| quoted(tests).map(move |test| (test, path))).collect()
}

/// A route of a cell, as method and path: the path from the top, or what stands behind the `…` of an environment.
fn route(quoted: &str) -> Option<(&str, &str)> {
    let (method, path) = quoted.split_once(' ')?;
    ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method).then_some((method, path))
}

#[test]
fn tests_are_read_with_their_file() {
    assert_eq!(tests("`a`, `b` (x/y.rs), `c` (z.rs)"), [("a", "x/y.rs"), ("b", "x/y.rs"), ("c", "z.rs")]);
    assert_eq!(tests(""), []);
}

#[test]
fn every_test_that_is_named_stands_in_its_file() {
    let named: Vec<(&str, &str)> = rows().iter().flat_map(|row| tests(row[2])).collect();
    assert!(named.len() > 80, "only {} are named", named.len());
    let stands = |test: &str, path: &str| tree::TEXTS.iter().any(|text| text.path == path && has_test(text, test));
    let gone: Vec<_> = named.iter().filter(|(test, path)| !stands(test, path)).collect();
    assert!(gone.is_empty(), "named in the tables, but no test: {gone:?}");
}

#[test]
fn every_feature_has_a_test_or_is_said_not_to_be_there() {
    let unsaid: Vec<&str> = rows()
        .iter()
        .filter(|row| tests(row[2]).is_empty() && !row[1].starts_with("not there"))
        .map(|row| row[0])
        .collect();
    assert!(unsaid.is_empty(), "neither shown by a test nor missing: {unsaid:?}");
}

#[test]
fn every_route_that_is_named_exists() {
    let rows = rows();
    let named: Vec<(&str, &str)> = rows.iter().flat_map(|row| quoted(row[1])).filter_map(route).collect();
    assert!(named.len() > 20, "only {} are named", named.len());
    let environment = "/api/v1/tenants/{tenant}/environments/{environment}";
    let exists = |method: &str, path: &str| {
        let rule = format!("{method}, \"{}\",", path.replace('…', environment));
        document(ROUTES).contains(&rule)
    };
    let gone: Vec<_> = named.iter().filter(|(method, path)| !exists(method, path)).collect();
    assert!(gone.is_empty(), "named in the tables, but no route: {gone:?}");
}

/// Whether a word of a command line is a command or an option of ours.
fn is_known(word: &str) -> bool {
    let mut letters = word.chars();
    let declared = match word.strip_prefix("--") {
        Some(option) => format!(" {}: ", option.replace('-', "_")),
        None => letters
            .next()
            .map_or_else(String::new, |first| format!(" {}{}(", first.to_ascii_uppercase(), letters.as_str())),
    };
    let mut files = tree::rust().filter(|text| COMMANDS.iter().any(|place| text.path.starts_with(place)));
    files.any(|text| text.text.contains(&declared))
}

/// The commands and options of a command line. What follows an option may be its value.
fn words(line: &str) -> Vec<&str> {
    let commands = line.split(' ').take_while(|word| !word.starts_with("--"));
    commands.chain(line.split(' ').filter(|word| word.starts_with("--"))).collect()
}

#[test]
fn every_command_and_option_that_is_named_exists() {
    let rows = rows();
    let quoted: Vec<&str> = rows.iter().flat_map(|row| quoted(row[1])).collect();
    let ours = quoted.iter().filter(|text| text.starts_with("--") || text.starts_with("burgee "));
    let words: Vec<&str> = ours.flat_map(|text| words(text.trim_start_matches("burgee "))).collect();
    assert!(words.len() > 60, "only {} are named", words.len());
    let gone: Vec<&&str> = words.iter().filter(|word| !is_known(word)).collect();
    assert!(gone.is_empty(), "named in the tables, but no command or option: {gone:?}");
    assert!(!is_known("frobnicate") && !is_known("--frobnicate"));
}
