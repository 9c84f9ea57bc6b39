//! `backup` and `restore`.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, Read, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use burgee_store::{
    RestoreError,
    backup::{self, Becomes, Restored},
};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{Failure, Output, Target, client::Opened, output};

const PATH: &str = "/api/v1/backup";

/// Bytes that are copied in one go.
const COPIED_BYTES: usize = 256 * 1024;

/// `burgee backup`
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  burgee backup flags.backup\n  burgee restore flags.backup --data-dir /var/lib/burgee"
)]
pub(super) struct Backup {
    /// The file to write; it must not be there
    file: PathBuf,
    #[command(flatten)]
    target: Target,
}

/// `burgee restore`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee restore flags.backup --data-dir /var/lib/burgee
      for a node that joins the others again: what they deleted since stays deleted
  burgee restore flags.backup --data-dir /var/lib/burgee --new-cluster
      where none of the others is left")]
pub(super) struct Restore {
    /// The file that `burgee backup` wrote
    file: PathBuf,
    /// The data directory to make; it must hold no data
    #[arg(long, env = "BURGEE_DATA_DIR", value_name = "DIR")]
    data_dir: PathBuf,
    /// The data is the cluster's: no node of the old one runs any more, and none is waited for. Never for a node that
    /// joins others: what they deleted since would come back
    #[arg(long)]
    new_cluster: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

impl Backup {
    pub(super) fn run(&self) -> Result<(), Failure> {
        if self.file.exists() {
            return Err(Failure::Usage(format!("file: {}: is there already", self.file.display())));
        }
        let stream = match self.target.open(PATH, None)? {
            Opened::Stream(stream) => stream,
            Opened::Refused(answer) => return Err(answer.failure()),
        };
        let part = part_of(&self.file);
        let done = copy(stream, &part).and_then(|()| verified(&part));
        let versions = done.inspect_err(|_| {
            // What is left of it is of no use to anybody.
            let _ = fs::remove_file(&part);
        })?;
        fs::rename(&part, &self.file).map_err(|error| at(&self.file, &error))?;
        match self.target.output {
            Output::Text => output::line(&format!("Backed up {versions} versions to {}.", self.file.display())),
            Output::Json => output::line(&json!({ "file": self.file, "versions": versions }).to_string()),
        }
    }
}

impl Restore {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let file = File::open(&self.file).map_err(|error| at(&self.file, &error))?;
        let length = file.metadata().map_err(|error| at(&self.file, &error))?.len();
        let progress = bar(Some(length));
        let becomes = if self.new_cluster { Becomes::First } else { Becomes::Member };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let file = BufReader::with_capacity(COPIED_BYTES, progress.wrap_read(file));
        let restored = backup::restore(file, &self.data_dir, becomes, now);
        progress.finish_and_clear();
        let restored = restored.map_err(|error| match error {
            RestoreError::Occupied | RestoreError::Locked => at(&self.data_dir, &error),
            _ => at(&self.file, &error),
        })?;
        self.tell(&restored)
    }

    fn tell(&self, restored: &Restored) -> Result<(), Failure> {
        let Restored { header, kept, node, .. } = restored;
        let dir = self.data_dir.display();
        if let Output::Json = self.output {
            let whole = json!({ "dataDir": self.data_dir, "versions": kept, "node": node.to_string(), "of": header });
            return output::line(&whole.to_string());
        }
        let next = match self.new_cluster {
            true => "It counts as it is: start one node with it, and let the others join that one.",
            false => "A node that starts with it gets in line with the others before it serves.",
        };
        let of = format!("of {}, node {}", burgee_api::rfc3339(header.taken_at), header.node_name);
        output::line(&format!("Restored {kept} versions {of}, to {dir}.\n{next}"))
    }
}

/// The file while it is not whole.
fn part_of(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    file.with_file_name(name)
}

/// Writes a stream to a file that nobody else may read: it holds all tenants' data.
fn copy(mut stream: impl Read, to: &Path) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(to).map_err(|error| at(to, &error))?;
    let progress = bar(None);
    let mut piece = vec![0; COPIED_BYTES];
    loop {
        let read = match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Failure::Refused(format!("burgee: the node broke off: {error}"))),
        };
        file.write_all(piece.get(..read).unwrap_or_default()).map_err(|error| at(to, &error))?;
        progress.inc(read as u64);
    }
    progress.finish_and_clear();
    file.sync_all().map_err(|error| at(to, &error))
}

fn verified(file: &Path) -> Result<u64, Failure> {
    let reader = File::open(file).map_err(|error| at(file, &error))?;
    let (_, versions) =
        backup::verify(BufReader::with_capacity(COPIED_BYTES, reader)).map_err(|error| at(file, &error))?;
    Ok(versions)
}

/// A bar on a terminal, and nothing elsewhere.
fn bar(length: Option<u64>) -> ProgressBar {
    let (bar, template) = match length {
        Some(length) => (ProgressBar::new(length), "{bar:30} {bytes}/{total_bytes} {eta}"),
        None => (ProgressBar::new_spinner(), "{spinner} {bytes} {elapsed}"),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn at(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::Refused(format!("burgee: {}: {error}", path.display()))
}
