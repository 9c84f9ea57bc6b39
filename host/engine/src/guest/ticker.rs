//! The clock of running guests: a thread that moves the engine's epoch on, a quarter of a millisecond at a time.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// The time between two ticks: how long a guest keeps a processor for which others wait (see `State::tick`).
pub(super) const TICK: Duration = Duration::from_micros(250);
/// Ticks for which the thread goes on after the last call, 50 ms, so that it need not be woken for each of many.
const LINGER_TICKS: u32 = 200;

/// Ticks while a call runs, and a little longer. Dropping it ends its thread.
#[derive(Debug)]
pub(super) struct Ticker {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    woken: Condvar,
}

#[derive(Debug, Default)]
struct State {
    running: usize,
    asleep: bool,
    closed: bool,
}

/// A call that runs. Dropping it ends it.
pub(super) struct Running<'a>(&'a Shared);

impl Ticker {
    pub(super) fn start(tick: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let ticking = shared.clone();
        thread::Builder::new().name("burgee-ticker".into()).spawn(move || ticking.run(tick))?;
        Ok(Self { shared })
    }

    /// Notes that a call begins.
    pub(super) fn begin(&self) -> Running<'_> {
        let mut state = self.shared.lock();
        state.running += 1;
        if state.asleep {
            self.shared.woken.notify_one();
        }
        Running(&self.shared)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.woken.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, tick: impl Fn()) {
        let mut idle_ticks = 0;
        while self.wait(idle_ticks > LINGER_TICKS) {
            thread::sleep(TICK);
            tick();
            idle_ticks = if self.lock().running > 0 { 0 } else { idle_ticks + 1 };
        }
    }

    /// Sleeps, if it may, until a call runs. False once the ticker is gone.
    fn wait(&self, may_sleep: bool) -> bool {
        let mut state = self.lock();
        if may_sleep {
            state.asleep = true;
            let woken = self.woken.wait_while(state, |state| state.running == 0 && !state.closed);
            state = woken.unwrap_or_else(PoisonError::into_inner);
            state.asleep = false;
        }
        !state.closed
    }
}
