//! The compile thread: one, with a bounded queue of chunks.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use crate::{chunk::Chunk, runtime::Runtime, snapshot::Snapshot};

/// Snapshots with chunks that found the queue full, which are asked again: one an environment that is alive.
const POSTPONED_MAX: usize = 65_536;

/// Compiles chunks in the background until it is dropped. Chunks that no snapshot uses any more are skipped.
pub(crate) struct Compiler {
    shared: Arc<Shared>,
}

struct Shared {
    runtime: Arc<Runtime>,
    queue: Mutex<Queue>,
    changed: Condvar,
    compiled: AtomicU64,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Weak<Chunk>>,
    /// The snapshots of which chunks found no place.
    postponed: VecDeque<Weak<Snapshot>>,
    busy: bool,
    closed: bool,
}

impl Compiler {
    pub(crate) fn start(runtime: Arc<Runtime>) -> std::io::Result<Self> {
        let shared =
            Arc::new(Shared { runtime, queue: Mutex::default(), changed: Condvar::new(), compiled: AtomicU64::new(0) });
        let worker = shared.clone();
        thread::Builder::new().name("burgee-compile".into()).spawn(move || worker.run())?;
        Ok(Self { shared })
    }

    /// Asks for the chunks of a snapshot. Those that find the queue full are interpreted until it has drained.
    pub(crate) fn enqueue(&self, snapshot: &Arc<Snapshot>) {
        let mut queue = self.shared.lock();
        if !queue.take(snapshot, self.shared.queue_chunks()) {
            tracing::warn!("the compile queue is full; rules are interpreted meanwhile");
            queue.postpone(snapshot);
        }
        drop(queue);
        self.shared.changed.notify_all();
    }

    /// Blocks until nothing waits or is being compiled.
    pub(crate) fn quiesce(&self) {
        let queue = self.shared.lock();
        let done = self.shared.changed.wait_while(queue, |queue| queue.busy || !queue.is_empty());
        drop(done.unwrap_or_else(PoisonError::into_inner));
    }

    /// How many chunks are not done.
    pub(crate) fn waiting(&self) -> usize {
        let queue = self.shared.lock();
        queue.waiting.len() + usize::from(queue.busy)
    }

    pub(crate) fn compiled(&self) -> u64 {
        self.shared.compiled.load(Ordering::Relaxed)
    }
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.postponed.is_empty()
    }

    /// Takes in the chunks of a snapshot that are to be compiled; false where not all find a place.
    fn take(&mut self, snapshot: &Snapshot, most: usize) -> bool {
        for chunk in snapshot.chunks.iter().map(|used| &used.chunk) {
            if !chunk.enter_queue() {
                continue;
            }
            if self.waiting.len() >= most {
                chunk.leave_queue();
                return false;
            }
            self.waiting.push_back(Arc::downgrade(chunk));
        }
        true
    }

    /// Notes that chunks of a snapshot found no place. Snapshots that others took the place of are forgotten.
    fn postpone(&mut self, snapshot: &Arc<Snapshot>) {
        if self.postponed.len() >= POSTPONED_MAX {
            self.postponed.retain(|snapshot| snapshot.strong_count() > 0);
        }
        if self.postponed.len() < POSTPONED_MAX {
            self.postponed.push_back(Arc::downgrade(snapshot));
        }
    }

    /// Once nothing waits, asks the snapshots in turn whose chunks found no place.
    fn refill(&mut self, most: usize) {
        while self.waiting.is_empty() {
            let Some(next) = self.postponed.pop_front() else { return };
            if let Some(snapshot) = next.upgrade()
                && !self.take(&snapshot, most)
            {
                self.postpone(&snapshot);
            }
        }
    }
}

impl Drop for Compiler {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One at least, or nothing would ever be compiled.
    fn queue_chunks(&self) -> usize {
        self.runtime.config.queue_chunks.max(1)
    }

    fn run(&self) {
        while let Some(chunk) = self.next() {
            if let Some(chunk) = chunk.upgrade() {
                self.compile(&chunk);
            }
        }
    }

    /// The next chunk; none once the engine is gone.
    fn next(&self) -> Option<Weak<Chunk>> {
        let mut queue = self.lock();
        queue.busy = false;
        loop {
            queue.refill(self.queue_chunks());
            if queue.closed {
                return None;
            }
            if let Some(chunk) = queue.waiting.pop_front() {
                queue.busy = true;
                return Some(chunk);
            }
            // nothing is postponed any more either
            self.changed.notify_all();
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A fault of the compiler itself must cost no more than that chunk's speed.
    fn compile(&self, chunk: &Chunk) {
        if catch_unwind(AssertUnwindSafe(|| chunk.compile(&self.runtime))).is_err() {
            tracing::error!("the rule compiler failed; these rules are interpreted");
            chunk.give_up();
        }
        chunk.leave_queue();
        self.compiled.fetch_add(1, Ordering::Relaxed);
    }
}
