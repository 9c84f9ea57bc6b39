//! `matches`: regular expressions, in time that is linear in the text.

use burgee_model::Value;
use regex::{Regex, RegexBuilder};

use crate::{Budget, EvalError};

/// Bytes that a compiled pattern may take: the time of a match grows with it.
const PATTERN_BYTES_MAX: usize = 32 * 1024;

/// A pattern, compiled when the rule is read.
#[derive(Clone, Debug)]
pub struct Pattern(Box<Regex>);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Pattern {
    /// The pattern of such a text, in the syntax of Rust's `regex` crate (no look-around, no back-references); the
    /// error says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let built = RegexBuilder::new(text).size_limit(PATTERN_BYTES_MAX).dfa_size_limit(PATTERN_BYTES_MAX).build();
        built.map(|regex| Self(Box::new(regex))).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => format!("it takes more than {PATTERN_BYTES_MAX} bytes when compiled"),
            regex::Error::Syntax(report) => fault(&report),
            other => other.to_string(),
        })
    }

    /// Whether the pattern is found in a text; null where it is no text. Every byte is charged.
    pub(super) fn matches(&self, text: &Value, budget: &mut Budget) -> Result<Value, EvalError> {
        let Value::Text(text) = text else { return Ok(Value::Null) };
        budget.step(text.len())?;
        Ok(Value::Bool(self.0.is_match(text)))
    }
}

/// What the last lines of a report say: a mark below the pattern, and what is wrong there.
fn fault(report: &str) -> String {
    let why = report.rsplit("error: ").next().unwrap_or(report);
    let mark = report.lines().rev().nth(1).unwrap_or_default();
    match mark.trim().chars().all(|c| c == '^').then(|| mark.find('^')).flatten() {
        // it is indented as the pattern is, by four
        Some(at) if at >= 4 => format!("{why}, at character {}", at - 3),
        _ => why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use burgee_model::Limits;

    use super::*;

    #[test]
    fn texts_match_or_give_null() {
        let pattern = Pattern::new(r"^[a-z]+@(x|y)\.org$").unwrap();
        let mut budget = Budget::new(&Limits { evaluation_steps: 50, ..Limits::default() });
        for (text, expected) in [("ann@x.org", true), ("ann@z.org", false), ("", false)] {
            assert_eq!(pattern.matches(&Value::text(text), &mut budget), Ok(Value::Bool(expected)), "{text}");
        }
        assert_eq!(pattern.matches(&Value::Number(1.0), &mut budget), Ok(Value::Null));
        assert_eq!(pattern.matches(&Value::text(&"a".repeat(100)), &mut budget), Err(EvalError::TooCostly));
    }

    #[test]
    fn patterns_that_cannot_be_are_refused() {
        assert_eq!(Pattern::new("ab(c").unwrap_err(), "unclosed group, at character 3");
        assert_eq!(Pattern::new("a{2,1}error: ").unwrap_err().lines().count(), 1);
        assert!(Pattern::new("(?=a)").unwrap_err().starts_with("look-around"));
        assert_eq!(Pattern::new("a\n(").unwrap_err(), "unclosed group");
        assert!(Pattern::new(r"\w{1000}").unwrap_err().contains("more than"));
    }
}
