//! One instance of a guest, with a store of its own.

use std::{sync::Arc, thread};

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
    /// Ticks that the call may still see.
    ticks_left: u64,
}

impl bindings::Host for State {
    fn get(&mut self, key: String) -> bindings::Value {
        to_guest(&self.desk.ask(key))
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
        let mut store = Store::new(&runtime.engine, State { limiter, desk: desk.clone(), ticks_left: ticks(config) });
        store.limiter(|state| &mut state.limiter);
        store.epoch_deadline_callback(|mut store| Ok(store.data_mut().tick()));
        store.set_epoch_deadline(1);
        store.set_hostcall_fuel(config.answer_bytes);
        match compiled.pre.instantiate(&mut store) {
            Ok(guest) => Ok(Self { store, guest, calls: 0 }),
            Err(error) => Err(fault(&error, &store.data().limiter)),
        }
    }

    /// Calls it. After a fault other than an error of its own it must not be called again.
    pub(super) fn call(&mut self, call: &bindings::Call, config: &GuestConfig) -> Answer {
        self.calls = self.calls.saturating_add(1);
        self.store.data_mut().ticks_left = ticks(config);
        self.store.set_epoch_deadline(1);
        match self.guest.call_evaluate(&mut self.store, call) {
            Ok(Ok(value)) => from_guest(value, config),
            Ok(Err(text)) => {
                tracing::debug!(flag = call.flag, text, "a guest answered an error");
                Err(GuestFault::Failed)
            }
            Err(error) => Err(fault(&error, &self.store.data().limiter)),
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
    /// last: so neither waiting for the host nor for a processor is held against it. It lets others have the
    /// processor: for as long as the system thinks fair, some 3 ms, ordinary evaluations would wait for it.
    fn tick(&mut self) -> UpdateDeadline {
        match self.ticks_left.checked_sub(1) {
            Some(left) => {
                self.ticks_left = left;
                thread::yield_now();
                UpdateDeadline::Continue(1)
            }
            None => UpdateDeadline::Interrupt,
        }
    }
}

/// The ticks that a call may see: the first may come at once.
fn ticks(config: &GuestConfig) -> u64 {
    let ticks = config.time_limit.as_micros().div_ceil(TICK.as_micros());
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

fn fault(error: &wasmtime::Error, limiter: &Limiter) -> GuestFault {
    match error.downcast_ref::<Trap>() {
        _ if limiter.refused => GuestFault::Memory,
        Some(Trap::Interrupt) => GuestFault::Timeout,
        Some(Trap::StackOverflow) => GuestFault::Stack,
        Some(_) => GuestFault::Trap,
        // what it gave could not be read: no UTF-8, beyond its memory, no such case, too much
        None => GuestFault::BadResult,
    }
}
