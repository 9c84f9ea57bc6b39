//! `rollout`: how the next value of a config entry comes to its readers.

use burgee_model::By;
use clap::{Args, Subcommand, builder::PossibleValuesParser};
use serde_json::{Value as Json, json};

use super::{
    Failure, Output, Target,
    client::{Body, segment},
    entries::Given,
    output, values,
};

/// `burgee rollout`
#[derive(Subcommand, Debug)]
#[command(after_help = "Examples:
  burgee put checkout/timeout 30s
  burgee rollout start checkout/timeout 45s --during 2h
  burgee rollout status checkout/timeout")]
pub(super) enum Rollout {
    /// Begin to give the next value of a config entry to a growing share of its readers
    Start(Box<Start>),
    /// Have the share stay where it is
    #[command(after_help = "Examples:
  burgee rollout pause checkout/timeout --note 'errors are rising'")]
    Pause(Act),
    /// Let a paused rollout go on where it stood
    #[command(after_help = "Examples:
  burgee rollout resume checkout/timeout")]
    Resume(Act),
    /// Give all readers the present value again
    #[command(after_help = "Examples:
  burgee rollout abort checkout/timeout --note 'too many errors'")]
    Abort(Act),
    /// Make the next value the present one
    #[command(after_help = "Examples:
  burgee rollout finish checkout/timeout")]
    Finish(Act),
    /// Tell how far a rollout is, or all of them
    Status(Status),
}

/// `burgee rollout start`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee rollout start checkout/timeout 45s --during 2h
  burgee rollout start limits --file limits.json --by group \\
      --ramp '{\"steps\": [[\"2026-12-01T08:00:00Z\", 5], [\"2026-12-01T12:00:00Z\", 50], [\"2026-12-02\", 100]]}'
  burgee get checkout/timeout --as web-7")]
pub(super) struct Start {
    /// The entry's key
    #[arg(value_parser = values::key)]
    key: String,
    #[command(flatten)]
    next: Given,
    /// Evenly from none to all readers within this time, e.g. 30m, 2h
    #[arg(long, conflicts_with = "ramp", required_unless_present = "ramp")]
    during: Option<String>,
    /// The share of readers in percent over time, as the members of a rule's `ramp`
    #[arg(long, value_name = "JSON")]
    ramp: Option<String>,
    /// What readers are told apart by: their names, or what stands before the first slash of them
    #[arg(long, default_value = "instance", value_parser = PossibleValuesParser::new(By::ALL.map(|(name, _)| name)))]
    by: String,
    #[command(flatten)]
    why: Why,
}

/// `burgee rollout pause|resume|abort|finish`
#[derive(Args, Debug)]
pub(super) struct Act {
    /// The entry's key
    #[arg(value_parser = values::key)]
    key: String,
    #[command(flatten)]
    why: Why,
}

/// `burgee rollout status`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee rollout status
  burgee rollout status checkout/timeout --as web-7")]
pub(super) struct Status {
    /// The entry's key; without it, all rollouts are listed
    #[arg(value_parser = values::key)]
    key: Option<String>,
    /// Also tell what the reader of this name gets, and when the next value
    #[arg(long = "as", value_name = "INSTANCE", value_parser = values::key, requires = "key")]
    reader: Option<String>,
    #[command(flatten)]
    target: Target,
}

/// A note, and which node it is for.
#[derive(Args, Debug)]
struct Why {
    /// A note for the history
    #[arg(long)]
    note: Option<String>,
    #[command(flatten)]
    target: Target,
}

impl Target {
    fn rollout_path(&self, key: &str) -> Result<String, Failure> {
        self.keyed_path("rollouts", key)
    }

    /// What a command did: the answer for programs, a line for people.
    fn done(&self, answer: &[u8], line: &str) -> Result<(), Failure> {
        match self.output {
            Output::Json => output::line(&String::from_utf8_lossy(answer)),
            Output::Text => output::line(line),
        }
    }
}

impl Rollout {
    pub(super) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Start(command) => command.run(),
            Self::Pause(command) => command.run("pause", "Rollout paused."),
            Self::Resume(command) => command.run("resume", "Rollout resumed."),
            Self::Abort(command) => command.run("abort", "Rollout aborted."),
            Self::Finish(command) => command.run("finish", "Rollout finished."),
            Self::Status(command) => command.run(),
        }
    }
}

impl Start {
    fn run(&self) -> Result<(), Failure> {
        let target = &self.why.target;
        let given = [("during", &self.during), ("ramp", &self.ramp), ("note", &self.why.note)];
        let given = given.into_iter().filter_map(|(name, value)| Some(format!("&{name}={}", segment(value.as_ref()?))));
        let query: String = std::iter::once(format!("?by={}", self.by)).chain(given).collect();
        let bytes = self.next.bytes()?;
        let body = Body { content_type: self.next.media(), bytes: &bytes };
        let answer = target.expect("PUT", &format!("{}{query}", target.rollout_path(&self.key)?), Some(&body))?;
        target.done(&answer.body, "Rollout started.")
    }
}

impl Act {
    fn run(&self, action: &str, line: &str) -> Result<(), Failure> {
        let target = &self.why.target;
        let body = json!({ "action": action, "note": self.why.note }).to_string();
        let answer = target.expect("POST", &target.rollout_path(&self.key)?, Some(&Body::json(body.as_bytes())))?;
        target.done(&answer.body, line)
    }
}

impl Status {
    fn run(&self) -> Result<(), Failure> {
        let Some(key) = &self.key else { return self.list() };
        let reader = self.reader.as_ref().map(|reader| format!("?as={}", segment(reader))).unwrap_or_default();
        let path = format!("{}{reader}", self.target.rollout_path(key)?);
        let answer = self.target.expect("GET", &path, None)?;
        self.target.done(&answer.body, &lines(&answer.json()?))
    }

    fn list(&self) -> Result<(), Failure> {
        let items = self.target.list(&format!("{}/rollouts", self.target.environment_path()), "")?;
        if self.target.output == Output::Json {
            return output::line(&Json::Array(items).to_string());
        }
        let rows: Vec<Vec<String>> = items.iter().map(row).collect();
        if rows.is_empty() { Ok(()) } else { output::line(&output::table(&rows)) }
    }
}

fn text(rollout: &Json, name: &str) -> String {
    rollout.get(name).and_then(Json::as_str).unwrap_or("-").to_owned()
}

fn share(rollout: &Json) -> String {
    format!("{:.1} %", rollout.get("share").and_then(Json::as_f64).unwrap_or_default())
}

/// Key, state, share, when all readers have it, and who wrote it last.
fn row(rollout: &Json) -> Vec<String> {
    let text = |name: &str| text(rollout, name);
    vec![text("key"), text("state"), share(rollout), text("wholeAt"), text("actor")]
}

/// What is told of one rollout, a line each.
fn lines(rollout: &Json) -> String {
    let known = [
        ("whole at", "wholeAt"),
        ("paused at", "pausedAt"),
        ("by", "by"),
        ("started at", "startedAt"),
        ("started by", "startedBy"),
        ("last written by", "actor"),
        ("expires at", "expiresAt"),
        ("note", "note"),
    ];
    let known = known.into_iter().filter(|(_, name)| rollout.get(name).is_some());
    let first = [("state", text(rollout, "state")), ("share", share(rollout))];
    let mut rows: Vec<Vec<String>> = first.map(|(label, value)| vec![label.to_owned(), value]).to_vec();
    rows.extend(known.map(|(label, name)| vec![label.to_owned(), text(rollout, name)]));
    if let Some(reader) = rollout.get("as") {
        rows.push(vec![format!("{} gets", text(reader, "name")), text(reader, "gets")]);
        rows.extend(reader.get("nextAt").map(|_| vec!["next from".to_owned(), text(reader, "nextAt")]));
    }
    output::table(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollout_is_told_in_lines() {
        let rollout = json!({
            "key": "k", "state": "paused", "share": 12.345, "by": "instance", "startedAt": "then", "startedBy": "anna",
            "actor": "ben", "pausedAt": "later", "as": { "name": "web-7", "gets": "present" },
        });
        let told = lines(&rollout);
        let wanted = "state            paused
share            12.3 %
paused at        later
by               instance
started at       then
started by       anna
last written by  ben
web-7 gets       present";
        assert_eq!(told, wanted);
        assert_eq!(row(&rollout), ["k", "paused", "12.3 %", "-", "ben"]);
    }
}
