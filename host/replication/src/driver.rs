//! Executes the core's commands: one loop that owns the state, and short-lived tasks for what waits.

mod answers;
mod execute;
mod local;
mod log;
mod merger;
#[cfg(test)]
mod tests;
mod traffic;
pub(crate) mod uses;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use burgee_store::{Missed, Store};
use tokio::{
    sync::{broadcast, mpsc, watch},
    time::{Instant, MissedTickBehavior},
};

pub(crate) use self::traffic::Traffic;
use self::{
    answers::Answers,
    local::{LocalChanges, Written},
    merger::Merger,
};
use crate::{
    config::ReplicationLimits,
    core::{Core, Event, Now, Settings},
    message::PeerId,
    refusals::Refusals,
    status::{ClusterEvent, Readiness, Status},
    timekeeping::{Timekeeping, wall_clock},
    transport::{Inbox, Incoming, Membership, Responder, Transport},
    wire::{Codec, Message, Refusal},
};

/// Between ticks. Waking from a stop is noticed within it.
const TICK: Duration = Duration::from_millis(100);

/// Results of tasks that may wait for the loop.
const RESULTS_WAITING: usize = 1_024;

/// What a driver works on.
pub(crate) struct Parts<T> {
    pub(crate) settings: Settings,
    pub(crate) limits: ReplicationLimits,
    pub(crate) protocol_max: u8,
    pub(crate) store: Store,
    pub(crate) time: Timekeeping,
    pub(crate) transport: Arc<T>,
    pub(crate) inbox: Inbox,
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) views: Arc<Views>,
    pub(crate) found: watch::Receiver<BTreeSet<String>>,
}

/// What a driver shows.
pub(crate) struct Views {
    pub(crate) readiness: watch::Sender<Readiness>,
    pub(crate) status: watch::Sender<Status>,
    pub(crate) events: broadcast::Sender<ClusterEvent>,
    pub(crate) uses: uses::Uses,
    /// By how many milliseconds the clock is ahead so that writes are refused; 0 where it is not.
    pub(crate) clock_ahead: AtomicU64,
}

/// Why a driver ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It was told to.
    Stopped,
    /// The node is to take a new identity.
    Reidentify(Missed),
    /// The node cannot take part.
    Failed(String),
}

pub(crate) struct Driver<T> {
    core: Core,
    own: PeerId,
    protocol_max: u8,
    store: Store,
    time: Timekeeping,
    transport: Arc<T>,
    codec: Codec,
    refusals: Arc<Refusals>,
    traffic: Arc<Traffic>,
    answers: Answers,
    merger: Merger,
    views: Arc<Views>,
    started: Instant,
    results: mpsc::Sender<Event>,
    end: Option<End>,
}

/// What the loop waits for.
struct Sources {
    inbox: Inbox,
    local: LocalChanges,
    results: mpsc::Receiver<Event>,
    found: watch::Receiver<BTreeSet<String>>,
    inquiries: broadcast::Receiver<uses::Inquiry>,
}

impl<T: Transport> Driver<T> {
    /// Runs until told to stop, or until the core ends it.
    pub(crate) async fn run(parts: Parts<T>, stop: watch::Receiver<bool>) -> End {
        let (results, results_inbox) = mpsc::channel(RESULTS_WAITING);
        let merger = match Merger::start(parts.store.clone(), Arc::clone(&parts.refusals), results.clone()) {
            Ok(merger) => merger,
            Err(error) => return End::Failed(format!("no thread: {error}")),
        };
        // Until it is told that it may serve.
        parts.store.set_catching_up(true);
        let local = LocalChanges::new(&parts.store, parts.limits.hint_bytes);
        let inquiries = parts.views.uses.subscribe();
        let mut sources = Sources { inbox: parts.inbox, local, results: results_inbox, found: parts.found, inquiries };
        // what an earlier driver was told counts for this one
        sources.found.mark_changed();
        let codec = Codec::new(parts.limits.frame_bytes);
        let answers = Answers::new(&parts.limits, codec, Arc::clone(&parts.traffic));
        let driver = Self {
            own: parts.settings.own,
            core: Core::new(parts.settings),
            protocol_max: parts.protocol_max,
            store: parts.store,
            time: parts.time,
            transport: parts.transport,
            codec,
            refusals: parts.refusals,
            traffic: parts.traffic,
            answers,
            merger,
            views: parts.views,
            started: Instant::now(),
            results,
            end: None,
        };
        // An earlier driver may have shown otherwise.
        driver.views.readiness.send_replace(driver.core.readiness().clone());
        driver.views.clock_ahead.store(0, Ordering::Relaxed);
        driver.work(sources, stop).await
    }

    async fn work(mut self, mut sources: Sources, mut stop: watch::Receiver<bool>) -> End {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // An error means that the other end is gone: nobody wants this any more.
                _ = stop.wait_for(|stop| *stop) => return End::Stopped,
                Some(change) = sources.inbox.membership.recv() => self.membership(change),
                Some(incoming) = sources.inbox.frames.recv() => {
                    // A peer appears before it speaks: its first beat would be lost, and the next comes a second later.
                    while let Ok(change) = sources.inbox.membership.try_recv() {
                        self.membership(change);
                    }
                    self.incoming(incoming);
                }
                Some(event) = sources.results.recv() => self.handle(event),
                written = sources.local.next() => self.handle(match written {
                    Written::Versions(versions) => Event::Written(versions),
                    Written::Missed => Event::WrittenUnseen,
                }),
                // where nobody will say any more what is found, what was found last counts
                Ok(()) = sources.found.changed() => {
                    let found = sources.found.borrow_and_update().clone();
                    self.handle(Event::Found(found));
                }
                // one that was missed is over by its time-out
                Ok(inquiry) = sources.inquiries.recv() => self.inquire(&inquiry),
                _ = ticks.tick() => {
                    self.handle(Event::Tick);
                    self.show_status();
                }
            }
            if let Some(end) = self.end.take() {
                return end;
            }
        }
    }

    fn membership(&mut self, change: Membership) {
        tracing::debug!(?change, "replication membership");
        self.handle(match change {
            Membership::Up(peer) => Event::Up(peer),
            Membership::Down(peer) => Event::Down(peer),
        });
    }

    fn incoming(&mut self, incoming: Incoming) {
        let (from, bytes) = (incoming.from, incoming.frame.len());
        let message = match self.codec.decode(&incoming.frame) {
            Ok(message) => message,
            Err(refusal) => return self.refusals.count(refusal, bytes),
        };
        self.traffic.received(message.kind(), bytes);
        self.refusals.left_out(message.unknown());
        match (message, incoming.responder) {
            (Message::News(news), None) => self.handle(Event::News { from, news }),
            (Message::Question(question), Some(responder)) => {
                if let Some(ticket) = self.admit(from, &incoming.frame, responder) {
                    self.handle(Event::Asked { from, ticket, question });
                }
            }
            (Message::AskUses(tokens), Some(responder)) => {
                if let Some(ticket) = self.admit(from, &incoming.frame, responder) {
                    self.answers.answer(ticket, Message::Uses(self.views.uses.own(&tokens)));
                }
            }
            _ => self.refusals.count(Refusal::Garbage, bytes),
        }
    }

    /// Takes a question where there is a place for its answer, which is written as the question was.
    fn admit(&mut self, from: PeerId, frame: &[u8], responder: Responder) -> Option<u64> {
        let protocol = frame.first().copied().unwrap_or(self.protocol_max);
        self.answers.admit(from.node, protocol.min(self.protocol_max), responder)
    }

    /// Some commands are done at once: what comes of them is the next event.
    fn handle(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            let now = self.now();
            let commands = self.core.handle(event, &self.store.read(), now);
            for command in commands {
                events.extend(self.execute(command));
            }
        }
    }

    fn now(&self) -> Now {
        Now { mono: self.started.elapsed(), wall: wall_clock(), cluster: self.store.now() }
    }

    fn show_status(&self) {
        let now = self.now();
        let status = self.core.status(&self.store.read(), now);
        self.views.status.send_replace(Status {
            frames_refused: self.refusals.totals(),
            versions_unknown: self.refusals.versions_unknown(),
            versions_invalid: self.refusals.versions_invalid(),
            traffic: self.traffic.totals(),
            ..status
        });
    }
}
