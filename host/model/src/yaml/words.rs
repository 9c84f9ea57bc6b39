//! What is wrong with a YAML text, in words that do not need its reader's own names for things.

use serde_saphyr::{Error, UserMessageFormatter};

/// The fault, with its line and column where it has them.
pub(super) fn of(error: &Error) -> String {
    let said = match error {
        Error::AliasError { error, .. } => return of(error),
        Error::InvalidUtf8Input => "the text is not UTF-8".to_owned(),
        Error::Eof { .. } => "the text ends too early".to_owned(),
        Error::MultipleDocuments { .. } => "there is more than one document".to_owned(),
        Error::NonFiniteFloat { value, .. } => format!("`{value}` is a number that JSON does not have"),
        Error::NullIntoString { .. } => "null is no name of a member; in quotes it is one".to_owned(),
        Error::Unexpected { expected: "string scalar", .. } => {
            "the name of a member is a text, and neither a list nor a mapping".to_owned()
        }
        Error::UnknownAnchor { .. } => "an alias names an anchor that is not there".to_owned(),
        Error::RecursiveReferencesRequireWeakTypes { .. } => "an alias stands within its own anchor".to_owned(),
        Error::MergeValueNotMapOrSeqOfMaps { .. } => "`<<` takes a mapping, or a list of mappings".to_owned(),
        Error::InvalidScalar { .. }
        | Error::InvalidBooleanStrict { .. }
        | Error::InvalidBinaryBase64 { .. }
        | Error::BinaryNotUtf8 { .. }
        | Error::UnsupportedTag { .. }
        | Error::TaggedScalarCannotDeserializeIntoString { .. } => "this is not what its tag says".to_owned(),
        // faults of syntax, which it tells in YAML's own words
        other => return other.render_with_formatter(&UserMessageFormatter),
    };
    match error.location() {
        Some(place) => format!("{said}, at line {}, column {}", place.line(), place.column()),
        None => said,
    }
}

#[cfg(test)]
mod tests {
    use crate::{json::Bounds, yaml::document};

    fn said(text: &str) -> String {
        document(text.as_bytes(), Bounds { depth: 8, values: 100 }, 1_000).unwrap_err().to_string()
    }

    #[test]
    fn faults_are_told_in_the_words_of_yaml_with_their_place() {
        for (text, words, place) in [
            ("a: .nan", "`.nan` is a number that JSON does not have", (1, 4)),
            ("a: *b", "an alias names an anchor that is not there", (1, 4)),
            ("a: &a [*a]", "an alias stands within its own anchor", (1, 8)),
            ("- a\n--- b", "there is more than one document", (2, 5)),
            ("? {a: 1}\n: 2", "the name of a member is a text, and neither a list nor a mapping", (1, 3)),
            ("null: 1", "null is no name of a member; in quotes it is one", (1, 1)),
            ("<<: 1", "`<<` takes a mapping, or a list of mappings", (1, 5)),
            ("b: 1\na: !!int x", "this is not what its tag says", (2, 10)),
        ] {
            assert_eq!(said(text), format!("{words}, at line {}, column {}", place.0, place.1), "{text}");
        }
    }

    #[test]
    fn no_fault_speaks_of_the_readers_own_types() {
        for text in
            ["a: !!binary x", "!!binary 4pyF/w==", "a: !!float {}", "!!str {}", "a: !!bool x", "a: [", "\"a", "a: b: c"]
        {
            let said = said(text);
            let own = ["u64", "base64", "deserialize", "Option", "scalar", "policy", "string", "type"];
            assert!(!own.iter().any(|word| said.contains(word)), "{text}: {said}");
        }
    }
}
