//! The table of acceptance checks names tests that exist, and all of them.

use std::collections::BTreeSet;

use crate::{
    named::{cells, document, is_there, quoted},
    tree,
};

const CHECKS: &str = "tests/checks.md";

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
    let (mut numbers, mut named) = (BTreeSet::new(), BTreeSet::new());
    for row in document(CHECKS).lines().filter_map(|line| line.strip_prefix("| ")) {
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
fn named_below(heading: &str) -> impl Iterator<Item = &'static str> {
    let below = document(CHECKS).split(heading).nth(1).and_then(|rest| rest.split("\n## ").next());
    let rows = below.unwrap_or_default().lines().filter_map(cells);
    rows.filter_map(|row| row.last().copied()).flat_map(quoted)
}

#[test]
fn the_other_tables_name_tests_that_exist() {
    for (heading, least) in [("## Configuration", 25), ("## Rules and engine", 50), ("## Protocols and access", 50)] {
        let named: Vec<&str> = named_below(heading).collect();
        assert!(named.len() > least, "{heading}: only {} are named", named.len());
        let gone: Vec<&&str> = named.iter().filter(|name| !is_there(name)).collect();
        assert!(gone.is_empty(), "{heading}: named in the table, but no test: {gone:?}");
    }
}
