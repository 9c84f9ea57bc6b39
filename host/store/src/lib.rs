//! The durable store of versions: last writer wins, ordered by hybrid logical clocks.
//!
//! Its core is pure: a [`Table`] is a function of the set of versions merged into it, whatever their
//! order. The shell around it, [`Store`], stamps local writes, commits them in groups, merges what other
//! nodes wrote, and feeds every change to its readers.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod aside;
mod backlog;
pub mod backup;
mod chunk;
mod clock;
mod conflicts;
pub mod digest;
mod entries;
mod error;
mod facts;
pub mod feed;
mod floors;
mod limits;
mod newer;
mod packed;
mod persist;
mod register;
mod registers;
mod request;
mod shared;
mod stamping;
mod store;
pub mod table;
#[cfg(test)]
mod testing;
mod told;
mod ttl;
pub mod version;
mod writer;

pub use aside::{Aside, Missed};
pub use backup::{Backup, BackupError, BackupHeader, RestoreError};
pub use clock::Clock;
pub use error::{DraftError, MergeError, OpenError, WriteError};
pub use facts::is_kept_for_good;
pub use feed::{Feed, FeedConflict, FeedEntry, FeedEvent, FeedReader, Op, Origin, Position, ResetReason};
pub use limits::{StoreConfig, StoreLimits, WallClock};
pub use request::{Draft, DraftWrite, Last, Receipt, Request, Stamping, WriteScope};
pub use stamping::stamp_draft;
pub use store::{Health, MergeReport, Store};
pub use table::{Applied, Counts, FlagRead, HistoryPolicy, Lost, Outcome, Page, PageCursor, Past, Table};
pub use told::Told;
pub use version::{ChangeId, CodecError, PARENTS_MAX, Version};
