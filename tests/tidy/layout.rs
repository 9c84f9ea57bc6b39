//! What lies at the top, and how large a file or a function may be.

use std::fs;

use crate::tree;

/// What may lie at the top beside dotfiles.
const TOP: [&str; 8] = ["Cargo.toml", "Cargo.lock", "README.md", "LICENSE", "host", "guest-sdk", "flags-ui", "tests"];
/// What builds and runs leave there; git ignores it.
const LEFT_BEHIND: [&str; 2] = ["target", "burgee-data"];

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;
/// Functions that are longer all the same. The list may only get shorter.
const LONG_FUNCTIONS: [&str; 0] = [];

#[test]
fn the_top_holds_only_what_it_should() {
    let names = fs::read_dir(tree::top()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let strange: Vec<String> = names
        .filter(|name| !name.starts_with('.'))
        .filter(|name| !TOP.contains(&name.as_str()) && !LEFT_BEHIND.contains(&name.as_str()))
        .collect();
    assert!(strange.is_empty(), "at the top: {strange:?}");
    for name in TOP {
        assert!(tree::top().join(name).exists(), "{name} is missing");
    }
}

#[test]
fn no_file_is_too_long() {
    let code = |path: &str| [".rs", ".ts", ".tsx", ".mjs", ".css", ".md"].iter().any(|end| path.ends_with(end));
    let long: Vec<String> = tree::TEXTS
        .iter()
        .filter(|text| code(&text.path) && text.text.lines().count() > FILE_LINES_MAX)
        .map(|text| format!("{}: {} lines", text.path, text.text.lines().count()))
        .collect();
    assert!(long.is_empty(), "more than {FILE_LINES_MAX} lines:\n{}", long.join("\n"));
}

/// The functions of a formatted Rust file, as (name, lines): from `fn` to the brace that closes at its indent.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indent = &line[..line.len() - line.trim_start().len()];
        let closes = |line: &&str| line.strip_prefix(indent).is_some_and(|rest| rest == "}");
        let ends = |line: &&str| line.ends_with(';') || line.ends_with('}');
        // a body on the line itself, or a declaration without one
        if ends(line) {
            continue;
        }
        if let Some(length) = lines[start..].iter().position(closes) {
            found.push((name.to_owned(), length + 1));
        }
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    let words = ["pub ", "pub(crate) ", "pub(super) ", "const ", "async ", "unsafe ", "extern \"C\" "];
    while let Some(shorter) = words.iter().find_map(|word| rest.strip_prefix(word)) {
        rest = shorter;
    }
    let name = rest.strip_prefix("fn ")?;
    name.find(['(', '<']).map(|end| &name[..end])
}

#[test]
fn functions_are_found() {
    let text = "impl X {\n    pub async fn long<T>(\n        a: T,\n    ) -> u8 {\n        1\n    }\n    fn short() {}\n}\nfn b() {\n}\n";
    assert_eq!(functions(text), [("long".to_owned(), 5), ("b".to_owned(), 2)]);
}

#[test]
fn no_function_is_too_long() {
    let long: Vec<String> = tree::rust()
        .flat_map(|text| functions(&text.text).into_iter().map(move |(name, lines)| (text, name, lines)))
        .filter(|(text, name, lines)| {
            *lines > FUNCTION_LINES_MAX && !LONG_FUNCTIONS.contains(&format!("{}::{name}", text.path).as_str())
        })
        .map(|(text, name, lines)| format!("{}::{name}: {lines} lines", text.path))
        .collect();
    assert!(long.is_empty(), "more than {FUNCTION_LINES_MAX} lines:\n{}", long.join("\n"));
}

#[test]
fn most_functions_are_short() {
    let mut lengths: Vec<usize> =
        tree::rust().flat_map(|text| functions(tree::without_tests(&text.text))).map(|(_, lines)| lines).collect();
    lengths.sort_unstable();
    let at = |share: usize| lengths[lengths.len() * share / 100];
    eprintln!("{} functions, lines: median {}, p95 {}, longest {}", lengths.len(), at(50), at(95), at(99));
    assert!(at(50) <= 11 && at(95) <= 45, "median {}, p95 {}", at(50), at(95));
}
