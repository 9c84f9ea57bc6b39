//! The document of a hundred flags, and what each must answer: made by `js/vectors.mjs`, with flagd's own
//! evaluation library as the oracle.

use std::path::PathBuf;

use serde_json::Value as Json;

/// How many flags the document has.
pub const COUNT: usize = 100;

/// One question and its answer.
#[derive(Clone, Debug)]
pub struct Case {
    /// The flag's key.
    pub flag: String,
    /// The context.
    pub context: Json,
    /// `{value?, variant?, reason}` or `{errorCode}`.
    pub answer: Json,
}

fn vector(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name)
}

/// The flagd file.
#[must_use]
pub fn file() -> PathBuf {
    vector("hundred.json")
}

/// Every flag, and one that does not exist, for every context.
#[must_use]
pub fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(vector("hundred.cases.json")).unwrap();
    let vectors: Json = serde_json::from_str(&text).unwrap();
    let answers = vectors["answers"].as_object().unwrap();
    let contexts = vectors["contexts"].as_array().unwrap();
    let of = |(flag, answers): (&String, &Json)| {
        let case = |(at, context): (usize, &Json)| Case {
            flag: flag.clone(),
            context: context.clone(),
            answer: answers.get(at).unwrap_or(answers).clone(),
        };
        contexts.iter().enumerate().map(case).collect::<Vec<_>>()
    };
    answers.iter().flat_map(of).collect()
}
