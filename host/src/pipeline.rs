//! The pipeline: change -> read again -> build -> publish.
//!
//! A change only says *that* something changed. The pipeline reads the store anew, rebuilds the snapshots
//! that it touches and swaps them in; a burst of changes costs one rebuild. Evaluations read the published
//! snapshots and nothing else.

mod dirty;
mod source;

use std::{collections::HashMap, sync::Arc};

use arc_swap::ArcSwap;
use burgee_api::{Caught, Snapshots};
use burgee_engine::{Engine, Reads, Snapshot};
use burgee_model::{Key, RegisterId};
use burgee_store::{FeedEvent, FeedReader, Position, Store};
use futures_util::FutureExt;
use tokio::sync::watch;

use self::{
    dirty::Dirty,
    source::{Depends, Sources},
};

/// An environment of a tenant.
pub type EnvironmentId = (Key, Key);

/// The most changes that one rebuild takes in.
const BURST_ENTRIES: usize = 4096;

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
    };
    builder.rebuild(&Dirty::everything());
    (Pipeline { published }, builder)
}

impl Builder {
    /// Follows the feed until told to stop. Runs on a thread of its own, for building is work for a processor.
    pub fn run(mut self, runtime: &tokio::runtime::Handle, mut stop: watch::Receiver<bool>) {
        loop {
            let event = runtime.block_on(async {
                tokio::select! {
                    event = self.reader.next() => Some(event),
                    _ = stop.wait_for(|stop| *stop) => None,
                }
            });
            let Some(event) = event else { return };
            let (dirty, position) = self.take_burst(event);
            self.rebuild(&dirty);
            self.published.position.send_replace(position);
        }
    }

    /// Takes in an event and what else is there already.
    fn take_burst(&mut self, first: FeedEvent) -> (Dirty, Position) {
        let mut dirty = Dirty::default();
        let mut position = *self.published.position.borrow();
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

    fn rebuild(&mut self, dirty: &Dirty) {
        let now = self.store.now();
        let before = self.published.snapshots.load_full();
        let reads_config = |id: &EnvironmentId, key: &Key| before.get(id).is_some_and(|s| s.reads_config(key));
        let leans = |id: &EnvironmentId, flag: &Key| before.get(id).is_some_and(|s| s.leans_on_history(flag.as_str()));
        let depends = Depends { on_config: &reads_config, on_history: &leans };
        let touched = self.sources.refresh(&self.store.read(), dirty, now, &depends);
        if touched.is_empty() && self.sources.len() == before.len() {
            return;
        }
        let mut after: HashMap<EnvironmentId, Arc<Snapshot>> = HashMap::clone(&before);
        after.retain(|id, _| self.sources.get(id).is_some());
        for id in touched {
            if let Some(source) = self.sources.get(&id) {
                let config = |key: &str| {
                    let entry = RegisterId::config(&id.0, &id.1, &Key::new(key).ok()?);
                    burgee_api::source::config_value(&self.store.read(), &entry, now)
                };
                let earlier = |flag: &Key| burgee_api::source::earlier_rules(&self.store.read(), &id.0, &id.1, flag);
                let reads = Reads { config: &config, earlier: &earlier };
                let snapshot = self.engine.build_from(before.get(&id), source.clone(), reads);
                after.insert(id, snapshot);
            }
        }
        self.published.snapshots.store(Arc::new(after));
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
