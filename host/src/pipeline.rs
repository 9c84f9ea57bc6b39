//! The pipeline: change -> read again -> build -> publish.
//!
//! A change only says *that* something changed. The pipeline reads the store anew, rebuilds the snapshots
//! that it touches and swaps them in; a burst of changes costs one rebuild of each. Tenants take turns at being built. Evaluations read the published
//! snapshots and nothing else.

mod dirty;
mod pending;
mod source;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use burgee_api::{Caught, Snapshots};
use burgee_engine::{Engine, Reads, Snapshot};
use burgee_model::{Key, RegisterId};
use burgee_store::{FeedEvent, FeedReader, Position, Store};
use futures_util::FutureExt;
use tokio::sync::watch;

use self::{
    dirty::Dirty,
    pending::Pending,
    source::{Depends, Sources},
};

/// An environment of a tenant.
pub type EnvironmentId = (Key, Key);

/// The most changes that one rebuild takes in.
const BURST_ENTRIES: usize = 4096;

/// For about so long snapshots are built before they are published and new changes are looked at: one at least.
const SLICE: Duration = Duration::from_millis(20);

/// The published snapshots. Cheap to clone.
#[derive(Clone)]
pub struct Pipeline {
    published: Arc<Published>,
}

struct Published {
    snapshots: ArcSwap<HashMap<EnvironmentId, Arc<Snapshot>>>,
    position: watch::Sender<Position>,
}

/// The working half of the pipeline: owns the sources of all snapshots and follows the feed.
pub struct Builder {
    store: Store,
    engine: Arc<Engine>,
    published: Arc<Published>,
    reader: FeedReader,
    sources: Sources,
    /// Up to where changes were taken in.
    taken: Position,
    pending: Pending,
}

/// Builds the snapshots of everything in the store; the builder then keeps them current.
#[must_use]
pub fn start(store: &Store, engine: &Arc<Engine>) -> (Pipeline, Builder) {
    let feed = store.feed();
    let position = feed.position();
    let reader = feed.subscribe(Some(position));
    let published = Arc::new(Published { snapshots: ArcSwap::default(), position: watch::Sender::new(position) });
    let mut builder = Builder {
        store: store.clone(),
        engine: engine.clone(),
        published: published.clone(),
        reader,
        sources: Sources::default(),
        taken: position,
        pending: Pending::default(),
    };
    builder.refresh(&Dirty::everything(), position);
    while builder.build(Duration::MAX) {}
    (Pipeline { published }, builder)
}

impl Builder {
    /// Follows the feed until told to stop. Runs on a thread of its own, for building is work for a processor. Between
    /// slices of building it takes in what has come meanwhile, so that a tenant's change waits for no more than one.
    pub fn run(mut self, runtime: &tokio::runtime::Handle, mut stop: watch::Receiver<bool>) {
        loop {
            let event = if self.pending.is_empty() {
                runtime.block_on(async {
                    tokio::select! {
                        event = self.reader.next() => Some(event),
                        _ = stop.wait_for(|stop| *stop) => None,
                    }
                })
            } else {
                self.reader.next().now_or_never()
            };
            if *stop.borrow() {
                return;
            }
            if let Some(event) = event {
                let (dirty, position) = self.take_burst(event);
                self.refresh(&dirty, position);
            }
            self.build(SLICE);
            self.published.position.send_replace(self.pending.shown().unwrap_or(self.taken));
        }
    }

    /// Takes in an event and what else is there already.
    fn take_burst(&mut self, first: FeedEvent) -> (Dirty, Position) {
        let mut dirty = Dirty::default();
        let mut position = self.taken;
        let mut next = Some(first);
        let mut taken = 0;
        while let Some(event) = next {
            match event {
                FeedEvent::Change(entry) => {
                    dirty.add(&entry.register);
                    position = entry.position;
                }
                FeedEvent::Conflict(conflict) => position = conflict.position,
                FeedEvent::Reset(_) => {
                    dirty = Dirty::everything();
                    position = self.store.feed().position();
                }
            }
            taken += 1;
            next = if taken < BURST_ENTRIES { self.reader.next().now_or_never() } else { None };
        }
        (dirty, position)
    }

    /// Reads again what is dirty, up to a position; what must be built then is pending.
    fn refresh(&mut self, dirty: &Dirty, position: Position) {
        let now = self.store.now();
        let before = self.published.snapshots.load_full();
        let reads_config = |id: &EnvironmentId, key: &Key| before.get(id).is_some_and(|s| s.reads_config(key));
        let leans = |id: &EnvironmentId, flag: &Key| before.get(id).is_some_and(|s| s.leans_on_history(flag.as_str()));
        let depends = Depends { on_config: &reads_config, on_history: &leans };
        let touched = self.sources.refresh(&self.store.read(), dirty, now, &depends);
        self.pending.add(touched, self.taken);
        self.taken = position;
        let is_gone = |id: &EnvironmentId| self.sources.get(id).is_none();
        self.pending.retain(|id| !is_gone(id));
        if before.keys().any(is_gone) {
            let mut after: HashMap<EnvironmentId, Arc<Snapshot>> = HashMap::clone(&before);
            after.retain(|id, _| !is_gone(id));
            self.published.snapshots.store(Arc::new(after));
        }
    }

    /// Builds what is pending, for about so long, and publishes it. False where nothing was.
    fn build(&mut self, slice: Duration) -> bool {
        if self.pending.is_empty() {
            return false;
        }
        let (start, now) = (Instant::now(), self.store.now());
        let mut after: HashMap<EnvironmentId, Arc<Snapshot>> = HashMap::clone(&self.published.snapshots.load());
        while let Some(id) = self.pending.next(|id| self.sources.get(id).map_or(0, |source| source.flags.len())) {
            if let Some(source) = self.sources.get(&id) {
                let config = |key: &str| {
                    let entry = RegisterId::config(&id.0, &id.1, &Key::new(key).ok()?);
                    burgee_api::source::config_value(&self.store.read(), &entry, now)
                };
                let earlier = |flag: &Key| burgee_api::source::earlier_rules(&self.store.read(), &id.0, &id.1, flag);
                let reads = Reads { config: &config, earlier: &earlier };
                let snapshot = self.engine.build_from(after.get(&id), source.clone(), reads);
                after.insert(id, snapshot);
            }
            if start.elapsed() >= slice {
                break;
            }
        }
        self.published.snapshots.store(Arc::new(after));
        true
    }
}

impl Snapshots for Pipeline {
    fn get(&self, tenant: &Key, environment: &Key) -> Option<Arc<Snapshot>> {
        self.published.snapshots.load().get(&(tenant.clone(), environment.clone())).cloned()
    }

    fn changes(&self) -> watch::Receiver<Position> {
        self.published.position.subscribe()
    }

    fn caught_up(&self, position: Position) -> Caught<'_> {
        let mut reached = self.published.position.subscribe();
        Box::pin(async move {
            // the sender lives as long as `self`, so waiting ends only when the position is reached
            let _ = reached.wait_for(|at| *at >= position).await;
        })
    }
}
