//! What the store's handles and its writer share. Locks are taken in the order table, then one of the others.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard,
    atomic::{AtomicBool, Ordering},
};

use burgee_model::{
    Address, Millis, NodeId, RegisterId, Stamp,
    stamp::{MILLIS_MAX, millis_to_ntp64},
};

use tokio::sync::watch;

use crate::{
    Aside, Feed, Missed, Op, Origin, Position, StoreLimits, Table, Told, Version, WallClock,
    backlog::Backlog,
    clock::Clock,
    conflicts::Standing,
    feed,
    persist::aside::Kept,
    table::{Applied, Outcome},
};

/// Changes of merged versions that are fed at once: few enough that their list is no large allocation.
const FED_AT_ONCE: usize = 256;

/// Deadlines announced under one lock.
const LAPSE_CHUNK: usize = 1_024;

const DAY_MS: Millis = 86_400_000;

pub(crate) struct Shared {
    pub(crate) limits: StoreLimits,
    pub(crate) feed: Feed,
    wall: WallClock,
    table: RwLock<Table>,
    clock: Mutex<Clock>,
    backlog: Mutex<Backlog>,
    /// The number of the last set of the backlog that is on disk.
    flushed: watch::Sender<u64>,
    /// Whether the writer has been told that something waits to be persisted.
    woken: AtomicBool,
    /// How often who may ask has changed.
    access: watch::Sender<u64>,
    standing: Mutex<Standing>,
    last_error: Mutex<Option<String>>,
    durable: bool,
    /// Whether the node must resynchronise before it serves.
    resync: AtomicBool,
    told: Mutex<Telling>,
    aside: Mutex<Option<Arc<Aside>>>,
}

/// What others have of this node's writes.
#[derive(Debug, Default)]
struct Telling {
    told: Told,
    /// Whether the disk knows less.
    is_news: bool,
}

/// A change of who the node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Another id, which must resynchronise; and why.
    New(NodeId, Missed),
    /// It is in line with its cluster again.
    Resynchronised,
    /// What it had set aside is written again.
    Repeated,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a store begins with.
pub(crate) struct Beginning {
    pub(crate) table: Table,
    pub(crate) clock: Clock,
    /// The feed's first position.
    pub(crate) feed: u64,
    pub(crate) durable: bool,
    pub(crate) resync: bool,
    pub(crate) kept: Kept,
}

impl Shared {
    pub(crate) fn new(limits: StoreLimits, wall: WallClock, beginning: Beginning) -> Self {
        let Beginning { table, clock, feed, durable, resync, kept } = beginning;
        Self {
            told: Mutex::new(Telling { told: kept.told, is_news: false }),
            aside: Mutex::new(kept.aside.map(Arc::new)),
            feed: Feed::new(feed, limits.feed_entries, limits.feed_bytes),
            wall,
            standing: Mutex::new(Standing::told(table.standing_conflicts())),
            table: RwLock::new(table),
            clock: Mutex::new(clock),
            backlog: Mutex::new(Backlog::new(limits.backlog_bytes)),
            flushed: watch::Sender::new(0),
            woken: AtomicBool::new(false),
            access: watch::Sender::new(0),
            last_error: Mutex::default(),
            durable,
            resync: AtomicBool::new(resync),
            limits,
        }
    }

    pub(crate) fn now(&self) -> Millis {
        (self.wall)()
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn clock(&self) -> MutexGuard<'_, Clock> {
        lock(&self.clock)
    }

    /// Merges versions into the table and feeds what changed; says how many were new. The feed's order is
    /// the table's, since both happen under the table's lock.
    pub(crate) fn apply(&self, versions: &[Arc<Version>], origin: Origin) -> (usize, Position) {
        let now = self.now();
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        table.keep_history_since(history_start(now, self.limits.history_days));
        let mut entries = Vec::with_capacity(versions.len().min(FED_AT_ONCE));
        let (mut applied, fence) = (0, self.clock().fence(now));
        self.backlog().set_held(table.counts().registers);
        for version in versions {
            if entries.len() >= FED_AT_ONCE && origin != Origin::Local {
                self.feed.publish(std::mem::replace(&mut entries, Vec::with_capacity(FED_AT_ONCE)));
            }
            if version.register.address == Address::Horizon {
                // What it collects has expired, here too, and whoever watches must hear of it.
                let until = now.max(version.stamp.millis());
                entries.extend(std::iter::from_fn(|| table.lapse(until)).map(expired));
            }
            let outcome = table.merge(version);
            self.note_dirty(version, &outcome, origin);
            if let Outcome::Applied(effect) = outcome {
                applied += 1;
                if version.stamp.time > fence && origin != Origin::Local {
                    // Once: what comes again changes nothing, and is no other stamp.
                    self.clock().count_ahead(version.stamp.id);
                }
                feed_effect(&mut entries, version, effect, origin);
                // Expired on arrival, it is put all the same: peers must hear of it. What its readers see
                // expire is whatever is the newest by now.
                let lapsed = version.is_expired(now).then(|| table.lapse_register(&version.register, now));
                entries.extend(lapsed.flatten().map(|newest| feed::Draft { origin, ..expired(newest) }));
            }
        }
        self.tell_access(&table);
        (applied, self.feed.publish(entries))
    }

    /// Tells whoever decides who may ask, if that has changed.
    fn tell_access(&self, table: &Table) {
        let changes = table.access_changes();
        self.access.send_if_modified(|told| std::mem::replace(told, changes) != changes);
    }

    /// Changes whenever who may ask does; the table shows it by then.
    pub(crate) fn access(&self) -> watch::Receiver<u64> {
        self.access.subscribe()
    }

    /// Drops versions, and feeds what their registers are now; says how many were there.
    pub(crate) fn evict(&self, versions: &[(RegisterId, Stamp)]) -> usize {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let mut entries = Vec::new();
        let mut evicted = 0;
        for (register, stamp) in versions {
            let Some(gone) = table.history(register).find(|version| version.stamp == *stamp) else { continue };
            let was_latest = table.latest(register).is_some_and(|latest| latest.stamp == *stamp);
            if !table.evict(register, *stamp) {
                continue;
            }
            evicted += 1;
            if self.durable {
                self.backlog().add(register);
            }
            if was_latest || register.address.keeps_heads() {
                entries.push(left_by(table.latest(register), gone));
            }
        }
        self.tell_access(&table);
        self.feed.publish(entries);
        evicted
    }

    /// Feeds the deadlines that have passed; says how many.
    pub(crate) fn expire(&self) -> usize {
        let now = self.now();
        let mut total = 0;
        loop {
            let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
            let lapsed: Vec<_> = std::iter::from_fn(|| table.lapse(now)).take(LAPSE_CHUNK).collect();
            let count = lapsed.len();
            total += count;
            self.feed.publish(lapsed.into_iter().map(expired).collect());
            if count < LAPSE_CHUNK {
                return total;
            }
        }
    }

    /// Feeds the conflicts that have stood long enough; says how many.
    pub(crate) fn announce_conflicts(&self) -> usize {
        let now = self.now();
        let table = self.read();
        let due = lock(&self.standing).due(table.standing_conflicts(), now);
        let drafts = due.into_iter().filter_map(|register| {
            let winner = table.latest(&register)?;
            let losers = table.conflicts(&register);
            Some(feed::ConflictDraft { register, winner, losers })
        });
        let drafts: Vec<_> = drafts.collect();
        let count = drafts.len();
        // Under the table's lock, so that the feed's order is the table's.
        self.feed.announce(drafts);
        count
    }

    /// Notes what the disk has to follow.
    fn note_dirty(&self, version: &Version, outcome: &Outcome, origin: Origin) {
        let applied = match outcome {
            Outcome::Applied(applied) => Some(applied),
            _ => None,
        };
        // A local version is on disk before it is applied. If it does not count after all, its row goes, and
        // the row that it may have replaced comes back.
        let differs = applied.is_some() != (origin == Origin::Local);
        if !self.durable || (!differs && applied.is_none_or(|a| a.died.is_empty() && a.trimmed.is_empty())) {
            return;
        }
        let mut backlog = self.backlog();
        if differs {
            backlog.add(&version.register);
        }
        applied.into_iter().flat_map(|a| a.died.iter().chain(&a.trimmed)).for_each(|id| backlog.add(id));
    }

    pub(crate) fn backlog(&self) -> MutexGuard<'_, Backlog> {
        lock(&self.backlog)
    }

    /// A set of the backlog has come to its end on disk.
    pub(crate) fn flushed(&self, ended: Option<u64>) {
        if let Some(generation) = ended {
            self.flushed.send_replace(generation);
        }
    }

    /// Completes once all that waits now is on disk.
    pub(crate) fn flush(&self) -> impl Future<Output = ()> + Send + use<> {
        let last = self.backlog().await_last();
        let mut flushed = self.flushed.subscribe();
        async move {
            if flushed.wait_for(|flushed| *flushed >= last).await.is_err() {
                // The store is gone, and nobody will say any more.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Whether the writer must be told to persist: once, until it is awake.
    pub(crate) fn must_wake(&self) -> bool {
        self.durable && (self.has_told_news() || !self.backlog().is_empty()) && !self.woken.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn awake(&self) {
        self.woken.store(false, Ordering::Release);
    }

    pub(crate) fn needs_resync(&self) -> bool {
        self.resync.load(Ordering::Acquire)
    }

    /// What is set aside, if anything is.
    pub(crate) fn aside(&self) -> Option<Arc<Aside>> {
        lock(&self.aside).clone()
    }

    /// What the node has to set aside: what it has so already, since it served nobody since, or what it holds now.
    pub(crate) fn set_aside(&self, missed: Missed) -> Option<Arc<Aside>> {
        self.aside().or_else(|| {
            let (table, own, now) = (self.read(), self.clock().id(), self.now());
            let aside = Aside::of(&table, own, &lock(&self.told).told, missed, now);
            (!aside.is_empty()).then(|| Arc::new(aside))
        })
    }

    /// A peer has all that this node wrote up to a change.
    pub(crate) fn told(&self, peer: NodeId, up_to: Stamp) {
        let (table, own) = (self.read(), self.clock().id());
        let mut telling = lock(&self.told);
        telling.is_news |= telling.told.raise(peer, up_to, &table, own);
    }

    /// What others have, if the disk is to know.
    pub(crate) fn told_news(&self) -> Option<Told> {
        let mut telling = lock(&self.told);
        std::mem::take(&mut telling.is_news).then(|| telling.told.clone())
    }

    pub(crate) fn has_told_news(&self) -> bool {
        lock(&self.told).is_news
    }

    /// Changes of this node are about to be on disk.
    pub(crate) fn changed(&self, versions: &[Arc<Version>]) {
        let mut telling = lock(&self.told);
        for version in versions {
            telling.is_news |= telling.told.changed(version.change);
        }
    }

    /// The disk did not take it.
    pub(crate) fn told_stays_news(&self) {
        lock(&self.told).is_news = true;
    }

    /// What the disk says of the node's identity holds from now on.
    pub(crate) fn identify(&self, identity: Identity, aside: Option<Arc<Aside>>) {
        if let Identity::New(id, _) = identity {
            self.clock().set_id(id);
            *lock(&self.told) = Telling::default();
        }
        *lock(&self.aside) = aside;
        if identity != Identity::Repeated {
            self.resync.store(matches!(identity, Identity::New(..)), Ordering::Release);
        }
    }

    /// Remembers how the last commit went.
    pub(crate) fn report(&self, error: Option<&String>) {
        let mut last = lock(&self.last_error);
        if let (None, Some(error)) = (&*last, error) {
            tracing::error!(%error, "the disk refused a commit");
        }
        *last = error.cloned();
    }

    pub(crate) fn last_error(&self) -> Option<String> {
        lock(&self.last_error).clone()
    }

    pub(crate) fn is_writable(&self) -> bool {
        lock(&self.last_error).is_none()
    }
}

/// The time from which history is kept.
pub(crate) fn history_start(now: Millis, days: u32) -> u64 {
    // A clock out of range would have nearly all history dropped.
    if now >= MILLIS_MAX {
        return 0;
    }
    millis_to_ntp64(now.saturating_sub(Millis::from(days) * DAY_MS))
}

fn feed_effect(entries: &mut Vec<feed::Draft>, version: &Arc<Version>, effect: Applied, origin: Origin) {
    let op = if version.content.is_some() { Op::Put } else { Op::Delete };
    let entry = |register, op, current| feed::Draft { register, version: version.clone(), op, origin, current };
    entries.extend(effect.died.into_iter().map(|register| entry(register, Op::Delete, true)));
    entries.push(entry(version.register.clone(), op, effect.current));
}

/// What an evicted version's register is now.
fn left_by(latest: Option<Arc<Version>>, gone: Arc<Version>) -> feed::Draft {
    let op = if latest.as_ref().is_some_and(|latest| latest.content.is_some()) { Op::Put } else { Op::Delete };
    let version = latest.unwrap_or(gone);
    feed::Draft { register: version.register.clone(), version, op, origin: Origin::Dropped, current: true }
}

fn expired(version: Arc<Version>) -> feed::Draft {
    let register = version.register.clone();
    feed::Draft { register, version, op: Op::Expire, origin: Origin::Local, current: true }
}
