//! `put`, `get`, `delete`, `list` and `exists`: config entries.

use burgee_model::Key;
use clap::Args;
use serde_json::Value as Json;

use super::{
    Failure, Output, Target,
    client::{Answer, Body, segment},
    output, values,
};

/// `burgee put`
#[derive(Args, Debug)]
pub(super) struct Put {
    /// The entry's key
    key: String,
    /// Its value
    #[arg(allow_hyphen_values = true)]
    value: String,
    /// How long it lives, e.g. 30s, 5m, 2h
    #[arg(long)]
    ttl: Option<String>,
    /// Its media type
    #[arg(long, default_value = "text/plain; charset=utf-8")]
    content_type: String,
    #[command(flatten)]
    target: Target,
}

/// `burgee get`, `burgee delete`, `burgee exists`
#[derive(Args, Debug)]
pub(super) struct Entry {
    /// The entry's key
    key: String,
    #[command(flatten)]
    target: Target,
}

/// `burgee list`
#[derive(Args, Debug)]
pub(super) struct List {
    /// List only keys that begin so
    #[arg(default_value = "", value_parser = values::prefix)]
    prefix: String,
    #[command(flatten)]
    target: Target,
}

/// The path of an entry; a text that is no key is found before the node is asked.
fn path(target: &Target, key: &str) -> Result<String, Failure> {
    let key = Key::new(key).map_err(|e| Failure::Usage(format!("key: {e}")))?;
    Ok(format!("{}/config/{}", target.environment_path(), segment(key.as_str())))
}

fn not_found() -> Failure {
    Failure::Refused("Key not found.".to_owned())
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
        let ttl = self.ttl.as_deref().map(|ttl| format!("?ttl={}", segment(ttl))).unwrap_or_default();
        let body = Body { content_type: &self.content_type, bytes: self.value.as_bytes() };
        let path = path(&self.target, &self.key)?;
        let answer = self.target.expect("PUT", &format!("{path}{ttl}"), Some(&body))?;
        match self.target.output {
            Output::Text => output::line("Value stored."),
            Output::Json => output::line(&String::from_utf8_lossy(&answer.body)),
        }
    }
}

impl Entry {
    fn send(&self, method: &str) -> Result<Answer, Failure> {
        let path = path(&self.target, &self.key)?;
        let mut answer = self.target.send(method, &path, None)?;
        if answer.status == 404 && method == "HEAD" {
            // the answer to HEAD has no body that tells what is missing
            answer = self.target.send("GET", &path, None)?;
        }
        match answer.status {
            404 if is_missing_key(&answer) => Err(not_found()),
            _ if answer.is_ok() => Ok(answer),
            _ => Err(answer.failure()),
        }
    }
}

/// Whether a 404 speaks of the entry. A missing tenant, environment or path is said as it is.
fn is_missing_key(answer: &Answer) -> bool {
    let problem = answer.json().ok();
    let detail = problem.as_ref().and_then(|p| p.get("detail")).and_then(Json::as_str);
    detail.is_some_and(|text| text.starts_with("there is no config entry"))
}

pub(super) fn get(entry: &Entry) -> Result<(), Failure> {
    output::bytes(&entry.send("GET")?.body)
}

pub(super) fn delete(entry: &Entry) -> Result<(), Failure> {
    entry.send("DELETE")?;
    output::line("Key deleted.")
}

pub(super) fn exists(entry: &Entry) -> Result<(), Failure> {
    entry.send("HEAD")?;
    output::line("true")
}

impl List {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let query = format!("&prefix={}", segment(&self.prefix));
        let items = self.target.list(&format!("{}/config", self.target.environment_path()), &query)?;
        match self.target.output {
            Output::Json => output::line(&Json::Array(items).to_string()),
            Output::Text => {
                let keys: String =
                    items.iter().filter_map(|i| i.get("key").and_then(Json::as_str)).flat_map(|k| [k, "\n"]).collect();
                output::bytes(keys.as_bytes())
            }
        }
    }
}
