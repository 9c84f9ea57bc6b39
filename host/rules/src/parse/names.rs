//! The names of operators: flagd's, our own, and what a wrong name may have meant.

use std::collections::BTreeSet;

use serde_json::Value as Json;

/// The operators of flagd: JsonLogic's, and its own.
const PORTABLE: [&str; 39] = [
    "var",
    "missing",
    "missing_some",
    "if",
    "?:",
    "and",
    "or",
    "!",
    "!!",
    "==",
    "===",
    "!=",
    "!==",
    "<",
    "<=",
    ">",
    ">=",
    "+",
    "-",
    "*",
    "/",
    "%",
    "min",
    "max",
    "in",
    "cat",
    "substr",
    "merge",
    "map",
    "filter",
    "reduce",
    "all",
    "none",
    "some",
    "starts_with",
    "ends_with",
    "sem_ver",
    "fractional",
    "$ref",
];

/// Burgee's own operators.
const OWN: [&str; 10] =
    ["config", "flag", "guest", "segment", "matches", "in_network", "date", "date_part", "ramp", "percentage"];

/// Names that other languages and rule engines have for operators.
const SYNONYMS: [(&str, &str); 21] = [
    ("=", "=="),
    ("eq", "=="),
    ("equals", "=="),
    ("<>", "!="),
    ("=<", "<="),
    ("=>", ">="),
    ("&&", "and"),
    ("||", "or"),
    ("not", "!"),
    ("contains", "in"),
    ("concat", "cat"),
    ("semver", "sem_ver"),
    ("startswith", "starts_with"),
    ("endswith", "ends_with"),
    ("ref", "$ref"),
    ("then", "if"),
    ("regex", "matches"),
    ("match", "matches"),
    ("cidr", "in_network"),
    ("ip", "in_network"),
    ("mod", "%"),
];

/// The operators of Burgee's own in a rule, which other engines of flagd's rules do not know. The document must be
/// one that a size was found for.
pub(super) fn own(rule: &Json) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    collect(rule, &mut found);
    found
}

fn collect(json: &Json, found: &mut BTreeSet<&'static str>) {
    match json {
        Json::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Json::Object(members) => {
            if members.len() == 1 {
                found.extend(OWN.into_iter().filter(|own| members.contains_key(*own)));
            }
            members.values().for_each(|value| collect(value, found));
        }
        _ => {}
    }
}

/// The operator that a wrong name may have meant.
pub(super) fn meant(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    let synonym = SYNONYMS.iter().find(|(other, _)| *other == lower).map(|(_, known)| *known);
    synonym.or_else(|| nearest(&lower))
}

/// The nearest name within two edits, which leave at least half of its characters.
fn nearest(name: &str) -> Option<&'static str> {
    const LONGEST: usize = 32;
    if name.len() > LONGEST {
        return None;
    }
    let near = |known: &&'static str| (edits(name, known), *known);
    let words = operators().filter(|known| known.len() > 1);
    words.map(|known| near(&known)).filter(|(edits, known)| *edits <= 2 && edits * 2 <= known.len()).min().map(|n| n.1)
}

fn operators() -> impl Iterator<Item = &'static str> {
    PORTABLE.into_iter().chain(OWN)
}

/// The insertions, deletions and replacements that lead from one text to the other.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, c) in from.chars().enumerate() {
        let mut diagonal = at;
        let mut left = at + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, other) in row.iter_mut().skip(1).zip(&to) {
            let replaced = diagonal + usize::from(c != *other);
            diagonal = *cell;
            left = replaced.min(*cell + 1).min(left + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits() {
        for (from, to, expected) in [("", "abc", 3), ("kitten", "sitting", 3), ("flaw", "lawn", 2), ("same", "same", 0)]
        {
            assert_eq!(edits(from, to), expected, "{from} {to}");
        }
    }

    #[test]
    fn guesses_what_was_meant() {
        for (name, expected) in [
            ("startsWith", Some("starts_with")),
            ("start_with", Some("starts_with")),
            ("fractinal", Some("fractional")),
            ("=", Some("==")),
            ("====", Some("===")),
            ("iff", Some("if")),
            ("VAR", Some("var")),
            ("something_else", None),
            ("x", None),
        ] {
            assert_eq!(meant(name), expected, "{name}");
        }
    }
}
