//! `matches`: regular expressions, in time that is linear in the text.

use burgee_model::Value;
use regex::{Regex, RegexBuilder};

use crate::{Budget, EvalError};

/// KiB that a compiled pattern may take, a power of two: the time of a match grows with it.
const PATTERN_KIB_MAX: u8 = 32;
const KIB: usize = 1024;
/// KiB of a compiled pattern that a byte of text may meet for one step.
const KIB_A_STEP: u8 = 2;

/// A pattern, compiled when the rule is read.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Box<Regex>,
    /// The steps that a byte of text costs: by the power of two of KiB that suffices for the compiled pattern, for in the
    /// worst case a match goes through all of it at each byte.
    steps: u8,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.regex.as_str() == other.regex.as_str()
    }
}

impl Pattern {
    /// The pattern of such a text, in the syntax of Rust's `regex` crate (no look-around, no back-references); the
    /// error says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let mut kib = 1;
        loop {
            match built(text, kib) {
                Ok(regex) => return Ok(Self { regex: Box::new(regex), steps: kib.div_ceil(KIB_A_STEP) }),
                Err(regex::Error::CompiledTooBig(_)) if kib < PATTERN_KIB_MAX => kib *= 2,
                Err(regex::Error::CompiledTooBig(_)) => {
                    return Err(format!(
                        "it takes more than {} bytes when compiled",
                        usize::from(PATTERN_KIB_MAX) * KIB
                    ));
                }
                Err(regex::Error::Syntax(report)) => return Err(fault(&report)),
                Err(other) => return Err(other.to_string()),
            }
        }
    }

    /// Whether the pattern is found in a text; null where it is no text. Every byte is charged by the pattern's size.
    pub(super) fn matches(&self, text: &Value, budget: &mut Budget) -> Result<Value, EvalError> {
        let Value::Text(text) = text else { return Ok(Value::Null) };
        budget.step(text.len().saturating_mul(usize::from(self.steps)))?;
        Ok(Value::Bool(self.regex.is_match(text)))
    }
}

/// A pattern that may take so many KiB. What a search remembers may take the most whatever the pattern takes, so that
/// answers are found alike fast at all sizes.
fn built(text: &str, kib: u8) -> Result<Regex, regex::Error> {
    let (pattern, search) = (usize::from(kib) * KIB, usize::from(PATTERN_KIB_MAX) * KIB);
    RegexBuilder::new(text).size_limit(pattern).dfa_size_limit(search).build()
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

    /// The steps that looking through a text costs.
    fn cost(pattern: &str, text: &str) -> u64 {
        let mut budget = Budget::new(&Limits::default());
        let all = budget.steps_left();
        Pattern::new(pattern).unwrap().matches(&Value::text(text), &mut budget).unwrap();
        all - budget.steps_left()
    }

    #[test]
    fn a_byte_costs_what_the_pattern_is_large() {
        let text = "a".repeat(100);
        let [small, large] = ["^a+$", "[a-c]{1,250}[^abc]"].map(|pattern| cost(pattern, &text));
        assert_eq!(small, 100);
        assert!((800..=1_600).contains(&large), "{large}");
        let mut budget = Budget::new(&Limits::default());
        let long = Value::text(&"ab".repeat(30_000));
        let large = Pattern::new("[a-c]{1,250}[^abc]").unwrap();
        assert_eq!(large.matches(&long, &mut budget), Err(EvalError::TooCostly));
        assert_eq!(Pattern::new("[a-c]+[^abc]").unwrap().matches(&long, &mut budget), Ok(Value::Bool(false)));
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
