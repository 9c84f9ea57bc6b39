//! Faults of a JSON file as a compiler shows them: what, where, the line with the place marked, and a hint.

use std::ops::Range;

use burgee_model::{
    Problem, Severity,
    json::locate::{Found, locate},
};
use burgee_rules::parse::PROBLEMS_MAX;
use serde_json::{Value as Json, json};

/// The most characters of a line that are shown, around the place.
const EXCERPT_CHARS: usize = 100;
/// Of these, so many stand before the place at most.
const BEFORE_CHARS: usize = 40;

/// A file with its faults.
pub(super) struct Report<'a> {
    /// How the file is called.
    pub(super) name: &'a str,
    /// What it holds.
    pub(super) text: &'a [u8],
    /// What is wrong with it.
    pub(super) problems: &'a [Problem],
    /// Where the reader gave up, in lines and columns from 1; the only problem is there.
    pub(super) broken_at: Option<(usize, usize)>,
}

/// A line of the file, and what of it is marked.
struct Mark {
    line: usize,
    /// From 1, in characters.
    column: usize,
    /// In characters.
    length: usize,
    text: String,
}

impl Report<'_> {
    /// The errors, and the warnings.
    pub(super) fn counts(&self) -> (usize, usize) {
        let errors = self.problems.iter().filter(|problem| problem.severity == Severity::Error).count();
        (errors, self.problems.len() - errors)
    }

    /// All of it for people, and how many there are; of so many that are listed at most there may be more.
    pub(super) fn in_words(&self) -> String {
        let mut parts: Vec<String> = self.problems.iter().map(|problem| self.problem(problem)).collect();
        let counted = |count: usize, what: &str| match count {
            0 => None,
            1 => Some(format!("1 {what}")),
            count => Some(format!("{count} {what}s")),
        };
        let (errors, warnings) = self.counts();
        let both: Vec<String> = counted(errors, "error").into_iter().chain(counted(warnings, "warning")).collect();
        parts.push(format!("{}: {}", printable(self.name), both.join(", ")));
        if self.problems.len() >= PROBLEMS_MAX {
            parts.push(format!("{}: no more than {PROBLEMS_MAX} are listed, there may be more", printable(self.name)));
        }
        parts.join("\n\n")
    }

    /// The same for programs: each problem with its line and column.
    pub(super) fn document(&self) -> Json {
        let problem = |problem: &Problem| {
            let (mark, mut out) = (self.mark(problem), json!(problem));
            out["line"] = mark.line.into();
            out["column"] = mark.column.into();
            out
        };
        self.problems.iter().map(problem).collect()
    }

    fn problem(&self, problem: &Problem) -> String {
        let mark = self.mark(problem);
        let kind = if problem.severity == Severity::Error { "error" } else { "warning" };
        let at = if problem.path.is_empty() { String::new() } else { format!(", at {}", printable(&problem.path)) };
        let margin = " ".repeat(mark.line.to_string().len());
        let mut lines = vec![
            format!("{kind}[{}]: {}", problem.code, printable(&problem.message)),
            format!("{margin}--> {}:{}:{}{at}", printable(self.name), mark.line, mark.column),
            format!("{margin} |"),
        ];
        let (excerpt, before) = excerpt(&mark);
        lines.push(format!("{} | {excerpt}", mark.line).trim_end().to_owned());
        let length = mark.length.min(excerpt.chars().count().saturating_sub(before)).max(1);
        lines.push(format!("{margin} | {}{}", " ".repeat(before), "^".repeat(length)));
        lines.extend(problem.hint.iter().map(|hint| format!("{margin} = hint: {}", printable(hint))));
        lines.join("\n")
    }

    fn mark(&self, problem: &Problem) -> Mark {
        let place = match self.broken_at {
            Some((line, column)) => at_line(self.text, line, column),
            None => locate(self.text, &problem.path).map_or(0..0, |found| marked(self.text, &found)),
        };
        Mark::new(self.text, &place)
    }
}

/// A member with a value that is short is marked whole, of another one the name alone; of an item that is a list or an
/// object, its first line.
fn marked(text: &[u8], found: &Found) -> Range<usize> {
    let is_short = !matches!(text.get(found.value.start), Some(b'{' | b'['));
    match &found.name {
        Some(name) if is_short => name.start..found.value.end,
        Some(name) => name.clone(),
        None => found.value.clone(),
    }
}

/// The byte at a line and column, which counts bytes, both from 1.
fn at_line(text: &[u8], line: usize, column: usize) -> Range<usize> {
    let before: usize = text.split_inclusive(|byte| *byte == b'\n').take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    let at = (before + column.saturating_sub(1)).min(text.len());
    at..at
}

impl Mark {
    fn new(text: &[u8], place: &Range<usize>) -> Self {
        let before = text.get(..place.start).unwrap_or_default();
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let rest = text.get(start..).unwrap_or_default();
        let end = start + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let chars = |range: Range<usize>| String::from_utf8_lossy(text.get(range).unwrap_or_default()).into_owned();
        Self {
            line: 1 + before.iter().filter(|byte| **byte == b'\n').count(),
            column: 1 + chars(start..place.start).chars().count(),
            length: chars(place.start..place.end.min(end)).trim_end().chars().count(),
            text: printable(&chars(start..end)),
        }
    }
}

/// The part of the line that is shown, and how many characters of it stand before the place.
fn excerpt(mark: &Mark) -> (String, usize) {
    let (at, all) = (mark.column - 1, mark.text.chars().count());
    if all <= EXCERPT_CHARS {
        return (mark.text.clone(), at);
    }
    let from = at.saturating_sub(BEFORE_CHARS);
    let part: String = mark.text.chars().skip(from).take(EXCERPT_CHARS).collect();
    let (left, right) = (if from > 0 { "…" } else { "" }, if from + EXCERPT_CHARS < all { "…" } else { "" });
    (format!("{left}{part}{right}"), at - from + left.chars().count())
}

/// One character for each, so that columns stay; none that a terminal obeys.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests;
