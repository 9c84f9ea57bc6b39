//! Merging, on a thread of its own: a page takes milliseconds, for which the loop must not stand still.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use burgee_model::{Address, NodeId};
use burgee_store::{Store, Version};
use tokio::sync::mpsc::{self, error::TrySendError};

use crate::{core::Event, refusals::Refusals};

/// Merges that may wait.
const WAITING: usize = 256;

/// The thread has ended, which it does by a fault alone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gone;

/// Up to how many versions are merged at once where nothing waits.
const SMALL_VERSIONS: usize = 16;

/// Hands versions to the store, in order.
pub(super) struct Merger {
    store: Store,
    refusals: Arc<Refusals>,
    jobs: mpsc::Sender<Job>,
    waiting: Arc<AtomicUsize>,
}

struct Job {
    merge: u64,
    versions: Vec<Arc<Version>>,
    from: NodeId,
}

impl Merger {
    /// Starts the thread; it ends with the merger. What came of each merge goes to `events`.
    pub(super) fn start(store: Store, refusals: Arc<Refusals>, events: mpsc::Sender<Event>) -> io::Result<Self> {
        let (jobs, mut inbox) = mpsc::channel::<Job>(WAITING);
        let waiting = Arc::new(AtomicUsize::new(0));
        let (merging, counting, left) = (store.clone(), Arc::clone(&refusals), Arc::clone(&waiting));
        thread::Builder::new().name("replication-merge".to_owned()).spawn(move || {
            while let Some(job) = inbox.blocking_recv() {
                let merged = job.merge_into(&merging, &counting);
                left.fetch_sub(1, Ordering::AcqRel);
                if events.blocking_send(merged).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { store, refusals, jobs, waiting })
    }

    /// Merges, now or soon; the event is given back where it is done already, or cannot be.
    pub(super) fn merge(&self, merge: u64, versions: Vec<Arc<Version>>, from: NodeId) -> Result<Option<Event>, Gone> {
        let job = Job { merge, versions, from };
        if job.is_quick() && self.waiting.load(Ordering::Acquire) == 0 {
            return Ok(Some(job.merge_into(&self.store, &self.refusals)));
        }
        self.waiting.fetch_add(1, Ordering::AcqRel);
        match self.jobs.try_send(job) {
            Ok(()) => Ok(None),
            Err(TrySendError::Full(_)) => {
                self.waiting.fetch_sub(1, Ordering::AcqRel);
                Ok(Some(Event::Merged { merge, taken: false, refused: 0 }))
            }
            Err(TrySendError::Closed(_)) => Err(Gone),
        }
    }
}

impl Job {
    /// Few versions, none of which takes others with it.
    fn is_quick(&self) -> bool {
        let takes_others =
            |version: &Arc<Version>| matches!(version.register.address, Address::Floor(_) | Address::Horizon);
        self.versions.len() <= SMALL_VERSIONS && !self.versions.iter().any(takes_others)
    }

    /// Answers what came of it; what the store left out is counted.
    fn merge_into(self, store: &Store, refusals: &Refusals) -> Event {
        let Self { merge, versions, from } = self;
        match store.merge(versions, from) {
            Ok(report) => {
                let refused = u32::try_from(report.refused).unwrap_or(u32::MAX);
                refusals.invalid(refused, from);
                Event::Merged { merge, taken: true, refused }
            }
            Err(error) => {
                tracing::debug!(%error, %from, "versions were not merged");
                Event::Merged { merge, taken: false, refused: 0 }
            }
        }
    }
}
