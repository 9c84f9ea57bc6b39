//! Compiled modules: one thread compiles, with a bounded queue, and those used last are kept.

use std::{
    collections::{HashMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Instant,
};

use bytes::Bytes;

use super::{
    runtime::{Compiled, Runtime},
    wrap::ModuleError,
};

type Digest = [u8; 32];

/// The compiled modules. Dropping it ends the compile thread.
pub(super) struct Library {
    shared: Arc<Shared>,
}

struct Shared {
    runtime: Arc<Runtime>,
    shelf: Mutex<Shelf>,
    changed: Condvar,
}

#[derive(Default)]
struct Shelf {
    places: HashMap<Digest, Place>,
    queue: VecDeque<(Digest, Bytes)>,
    /// Counts look-ups, to tell what was used last.
    clock: u64,
    closed: bool,
}

struct Place {
    holds: Holds,
    used: u64,
}

enum Holds {
    /// The module waits for the compile thread.
    Nothing,
    Compiled(Arc<Compiled>),
    /// The module is none that may run.
    Refused(ModuleError),
}

/// Why there is no compiled module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    /// Its bytes are not here.
    Missing,
    /// It was not compiled in time, or too many wait to be.
    Waiting,
    /// It is none that may run.
    Refused(ModuleError),
}

impl Library {
    pub(super) fn start(runtime: Arc<Runtime>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { runtime, shelf: Mutex::default(), changed: Condvar::new() });
        let compiling = shared.clone();
        thread::Builder::new().name("burgee-guest-compile".into()).spawn(move || compiling.run())?;
        Ok(Self { shared })
    }

    /// A compiled module. Where it is not here, it is compiled from its bytes, for which this waits so long.
    pub(super) fn find(
        &self,
        digest: Digest,
        bytes: impl FnOnce() -> Option<Bytes>,
        deadline: Instant,
    ) -> Result<Arc<Compiled>, Absent> {
        let mut shelf = self.shared.lock();
        if !shelf.places.contains_key(&digest) {
            drop(shelf);
            let bytes = bytes().ok_or(Absent::Missing)?;
            shelf = self.shared.lock();
            shelf.enqueue(digest, bytes, self.shared.runtime.config.queue_modules)?;
            self.shared.changed.notify_all();
        }
        loop {
            if let Some(found) = shelf.look_up(&digest) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Absent::Waiting);
            }
            shelf = self.shared.changed.wait_timeout(shelf, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        let mut shelf = self.shared.lock();
        shelf.closed = true;
        shelf.queue.clear();
        self.shared.changed.notify_all();
    }
}

impl Shelf {
    fn enqueue(&mut self, digest: Digest, bytes: Bytes, most: usize) -> Result<(), Absent> {
        if self.places.contains_key(&digest) {
            return Ok(());
        }
        if self.queue.len() >= most {
            return Err(Absent::Waiting);
        }
        self.queue.push_back((digest, bytes));
        self.places.insert(digest, Place { holds: Holds::Nothing, used: self.clock });
        Ok(())
    }

    /// None while it is not known.
    fn look_up(&mut self, digest: &Digest) -> Option<Result<Arc<Compiled>, Absent>> {
        self.clock += 1;
        let Some(place) = self.places.get_mut(digest) else { return Some(Err(Absent::Waiting)) };
        place.used = self.clock;
        match &place.holds {
            Holds::Nothing => None,
            Holds::Compiled(compiled) => Some(Ok(compiled.clone())),
            Holds::Refused(error) => Some(Err(Absent::Refused(error.clone()))),
        }
    }

    /// Drops those used longest ago until the rest fits.
    fn trim(&mut self, modules: usize, code_bytes: usize) {
        let mut known: Vec<(u64, Digest, usize)> = Vec::new();
        for (digest, place) in &self.places {
            match &place.holds {
                Holds::Nothing => {}
                Holds::Compiled(compiled) => known.push((place.used, *digest, compiled.code_bytes)),
                Holds::Refused(_) => known.push((place.used, *digest, 0)),
            }
        }
        known.sort_unstable();
        let (mut count, mut bytes) = (known.len(), known.iter().map(|(_, _, bytes)| bytes).sum::<usize>());
        for (_, digest, code) in known {
            if count <= modules && bytes <= code_bytes {
                break;
            }
            self.places.remove(&digest);
            count -= 1;
            bytes -= code;
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        while let Some((digest, bytes)) = self.next() {
            let holds = match catch_unwind(AssertUnwindSafe(|| self.runtime.compile(&bytes))) {
                Ok(Ok(compiled)) => Holds::Compiled(Arc::new(compiled)),
                Ok(Err(error)) => Holds::Refused(error),
                Err(_) => Holds::Refused(ModuleError::Invalid("the compiler failed".into())),
            };
            self.shelve(digest, holds);
        }
    }

    /// The next module; none once the library is gone.
    fn next(&self) -> Option<(Digest, Bytes)> {
        let waited = self.changed.wait_while(self.lock(), |shelf| !shelf.closed && shelf.queue.is_empty());
        waited.unwrap_or_else(PoisonError::into_inner).queue.pop_front()
    }

    fn shelve(&self, digest: Digest, holds: Holds) {
        let config = &self.runtime.config;
        let mut shelf = self.lock();
        shelf.clock += 1;
        let used = shelf.clock;
        shelf.places.insert(digest, Place { holds, used });
        shelf.trim(config.modules.max(1), config.code_bytes);
        self.changed.notify_all();
    }
}
