//! `guest`: code that the tenant wrote, uploaded, listed and deleted.

use std::path::{Path, PathBuf};

use burgee_model::Key;
use clap::{Args, Subcommand};
use serde_json::Value as Json;

use super::{
    Failure, Output, Target,
    client::{Body, segment},
    output,
};

/// `burgee guest`
#[derive(Subcommand, Debug)]
#[command(after_help = "Examples:
  burgee guest put loyalty loyalty.wasm --fixtures fixtures.json
  burgee guest list")]
pub(super) enum Guest {
    /// Upload a guest, or its next version
    Put(Put),
    /// List guests
    List(List),
    /// Delete a guest; rules that call it then find none
    Delete(Delete),
}

/// `burgee guest put`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee guest put loyalty loyalty.wasm
  burgee guest put loyalty loyalty.wasm --fixtures fixtures.json")]
pub(super) struct Put {
    /// The guest's name, as rules call it
    name: String,
    /// The module: a component, or a core module built against the world
    file: PathBuf,
    /// A JSON list of {context, expected, arguments?, config?, flag?, timestamp?}; all must pass before it goes live
    #[arg(long)]
    fixtures: Option<PathBuf>,
    #[command(flatten)]
    target: Target,
}

/// `burgee guest list`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee guest list
  burgee guest list --output json")]
pub(super) struct List {
    #[command(flatten)]
    target: Target,
}

/// `burgee guest delete`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee guest delete loyalty")]
pub(super) struct Delete {
    /// The guest's name
    name: String,
    #[command(flatten)]
    target: Target,
}

impl Guest {
    pub(super) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Put(command) => command.run(),
            Self::List(command) => command.run(),
            Self::Delete(command) => command.run(),
        }
    }
}

/// The path of a guest; a text that is no key is found before the node is asked.
fn path(target: &Target, name: &str) -> Result<String, Failure> {
    let key = Key::new(name).map_err(|error| Failure::Usage(format!("name: {error}")))?;
    Ok(format!("{}/guests/{}", target.tenant_path(), segment(key.as_str())))
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| Failure::Refused(format!("burgee: {}: {error}", file.display())))
}

impl Put {
    fn run(&self) -> Result<(), Failure> {
        let path = path(&self.target, &self.name)?;
        let module = read(&self.file)?;
        let answer = match &self.fixtures {
            None => {
                let body = Body { content_type: "application/wasm", bytes: &module };
                self.target.expect("PUT", &path, Some(&body))?
            }
            Some(fixtures) => {
                let (content_type, bytes) = parts(&module, &read(fixtures)?);
                self.target.expect("PUT", &path, Some(&Body { content_type: &content_type, bytes: &bytes }))?
            }
        };
        match self.target.output {
            Output::Text => output::line("Guest stored."),
            Output::Json => output::line(&String::from_utf8_lossy(&answer.body)),
        }
    }
}

/// A multipart body, and its type.
fn parts(module: &[u8], fixtures: &[u8]) -> (String, Vec<u8>) {
    let boundary = boundary(module, fixtures);
    let mut body = Vec::with_capacity(module.len() + fixtures.len() + 1024);
    for (name, media, bytes) in [("module", "application/wasm", module), ("fixtures", "application/json", fixtures)] {
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\n\
             Content-Type: {media}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

/// A boundary that stands in neither part.
fn boundary(module: &[u8], fixtures: &[u8]) -> String {
    let stands_in = |boundary: &str, bytes: &[u8]| bytes.windows(boundary.len()).any(|w| w == boundary.as_bytes());
    let mut boundary = "burgee-part".to_owned();
    // each round makes it longer than anything that was found so far
    while stands_in(&boundary, module) || stands_in(&boundary, fixtures) {
        boundary.push('x');
    }
    boundary
}

impl List {
    fn run(&self) -> Result<(), Failure> {
        let items = self.target.list(&format!("{}/guests", self.target.tenant_path()), "")?;
        if self.target.output == Output::Json {
            return output::line(&Json::Array(items).to_string());
        }
        let rows: Vec<Vec<String>> = items.iter().map(row).collect();
        if rows.is_empty() { Ok(()) } else { output::line(&output::table(&rows)) }
    }
}

/// Name, digest, bytes and fixtures.
fn row(guest: &Json) -> Vec<String> {
    let text = |name: &str| guest.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let number = |name: &str| guest.get(name).and_then(Json::as_u64).unwrap_or_default().to_string();
    vec![text("key"), text("digest"), number("bytes"), number("fixtures")]
}

impl Delete {
    fn run(&self) -> Result<(), Failure> {
        self.target.expect("DELETE", &path(&self.target, &self.name)?, None)?;
        output::line("Guest deleted.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boundary_stands_in_no_part() {
        assert_eq!(boundary(b"", b""), "burgee-part");
        assert_eq!(boundary(b"a burgee-part", b"burgee-partx"), "burgee-partxx");
    }
}
