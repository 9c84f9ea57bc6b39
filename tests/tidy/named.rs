//! Tests that documents name.

use crate::tree;

/// A document by its path.
pub(crate) fn document(path: &str) -> &'static str {
    &tree::TEXTS.iter().find(|text| text.path == path).unwrap_or_else(|| panic!("{path}")).text
}

/// What stands between backticks.
pub(crate) fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The cells of a row of a table; none of another line, a heading or the rule below it.
pub(crate) fn cells(line: &str) -> Option<Vec<&str>> {
    let cells: Vec<&str> = line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect();
    (!cells[0].starts_with("---")).then_some(cells)
}

/// Whether a file of Rust has a test of that name: a function below an attribute that says so.
pub(crate) fn has_test(text: &tree::Text, name: &str) -> bool {
    let above = |at: usize| {
        let line = text.text[..at].rfind('\n').map_or(0, |end| end + 1);
        let mut above = text.text[..line].lines().rev().take_while(|line| line.trim_start().starts_with(['#', '/']));
        above.any(|line| line.contains("test]") || line.contains("test("))
    };
    let declared = format!("fn {name}(");
    text.is(".rs") && text.text.match_indices(&declared).any(|(at, _)| above(at))
}

/// Whether there is a test of that name, or a file where it is a file's.
pub(crate) fn is_there(name: &str) -> bool {
    match name.contains('.') {
        true => tree::TEXTS.iter().any(|text| text.path.ends_with(&format!("/{name}"))),
        false => tree::TEXTS.iter().any(|text| has_test(text, name)),
    }
}

#[test]
fn a_test_is_a_function_below_its_attribute() {
    let file = |text: &str| tree::Text { path: "a.rs".to_owned(), text: text.to_owned() };
    let both = file(
        "#[test]\nfn a() {}\n\n    #[tokio::test(start_paused = true)]\n    // why\n    async fn b() {}\nfn c() {}\n",
    );
    assert_eq!(["a", "b", "c", "d"].map(|name| has_test(&both, name)), [true, true, false, false]);
}
