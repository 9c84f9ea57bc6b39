//! One instance of a guest, with a store of its own.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use wasmtime::{Store, Trap, UpdateDeadline};

use super::{
    bindings::{self, Guest},
    config::GuestConfig,
    convert::{from_guest, to_guest},
    desk::{Answer, Desk},
    fault::GuestFault,
    limiter::Limiter,
    runtime::{Compiled, Runtime},
    ticker::TICK,
};

/// What a store holds beside the guest's own.
pub(super) struct State {
    limiter: Limiter,
    desk: Arc<Desk>,
    allowance: Allowance,
}

/// What a call may still take.
struct Allowance {
    /// Ticks that it may see.
    ticks: u64,
    /// Time by the clock, while it neither lets others have the processor nor waits for a config entry.
    time: Duration,
    /// When it was last let go on.
    since: Instant,
    /// Config entries that it may ask for, and their bytes.
    lookups: usize,
    lookup_bytes: usize,
    /// Whether it asked for more.
    overdrawn: bool,
}

/// More config entries than a call may read.
#[derive(Debug, thiserror::Error)]
#[error("the guest read more config entries than it may")]
struct Overdrawn;

impl bindings::Host for State {
    fn get(&mut self, key: String) -> wasmtime::Result<bindings::Value> {
        let Some(left) = self.allowance.lookups.checked_sub(1) else { return Err(self.allowance.overdraw()) };
        self.allowance.lookups = left;
        self.allowance.pause();
        let entry = self.desk.ask(key);
        self.allowance.resume();
        let Some(left) = self.allowance.lookup_bytes.checked_sub(entry.bytes) else {
            return Err(self.allowance.overdraw());
        };
        self.allowance.lookup_bytes = left;
        Ok(to_guest(&entry.value))
    }
}

/// Types have no functions.
impl bindings::Types for State {}

/// One instance of a guest.
pub(super) struct Instance {
    store: Store<State>,
    guest: Guest,
    calls: u32,
}

impl Instance {
    /// Makes an instance; what it does when it starts counts as a call of its own.
    pub(super) fn new(runtime: &Runtime, compiled: &Compiled, desk: &Arc<Desk>) -> Result<Self, GuestFault> {
        let config = &runtime.config;
        let limiter = Limiter::new(config.memory_bytes, config.table_elements);
        let state = State { limiter, desk: desk.clone(), allowance: Allowance::new(config) };
        let mut store = Store::new(&runtime.engine, state);
        store.limiter(|state| &mut state.limiter);
        store.epoch_deadline_callback(|mut store| Ok(store.data_mut().tick()));
        store.set_epoch_deadline(1);
        store.set_hostcall_fuel(config.answer_bytes);
        match compiled.pre.instantiate(&mut store) {
            Ok(guest) => Ok(Self { store, guest, calls: 0 }),
            Err(error) => Err(fault(&error, store.data())),
        }
    }

    /// Calls it. After a fault other than an error of its own it must not be called again.
    pub(super) fn call(&mut self, call: &bindings::Call, config: &GuestConfig) -> Answer {
        self.calls = self.calls.saturating_add(1);
        self.store.data_mut().allowance = Allowance::new(config);
        self.store.set_epoch_deadline(1);
        match self.guest.call_evaluate(&mut self.store, call) {
            Ok(Ok(value)) => from_guest(value, config),
            Ok(Err(text)) => {
                tracing::debug!(flag = call.flag, text, "a guest answered an error");
                Err(GuestFault::Failed)
            }
            Err(error) => Err(fault(&error, self.store.data())),
        }
    }

    /// Whether it was called as often as it may be.
    pub(super) fn is_worn(&self, config: &GuestConfig) -> bool {
        self.calls >= config.calls_per_instance
    }

    /// Bytes of memory that it holds.
    pub(super) fn memory_bytes(&self) -> usize {
        self.store.data().limiter.memory_bytes
    }
}

impl State {
    /// The guest was interrupted by a tick. Only ticks that it sees are counted, however many passed since the
    /// last: so neither waiting for the host nor for a processor is held against it. One instruction may take many
    /// (a fill of all its memory some 3 ms), so the clock is looked at too. It lets others have the processor: for as
    /// long as the system thinks fair, some 3 ms, ordinary evaluations would wait for it.
    fn tick(&mut self) -> UpdateDeadline {
        let allowance = &mut self.allowance;
        allowance.pause();
        match allowance.ticks.checked_sub(1) {
            Some(left) if !allowance.time.is_zero() => {
                allowance.ticks = left;
                thread::yield_now();
                allowance.resume();
                UpdateDeadline::Continue(1)
            }
            _ => UpdateDeadline::Interrupt,
        }
    }
}

impl Allowance {
    fn new(config: &GuestConfig) -> Self {
        Self {
            ticks: ticks(config),
            time: config.wall_limit,
            since: Instant::now(),
            lookups: config.lookups,
            lookup_bytes: config.lookup_bytes,
            overdrawn: false,
        }
    }

    /// The guest does not run from now on.
    fn pause(&mut self) {
        self.time = self.time.saturating_sub(self.since.elapsed());
    }

    /// The guest runs again.
    fn resume(&mut self) {
        self.since = Instant::now();
    }

    fn overdraw(&mut self) -> wasmtime::Error {
        self.overdrawn = true;
        Overdrawn.into()
    }
}

/// The ticks that a call may see: the first may come at once.
fn ticks(config: &GuestConfig) -> u64 {
    let ticks = config.time_limit.as_micros().div_ceil(TICK.as_micros());
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

fn fault(error: &wasmtime::Error, state: &State) -> GuestFault {
    match error.downcast_ref::<Trap>() {
        _ if state.limiter.refused => GuestFault::Memory,
        _ if state.allowance.overdrawn => GuestFault::Lookups,
        Some(Trap::Interrupt) => GuestFault::Timeout,
        Some(Trap::StackOverflow) => GuestFault::Stack,
        Some(_) => GuestFault::Trap,
        // what it gave could not be read: no UTF-8, beyond its memory, no such case, too much
        None => GuestFault::BadResult,
    }
}
