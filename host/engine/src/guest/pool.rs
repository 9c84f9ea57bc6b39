//! The threads that run guests, and who may have one.

use std::{
    collections::HashMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use burgee_model::Key;

use super::{
    desk::{Answer, Desk, Job},
    entry::Entry,
    fault::GuestFault,
    runtime::Runtime,
    suspension::GuestId,
    ticker::Ticker,
    worker,
};

/// All threads that run guests.
pub(super) struct Pool {
    desks: Vec<Arc<Desk>>,
    calls_per_tenant: usize,
    state: Mutex<State>,
    left: Condvar,
}

struct State {
    /// The threads without a job, with the guest that each ran last.
    idle: Vec<(usize, Option<GuestId>)>,
    running: HashMap<Key, usize>,
}

/// A thread that is the caller's alone until this is dropped.
pub(super) struct Permit<'a> {
    pool: &'a Pool,
    at: usize,
    id: GuestId,
}

impl Pool {
    pub(super) fn start(runtime: &Arc<Runtime>, ticker: &Arc<Ticker>) -> std::io::Result<Self> {
        let threads = runtime.config.threads.max(1);
        let mut pool = Self {
            desks: Vec::new(),
            calls_per_tenant: runtime.config.calls_per_tenant.max(1),
            state: Mutex::new(State { idle: (0..threads).map(|at| (at, None)).collect(), running: HashMap::new() }),
            left: Condvar::new(),
        };
        for _ in 0..threads {
            let desk = Arc::new(Desk::default());
            worker::start(runtime, ticker, &desk)?;
            pool.desks.push(desk);
        }
        Ok(pool)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a thread.
    pub(super) fn enter(&self, id: &GuestId, deadline: Instant) -> Result<Permit<'_>, GuestFault> {
        let mut state = self.lock();
        loop {
            if let Some(at) = state.enter(id, self.calls_per_tenant) {
                return Ok(Permit { pool: self, at, id: id.clone() });
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(GuestFault::Busy);
            }
            state = self.left.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl State {
    /// A thread for a guest, where there is one and the tenant may have it: best the one that ran it last, for
    /// it has an instance.
    fn enter(&mut self, id: &GuestId, calls_per_tenant: usize) -> Option<usize> {
        let running = self.running.get(&id.tenant).copied().unwrap_or(0);
        if running >= calls_per_tenant || self.idle.is_empty() {
            return None;
        }
        let ran_it = self.idle.iter().rposition(|(_, last)| last.as_ref() == Some(id));
        let (at, _) = self.idle.remove(ran_it.unwrap_or(0));
        self.running.insert(id.tenant.clone(), running + 1);
        Some(at)
    }

    fn leave(&mut self, at: usize, id: GuestId) {
        match self.running.get_mut(&id.tenant) {
            Some(running) if *running > 1 => *running -= 1,
            _ => drop(self.running.remove(&id.tenant)),
        }
        self.idle.push((at, Some(id)));
    }
}

impl Permit<'_> {
    /// Has the thread do a job, telling config entries meanwhile.
    pub(super) fn work(&self, job: Job, config: &dyn Fn(&str) -> Entry) -> Answer {
        self.pool.desks.get(self.at).map_or(Err(GuestFault::Busy), |desk| desk.work(job, config))
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if let Some(desk) = self.pool.desks.get(self.at) {
            desk.clear();
        }
        self.pool.lock().leave(self.at, self.id.clone());
        self.pool.left.notify_all();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.desks.iter().for_each(|desk| desk.close());
    }
}
