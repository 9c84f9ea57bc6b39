//! `rule check`: the diagnostics of a flagd document or of a bare rule, without a server.

use std::path::PathBuf;

use burgee_model::{
    Bucketing, Key, Limits, Problem, flagd,
    json::{self, JsonError},
};
use burgee_rules::parse::Setting;
use clap::{Args, Subcommand};
use serde_json::Value as Json;

use super::{Failure, output};

/// `burgee rule …`
#[derive(Subcommand, Debug)]
pub(super) enum Rule {
    /// Check a flagd file, or a file that holds one rule
    Check(Check),
}

/// `burgee rule check`
#[derive(Args, Debug)]
pub(super) struct Check {
    /// The file
    file: PathBuf,
    /// How to print
    #[arg(long, value_enum, default_value_t = super::Output::Text)]
    output: super::Output,
}

impl Rule {
    pub(super) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Check(check) => check.run(),
        }
    }
}

impl Check {
    fn run(&self) -> Result<(), Failure> {
        let name = self.file.display();
        let text = std::fs::read(&self.file).map_err(|e| Failure::Refused(format!("burgee: {name}: {e}")))?;
        let problems = check(&text, &Limits::default());
        if self.output == super::Output::Json {
            let list = serde_json::to_string(&problems).map_err(|e| Failure::Refused(e.to_string()))?;
            output::line(&list)?;
        }
        match (problems.len(), self.output) {
            (0, super::Output::Text) => output::line(&format!("{name}: no faults")),
            (0, super::Output::Json) => Ok(()),
            (_, super::Output::Json) => Err(Failure::Refused(format!("{name}: {} faults", problems.len()))),
            (_, super::Output::Text) => Err(Failure::Refused(in_words(&name.to_string(), &problems))),
        }
    }
}

fn in_words(file: &str, problems: &[Problem]) -> String {
    let mut lines = Vec::new();
    for problem in problems {
        let at = if problem.path.is_empty() { file.to_owned() } else { format!("{file}:{}", problem.path) };
        lines.push(format!("{at}: {} [{}]", problem.message, problem.code));
        lines.extend(problem.hint.iter().map(|hint| format!("  hint: {hint}")));
    }
    lines.join("\n")
}

/// All faults of a text that is a flagd document (it has a member `flags`) or else one rule.
fn check(text: &[u8], limits: &Limits) -> Vec<Problem> {
    match json::document(text, limits.rule_depth.saturating_mul(flagd::DEPTH_FACTOR)) {
        Err(error) => vec![unreadable(&error)],
        Ok(document) if document.get("flags").is_some() => check_document(text, limits),
        Ok(rule) => check_rule(&rule, limits),
    }
}

/// A bare rule belongs to no flag; its key matters to `$flagd.flagKey` alone, which every text can be.
fn check_rule(rule: &Json, limits: &Limits) -> Vec<Problem> {
    match Key::new("rule") {
        Ok(key) => burgee_rules::check::rule(&key, rule, &Setting::new(&|_| None, limits)),
        Err(error) => vec![Problem::new("", "invalid_key", error.to_string())],
    }
}

fn check_document(text: &[u8], limits: &Limits) -> Vec<Problem> {
    match flagd::parse(text, limits.rule_depth.saturating_mul(flagd::DEPTH_FACTOR)) {
        Ok(document) => burgee_rules::check::document(&document, Bucketing::default(), limits),
        Err(flagd::DocumentError::Invalid(problems)) => problems,
        Err(flagd::DocumentError::Json(error)) => vec![unreadable(&error)],
    }
}

fn unreadable(error: &JsonError) -> Problem {
    let (path, code) = match error {
        JsonError::Doubled { path } => (path.as_str(), "doubled_member"),
        _ => ("", "invalid_json"),
    };
    Problem::new(path, code, error.to_string())
}
