//! The shell: identity, clock, disk, writer and feed around the pure table.

use std::{future::Future, ops::Deref, sync::Arc};

use burgee_model::{Millis, NodeId};
use serde::{Deserialize, Serialize};

use crate::{
    Draft, Feed, MergeError, OpenError, Receipt, Request, StoreConfig, Table, Version, WallClock, WriteError,
};

/// A durable store. Cloning is cheap; all clones are the same store.
#[derive(Clone)]
pub struct Store {}

/// What became of merged versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MergeReport {
    /// New here, and kept.
    pub applied: usize,
    /// Known, superseded or dead already.
    pub ignored: usize,
    /// Garbage: stamped after the year 2100, or contradicting itself.
    pub refused: usize,
}

/// How the store does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Whether the last commit succeeded.
    pub writable: bool,
    /// Bytes of merged versions that are not on disk yet.
    pub backlog_bytes: usize,
    /// What the disk last complained about, if it did not recover since.
    pub last_error: Option<String>,
    /// Stamps seen that lie beyond wall time + max skew, by author.
    pub stamps_ahead: Vec<(NodeId, u64)>,
}

/// Where the next page begins. Opaque bytes; stable while the table changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageCursor(pub Box<[u8]>);

/// A part of a snapshot.
#[derive(Clone, Debug)]
pub struct Page {
    /// Versions, floors before all others.
    pub versions: Vec<Arc<Version>>,
    /// Where to go on; none after the last page.
    pub next: Option<PageCursor>,
}

impl Store {
    /// Opens a data directory, making it where there is none, or a store in memory only.
    ///
    /// # Errors
    /// See [`OpenError`]; a damaged file never panics.
    pub fn open(_config: StoreConfig, _clock: WallClock) -> Result<Self, OpenError> {
        todo!()
    }

    /// The identity that this node's stamps bear.
    #[must_use]
    pub fn node_id(&self) -> NodeId {
        todo!()
    }

    /// The wall time.
    #[must_use]
    pub fn now(&self) -> Millis {
        todo!()
    }

    /// The table, for a short look: never hold it across an await, and never take it twice at once.
    pub fn read(&self) -> impl Deref<Target = Table> + '_ {
        let table: Box<Table> = todo!();
        #[allow(unreachable_code)]
        table
    }

    /// Plans and writes a change. `plan` runs on the writer's thread against the table as it is after all
    /// earlier writes within the request's scope; it gets the wall time.
    ///
    /// The answer comes once the change is on disk, applied and fed.
    pub fn write<E, F>(
        &self,
        _request: Request,
        _plan: F,
    ) -> impl Future<Output = Result<Receipt, WriteError<E>>> + Send + use<E, F>
    where
        E: Send + 'static,
        F: FnOnce(&Table, Millis) -> Result<Draft, E> + Send + 'static,
    {
        async { todo!() }
    }

    /// Merges versions of other nodes: into memory at once, to disk behind.
    ///
    /// # Errors
    /// None of them was merged: see [`MergeError`].
    pub fn merge(&self, _versions: Vec<Version>, _from: NodeId) -> Result<MergeReport, MergeError> {
        todo!()
    }

    /// The feed of changes.
    #[must_use]
    pub fn feed(&self) -> Feed {
        todo!()
    }

    /// A part of a snapshot of all retained versions, of about `max_bytes`; at least one version where
    /// there is any. Every version that is there throughout the paging is in one of the pages.
    #[must_use]
    pub fn page(&self, _after: Option<&PageCursor>, _max_bytes: usize) -> Page {
        todo!()
    }

    /// Feeds the expiry of every version whose deadline has passed, once; says how many.
    pub fn expire(&self) -> usize {
        todo!()
    }

    /// The next deadline.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Millis> {
        todo!()
    }

    /// How the store does.
    #[must_use]
    pub fn health(&self) -> Health {
        todo!()
    }

    /// Persists what waits and closes the data file. Writes that come later are refused.
    pub async fn close(&self) {
        todo!()
    }
}
