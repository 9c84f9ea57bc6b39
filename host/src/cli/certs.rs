//! `cert`: the certificates by which the nodes of a cluster know each other, made without a server.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use burgee_model::Key;
use clap::{Args, Subcommand};

use super::{Failure, output};
use crate::certificates::{self, CertificateError, Made};

/// The authority's files.
const AUTHORITY: &str = "ca";

/// `burgee cert`
#[derive(Subcommand, Debug)]
#[command(after_help = "Examples:
  burgee cert init
  burgee cert issue a")]
pub(super) enum Cert {
    /// Make an authority: `ca.pem`, which every node gets, and `ca-key.pem`, which stays where certificates are issued
    Init(Init),
    /// Issue a certificate for a node: `NODE.pem` and `NODE-key.pem`
    Issue(Issue),
}

/// `burgee cert init`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee cert init
  burgee cert init --dir authority --days 730")]
pub(super) struct Init {
    /// The directory of the files
    #[arg(long, default_value = "certs")]
    dir: PathBuf,
    /// How long it is believed, in days
    #[arg(long, default_value_t = 3_650, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
}

/// `burgee cert issue`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee cert issue a
  burgee cert issue b --host b.example --host 10.0.0.2")]
pub(super) struct Issue {
    /// The node's name, which names the files
    node: String,
    /// The directory of the authority, and of the files
    #[arg(long, default_value = "certs")]
    dir: PathBuf,
    /// A host name or address by which clients reach the node, where the certificate is also for HTTPS (repeatable)
    #[arg(long)]
    host: Vec<String>,
    /// How long it is believed, in days
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
}

impl Cert {
    pub(super) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Init(command) => command.run(),
            Self::Issue(command) => command.run(),
        }
    }
}

impl Init {
    fn run(&self) -> Result<(), Failure> {
        let made = certificates::authority(self.days).map_err(|error| refused("cert", &error))?;
        write(&self.dir, AUTHORITY, &made)
    }
}

impl Issue {
    fn run(&self) -> Result<(), Failure> {
        let node = Key::new(&self.node).map_err(|error| Failure::Usage(format!("node: {error}")))?;
        if node.as_str().contains('/') || node.as_str() == AUTHORITY {
            return Err(Failure::Usage(format!("node: {node}: names a file, which this cannot")));
        }
        let [ca, key] = paths(&self.dir, AUTHORITY);
        let made = certificates::issue(&read(&ca)?, &read(&key)?, node.as_str(), &self.host, self.days);
        let made = made.map_err(|error| match error {
            CertificateError::Key(_) => refused(&key.display().to_string(), &error),
            CertificateError::Authority(_) => refused(&ca.display().to_string(), &error),
            CertificateError::Host(_) => Failure::Usage(format!("host: {error}")),
            CertificateError::Made(_) => refused("cert", &error),
        })?;
        write(&self.dir, node.as_str(), &made)
    }
}

fn refused(what: &str, reason: &dyn std::fmt::Display) -> Failure {
    Failure::Refused(format!("burgee: {what}: {reason}"))
}

/// Where a certificate and its key are.
fn paths(dir: &Path, name: &str) -> [PathBuf; 2] {
    [dir.join(format!("{name}.pem")), dir.join(format!("{name}-key.pem"))]
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| refused(&path.display().to_string(), &error))
}

/// Writes both files, where neither is there yet: a key that is lost cannot be made again.
fn write(dir: &Path, name: &str, made: &Made) -> Result<(), Failure> {
    fs::create_dir_all(dir).map_err(|error| refused(&dir.display().to_string(), &error))?;
    let [cert, key] = paths(dir, name);
    if let Some(there) = [&cert, &key].into_iter().find(|path| path.exists()) {
        return Err(refused(&there.display().to_string(), &"it is there already"));
    }
    for (path, text, mode) in [(&key, &made.key, 0o600), (&cert, &made.cert, 0o644)] {
        create(path, text, mode).map_err(|error| refused(&path.display().to_string(), &error))?;
    }
    output::line(&format!("{}\n{}", cert.display(), key.display()))
}

/// A key is never readable by others, not even for a moment.
fn create(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
