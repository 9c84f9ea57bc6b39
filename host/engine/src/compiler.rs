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

use crate::{chunk::Chunk, runtime::Runtime};

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

    /// Asks for a chunk. Where the queue is full the chunk stays interpreted until it is asked for again.
    pub(crate) fn enqueue(&self, chunk: &Arc<Chunk>) {
        if !chunk.enter_queue() {
            return;
        }
        let mut queue = self.shared.lock();
        if queue.waiting.len() >= self.shared.runtime.config.queue_chunks {
            chunk.leave_queue();
            tracing::warn!("the compile queue is full; rules are interpreted meanwhile");
            return;
        }
        queue.waiting.push_back(Arc::downgrade(chunk));
        drop(queue);
        self.shared.changed.notify_all();
    }

    /// Blocks until nothing waits or is being compiled.
    pub(crate) fn quiesce(&self) {
        let queue = self.shared.lock();
        let done = self.shared.changed.wait_while(queue, |queue| queue.busy || !queue.waiting.is_empty());
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
        self.changed.notify_all();
        let waited = self.changed.wait_while(queue, |queue| !queue.closed && queue.waiting.is_empty());
        let mut queue = waited.unwrap_or_else(PoisonError::into_inner);
        if queue.closed {
            return None;
        }
        queue.busy = true;
        queue.waiting.pop_front()
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
