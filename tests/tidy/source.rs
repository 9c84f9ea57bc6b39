//! What every Rust file holds, and what none does.

use crate::tree;

/// Lines of a file that are neither tests nor comments, numbered from 1.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = tree::without_tests(text).lines().enumerate();
    lines.map(|(at, line)| (at + 1, line)).filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Files whose code runs in the product.
fn product() -> impl Iterator<Item = &'static tree::Text> {
    tree::rust().filter(|text| !tree::TEST_FILES.contains(text.path.as_str()))
}

#[test]
fn every_module_says_what_it_is() {
    let silent: Vec<&str> =
        product().filter(|text| !text.text.starts_with("//!")).map(|text| text.path.as_str()).collect();
    assert!(silent.is_empty(), "without `//!` on the first line:\n{}", silent.join("\n"));
}

#[test]
fn nothing_that_can_panic_is_called_outside_tests() {
    let banned = [".unwrap()", ".unwrap_err()", "panic!(", "todo!(", "unimplemented!(", "dbg!("];
    let mut found = Vec::new();
    for text in product() {
        for (number, line) in code(&text.text) {
            if banned.iter().any(|name| line.contains(name)) {
                found.push(format!("{}:{number}: {}", text.path, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn lints_are_not_switched_off_without_a_reason() {
    let switched = product().flat_map(|text| {
        code(&text.text)
            .filter(|(_, line)| line.trim_start().starts_with("#![allow") && !line.contains("reason = "))
            .map(move |(n, l)| (text, n, l))
    });
    let found: Vec<String> = switched.map(|(text, number, line)| format!("{}:{number}: {line}", text.path)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_test_waits_to_be_finished_or_is_switched_off() {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX"), concat!("#[", "ignore")];
    for text in tree::TEXTS.iter().filter(|text| [".rs", ".ts", ".tsx", ".mjs", ".md"].iter().any(|end| text.is(end))) {
        for mark in marks {
            let found = text.text.lines().find(|line| line.contains(mark));
            assert!(found.is_none(), "{}: {}", text.path, found.unwrap_or_default().trim());
        }
    }
}

#[test]
fn no_file_names_a_path_of_the_machine_it_was_written_on() {
    for text in tree::TEXTS.iter() {
        for place in [concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/ro", "ot/")] {
            let found = text.text.lines().find(|line| line.contains(place));
            assert!(found.is_none(), "{}: {}", text.path, found.unwrap_or_default().trim());
        }
    }
}

#[test]
fn clippy_is_told_what_we_do_not_want() {
    let root = tree::TEXTS.iter().find(|text| text.path == "Cargo.toml").unwrap();
    let table: toml::Table = root.text.parse().unwrap();
    let lints = &table["workspace"]["lints"];
    assert_eq!(lints["rust"]["unsafe_code"].as_str(), Some("deny"));
    for lint in ["unwrap_used", "expect_used", "panic", "todo", "print_stdout"] {
        assert_eq!(lints["clippy"][lint].as_str(), Some("warn"), "{lint}: CI makes warnings errors");
    }
}
