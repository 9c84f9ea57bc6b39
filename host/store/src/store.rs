//! The shell: identity, clock, disk, writer and feed around the pure table.

mod copy;
mod identity;

use std::{
    fmt,
    future::Future,
    io,
    ops::Deref,
    path::Path,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::{self, JoinHandle},
};

use burgee_model::{
    Millis, NodeId, RegisterId, Stamp,
    stamp::{MILLIS_MAX, millis_to_ntp64},
};
use tokio::sync::{oneshot, watch};

use crate::{
    Draft, Feed, HistoryPolicy, MergeError, OpenError, Origin, Page, PageCursor, Receipt, Request, StoreConfig,
    StoreLimits, Table, Version, WallClock, WriteError,
    clock::Clock,
    persist::{Disk, aside::Kept},
    shared::{Beginning, Shared, history_start},
    writer::{Message, Ticket, Writer},
};

/// A durable store. Cloning is cheap; all clones are the same store. When the last one goes, what waits is
/// persisted and the data directory is released; better [`close`](Self::close) it.
#[derive(Clone)]
pub struct Store(Arc<Handle>);

struct Handle {
    shared: Arc<Shared>,
    mark: u64,
    /// None once closed.
    inbox: Mutex<Option<mpsc::SyncSender<Message>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    ended: watch::Receiver<bool>,
}

/// What became of merged versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MergeReport {
    /// New here, and kept.
    pub applied: usize,
    /// Known, superseded or dead already.
    pub ignored: usize,
    /// Garbage: see [`Version::is_sane`].
    pub refused: usize,
}

/// How the store does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Whether the last commit succeeded.
    pub writable: bool,
    /// Bytes that the list of what is not on disk yet takes; 0 once everything is.
    pub backlog_bytes: usize,
    /// What the disk complained about at the last commit.
    pub last_error: Option<String>,
    /// Stamps merged that lay beyond wall time + max skew, by author.
    pub stamps_ahead: Vec<(NodeId, u64)>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("node", &self.node_id()).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens a data directory, making it where there is none, or a store in memory only.
    ///
    /// # Errors
    /// See [`OpenError`]; a damaged file never panics.
    pub fn open(config: StoreConfig, clock: WallClock) -> Result<Self, OpenError> {
        let StoreConfig { dir, limits, digest_key } = config;
        let now = clock();
        let opened = match dir {
            Some(dir) => Opened::from_disk(&dir, &limits, digest_key, now)?,
            None => Opened::in_memory(digest_key, now)?,
        };
        let grain = u32::from_le_bytes(random()?);
        let mut hlc = Clock::new(opened.node, limits.max_skew_ms, grain);
        hlc.resume(opened.mark, now);
        let Opened { table, feed, resync, kept, .. } = opened;
        let durable = opened.disk.is_some();
        let shared = Shared::new(limits, clock, Beginning { table, clock: hlc, feed, durable, resync, kept });
        opened.collected.iter().for_each(|id| shared.backlog().add(id));
        Self::start(opened.mark, Arc::new(shared), opened.disk).map_err(OpenError::Io)
    }

    fn start(mark: u64, shared: Arc<Shared>, disk: Option<Disk>) -> io::Result<Self> {
        let (sender, inbox) = mpsc::sync_channel(shared.limits.queue_requests.max(1));
        let (end, ended) = watch::channel(false);
        let writer = Writer::new(shared.clone(), disk, inbox);
        let thread = thread::Builder::new().name("store-writer".to_owned()).spawn(move || {
            writer.run();
            end.send_replace(true);
        })?;
        let (inbox, writer) = (Mutex::new(Some(sender)), Mutex::new(Some(thread)));
        Ok(Self(Arc::new(Handle { shared, mark, inbox, writer, ended })))
    }

    /// The identity that this node's stamps bear.
    #[must_use]
    pub fn node_id(&self) -> NodeId {
        self.0.shared.clock().id()
    }

    /// No stamp that the node ever gave, as far as its disk knew when it was opened, has a greater time.
    #[must_use]
    pub fn mark(&self) -> u64 {
        self.0.mark
    }

    /// Whether the node must resynchronise before it serves: it was forgotten by its cluster, or restored
    /// from a backup, and got a new id.
    #[must_use]
    pub fn needs_resync(&self) -> bool {
        self.0.shared.needs_resync()
    }

    /// The wall time.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.0.shared.now()
    }

    /// The table, for a short look: never hold it across an await, and never take it twice at once.
    pub fn read(&self) -> impl Deref<Target = Table> + '_ {
        self.0.shared.read()
    }

    /// Plans and writes a change. `plan` runs on the writer's thread against the table as it is after all
    /// earlier writes within the request's scope; it gets the wall time.
    ///
    /// The request is queued when this is called; the answer comes once the change is on disk, applied and
    /// fed. Dropping the future does not undo it.
    pub fn write<E, F>(
        &self,
        request: Request,
        plan: F,
    ) -> impl Future<Output = Result<Receipt, WriteError<E>>> + Send + use<E, F>
    where
        E: Send + 'static,
        F: FnOnce(&Table, Millis) -> Result<Draft, E> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let ticket = Ticket { request, plan: Some(plan), reply: Some(reply) };
        let queued = self.0.send(Message::Write(Box::new(ticket)));
        async move {
            queued.map_err(refusal)?;
            answer.await.unwrap_or(Err(WriteError::Closed))
        }
    }

    /// Merges versions of other nodes: into memory, and to the feed, at once; to disk behind.
    ///
    /// # Errors
    /// None of them was merged: see [`MergeError`]. The disk is no reason: what it has not taken yet is swept
    /// from memory, however much it is.
    pub fn merge(&self, mut versions: Vec<Arc<Version>>, from: NodeId) -> Result<MergeReport, MergeError> {
        let shared = &self.0.shared;
        if self.0.is_closed() {
            return Err(MergeError::Closed);
        }
        let total = versions.len();
        versions.retain(|version| version.is_sane());
        self.observe(&versions);
        let (applied, _) = shared.apply(&versions, Origin::Remote(from));
        self.wake();
        Ok(MergeReport { applied, ignored: versions.len() - applied, refused: total - versions.len() })
    }

    /// Tells the writer that something waits to be persisted.
    fn wake(&self) {
        let shared = &self.0.shared;
        if shared.must_wake() {
            // A full queue means that the writer is awake, and it persists after every batch.
            let _ = self.0.send(Message::Persist).inspect_err(|_| shared.awake());
        }
    }

    fn observe(&self, versions: &[Arc<Version>]) {
        let now = self.now();
        let mut clock = self.0.shared.clock();
        for version in versions {
            clock.observe(version.stamp, now);
        }
    }

    /// Drops versions that the cluster has collected while this node was away: from memory, and to the
    /// feed, at once; from disk behind. Says how many were there.
    pub fn evict(&self, versions: &[(RegisterId, Stamp)]) -> usize {
        let evicted = self.0.shared.evict(versions);
        self.wake();
        evicted
    }

    /// Changes whenever a token, or a key that sessions are signed with, does; the table shows it by then.
    #[must_use]
    pub fn access(&self) -> watch::Receiver<u64> {
        self.0.shared.access()
    }

    /// Whether the node still merges what others have, and serves nobody: then what is merged is persisted once that
    /// pauses, or somebody waits for it with [`flushed`](Self::flushed), or after five seconds.
    pub fn set_catching_up(&self, catching_up: bool) {
        self.0.shared.backlog().set_catching_up(catching_up);
    }

    /// Completes once everything that was merged or evicted before this call is on disk. (What is written is so once that
    /// is answered.)
    pub fn flushed(&self) -> impl Future<Output = ()> + Send + use<> {
        self.0.shared.flush()
    }

    /// Feeds each conflict that has stood for two seconds, once for each set of versions that lost; says
    /// how many. To be called a few times a second.
    pub fn announce_conflicts(&self) -> usize {
        self.0.shared.announce_conflicts()
    }

    /// The feed of changes.
    #[must_use]
    pub fn feed(&self) -> Feed {
        self.0.shared.feed.clone()
    }

    /// A part of a snapshot; see [`Table::page`].
    #[must_use]
    pub fn page(&self, after: Option<&PageCursor>, max_bytes: usize) -> Page {
        self.read().page(after, max_bytes)
    }

    /// Feeds the expiry of every version whose deadline has passed, once; says how many.
    pub fn expire(&self) -> usize {
        self.0.shared.expire()
    }

    /// The next deadline.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Millis> {
        self.read().next_deadline()
    }

    /// How the store does.
    #[must_use]
    pub fn health(&self) -> Health {
        let shared = &self.0.shared;
        let last_error = shared.last_error();
        Health {
            writable: last_error.is_none() && !self.0.is_closed(),
            backlog_bytes: shared.backlog().bytes(),
            last_error,
            stamps_ahead: shared.clock().ahead(),
        }
    }

    /// Completes when the writer has ended without the store having been closed: a fault.
    pub async fn failed(&self) {
        // an error means that the writer is gone without a word
        let _ = self.0.ended.clone().wait_for(|ended| *ended).await;
        if self.0.is_closed() {
            std::future::pending::<()>().await;
        }
    }

    /// Persists what waits and closes the data file. Writes and merges that come later are refused.
    pub async fn close(&self) {
        self.0.hang_up();
        // An error means that the writer is gone already.
        let _ = self.0.ended.clone().wait_for(|ended| *ended).await;
    }
}

fn refusal<E>(error: mpsc::TrySendError<()>) -> WriteError<E> {
    match error {
        mpsc::TrySendError::Full(()) => WriteError::Overloaded,
        mpsc::TrySendError::Disconnected(()) => WriteError::Closed,
    }
}

impl Handle {
    fn send(&self, message: Message) -> Result<(), mpsc::TrySendError<()>> {
        let inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(inbox) = &*inbox else { return Err(mpsc::TrySendError::Disconnected(())) };
        inbox.try_send(message).map_err(|error| match error {
            mpsc::TrySendError::Full(_) => mpsc::TrySendError::Full(()),
            mpsc::TrySendError::Disconnected(_) => mpsc::TrySendError::Disconnected(()),
        })
    }

    fn is_closed(&self) -> bool {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// The writer ends once it has done what was queued.
    fn hang_up(&self) {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.hang_up();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A plan may hold the last handle; then this is the writer's own thread, which ends by itself.
        if let Some(writer) = writer.filter(|writer| writer.thread().id() != thread::current().id()) {
            let _ = writer.join();
        }
    }
}

/// What a store begins with.
struct Opened {
    node: NodeId,
    mark: u64,
    feed: u64,
    resync: bool,
    kept: Kept,
    table: Table,
    /// Registers of which the disk has more than the table.
    collected: Vec<RegisterId>,
    disk: Option<Disk>,
}

impl Opened {
    fn in_memory(digest_key: u64, now: Millis) -> Result<Self, OpenError> {
        let node = NodeId(random()?);
        Ok(Self {
            node,
            mark: 0,
            feed: millis_to_ntp64(now),
            resync: false,
            kept: Kept::default(),
            table: Table::new(HistoryPolicy::default(), digest_key),
            collected: Vec::new(),
            disk: None,
        })
    }

    fn from_disk(dir: &Path, limits: &StoreLimits, digest_key: u64, now: Millis) -> Result<Self, OpenError> {
        let mut disk = Disk::open(dir, limits.disk_cache_bytes, NodeId(random()?))?;
        let history = HistoryPolicy {
            min_versions: limits.history_min_versions,
            max_versions: limits.history_max_versions,
            since: history_start(now, limits.history_days),
            max_bytes: limits.history_max_bytes,
        };
        let mut table = Table::new(history, digest_key);
        let (meta, mut collected) = disk.load(&mut table)?;
        let kept = disk.kept()?;
        // A node that ended before it had removed the rows of what was purged or collected does so now: what a purge
        // killed would live again once its floor is collected.
        collected.append(&mut table.collect(table.horizon()));
        // What expired while the node was down is nobody's news: readers of an earlier start list again.
        while now < MILLIS_MAX && table.lapse(now).is_some() {}
        let feed = disk.claim(meta, millis_to_ntp64(now)).map_err(|error| OpenError::Io(io::Error::other(error)))?;
        Ok(Self {
            node: meta.node,
            mark: meta.mark,
            feed,
            resync: meta.resync,
            kept,
            table,
            collected,
            disk: Some(disk),
        })
    }
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], OpenError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| OpenError::Io(io::Error::other(error.to_string())))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
