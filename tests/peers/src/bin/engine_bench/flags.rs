//! The flags and contexts that all engines have.

use serde_json::{Value as Json, json};

/// The plans for which a flag may be on. Of a flag's number, so that flags differ.
pub(crate) fn plans(number: usize) -> [String; 2] {
    ["pro".to_owned(), format!("team-{number}")]
}

/// A key.
pub(crate) fn name(number: usize) -> String {
    format!("flag-{number:05}")
}

/// The rule as flagd has it.
pub(crate) fn rollout(number: usize) -> Json {
    json!({"if": [
        {"in": [{"var": "plan"}, plans(number)]},
        {"fractional": [{"var": "targetingKey"}, ["on", 50], ["off", 50]]}, "off"]})
}

/// A rule of another shape.
pub(crate) fn unlike() -> Json {
    json!({"if": [{"and": [{">": [{"var": "age"}, 30]}, {"ends_with": [{"var": "email"}, "@example.org"]}]}, "on", "off"]})
}

/// Contexts of ten attributes, JSON text.
pub(crate) fn bodies() -> Vec<String> {
    let one = |n: usize| {
        json!({
            "targetingKey": format!("user-{n}"), "country": (["de", "fr", "it"][n % 3]),
            "plan": (["free", "pro", "team-50"][n % 3]), "version": format!("{}.{}.{n}", n % 4, n % 10),
            "email": format!("u{n}@example.org"), "age": n, "beta": n % 2 == 0,
            "device": (["ios-17", "android-14", "web"][n % 3]), "language": "en", "session": n * 31,
        })
        .to_string()
    };
    (0..64).map(one).collect()
}
