//! `rule`: what is wrong with a flagd document or a bare rule, and the modules that its rules become; without a server.

use std::{
    fmt::Display,
    path::{Path, PathBuf},
};

use burgee_engine::EnvironmentSource;
use burgee_model::{
    Bucketing, Format, Key, Limits, Problem, flagd,
    json::{self, JsonError},
    yaml,
};
use burgee_rules::{check, parse::Setting};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value as Json;

use super::{Failure, diagnostics::Report, modules, output};

/// `burgee rule …`
#[derive(Subcommand, Debug)]
#[command(after_help = "Examples:
  burgee export > flags.json
  burgee rule check flags.json")]
pub(super) enum Rule {
    /// Check a flagd file, or a file that holds one rule
    Check(Check),
    /// Compile the rules of such a file to WebAssembly, as a node does
    Compile(Compile),
}

/// What both take.
#[derive(Args, Debug)]
struct Source {
    /// The file
    file: PathBuf,
    /// How `fractional` buckets: a version of flagd's
    #[arg(long, value_name = "2|3", default_value = "2", value_parser = bucketing)]
    fractional_version: Bucketing,
}

/// `burgee rule check`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee export > flags.json && burgee rule check flags.json
  burgee rule check flags.json --fractional-version 3 --output json")]
pub(super) struct Check {
    #[command(flatten)]
    source: Source,
    /// How to print
    #[arg(long, value_enum, default_value_t = super::Output::Text)]
    output: super::Output,
}

/// `burgee rule compile`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee rule compile flags.json -o flags.wasm
  burgee rule compile flags.json -o flags.wasm --emit wat")]
pub(super) struct Compile {
    #[command(flatten)]
    source: Source,
    /// Where the module goes. Further ones of a large document go beside it: OUT.1.wasm, OUT.2.wasm
    #[arg(short, long, value_name = "OUT.wasm")]
    out: PathBuf,
    /// What to print on stdout
    #[arg(long, value_enum)]
    emit: Option<Emit>,
}

/// What is printed of a module.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Emit {
    /// Its text.
    Wat,
}

fn bucketing(text: &str) -> Result<Bucketing, String> {
    let number = text.parse::<u64>().map_err(|error| error.to_string())?;
    Bucketing::try_from(number).map_err(|error| error.to_string())
}

impl Rule {
    pub(super) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Check(check) => check.run(),
            Self::Compile(compile) => compile.run(),
        }
    }
}

/// What a file holds.
pub(super) struct Read {
    name: String,
    text: Vec<u8>,
    /// A bare rule is a document of one flag.
    document: Option<flagd::Document>,
    problems: Vec<Problem>,
    broken_at: Option<(usize, usize)>,
}

impl Source {
    fn read(&self) -> Result<Read, Failure> {
        let name = self.file.display().to_string();
        let (limits, failed) = (Limits::default(), |e: &dyn Display| Failure::Refused(format!("burgee: {name}: {e}")));
        let text = std::fs::read(&self.file).map_err(|e| failed(&e))?;
        if Format::of_file(&name) == Format::Json {
            return Ok(Read::new(name, text, self.fractional_version, &limits));
        }
        // faults are shown where they stand in the same document of JSON
        let whole = yaml::document(&text, flagd::bounds(&limits), limits.import_bytes);
        let text = serde_json::to_vec_pretty(&whole.map_err(|e| failed(&e))?).map_err(|e| failed(&e))?;
        Ok(Read::new(format!("{name} as JSON"), text, self.fractional_version, &limits))
    }
}

impl Read {
    /// A text that is a flagd document (it has a member `flags`), or else one rule.
    pub(super) fn new(name: String, text: Vec<u8>, bucketing: Bucketing, limits: &Limits) -> Self {
        let (document, problems, broken_at) = match json::document(&text, flagd::bounds(limits)) {
            Err(error) => unreadable(&error),
            Ok(whole) if whole.get("flags").is_some() => match flagd::of(whole) {
                Err(problems) => (None, problems, None),
                Ok(document) => {
                    let mut problems = check::document(&document, bucketing, limits);
                    problems.extend(check::within(&document));
                    (Some(document), problems, None)
                }
            },
            Ok(rule) => match bare(&rule, &Setting { segments: &|_| None, bucketing, limits }) {
                Ok((document, problems)) => (Some(document), problems, None),
                Err(problem) => (None, vec![problem], None),
            },
        };
        Self { name, text, document, problems, broken_at }
    }

    pub(super) fn report(&self) -> Report<'_> {
        Report { name: &self.name, text: &self.text, problems: &self.problems, broken_at: self.broken_at }
    }

    /// Tells people what is wrong; whether there are errors decides on the end.
    fn tell(&self) -> Result<(), Failure> {
        let report = self.report();
        match (report.counts(), report.in_words()) {
            ((0, 0), _) => Ok(()),
            ((0, _), words) => {
                output::error(&words);
                Ok(())
            }
            (_, words) => Err(Failure::Refused(words)),
        }
    }
}

/// A bare rule belongs to no flag; its key matters to `$flagd.flagKey` alone, which every text can be.
fn bare(rule: &Json, setting: &Setting<'_>) -> Result<(flagd::Document, Vec<Problem>), Problem> {
    let key = Key::new("rule").map_err(|error| Problem::new("", "invalid_key", error.to_string()))?;
    let problems = check::rule(&key, rule, setting);
    Ok((modules::document(key, rule), problems))
}

type Unreadable = (Option<flagd::Document>, Vec<Problem>, Option<(usize, usize)>);

fn unreadable(error: &JsonError) -> Unreadable {
    let (path, code, at) = match error {
        JsonError::Doubled { path } => (path.as_str(), "doubled_member", None),
        JsonError::TooMany { path, .. } => (path.as_str(), "too_many_values", None),
        JsonError::TooDeep { .. } => ("", "too_deep", None),
        JsonError::Syntax(error) => ("", "invalid_json", Some((error.line(), error.column()))),
    };
    (None, vec![Problem::new(path, code, error.to_string())], at)
}

impl Check {
    fn run(&self) -> Result<(), Failure> {
        let read = self.source.read()?;
        let report = read.report();
        if self.output == super::Output::Json {
            output::line(&report.document().to_string())?;
            return match report.counts() {
                (0, _) => Ok(()),
                (errors, _) => Err(Failure::Refused(format!("{}: {errors} errors", read.name))),
            };
        }
        read.tell()?;
        output::line(&format!("{}: no faults", read.name))
    }
}

impl Compile {
    fn run(&self) -> Result<(), Failure> {
        let read = self.source.read()?;
        read.tell()?;
        let source = read.document.as_ref().and_then(|document| source(document, self.source.fractional_version));
        let modules = source.map(|source| burgee_engine::modules(source, &Limits::default())).unwrap_or_default();
        if modules.is_empty() {
            let why = "no rule is compiled: a node interprets what is here, if anything";
            return Err(Failure::Refused(format!("burgee: {}: {why}", read.name)));
        }
        let outs: Vec<PathBuf> = (0..modules.len()).map(|at| modules::path(&self.out, at)).collect();
        if let Some(out) = outs.iter().find(|out| is_same_file(out, &self.source.file)) {
            return Err(Failure::Usage(format!("out: {} is what is compiled", out.display())));
        }
        for (out, module) in outs.iter().zip(&modules) {
            std::fs::write(out, &module.wasm).map_err(|e| refused(out, &e))?;
            match self.emit {
                Some(Emit::Wat) => output::line(&modules::text(&module.wasm)?)?,
                None => output::line(&modules::summary(out, module))?,
            }
        }
        Ok(())
    }
}

/// Whether both are there and one, by whatever way.
fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

fn refused(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Refused(format!("burgee: {}: {error}", path.display()))
}

/// The environment that the document would make.
fn source(document: &flagd::Document, bucketing: Bucketing) -> Option<EnvironmentSource> {
    let (tenant, environment) = (Key::new("tenant").ok()?, Key::new("environment").ok()?);
    Some(modules::source(document, tenant, environment, bucketing))
}
