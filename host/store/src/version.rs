//! Versions: the unit of replication, history and conflict detection.

use std::{fmt, sync::Arc};

use burgee_model::{Blob, Millis, RegisterId, Stamp};
use serde::{Deserialize, Serialize};

/// The most parents that a version names.
pub const PARENTS_MAX: usize = 8;

/// The identity of a change, which may write many registers: the clock's reading when it was written,
/// which is also the stamp of its first write (unless that had to be stamped beyond the clock).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChangeId(pub Stamp);

impl fmt::Display for ChangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// One value, or the deletion, of one register, as its author wrote it. Never changed after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Of which register.
    pub register: RegisterId,
    /// Its place in the order of all versions.
    pub stamp: Stamp,
    /// The versions that it replaces or settles: at most [`PARENTS_MAX`].
    pub parents: Box<[Stamp]>,
    /// The greatest container floor that its author held over it.
    pub floor_seen: Option<Stamp>,
    /// The value; none is a tombstone. A floor's is an empty JSON object.
    pub content: Option<Blob>,
    /// From when on it counts as absent.
    pub expires_at: Option<Millis>,
    /// Who wrote it.
    pub actor: Arc<str>,
    /// The change that it belongs to.
    pub change: ChangeId,
    /// Why, in the author's words.
    pub note: Option<Box<str>>,
}

/// Why bytes are not a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// No bytes at all, or another format than this release knows; the field holds its number.
    #[error("unknown version format {0}")]
    Format(u8),
    /// More bytes than a version may have.
    #[error("a version is too large")]
    TooLarge,
    /// The bytes are not of that format.
    #[error("malformed version")]
    Malformed,
}

impl Version {
    /// The canonical bytes: equal versions have equal bytes, different ones have different bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        todo!()
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// Whatever else the bytes are: it never panics.
    pub fn decode(_bytes: &[u8]) -> Result<Self, CodecError> {
        todo!()
    }
}
