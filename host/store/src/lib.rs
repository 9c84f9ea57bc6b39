//! The durable store of versions: last writer wins, ordered by hybrid logical clocks.
//!
//! Its core is pure: a [`Table`] is a function of the set of versions merged into it, whatever their
//! order. The shell around it, [`Store`], stamps local writes, commits them in groups, merges what other
//! nodes wrote, and feeds every change to its readers.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod error;
pub mod feed;
mod limits;
mod request;
mod store;
pub mod table;
pub mod version;

pub use error::{DraftError, MergeError, OpenError, WriteError};
pub use feed::{Feed, FeedEntry, FeedEvent, FeedReader, Op, Origin, Position, ResetReason};
pub use limits::{StoreConfig, StoreLimits, WallClock};
pub use request::{Draft, DraftWrite, Receipt, Request, Stamping, WriteScope};
pub use store::{Health, MergeReport, Page, PageCursor, Store};
pub use table::{Counts, FlagRead, Table};
pub use version::{ChangeId, CodecError, PARENTS_MAX, Version};
