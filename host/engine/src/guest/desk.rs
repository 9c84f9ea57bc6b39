//! Where a thread that evaluates meets the thread that runs the guest for it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use burgee_model::Value;

use super::{bindings, entry::Entry, fault::GuestFault, runtime::Compiled, suspension::GuestId};

/// One call, on its way to the thread that runs it.
pub(super) struct Job {
    pub(super) id: GuestId,
    pub(super) compiled: Arc<Compiled>,
    /// None where an instance is made and no more.
    pub(super) call: Option<bindings::Call>,
}

/// What a call gives.
pub(super) type Answer = Result<Value, GuestFault>;

/// The desk of one thread that runs guests. Who asked and who runs take turns, so that at most one of them waits.
#[derive(Default)]
pub(super) struct Desk {
    turn: Mutex<Turn>,
    changed: Condvar,
}

#[derive(Default)]
enum Turn {
    /// There is nothing to do.
    #[default]
    Idle,
    /// The guest's thread is to take the job.
    Job(Box<Job>),
    /// The guest runs.
    Running,
    /// The guest waits for a config entry.
    Asked(String),
    /// The caller looks the entry up.
    LookingUp,
    /// The guest's thread is to take the value.
    Told(Entry),
    /// The caller is to take the answer.
    Done(Answer),
    /// The guest's thread is to end.
    Closed,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, turn: Turn) {
        *self.lock() = turn;
        self.changed.notify_one();
    }

    /// Waits for a turn of the wanted kind, and takes it.
    fn take(&self, wanted: impl Fn(&Turn) -> bool, leave: Turn) -> Turn {
        let waited = self.changed.wait_while(self.lock(), |turn| !wanted(turn));
        std::mem::replace(&mut *waited.unwrap_or_else(PoisonError::into_inner), leave)
    }

    // The caller's side.

    /// Has a job done, telling config entries meanwhile.
    pub(super) fn work(&self, job: Job, config: &dyn Fn(&str) -> Entry) -> Answer {
        self.put(Turn::Job(Box::new(job)));
        self.attend(config)
    }

    /// Waits until the guest is done, if it runs, so that the desk is free: for a caller that broke off.
    pub(super) fn clear(&self) {
        let nothing = |_: &str| Entry::default();
        let (idle, looking_up) = match &*self.lock() {
            Turn::Idle => (true, false),
            turn => (false, matches!(turn, Turn::LookingUp)),
        };
        if looking_up {
            self.put(Turn::Told(Entry::default()));
        }
        if !idle {
            // whoever wanted the answer is gone
            let _ = self.attend(&nothing);
        }
    }

    fn attend(&self, config: &dyn Fn(&str) -> Entry) -> Answer {
        loop {
            match self.take(|turn| matches!(turn, Turn::Asked(_) | Turn::Done(_)), Turn::LookingUp) {
                Turn::Asked(key) => self.put(Turn::Told(config(&key))),
                Turn::Done(answer) => {
                    *self.lock() = Turn::Idle;
                    return answer;
                }
                _ => return Err(GuestFault::Trap),
            }
        }
    }

    /// Ends the guest's thread. Nobody may call any more.
    pub(super) fn close(&self) {
        self.put(Turn::Closed);
    }

    // The guest's side.

    /// Waits for the next job; none once the desk is closed.
    pub(super) fn next(&self) -> Option<Job> {
        match self.take(|turn| matches!(turn, Turn::Job(_) | Turn::Closed), Turn::Running) {
            Turn::Job(job) => Some(*job),
            _ => None,
        }
    }

    /// Asks for a config entry.
    pub(super) fn ask(&self, key: String) -> Entry {
        self.put(Turn::Asked(key));
        match self.take(|turn| matches!(turn, Turn::Told(_)), Turn::Running) {
            Turn::Told(entry) => entry,
            _ => Entry::default(),
        }
    }

    /// Gives the answer.
    pub(super) fn finish(&self, answer: Answer) {
        self.put(Turn::Done(answer));
    }
}
