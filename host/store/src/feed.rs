//! The feed of changes: a ring of the latest, which any number of readers follow at their own pace.

use std::sync::Arc;

use burgee_model::{NodeId, RegisterId};
use serde::{Deserialize, Serialize};

use crate::Version;

/// A place in the feed of one node. Positions of a later start of the node are always greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position(pub u64);

/// One change of one register.
#[derive(Clone, Debug)]
pub struct FeedEntry {
    /// Its place.
    pub position: Position,
    /// The register that changed.
    pub register: RegisterId,
    /// The version that arrived; where a register died by a floor, the floor's version.
    pub version: Arc<Version>,
    /// What became of the register.
    pub op: Op,
    /// Where it was written.
    pub origin: Origin,
    /// Whether the version counts as the register's current one; a version that comes late, or that lost
    /// against a concurrent one, does not.
    pub current: bool,
}

/// What became of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// It has a value. Floors themselves come as this.
    Put,
    /// It has none any more.
    Delete,
    /// Its deadline passed.
    Expire,
}

impl Op {
    /// The name under which other programs know it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Delete => "delete",
            Self::Expire => "expire",
        }
    }
}

/// Where a change came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was written here (or its deadline passed here).
    Local,
    /// It was merged; the field holds who sent it.
    Remote(NodeId),
}

/// What a reader gets.
#[derive(Clone, Debug)]
pub enum FeedEvent {
    /// The next change.
    Change(Arc<FeedEntry>),
    /// Changes may be missing: list again. The changes after this moment follow.
    Reset(ResetReason),
}

/// Why changes may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetReason {
    /// The feed does not remember that far back (the reader was slow or away).
    TooOld,
    /// The position is none of this feed's.
    Unknown,
}

impl ResetReason {
    /// The name under which other programs know it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TooOld => "too_old",
            Self::Unknown => "unknown_position",
        }
    }
}

/// The feed of a store.
#[derive(Clone, Debug)]
pub struct Feed {}

/// One reader of a feed.
#[derive(Debug)]
pub struct FeedReader {}

impl Feed {
    /// The position of the newest entry.
    #[must_use]
    pub fn position(&self) -> Position {
        todo!()
    }

    /// A reader of what comes after a position, or from now on.
    #[must_use]
    pub fn subscribe(&self, _after: Option<Position>) -> FeedReader {
        todo!()
    }
}

impl FeedReader {
    /// The next event; pending while there is none, for good once the store is gone. Safe to cancel.
    pub async fn next(&mut self) -> FeedEvent {
        todo!()
    }
}
