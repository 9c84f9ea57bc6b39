//! Backups: all that a node holds at one moment, in one file.
//!
//! The file is a line of text that says what it is, then the versions, each behind its length in four bytes (little
//! endian), and an end: a length of zero, how many versions there are (eight bytes), and the SHA-256 of everything
//! before. Whoever reads one knows at the end, and not before, that it is whole.

mod read;
mod restore;
mod write;

use std::io;

use burgee_model::{Millis, NodeId};
use serde::{Deserialize, Serialize};

use self::read::read;
pub(crate) use self::write::Source;
pub use self::{
    restore::{Becomes, Restored, restore},
    write::Backup,
};

/// How a file begins; behind it stands its [`BackupHeader`] as JSON, to the end of the line.
const MAGIC: &[u8] = b"burgee-backup ";

/// The format that this release writes, and the newest that it reads.
pub const BACKUP_FORMAT: u32 = 1;

/// The most bytes of the first line.
const HEADER_BYTES_MAX: usize = 4_096;

/// What the first line of a backup says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupHeader {
    /// The format of what follows.
    pub format: u32,
    /// The name of the node that it was taken of.
    pub node_name: String,
    /// The identity of that node, in hex digits.
    #[serde(with = "hex")]
    pub node: NodeId,
    /// When it was taken, by that node's wall clock, in milliseconds since the Unix epoch.
    pub taken_at: Millis,
    /// The release that wrote it.
    pub release: String,
    /// No stamp that the node had given by then has a greater time.
    pub mark: u64,
    /// About how many versions follow.
    pub versions: u64,
}

/// Why a backup cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The disk cannot be read; the text is its answer.
    #[error("the data file cannot be read: {0}")]
    Disk(String),
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
    /// What reads the backup went away, or its disk is full.
    #[error("the backup cannot be written: {0}")]
    Write(#[from] io::Error),
}

/// Why a backup was not restored. Nothing is changed then.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The file does not begin as a backup does.
    #[error("the file is no backup")]
    NoBackup,
    /// A newer release wrote it, in another format.
    #[error("a newer release wrote the backup: it has format {found}, this release knows formats up to {known}")]
    Format {
        /// The format found.
        found: u32,
        /// The newest that this release reads.
        known: u32,
    },
    /// A newer release wrote it: it holds kinds of data that this release does not know.
    #[error("a newer release wrote the backup: it holds kinds of data that this release does not know")]
    Newer,
    /// It ends too early.
    #[error("the backup is cut short: {0}")]
    CutShort(&'static str),
    /// It is not what was written.
    #[error("the backup is damaged: {0}")]
    Damaged(&'static str),
    /// The directory holds data already.
    #[error("the directory holds data already")]
    Occupied,
    /// Another process uses the directory.
    #[error("the data directory is in use by another process")]
    Locked,
    /// The file or the directory cannot be used.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Reads a backup to its end, to see whether it is whole; answers what it says of itself, and how many versions it holds.
///
/// # Errors
/// See [`RestoreError`].
pub fn verify(file: impl io::BufRead) -> Result<(BackupHeader, u64), RestoreError> {
    read(file, drop)
}

mod hex {
    use burgee_model::NodeId;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(node: &NodeId, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(node)
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(text: D) -> Result<NodeId, D::Error> {
        String::deserialize(text)?.parse().map_err(D::Error::custom)
    }
}
