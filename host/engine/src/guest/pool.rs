//! The threads that run guests, and who may have one.

use std::{
    collections::{HashMap, VecDeque},
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
    state: Mutex<State>,
    left: Condvar,
}

/// Who has a thread, and who waits for one.
struct State {
    /// Threads that one tenant may have at once.
    most: usize,
    /// The threads without a job, with the guest that each ran last.
    idle: Vec<(usize, Option<GuestId>)>,
    /// The tenants that have a thread or wait for one.
    tenants: HashMap<Key, Tenant>,
    /// The threads that were given to callers who have not taken them yet, by their tickets.
    given: HashMap<u64, usize>,
    /// Counts what happens.
    clock: u64,
}

#[derive(Default)]
struct Tenant {
    running: usize,
    /// The callers that wait, by their tickets, first come first.
    waiting: VecDeque<(u64, GuestId)>,
    /// When it last gave a thread back, or else came.
    since: u64,
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
        let state = State::new(threads, runtime.config.calls_per_tenant);
        let mut pool = Self { desks: Vec::new(), state: Mutex::new(state), left: Condvar::new() };
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
        let ticket = state.come(id);
        loop {
            if let Some(at) = state.given.remove(&ticket) {
                return Ok(Permit { pool: self, at, id: id.clone() });
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.give_up(id, ticket);
                return Err(GuestFault::Busy);
            }
            state = self.left.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl State {
    /// So many threads, of which a tenant may have so many at once, but never all.
    fn new(threads: usize, calls_per_tenant: usize) -> Self {
        Self {
            most: calls_per_tenant.min(threads.saturating_sub(1)).max(1),
            idle: (0..threads).map(|at| (at, None)).collect(),
            tenants: HashMap::new(),
            given: HashMap::new(),
            clock: 0,
        }
    }

    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// A caller comes, and may be given a thread at once.
    fn come(&mut self, id: &GuestId) -> u64 {
        let ticket = self.tick();
        let tenant = self.tenants.entry(id.tenant.clone());
        let tenant = tenant.or_insert_with(|| Tenant { since: ticket, ..Tenant::default() });
        tenant.waiting.push_back((ticket, id.clone()));
        self.give();
        ticket
    }

    /// A caller waits no longer.
    fn give_up(&mut self, id: &GuestId, ticket: u64) {
        if let Some(tenant) = self.tenants.get_mut(&id.tenant) {
            tenant.waiting.retain(|(waiting, _)| *waiting != ticket);
        }
        self.forget(&id.tenant);
    }

    /// A thread comes back.
    fn leave(&mut self, at: usize, id: GuestId) {
        let now = self.tick();
        if let Some(tenant) = self.tenants.get_mut(&id.tenant) {
            tenant.running = tenant.running.saturating_sub(1);
            tenant.since = now;
        }
        self.forget(&id.tenant);
        self.idle.push((at, Some(id)));
        self.give();
    }

    fn forget(&mut self, tenant: &Key) {
        if self.tenants.get(tenant).is_some_and(|tenant| tenant.running == 0 && tenant.waiting.is_empty()) {
            self.tenants.remove(tenant);
        }
    }

    /// Gives threads to callers, as long as there are any that may have one.
    fn give(&mut self) {
        while let Some((ticket, id)) = self.next() {
            // best the one that ran it last, for it has an instance
            let ran_it = self.idle.iter().rposition(|(_, last)| last.as_ref() == Some(&id));
            let (at, _) = self.idle.remove(ran_it.unwrap_or(0));
            self.given.insert(ticket, at);
        }
    }

    /// The caller whose turn it is: of the tenant that has the fewest threads, and of those of the one that had none for
    /// longest. The last thread is left to tenants that have none, so that who comes seldom need not wait for those that
    /// come always.
    fn next(&mut self) -> Option<(u64, GuestId)> {
        let idle = self.idle.len();
        let most = self.most;
        let may = |tenant: &&mut Tenant| {
            let enough = if tenant.running == 0 { idle >= 1 } else { idle >= 2 };
            enough && tenant.running < most && !tenant.waiting.is_empty()
        };
        let next = self.tenants.values_mut().filter(may).min_by_key(|tenant| (tenant.running, tenant.since))?;
        next.running += 1;
        next.waiting.pop_front()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn id(tenant: &str) -> GuestId {
        GuestId { tenant: Key::new(tenant).unwrap(), guest: "g".into(), digest: [0; 32] }
    }

    /// Has callers come, and gives their tickets.
    fn come<const N: usize>(state: &mut State, tenants: [&str; N]) -> [u64; N] {
        tenants.map(|tenant| state.come(&id(tenant)))
    }

    fn has(state: &State, tickets: &[u64]) -> Vec<bool> {
        tickets.iter().map(|ticket| state.given.contains_key(ticket)).collect()
    }

    #[test]
    fn who_has_nothing_goes_before_those_that_have_and_had() {
        let mut state = State::new(2, 2);
        let first = come(&mut state, ["a", "b", "a", "b", "a", "b"]);
        assert_eq!(has(&state, &first), [true, true, false, false, false, false]);
        let [good] = come(&mut state, ["good"]);
        let at = state.given.remove(&first[0]).unwrap();
        state.leave(at, id("a"));
        assert_eq!(has(&state, &[good]), [true], "the others came earlier, but had a thread since");
        let at = state.given.remove(&first[1]).unwrap();
        state.leave(at, id("b"));
        assert_eq!(has(&state, &first[2..]), [true, false, false, false], "in turns, and in order within a tenant");
    }

    #[test]
    fn one_tenant_never_has_all_and_leaves_the_last_to_others() {
        let mut state = State::new(4, 8);
        let greedy = come(&mut state, ["a"; 5]);
        assert_eq!(has(&state, &greedy), [true, true, true, false, false]);
        let others = come(&mut state, ["b", "b", "c"]);
        assert_eq!(has(&state, &others), [true, false, false]);
        let mut state = State::new(1, 8);
        assert_eq!(come(&mut state, ["a", "b"]).map(|ticket| state.given.contains_key(&ticket)), [true, false]);
    }

    #[test]
    fn nothing_is_kept_of_who_is_gone() {
        let mut state = State::new(1, 1);
        let [first, second] = come(&mut state, ["a", "b"]);
        state.give_up(&id("b"), second);
        let at = state.given.remove(&first).unwrap();
        state.leave(at, id("a"));
        assert!(state.tenants.is_empty() && state.given.is_empty());
        assert_eq!(state.idle.len(), 1);
    }
}
