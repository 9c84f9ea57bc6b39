//! Compiled modules: one thread compiles, tenants take turns at it, and of what is compiled each keeps its part.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Instant,
};

use burgee_model::Key;
use bytes::Bytes;

use super::{
    guests::Modules,
    line::Line,
    runtime::{Compiled, Runtime},
    shelf::{Digest, Seen, Shelf},
    wrap::ModuleError,
};

/// Of the modules that may wait, one tenant may have one in so many.
const TENANT_PART: usize = 16;

/// The compiled modules. Dropping it ends the compile thread.
pub(super) struct Library {
    shared: Arc<Shared>,
}

struct Shared {
    runtime: Arc<Runtime>,
    modules: Arc<dyn Modules>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    shelf: Shelf<Known>,
    line: Line<Job>,
    /// Modules that were not taken in, because too many waited.
    refused: u64,
    closed: bool,
}

/// What is known of a module.
enum Known {
    Compiled(Arc<Compiled>),
    /// It is none that may run.
    Refused(ModuleError),
}

/// Which module of whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) tenant: &'a Key,
    pub(super) guest: &'a str,
    pub(super) digest: Digest,
}

/// A module that waits to be compiled.
struct Job {
    tenant: Key,
    guest: Box<str>,
    digest: Digest,
    /// Of an upload; else they are read when its turn comes, so that what waits takes no memory.
    bytes: Option<Bytes>,
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

/// What there is of compiled guests, and what was given up since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GuestModules {
    /// Modules that are compiled.
    pub compiled: usize,
    /// Bytes of their machine code.
    pub code_bytes: usize,
    /// Modules that wait to be compiled.
    pub waiting: usize,
    /// Compiled modules that gave way to others: the next call compiles them again.
    pub evicted: u64,
    /// Modules that were not taken in to be compiled, because too many waited.
    pub refused: u64,
}

impl Library {
    pub(super) fn start(runtime: Arc<Runtime>, modules: Arc<dyn Modules>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { runtime, modules, state: Mutex::default(), changed: Condvar::new() });
        let compiling = shared.clone();
        thread::Builder::new().name("burgee-guest-compile".into()).spawn(move || compiling.run())?;
        Ok(Self { shared })
    }

    /// A compiled module. Where it is not here it is compiled, of the bytes given or else those of the replica; this
    /// waits for it so long.
    pub(super) fn find(
        &self,
        wanted: Wanted<'_>,
        bytes: Option<&Bytes>,
        deadline: Instant,
    ) -> Result<Arc<Compiled>, Absent> {
        let mut state = self.shared.lock();
        let mut asked = false;
        loop {
            let now = Instant::now();
            match state.shelf.use_by(wanted.tenant, &wanted.digest, now) {
                Seen::Here(Known::Compiled(compiled)) => return Ok(compiled.clone()),
                Seen::Here(Known::Refused(error)) => return Err(Absent::Refused(error.clone())),
                Seen::Nothing if asked && bytes.is_none() => return Err(Absent::Missing),
                Seen::Nothing => {
                    state.enqueue(wanted, bytes, now, self.shared.runtime.config.queue_modules)?;
                    asked = true;
                    self.shared.changed.notify_all();
                }
                Seen::Expected => asked = true,
            }
            let left = deadline.saturating_duration_since(now);
            if left.is_zero() {
                return Err(Absent::Waiting);
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Has a module compiled that is not here. Neither waits for it nor counts as its use.
    pub(super) fn warm(&self, wanted: Wanted<'_>) {
        let mut state = self.shared.lock();
        let most = self.shared.runtime.config.queue_modules;
        // what is refused is counted, and the first call asks for it again
        if !state.shelf.has(&wanted.digest) && state.enqueue(wanted, None, Instant::now(), most).is_ok() {
            self.shared.changed.notify_all();
        }
    }

    pub(super) fn counts(&self) -> GuestModules {
        let state = self.shared.lock();
        let (compiled, code_bytes) = state.shelf.held();
        let (evicted, refused) = (state.shelf.evicted, state.refused);
        GuestModules { compiled, code_bytes, waiting: state.line.len(), evicted, refused }
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        state.line.clear();
        self.shared.changed.notify_all();
    }
}

impl State {
    fn enqueue(&mut self, wanted: Wanted<'_>, bytes: Option<&Bytes>, now: Instant, most: usize) -> Result<(), Absent> {
        let Wanted { tenant, guest, digest } = wanted;
        let job = Job { tenant: tenant.clone(), guest: guest.into(), digest, bytes: bytes.cloned() };
        if self.line.push(tenant, job, most, most.div_ceil(TENANT_PART)).is_err() {
            self.refused += 1;
            return Err(Absent::Waiting);
        }
        self.shelf.expect(tenant, digest, now);
        Ok(())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        while let Some(job) = self.next() {
            let known = catch_unwind(AssertUnwindSafe(|| self.compile(&job)));
            let known =
                known.unwrap_or_else(|_| Some(Known::Refused(ModuleError::Invalid("the compiler failed".into()))));
            self.shelve(job.digest, known);
        }
    }

    /// The next module; none once the library is gone.
    fn next(&self) -> Option<Job> {
        let waited = self.changed.wait_while(self.lock(), |state| !state.closed && state.line.len() == 0);
        waited.unwrap_or_else(PoisonError::into_inner).line.pop()
    }

    /// None where its bytes are not here.
    fn compile(&self, job: &Job) -> Option<Known> {
        let stored = || self.modules.module(&job.tenant, &job.guest, &burgee_model::Digest(job.digest));
        let bytes = job.bytes.clone().or_else(stored)?;
        Some(match self.runtime.compile(&bytes) {
            Ok(compiled) => Known::Compiled(Arc::new(compiled)),
            Err(error) => Known::Refused(error),
        })
    }

    fn shelve(&self, digest: Digest, known: Option<Known>) {
        let config = &self.runtime.config;
        let most = (config.modules.max(1), config.code_bytes);
        let mut state = self.lock();
        match known {
            Some(known) => {
                let bytes = if let Known::Compiled(compiled) = &known { compiled.code_bytes } else { 0 };
                state.shelf.put(digest, known, bytes, most, Instant::now());
            }
            None => state.shelf.forget(&digest),
        }
        self.changed.notify_all();
    }
}
