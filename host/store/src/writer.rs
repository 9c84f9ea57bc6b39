//! The writer: one thread that plans, stamps, commits and applies local writes, and persists merged ones.
//!
//! It commits at once when idle; what arrives meanwhile is the next batch. Nothing is applied before it is
//! on disk, nothing is acknowledged before it is applied and fed.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use burgee_model::Millis;
use tokio::sync::oneshot;

use crate::{
    Draft, DraftError, Origin, Position, Receipt, Request, Table, Version, WriteError,
    persist::{Disk, Retained},
    shared::Shared,
    stamping,
};

/// How long the writer waits after the disk refused before it tries again to persist what was merged.
const RETRY: Duration = Duration::from_secs(1);

/// What wakes the writer.
pub(crate) enum Message {
    /// A local write.
    Write(Box<dyn Job>),
    /// Something was merged and must be persisted.
    Persist,
}

/// A local write that waits: its plan and whoever waits for it.
pub(crate) trait Job: Send {
    fn request(&self) -> &Request;
    /// Runs the plan. None where it refused, and answered so.
    fn plan(&mut self, table: &Table, now: Millis) -> Option<Draft>;
    fn answer(&mut self, answer: Result<Receipt, Failure>);
}

/// Why a planned write did not happen.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    Draft(DraftError),
    Disk(String),
}

/// A job and the one to answer it.
pub(crate) struct Ticket<E, F> {
    pub(crate) request: Request,
    pub(crate) plan: Option<F>,
    pub(crate) reply: Option<oneshot::Sender<Result<Receipt, WriteError<E>>>>,
}

impl<E, F> Ticket<E, F> {
    /// Whoever asked may have gone; the write stands all the same.
    fn send(&mut self, answer: Result<Receipt, WriteError<E>>) {
        if let Some(reply) = self.reply.take() {
            let _ = reply.send(answer);
        }
    }
}

impl<E, F> Job for Ticket<E, F>
where
    E: Send,
    F: FnOnce(&Table, Millis) -> Result<Draft, E> + Send,
{
    fn request(&self) -> &Request {
        &self.request
    }

    fn plan(&mut self, table: &Table, now: Millis) -> Option<Draft> {
        let plan = self.plan.take()?;
        plan(table, now).map_err(|refusal| self.send(Err(WriteError::Refused(refusal)))).ok()
    }

    fn answer(&mut self, answer: Result<Receipt, Failure>) {
        self.send(answer.map_err(|failure| match failure {
            Failure::Draft(error) => WriteError::Draft(error),
            Failure::Disk(error) => WriteError::Disk(error),
        }));
    }
}

/// A planned and stamped write.
struct Planned {
    job: Box<dyn Job>,
    versions: Vec<Arc<Version>>,
}

/// The writer's own.
pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    /// None in memory only.
    pub(crate) disk: Option<Disk>,
    pub(crate) inbox: Receiver<Message>,
    pub(crate) waiting: VecDeque<Box<dyn Job>>,
}

impl Writer {
    /// Runs until every sender is gone and everything that waited is done.
    pub(crate) fn run(mut self) {
        let mut open = true;
        while open || !self.waiting.is_empty() {
            if open && self.waiting.is_empty() {
                open = self.wait();
            }
            self.take_waiting();
            self.write_batch();
            self.persist();
        }
        while self.shared.has_dirty() && self.persist() {}
    }

    /// Waits for something to do; says whether there can be more.
    fn wait(&mut self) -> bool {
        let message = if self.shared.has_dirty() {
            // Either there is more than one commit's worth, or the disk refused.
            let pause = if self.shared.is_writable() { Duration::ZERO } else { RETRY };
            self.inbox.recv_timeout(pause)
        } else {
            self.inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        match message {
            Ok(message) => self.keep(message),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        true
    }

    fn take_waiting(&mut self) {
        while self.waiting.len() < self.shared.limits.queue_requests {
            let Ok(message) = self.inbox.try_recv() else { break };
            self.keep(message);
        }
    }

    fn keep(&mut self, message: Message) {
        match message {
            Message::Write(job) => self.waiting.push_back(job),
            Message::Persist => self.shared.awake(),
        }
    }

    /// Plans and commits as many of the waiting requests as fit one batch.
    fn write_batch(&mut self) {
        let mut batch: Vec<Planned> = Vec::new();
        let mut writes = 0;
        while let Some(job) = self.waiting.pop_front() {
            let scope = &job.request().scope;
            let overlaps = batch.iter().any(|planned| planned.job.request().scope.overlaps(scope));
            if overlaps || writes >= self.shared.limits.batch_writes {
                self.waiting.push_front(job);
                break;
            }
            if let Some(planned) = self.plan(job) {
                writes += planned.versions.len();
                batch.push(planned);
            }
        }
        if !batch.is_empty() {
            self.commit(batch);
        }
    }

    /// None where the job has its answer already.
    fn plan(&self, mut job: Box<dyn Job>) -> Option<Planned> {
        let now = self.shared.now();
        let table = self.shared.read();
        let planned = catch_unwind(AssertUnwindSafe(|| {
            let draft = job.plan(&table, now)?;
            let mut clock = self.shared.clock();
            Some(stamping::versions(job.request(), draft, &table, &mut clock, now))
        }));
        drop(table);
        match planned.unwrap_or(Some(Err(DraftError::Panicked)))? {
            Ok(versions) => Some(Planned { job, versions }),
            Err(error) => {
                job.answer(Err(Failure::Draft(error)));
                None
            }
        }
    }

    fn commit(&mut self, batch: Vec<Planned>) {
        let versions: Vec<Arc<Version>> = batch.iter().flat_map(|p| p.versions.iter().cloned()).collect();
        let mark = self.shared.clock().mark();
        let done = match &mut self.disk {
            Some(disk) if !versions.is_empty() => disk.append(&versions, mark),
            _ => Ok(()),
        };
        let done = done.map_err(|error| error.to_string());
        self.shared.report(done.as_ref().err());
        for Planned { mut job, versions } in batch {
            job.answer(match &done {
                Ok(()) => Ok(self.apply(versions)),
                Err(error) => Err(Failure::Disk(error.clone())),
            });
        }
    }

    fn apply(&self, versions: Vec<Arc<Version>>) -> Receipt {
        let (_, position) = self.shared.apply(&versions, Origin::Local);
        let change = versions.first().map_or(crate::ChangeId(burgee_model::Stamp::ZERO), |first| first.change);
        Receipt { change, versions, position: Position(position.0) }
    }

    /// Persists one commit's worth of what was merged; says whether the disk took it.
    fn persist(&mut self) -> bool {
        let limit = self.shared.limits.persist_registers.max(1);
        let dirty = self.shared.take_dirty(limit);
        let Some(disk) = &mut self.disk else { return true };
        if dirty.is_empty() {
            return true;
        }
        let retained: Vec<Retained> = {
            let table = self.shared.read();
            dirty
                .keys()
                .map(|register| Retained { register: register.clone(), versions: table.history(register).collect() })
                .collect()
        };
        let mark = self.shared.clock().mark();
        let done = disk.sync(&retained, mark).map_err(|error| error.to_string());
        self.shared.report(done.as_ref().err());
        self.shared.settle_dirty(dirty, done.is_ok());
        done.is_ok()
    }
}
