//! `import` and `export`: an environment as a flagd file, of JSON or YAML.

use std::path::PathBuf;

use burgee_model::{Format, import::Difference};
use clap::{Args, ValueEnum};
use serde_json::Value as Json;

use super::{
    Failure, Output, Target,
    client::{Body, Condition},
    output,
};

/// `burgee import`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee import flags.json --dry-run
  burgee import flags.yaml --env production --prune
  burgee import flags.json --if-match 0123456789abcdef0123456789abcdef")]
pub(super) struct Import {
    /// A flagd file
    file: PathBuf,
    /// How the file is written; without it, `.yaml` or `.yml` at the end of its name says YAML
    #[arg(long, value_enum)]
    format: Option<Written>,
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
    /// Take flags, and shared rules of the environment's own, that are not in the file out of it
    #[arg(long)]
    prune: bool,
    #[command(flatten)]
    condition: Condition,
    #[command(flatten)]
    target: Target,
}

/// `burgee export`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee export > flags.json
  burgee export --env production --format yaml > flags.yaml")]
pub(super) struct Export {
    /// How to write the file
    #[arg(long, value_enum, default_value_t = Written::Json)]
    format: Written,
    #[command(flatten)]
    target: Target,
}

/// How a file is written.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    Json,
    Yaml,
}

impl From<Written> for Format {
    fn from(written: Written) -> Self {
        match written {
            Written::Json => Self::Json,
            Written::Yaml => Self::Yaml,
        }
    }
}

impl Import {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let name = self.file.to_string_lossy();
        let bytes = std::fs::read(&self.file).map_err(|e| Failure::Refused(format!("burgee: {name}: {e}")))?;
        let content_type = self.format.map_or_else(|| Format::of_file(&name), Format::from).media();
        let query = format!("?dryRun={}&prune={}", self.dry_run, self.prune);
        let path = format!("{}/flagd.json{query}", self.target.environment_path());
        let answer = self.target.expect_with(
            "PUT",
            &path,
            Some(&Body { content_type, bytes: &bytes }),
            &self.condition.headers(),
        )?;
        match self.target.output {
            Output::Json => output::line(&String::from_utf8_lossy(&answer.body)),
            Output::Text => {
                output::line(&self.in_words(&answer.json()?))?;
                match answer.tag.as_deref().filter(|_| self.dry_run) {
                    Some(tag) => {
                        output::line(&format!("To import over just this: --if-match {}", tag.trim_matches('"')))
                    }
                    None => Ok(()),
                }
            }
        }
    }

    /// One line a change, then how many there are of each, then what is wrong with rules.
    fn in_words(&self, answer: &Json) -> String {
        let list = |name: &str| answer.get(name).and_then(Json::as_array).into_iter().flatten();
        let diff = list("diff").filter_map(|line| serde_json::from_value::<Difference>(line.clone()).ok());
        let diff = diff.map(|line| line.to_string());
        let problems = list("problems").map(|problem| {
            let part = |name: &str| problem.get(name).and_then(Json::as_str).unwrap_or_default();
            format!("  {}: {} ({})", part("path"), part("message"), part("code"))
        });
        diff.chain(std::iter::once(self.summary(answer))).chain(problems).collect::<Vec<_>>().join("\n")
    }

    fn summary(&self, answer: &Json) -> String {
        let count = |name: &str| match answer.get(name) {
            Some(Json::Array(list)) => list.len() as u64,
            Some(number) => number.as_u64().unwrap_or_default(),
            None => 0,
        };
        let verb = if self.dry_run { "Would import" } else { "Imported" };
        let [created, changed, unchanged, pruned] = ["created", "changed", "unchanged", "pruned"].map(count);
        format!("{verb}: {created} created, {changed} changed, {unchanged} unchanged, {pruned} pruned.")
    }
}

impl Export {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let path = format!("{}/flagd.json", self.target.environment_path());
        if self.format == Written::Yaml {
            return output::bytes(&self.target.expect("GET", &format!("{path}?format=yaml"), None)?.body);
        }
        let document = self.target.expect("GET", &path, None)?.json()?;
        output::line(&serde_json::to_string_pretty(&document).map_err(|e| Failure::Refused(e.to_string()))?)
    }
}
