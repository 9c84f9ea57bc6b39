//! Executes the core's commands: one loop that owns the state, and short-lived tasks for what waits.

mod answers;
mod local;

use std::{sync::Arc, time::Duration};

use burgee_store::Store;
use bytes::Bytes;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, MissedTickBehavior},
};

use self::{
    answers::Answers,
    local::{LocalChanges, Written},
};
use crate::{
    config::ReplicationLimits,
    core::{Command, Core, Event, Moment, Note, PullId, Settings},
    message::{PageRequest, PeerId},
    refusals::Refusals,
    status::{PeerStatus, Readiness, SelfStatus, Status},
    transport::{Inbox, Incoming, Membership, Transport},
    wire::{Codec, Frame, Message, Refusal},
};

/// Between ticks. Waking from a stop is noticed within it.
const TICK: Duration = Duration::from_millis(100);

/// What a driver works on.
pub(crate) struct Parts<T> {
    pub(crate) settings: Settings,
    pub(crate) limits: ReplicationLimits,
    pub(crate) store: Store,
    pub(crate) transport: Arc<T>,
    pub(crate) inbox: Inbox,
    pub(crate) codec: Codec,
    pub(crate) refusals: Arc<Refusals>,
}

/// What a driver shows.
pub(crate) struct Views {
    pub(crate) readiness: watch::Sender<Readiness>,
    pub(crate) status: watch::Sender<Status>,
}

pub(crate) struct Driver<T> {
    core: Core,
    own: PeerId,
    limits: ReplicationLimits,
    store: Store,
    transport: Arc<T>,
    codec: Codec,
    refusals: Arc<Refusals>,
    answers: Answers,
    views: Views,
    started: Instant,
    pages: mpsc::Sender<Event>,
}

/// What the loop waits for.
struct Sources {
    inbox: Inbox,
    local: LocalChanges,
    pages: mpsc::Receiver<Event>,
}

impl<T: Transport> Driver<T> {
    /// Runs until told to stop, or until the other end of `stop` is dropped.
    pub(crate) async fn run(parts: Parts<T>, views: Views, stop: oneshot::Receiver<()>) {
        // At most one page is under way for each peer.
        let (pages, pages_inbox) = mpsc::channel(parts.limits.peers.max(1));
        let local = LocalChanges::new(&parts.store, parts.limits.hint_bytes);
        let sources = Sources { inbox: parts.inbox, local, pages: pages_inbox };
        let answers = Answers::new(&parts.limits, parts.codec.clone(), parts.settings.own, parts.store.clone());
        let driver = Self {
            own: parts.settings.own,
            core: Core::new(parts.settings),
            limits: parts.limits,
            store: parts.store,
            transport: parts.transport,
            codec: parts.codec,
            refusals: parts.refusals,
            answers,
            views,
            started: Instant::now(),
            pages,
        };
        driver.work(sources, stop).await;
    }

    async fn work(mut self, mut sources: Sources, mut stop: oneshot::Receiver<()>) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = &mut stop => return,
                Some(change) = sources.inbox.membership.recv() => self.membership(change).await,
                Some(incoming) = sources.inbox.frames.recv() => self.incoming(incoming).await,
                Some(event) = sources.pages.recv() => self.handle(event).await,
                written = sources.local.next() => self.written(written).await,
                _ = ticks.tick() => {
                    self.handle(Event::Tick).await;
                    self.show_status();
                }
            }
        }
    }

    async fn membership(&mut self, change: Membership) {
        tracing::debug!(?change, "replication membership");
        self.handle(match change {
            Membership::Up(peer) => Event::PeerUp(peer),
            Membership::Down(peer) => Event::PeerDown(peer),
        })
        .await;
    }

    async fn written(&mut self, written: Written) {
        self.handle(match written {
            Written::Versions(versions) => Event::LocalChange(versions),
            Written::Missed => Event::LocalChangesMissed,
        })
        .await;
    }

    async fn incoming(&mut self, incoming: Incoming) {
        let event = match (self.codec.decode(&incoming.frame), incoming.responder) {
            (Ok(Frame { from, message: Message::Hint(hint) }), None) => Event::Hint { from, hint },
            (Ok(Frame { from, message: Message::PageRequest(request) }), Some(responder)) => {
                match self.answers.admit(from.node, responder) {
                    Some(ticket) => Event::PageAsked { ticket, request },
                    None => return,
                }
            }
            (Ok(_), _) => return self.refusals.count(Refusal::Garbage, incoming.frame.len()),
            (Err(refusal), _) => return self.refusals.count(refusal, incoming.frame.len()),
        };
        self.handle(event).await;
    }

    /// Merging is synchronous: what comes of it is the next event.
    async fn handle(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            let now = self.now();
            for command in self.core.handle(event, now) {
                events.extend(self.execute(command).await);
            }
        }
    }

    async fn execute(&mut self, command: Command) -> Option<Event> {
        match command {
            Command::Publish(hint) => {
                let frame = self.codec.encode(self.own, &Message::Hint(hint));
                self.transport.publish(Bytes::from(frame)).await;
            }
            Command::RequestPage { peer, pull, request } => self.request(peer, pull, request),
            Command::AnswerPage { ticket, info, seq, request } => self.answers.answer(ticket, request, info, seq),
            Command::Merge { versions, from, pull } => {
                let versions = versions.into_iter().map(Arc::unwrap_or_clone).collect();
                let merged = self.store.merge(versions, from);
                if let Err(error) = &merged {
                    tracing::debug!(%error, %from, "versions were not merged");
                }
                return Some(Event::Merged { from, pull, taken: merged.is_ok() });
            }
            Command::Renew => {
                let transport = Arc::clone(&self.transport);
                tokio::spawn(async move { transport.renew().await });
            }
            Command::SetReadiness(readiness) => self.set_readiness(readiness),
            Command::Note(note) => log(&note),
        }
        None
    }

    fn set_readiness(&self, readiness: Readiness) {
        let Readiness { ready, reasons, alone } = &readiness;
        tracing::info!(ready, ?reasons, alone, "replica readiness");
        self.show_status();
        self.views.readiness.send_replace(readiness);
    }

    fn request(&self, peer: PeerId, pull: PullId, request: PageRequest) {
        let frame = Bytes::from(self.codec.encode(self.own, &Message::PageRequest(request)));
        let (transport, pages, timeout) =
            (Arc::clone(&self.transport), self.pages.clone(), self.limits.request_timeout);
        let (codec, refusals) = (self.codec.clone(), Arc::clone(&self.refusals));
        tokio::spawn(async move {
            let answer = transport.request(peer, frame, timeout).await;
            let page = match answer.as_deref().map(|frame| codec.decode(frame)) {
                Ok(Ok(Frame { from, message: Message::Page(page) })) if from == peer => Some(page),
                Ok(refused) => {
                    refusals.count(refused.err().unwrap_or(Refusal::Garbage), answer.as_ref().map_or(0, Bytes::len));
                    None
                }
                Err(error) => {
                    tracing::debug!(%error, peer = %peer.node, "no page");
                    None
                }
            };
            // The loop may have ended meanwhile.
            let _ = pages.send(Event::Page { pull, page }).await;
        });
    }

    fn now(&self) -> Moment {
        self.started.elapsed()
    }

    fn show_status(&self) {
        let now = self.now();
        let peers = self.core.peers().map(|peer| PeerStatus {
            id: peer.id.node,
            name: peer.info.map(|info| info.name.clone()),
            endpoint: peer.info.and_then(|info| info.endpoint.clone()),
            live: peer.live,
            ready: peer.info.is_some_and(|info| info.ready),
            synchronised: peer.synchronised,
            heard_ms: peer.heard_at.map(|at| u64::try_from(now.saturating_sub(at).as_millis()).unwrap_or(u64::MAX)),
        });
        let (peers, ready) = (peers.collect(), self.core.readiness().ready);
        self.views.status.send_modify(|status| {
            status.peers = peers;
            status.own.ready = ready;
            status.frames_refused = self.refusals.totals();
        });
    }
}

/// The status before anything happened.
pub(crate) fn first_status(own: SelfStatus) -> Status {
    Status { own, peers: Vec::new(), frames_refused: std::collections::BTreeMap::new() }
}

fn log(note: &Note) {
    match note {
        Note::Slept(gap) => tracing::info!(?gap, "this node slept: pulling from all peers"),
        Note::Synchronised { peer, took } => tracing::info!(peer = %peer.node, ?took, "snapshot merged"),
        Note::Unheard { peer } => tracing::warn!(peer = %peer.node, "a peer is shown but not heard: reconnecting"),
        Note::Gap { peer } => tracing::debug!(peer = %peer.node, "hints went missing: pulling"),
        Note::IdentityInUse(peer) => {
            tracing::warn!(node = %peer.node, "another process has this node's identity: a copied data directory?");
        }
        Note::TooManyPeers => tracing::warn!("too many peers: one is ignored"),
    }
}

#[cfg(test)]
mod tests;
