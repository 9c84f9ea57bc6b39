//! The table of acceptance checks names tests that exist, and all of them.

use std::collections::BTreeSet;

use crate::tree;

/// The checks that must have a test.
fn required() -> BTreeSet<u32> {
    (1..=46).chain([47, 48, 49, 50, 62, 63]).collect()
}

/// The tests that bear a check's name, of all crates.
fn tests() -> BTreeSet<&'static str> {
    let names = tree::rust().flat_map(|text| text.text.split("fn check_").skip(1));
    let name =
        |rest: &'static str| rest.split('(').next().filter(|name| name.starts_with(|c: char| c.is_ascii_digit()));
    names.filter_map(name).collect()
}

fn number(test: &str) -> u32 {
    test.split('_').next().unwrap().parse().unwrap()
}

#[test]
fn every_check_has_a_test_and_the_table_names_all_of_them() {
    let table = tree::TEXTS.iter().find(|text| text.path == "tests/checks.md").expect("tests/checks.md");
    let (mut numbers, mut named) = (BTreeSet::new(), BTreeSet::new());
    for row in table.text.lines().filter_map(|line| line.strip_prefix("| ")) {
        let Ok(check) = row.split(' ').next().unwrap_or_default().parse::<u32>() else { continue };
        for test in row.split("`check_").skip(1).filter_map(|rest| rest.split('`').next()) {
            assert_eq!(number(test), check, "check_{test} stands in the row of check {check}");
            numbers.insert(check);
            named.insert(test);
        }
    }
    let (required, tests) = (required(), tests());
    let without: Vec<&u32> = required.difference(&numbers).collect();
    assert!(without.is_empty(), "checks without a test: {without:?}");
    let gone: Vec<_> = named.difference(&tests).collect();
    assert!(gone.is_empty(), "named in the table, but no test: {gone:?}");
    let unnamed: Vec<_> = tests.difference(&named).collect();
    assert!(unnamed.is_empty(), "tests that the table does not name: {unnamed:?}");
}

/// What the table below a heading names: tests in Rust, and files of tests in other languages.
fn named_below<'a>(heading: &str, table: &'a str) -> impl Iterator<Item = &'a str> {
    let below = table.split(heading).nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap_or_default();
    let rows = below.lines().skip_while(|row| !row.starts_with('|'));
    let tests = rows.filter_map(|row| row.rsplit('|').nth(1));
    tests.flat_map(|tests| tests.split('`').skip(1).step_by(2))
}

#[test]
fn the_other_tables_name_tests_that_exist() {
    let table = tree::TEXTS.iter().find(|text| text.path == "tests/checks.md").expect("tests/checks.md");
    let is_there = |name: &str| match name.contains('.') {
        true => tree::TEXTS.iter().any(|text| text.path.ends_with(&format!("/{name}"))),
        false => tree::rust().any(|text| text.text.contains(&format!("fn {name}("))),
    };
    for heading in ["## Rules and engine", "## Protocols and access"] {
        let named: Vec<&str> = named_below(heading, &table.text).collect();
        assert!(named.len() > 50, "{heading}: only {} are named", named.len());
        let gone: Vec<&&str> = named.iter().filter(|name| !is_there(name)).collect();
        assert!(gone.is_empty(), "{heading}: named in the table, but no test: {gone:?}");
    }
}
