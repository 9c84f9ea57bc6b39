//! The writer: one thread that plans, stamps, commits and applies local writes, and persists merged ones.
//!
//! It commits at once when idle; what arrives meanwhile is the next batch. Nothing is applied before it is
//! on disk, nothing is acknowledged before it is applied and fed.

use std::{
    collections::{BTreeSet, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use burgee_model::{Millis, RegisterId};
use tokio::sync::oneshot;

use crate::{
    Draft, DraftError, Origin, Position, Receipt, Request, Table, Version, WriteError,
    backlog::{Sweep, Task},
    backup::Source,
    persist::{Disk, DiskError},
    shared::{Identity, Shared},
    stamping,
    table::rows::Retained,
    version::encode_register,
};

/// How long the writer waits after the disk refused before it tries again to persist what was merged.
const RETRY: Duration = Duration::from_secs(1);

/// How long merging must pause before much that waits is persisted.
const PAUSE: Duration = Duration::from_millis(250);

/// How long it may wait for that, in milliseconds.
const PATIENCE_MS: Millis = 5_000;

/// How many keys one commit looks through for rows of nothing, for each register that it may write.
const REMAINS_FACTOR: usize = 16;

/// What wakes the writer.
pub(crate) enum Message {
    /// A local write.
    Write(Box<dyn Job>),
    /// Something was merged and must be persisted.
    Persist,
    /// A change of who the node is, and whoever waits for it.
    Identify(Identity, oneshot::Sender<Result<(), String>>),
    /// Whoever wants all that is there.
    Copy(oneshot::Sender<Result<(Source, u64), String>>),
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
    shared: Arc<Shared>,
    /// None in memory only.
    disk: Option<Disk>,
    inbox: Receiver<Message>,
    waiting: VecDeque<Box<dyn Job>>,
    /// The registers of a batch that the disk refused: rows of it may be there all the same.
    doubtful: BTreeSet<RegisterId>,
    /// Since when what waits is held off, by the wall time.
    held_off_since: Option<Millis>,
    /// Whether nobody has written or merged for a pause.
    is_calm: bool,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, disk: Option<Disk>, inbox: Receiver<Message>) -> Self {
        let (waiting, doubtful) = (VecDeque::new(), BTreeSet::new());
        Self { shared, disk, inbox, waiting, doubtful, held_off_since: None, is_calm: false }
    }

    /// Runs until every sender is gone and everything that waited is done.
    pub(crate) fn run(mut self) {
        let mut open = true;
        while open || !self.waiting.is_empty() {
            if open && self.waiting.is_empty() {
                open = self.wait();
            }
            self.take_waiting();
            self.write_batch();
            if !self.holds_off() {
                self.persist();
            }
        }
        while self.is_behind() && self.persist() {}
        self.put_told();
    }

    /// Whether rows are not what they should be.
    fn is_behind(&self) -> bool {
        !self.shared.backlog().is_empty() || !self.doubtful.is_empty()
    }

    /// Waits for something to do; says whether there can be more.
    fn wait(&mut self) -> bool {
        self.is_calm = false;
        let message = if self.is_behind() {
            // There is more than one commit's worth, or it is held off, or the disk refused.
            let pause = match self.shared.is_writable() {
                true if self.holds_off() => PAUSE,
                true => Duration::ZERO,
                false => RETRY,
            };
            self.inbox.recv_timeout(pause)
        } else if self.shared.has_told_news() {
            self.inbox.recv_timeout(if self.shared.is_writable() { PAUSE } else { RETRY })
        } else {
            self.inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        self.is_calm = matches!(message, Err(RecvTimeoutError::Timeout));
        if self.is_calm && !self.is_behind() {
            self.put_told();
        }
        match message {
            Ok(message) => self.keep(message),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        true
    }

    /// Whether what waits to be persisted is better done once merging pauses, and has not waited for so long that it is
    /// time.
    fn holds_off(&mut self) -> bool {
        if self.is_calm || !self.shared.backlog().may_wait() {
            self.held_off_since = None;
            return false;
        }
        let now = self.shared.now();
        now.abs_diff(*self.held_off_since.get_or_insert(now)) < PATIENCE_MS
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
            Message::Identify(identity, reply) => {
                // Whoever asked may have gone.
                let _ = reply.send(self.identify(identity));
            }
            Message::Copy(reply) => {
                let _ = reply.send(self.copy());
            }
        }
    }

    /// All that is there, and the clock's mark.
    fn copy(&mut self) -> Result<(Source, u64), String> {
        let source = match &mut self.disk {
            Some(disk) => Source::Disk(disk.snapshot().map_err(|error| error.to_string())?),
            None => Source::Memory(Box::new(self.shared.read().clone())),
        };
        Ok((source, self.shared.clock().mark()))
    }

    fn identify(&mut self, identity: Identity) -> Result<(), String> {
        // What was asked for before is written by whoever the node was then.
        while !self.waiting.is_empty() {
            self.write_batch();
        }
        let aside = match identity {
            Identity::New(_, missed) => self.shared.set_aside(missed),
            Identity::Resynchronised => self.shared.aside(),
            Identity::Repeated => None,
        };
        if let Some(disk) = &mut self.disk {
            let done = match identity {
                Identity::New(id, _) => disk.reidentify(id, aside.as_deref()),
                Identity::Resynchronised => disk.resynchronised(),
                Identity::Repeated => disk.repeated(),
            };
            let done = done.map_err(|error| error.to_string());
            self.shared.report(done.as_ref().err());
            done?;
        }
        self.shared.identify(identity, aside);
        Ok(())
    }

    /// Writes what others have of this node's writes, where that is news and no write took it along.
    fn put_told(&mut self) {
        let Some(told) = self.shared.told_news() else { return };
        let done = self.disk.as_mut().map_or(Ok(()), |disk| disk.put_told(&told));
        if done.is_err() {
            self.shared.told_stays_news();
        }
        self.shared.report(done.err().map(|error| error.to_string()).as_ref());
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
            Some(stamping::stamp_draft(job.request(), draft, &table, &mut clock, now))
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
        let done = if versions.is_empty() { Ok(()) } else { self.append(&versions).map_err(|error| error.to_string()) };
        self.shared.report(done.as_ref().err());
        for Planned { mut job, versions } in batch {
            job.answer(match &done {
                Ok(()) => Ok(self.apply(versions)),
                Err(error) => Err(Failure::Disk(error.clone())),
            });
        }
    }

    /// Writes versions to the disk, after what a refused batch may have left there is gone: else it could
    /// count at the next start, and a kill among it would even win over what was acknowledged since.
    fn append(&mut self, versions: &[Arc<Version>]) -> Result<(), DiskError> {
        self.settle()?;
        let mark = self.shared.clock().mark();
        let Some(disk) = &mut self.disk else { return Ok(()) };
        self.shared.changed(versions);
        let told = self.shared.told_news();
        disk.append(versions, mark, told.as_ref()).inspect_err(|_| {
            if told.is_some() {
                self.shared.told_stays_news();
            }
            self.doubtful = versions.iter().map(|version| version.register.clone()).collect();
        })
    }

    /// Brings the rows of a refused batch in line with the table.
    fn settle(&mut self) -> Result<(), DiskError> {
        if !self.doubtful.is_empty() {
            self.sync(self.doubtful.iter().map(encode_register).collect::<Vec<_>>())?;
            self.doubtful.clear();
        }
        Ok(())
    }

    /// Brings the rows of registers, in their bytes, in line with the table.
    fn sync(&mut self, registers: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Result<(), DiskError> {
        let retained: Vec<Retained> = {
            let table = self.shared.read();
            registers.into_iter().filter_map(|register| table.retained(register.as_ref())).collect()
        };
        self.write_rows(retained)
    }

    fn write_rows(&mut self, retained: Vec<Retained>) -> Result<(), DiskError> {
        let Some(disk) = self.disk.as_mut().filter(|_| !retained.is_empty()) else { return Ok(()) };
        let mark = self.shared.clock().mark();
        disk.sync(retained, mark)
    }

    fn apply(&self, versions: Vec<Arc<Version>>) -> Receipt {
        let (_, position) = self.shared.apply(&versions, Origin::Local);
        let change = versions.first().map_or(crate::ChangeId(burgee_model::Stamp::ZERO), |first| first.change);
        Receipt { change, versions, position: Position(position.0) }
    }

    /// Takes back what a refused batch left, and persists one commit's worth of what was merged; says
    /// whether the disk took it.
    fn persist(&mut self) -> bool {
        if self.disk.is_none() {
            return true;
        }
        let task = self.shared.backlog().next(self.shared.limits.persist_registers);
        if task.is_none() && self.doubtful.is_empty() {
            return true;
        }
        let done = self.settle().and_then(|()| task.as_ref().map_or(Ok(()), |task| self.work(task)));
        self.shared.report(done.as_ref().map_err(ToString::to_string).err().as_ref());
        if let (Err(_), Some(task)) = (&done, task) {
            self.shared.backlog().put_back(task);
        }
        done.is_ok()
    }

    fn work(&mut self, task: &Task) -> Result<(), DiskError> {
        match task {
            Task::Registers(registers) => {
                self.sync(registers)?;
                let ended = self.shared.backlog().written(registers);
                self.shared.flushed(ended);
            }
            Task::Sweep(Sweep::Rows(after)) => self.sweep_rows(after.as_ref())?,
            Task::Sweep(Sweep::Remains(after)) => self.sweep_remains(after.as_deref())?,
        }
        Ok(())
    }

    fn sweep_rows(&mut self, after: Option<&RegisterId>) -> Result<(), DiskError> {
        let retained: Vec<Retained> = {
            let table = self.shared.read();
            let (retained, last) = table.retained_after(after, self.shared.limits.persist_registers.max(1));
            self.shared.backlog().advance(last.map_or(Sweep::Remains(None), |last| Sweep::Rows(Some(last))));
            retained
        };
        self.write_rows(retained)
    }

    fn sweep_remains(&mut self, after: Option<&[u8]>) -> Result<(), DiskError> {
        let Some(disk) = &mut self.disk else { return Ok(()) };
        let most = self.shared.limits.persist_registers.max(1) * REMAINS_FACTOR;
        let shared = &self.shared;
        match disk.remove_remains(after, most, |id| shared.read().holds(id))? {
            Some(next) => self.shared.backlog().advance(Sweep::Remains(Some(next))),
            None => {
                let ended = self.shared.backlog().end();
                self.shared.flushed(Some(ended));
            }
        }
        Ok(())
    }
}
