//! What an evaluation answers, and its OFREP item.

use std::borrow::Cow;

use crate::tally::Kind;

/// Why a value was chosen, in OpenFeature's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The flag has no rule: its default variant.
    Static,
    /// The rule named a variant.
    TargetingMatch,
    /// The rule gave null, or there is neither rule nor default variant.
    Default,
    /// The flag is off or killed.
    Disabled,
    /// The default variant, because a guest that the rule called failed.
    Error,
}

impl Reason {
    /// The reason's text on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Static => "STATIC",
            Self::TargetingMatch => "TARGETING_MATCH",
            Self::Default => "DEFAULT",
            Self::Disabled => "DISABLED",
            Self::Error => "ERROR",
        }
    }

    /// The last piece of an item without metadata in front of it: `,"reason":"…"`.
    pub(crate) fn member(self) -> &'static str {
        match self {
            Self::Static => r#","reason":"STATIC""#,
            Self::TargetingMatch => r#","reason":"TARGETING_MATCH""#,
            Self::Default => r#","reason":"DEFAULT""#,
            Self::Disabled => r#","reason":"DISABLED""#,
            Self::Error => r#","reason":"ERROR""#,
        }
    }
}

/// Why there is no answer, in OpenFeature's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The environment has no such flag.
    FlagNotFound,
    /// The flag's rule does not compile.
    ParseError,
    /// The rule's result names no variant, or the rule was too costly.
    General,
}

impl ErrorCode {
    /// The code's text on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FlagNotFound => "FLAG_NOT_FOUND",
            Self::ParseError => "PARSE_ERROR",
            Self::General => "GENERAL",
        }
    }
}

/// The answer for one flag.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<'a> {
    /// A variant of the flag; its value is [`Evaluation::value_json`].
    Value {
        /// The variant's name.
        variant: &'a str,
        /// Why this one.
        reason: Reason,
    },
    /// No value: the application takes its own default. A success.
    CodeDefault {
        /// `Disabled` or `Default`.
        reason: Reason,
    },
    /// No answer.
    Error {
        /// Which error.
        code: ErrorCode,
        /// What happened, for people.
        details: Cow<'a, str>,
    },
}

/// One flag, evaluated. Borrows from its snapshot (and, of an unknown flag, the key that was asked for).
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation<'a> {
    /// The flag's key.
    pub key: &'a str,
    /// The answer.
    pub outcome: Outcome<'a>,
    /// The OFREP item of a success, in pieces to be written one after the other.
    pub(crate) item: [&'a str; 3],
    /// Where the value begins and ends in the first of them.
    pub(crate) value: (usize, usize),
    /// What it counts as.
    pub(crate) kind: Kind,
}

/// Why a flag is not evaluated for which no steps are left to the request, on whichever node.
const BEYOND_STEPS: &str = "rule_too_costly: the flags before it took what one request may";
/// The same where the time was over.
const BEYOND_TIME: &str = "rule_too_costly: the flags before it took the time that one request may";

/// What the last piece of an item begins with, where there is metadata.
pub(crate) const METADATA: &str = r#","metadata":"#;

impl<'a> Evaluation<'a> {
    /// The answer for a key that the environment does not have.
    pub(crate) fn not_found(key: &'a str) -> Self {
        Self::failed(key, ErrorCode::FlagNotFound, Cow::Borrowed("the environment has no such flag"))
    }

    pub(crate) fn failed(key: &'a str, code: ErrorCode, details: Cow<'a, str>) -> Self {
        Self { key, outcome: Outcome::Error { code, details }, item: [""; 3], value: (0, 0), kind: code.into() }
    }

    /// A flag for which nothing is left to the request: by the clock, or by steps.
    pub(crate) fn beyond_request(key: &'a str, by_clock: bool) -> Self {
        let details = if by_clock { BEYOND_TIME } else { BEYOND_STEPS };
        Self::failed(key, ErrorCode::General, Cow::Borrowed(details))
    }

    /// Whether it was not evaluated because the flags before it took what one request may.
    #[must_use]
    pub fn is_beyond_request(&self) -> bool {
        self.is_beyond_time() || self.says(BEYOND_STEPS)
    }

    /// Whether the clock is why. The same request may then have other answers at another time, or from another node;
    /// what steps end is the same everywhere.
    #[must_use]
    pub fn is_beyond_time(&self) -> bool {
        self.says(BEYOND_TIME)
    }

    fn says(&self, text: &str) -> bool {
        matches!(&self.outcome, Outcome::Error { details, .. } if details == text)
    }

    /// The same flag, where the answer to a request for all has no room for it.
    #[must_use]
    pub fn without_room(&self) -> Self {
        let details = "answer_too_large: the flags before it take as many bytes as an answer may have";
        Self::failed(self.key, ErrorCode::General, Cow::Borrowed(details))
    }

    /// The variant's value, JSON text. `None` where there is none.
    #[must_use]
    pub fn value_json(&self) -> Option<&'a str> {
        let (start, end) = self.value;
        self.item[0].get(start..end).filter(|value| !value.is_empty())
    }

    /// The set's metadata overlaid by the flag's: a JSON object of texts, numbers and booleans. `None` where empty.
    #[must_use]
    pub fn metadata_json(&self) -> Option<&'a str> {
        self.item[2].strip_prefix(METADATA)?.strip_suffix('}')
    }

    /// Appends the OFREP item: `{"key","value","variant","reason","metadata"}`, without value and variant
    /// where the application takes its own default, or `{"key","errorCode","errorDetails"}`.
    pub fn write_ofrep(&self, out: &mut Vec<u8>) {
        if let Outcome::Error { code, details } = &self.outcome {
            return write_failure(self.key, *code, details, out);
        }
        for piece in self.item {
            out.extend_from_slice(piece.as_bytes());
        }
    }
}

fn write_failure(key: &str, code: ErrorCode, details: &str, out: &mut Vec<u8>) {
    let item = format!(
        r#"{{"key":{},"errorCode":"{}","errorDetails":{}}}"#,
        json_text(key),
        code.as_str(),
        json_text(details)
    );
    out.extend_from_slice(item.as_bytes());
}

/// A text as JSON, with its quotes.
pub(crate) fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_escaped_json() {
        let mut out = Vec::new();
        Evaluation::not_found("a\"b\n").write_ofrep(&mut out);
        let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!((&read["key"], &read["errorCode"]), (&"a\"b\n".into(), &"FLAG_NOT_FOUND".into()));
    }
}
