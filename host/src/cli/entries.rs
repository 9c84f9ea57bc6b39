//! `put`, `get`, `delete`, `list` and `exists`: config entries.

use std::{
    borrow::Cow,
    ffi::OsStr,
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::Value as Json;

use super::{
    Failure, Output, Target,
    client::{Answer, Body, Condition, segment},
    output, values,
};

/// The media type of a value that is typed.
pub(super) const TEXT: &str = "text/plain; charset=utf-8";

/// What is said where there is no entry.
pub(super) const NOT_FOUND: &str = "Key not found.";

/// `burgee put`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee put checkout/timeout 30s
  burgee put banner 'Sale until noon' --ttl 2h
  burgee put limits --file limits.json
  burgee put limits --file limits.json --idempotency-key deploy-42
  generate | burgee put blob --file -")]
pub(super) struct Put {
    /// The entry's key
    key: String,
    #[command(flatten)]
    given: Given,
    /// How long it lives, e.g. 30s, 5m, 2h
    #[arg(long)]
    ttl: Option<String>,
    /// Names the write, so that it is carried out once however often it is sent within a day
    #[arg(long, value_name = "KEY", value_parser = values::idempotency_key)]
    idempotency_key: Option<String>,
    #[command(flatten)]
    condition: Condition,
    #[command(flatten)]
    target: Target,
}

/// A value as it is typed, or a file of it.
#[derive(Args, Debug)]
pub(super) struct Given {
    /// Its value
    #[arg(allow_hyphen_values = true, required_unless_present = "file")]
    value: Option<String>,
    /// Take the value from a file; `-` is stdin
    #[arg(long, short, value_name = "FILE", conflicts_with = "value")]
    file: Option<PathBuf>,
    /// Its media type [default: what the file's name says, else text/plain; charset=utf-8]
    #[arg(long)]
    content_type: Option<String>,
}

/// `burgee get`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee get checkout/timeout
  burgee get checkout/timeout --as web-7")]
pub(super) struct Get {
    /// The entry's key
    key: String,
    /// The reader's own name: while a rollout goes on, it decides between the present and the next value
    #[arg(long = "as", value_name = "INSTANCE", value_parser = values::key)]
    reader: Option<String>,
    #[command(flatten)]
    target: Target,
}

/// `burgee delete`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee put banner hello && burgee delete banner
  burgee put banner hello && burgee delete banner --if-match '*'")]
pub(super) struct Delete {
    #[command(flatten)]
    condition: Condition,
    #[command(flatten)]
    entry: Entry,
}

/// `burgee exists`
#[derive(Args, Debug)]
pub(super) struct Entry {
    /// The entry's key
    key: String,
    #[command(flatten)]
    target: Target,
}

/// `burgee list`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee list
  burgee list checkout/ --output json")]
pub(super) struct List {
    /// List only keys that begin so
    #[arg(default_value = "", value_parser = values::prefix)]
    prefix: String,
    #[command(flatten)]
    target: Target,
}

impl Target {
    /// The path of an entry.
    fn entry_path(&self, key: &str) -> Result<String, Failure> {
        self.keyed_path("config", key)
    }

    /// Writes an entry.
    pub(super) fn put_entry(
        &self,
        key: &str,
        ttl: Option<&str>,
        body: &Body<'_>,
        headers: &[(&str, &str)],
    ) -> Result<Answer, Failure> {
        let ttl = ttl.map(|ttl| format!("?ttl={}", segment(ttl))).unwrap_or_default();
        self.expect_with("PUT", &format!("{}{ttl}", self.entry_path(key)?), Some(body), headers)
    }

    /// Reads (`GET`, `HEAD`) or deletes an entry; none where there is none.
    pub(super) fn entry(&self, method: &str, key: &str) -> Result<Option<Answer>, Failure> {
        self.entry_at(method, &self.entry_path(key)?, &[])
    }

    /// The same for a reader that names itself.
    fn entry_as(&self, key: &str, reader: Option<&str>) -> Result<Option<Answer>, Failure> {
        let reader = reader.map(|reader| format!("?as={}", segment(reader))).unwrap_or_default();
        self.entry_at("GET", &format!("{}{reader}", self.entry_path(key)?), &[])
    }

    /// The same at its path, with more headers.
    fn entry_at(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Result<Option<Answer>, Failure> {
        let mut answer = self.send_with(method, path, None, headers)?;
        if answer.status == 404 && method == "HEAD" {
            // the answer to HEAD has no body that tells what is missing
            answer = self.send("GET", path, None)?;
        }
        match answer.status {
            404 if is_missing_key(&answer) => Ok(None),
            _ if answer.is_ok() => Ok(Some(answer)),
            _ => Err(answer.failure()),
        }
    }

    /// The keys that begin with a prefix, as the node lists them.
    pub(super) fn entries(&self, prefix: &str) -> Result<Vec<Json>, Failure> {
        self.list(&format!("{}/config", self.environment_path()), &format!("&prefix={}", segment(prefix)))
    }
}

/// The keys of a list, a line each.
pub(super) fn keys(items: &[Json]) -> String {
    items.iter().filter_map(|item| item.get("key").and_then(Json::as_str)).flat_map(|key| [key, "\n"]).collect()
}

/// Whether a 404 speaks of the entry. A missing tenant, environment or path is said as it is.
fn is_missing_key(answer: &Answer) -> bool {
    let problem = answer.json().ok();
    let detail = problem.as_ref().and_then(|p| p.get("detail")).and_then(Json::as_str);
    detail.is_some_and(|text| text.starts_with("there is no config entry"))
}

impl Put {
    pub(super) fn run(&self) -> Result<(), Failure> {
        if let Some(ttl) = &self.ttl {
            let faulty = |reason: &dyn std::fmt::Display| Failure::Usage(format!("ttl: `{ttl}`: {reason}"));
            match burgee_model::duration::parse(ttl) {
                Ok(0) => return Err(faulty(&"at least 1ms")),
                Ok(_) => {}
                Err(error) => return Err(faulty(&error)),
            }
        }
        let bytes = self.given.bytes()?;
        let body = Body { content_type: self.given.media(), bytes: &bytes };
        let mut headers = self.condition.headers();
        headers.extend(self.idempotency_key.iter().map(|key| ("idempotency-key", key.as_str())));
        let answer = self.target.put_entry(&self.key, self.ttl.as_deref(), &body, &headers)?;
        match self.target.output {
            Output::Text => output::line("Value stored."),
            Output::Json => output::line(&String::from_utf8_lossy(&answer.body)),
        }
    }
}

impl Given {
    /// The value's bytes.
    pub(super) fn bytes(&self) -> Result<Cow<'_, [u8]>, Failure> {
        match &self.file {
            Some(file) => values::file(file).map(Cow::Owned),
            // where there is no file, there is a value
            None => Ok(Cow::Borrowed(self.value.as_deref().unwrap_or_default().as_bytes())),
        }
    }

    /// The value's media type.
    pub(super) fn media(&self) -> &str {
        let guessed = || self.file.as_deref().map_or(TEXT, media_of);
        self.content_type.as_deref().unwrap_or_else(guessed)
    }
}

/// What the name of a file says of what is in it.
fn media_of(file: &Path) -> &'static str {
    match file.extension().and_then(OsStr::to_str) {
        Some("json") => "application/json",
        Some("yaml" | "yml") => "application/yaml",
        Some("txt") => TEXT,
        _ => "application/octet-stream",
    }
}

impl Entry {
    fn send(&self, method: &str, headers: &[(&str, &str)]) -> Result<Answer, Failure> {
        let path = self.target.entry_path(&self.key)?;
        let answer = self.target.entry_at(method, &path, headers)?;
        answer.ok_or_else(|| Failure::Refused(NOT_FOUND.to_owned()))
    }
}

pub(super) fn get(entry: &Get) -> Result<(), Failure> {
    let answer = entry.target.entry_as(&entry.key, entry.reader.as_deref())?;
    output::bytes(&answer.ok_or_else(|| Failure::Refused(NOT_FOUND.to_owned()))?.body)
}

pub(super) fn delete(delete: &Delete) -> Result<(), Failure> {
    delete.entry.send("DELETE", &delete.condition.headers())?;
    output::line("Key deleted.")
}

pub(super) fn exists(entry: &Entry) -> Result<(), Failure> {
    entry.send("HEAD", &[])?;
    output::line("true")
}

impl List {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let items = self.target.entries(&self.prefix)?;
        match self.target.output {
            Output::Json => output::line(&Json::Array(items).to_string()),
            Output::Text => output::bytes(keys(&items).as_bytes()),
        }
    }
}
