//! Each command, done.

use std::{
    convert::Infallible,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use burgee_store::{Draft, Store};
use bytes::Bytes;

use super::{Driver, End, log, merger::Gone};
use crate::{
    core::{Command, Event, Note, SystemWrite},
    message::{News, PeerId, Question},
    status::{ClusterEvent, Readiness},
    transport::Transport,
    wire::{Message, Refusal},
};

/// Registers that are named in the log where versions are dropped.
const EVICTED_NAMED: usize = 20;

/// Between two attempts to write again what was set aside.
const REPEAT_PAUSE: Duration = Duration::from_secs(1);

impl<T: Transport> Driver<T> {
    /// Executes a command; the event is what came of it at once.
    pub(super) fn execute(&mut self, command: Command) -> Option<Event> {
        match command {
            Command::Send { to, news } => self.send(to, news),
            Command::Ask { to, request, question, timeout } => self.ask(to, request, question, timeout),
            Command::Answer { ticket, answer } => self.answers.answer(ticket, Message::Answer(answer)),
            Command::Merge { merge, versions, from } => match self.merger.merge(merge, versions, from) {
                Ok(event) => return event,
                Err(Gone) => self.end = Some(End::Failed("the thread that merges has ended".to_owned())),
            },
            Command::Evict(versions) => {
                let evicted = self.store.evict(&versions);
                let some: Vec<_> = versions.iter().take(EVICTED_NAMED).map(|(register, _)| register).collect();
                tracing::warn!(evicted, ?some, "dropped what the cluster has collected, or has never had");
            }
            Command::Flush { flush } => self.report(self.store.flushed(), move |()| Event::Flushed { flush }),
            Command::Write(write) => self.write(&write),
            Command::Dial(endpoint) => self.dial(endpoint),
            Command::HangUp(peer) => self.transport.hang_up(peer),
            Command::SetClusterTime { offset_ms, outright } => self.time.set(offset_ms, outright),
            Command::SetReadiness(readiness) => {
                log::readiness(&readiness);
                self.store.set_catching_up(!readiness.ready);
                // Whoever finds it ready finds it so in the view of the cluster too.
                self.show_status();
                self.views.readiness.send_replace(readiness);
            }
            Command::SetClockAhead(ahead) => {
                let told = self.views.clock_ahead.swap(ahead.unwrap_or(0), Ordering::Relaxed);
                if ahead.is_some() != (told > 0) {
                    log::clock_ahead(ahead);
                }
            }
            Command::Reidentify(missed) => {
                // It serves no more from this moment on.
                self.views.readiness.send_replace(Readiness::waiting("resynchronising"));
                self.end = Some(End::Reidentify(missed));
            }
            Command::Resynchronised => self.resynchronised(),
            Command::Repeat => self.report(repeat(self.store.clone()), |()| Event::Repeated),
            Command::Told { peer, up_to } => self.store.told(peer, up_to),
            Command::GiveUp(text) => self.end = Some(End::Failed(text)),
            Command::Note(note) => self.note(&note),
        }
        None
    }

    pub(super) fn encode(&self, to: PeerId, message: &Message) -> Bytes {
        let protocol = self.transport.protocol(to).min(self.protocol_max);
        let frame = self.codec.encode(protocol, message);
        self.traffic.sent(message.kind(), frame.len());
        frame.into()
    }

    fn send(&self, to: PeerId, news: News) {
        let frame = self.encode(to, &Message::News(news));
        if !self.transport.send(to, frame) {
            tracing::debug!(peer = %to.node, "news was dropped: the peer's queue is full");
        }
    }

    fn ask(&self, to: PeerId, request: u64, question: Question, timeout: Duration) {
        let frame = self.encode(to, &Message::Question(question));
        let (transport, codec) = (Arc::clone(&self.transport), self.codec);
        let (refusals, traffic) = (Arc::clone(&self.refusals), Arc::clone(&self.traffic));
        let answer = async move {
            let frame = transport.request(to, frame, timeout).await.inspect_err(|error| {
                tracing::debug!(%error, peer = %to.node, "no answer");
            });
            let frame = frame.ok()?;
            match read(&frame, codec, &refusals, &traffic)? {
                Message::Answer(answer) => Some(answer),
                _ => {
                    refusals.count(Refusal::Garbage, frame.len());
                    None
                }
            }
        };
        self.report(answer, move |answer| Event::Answered { request, answer });
    }

    fn dial(&self, endpoint: String) {
        let transport = Arc::clone(&self.transport);
        let dialling = async move {
            let dialled = transport.dial(&endpoint).await;
            if let Err(error) = &dialled {
                tracing::debug!(%error, endpoint, "not reached");
            }
            (endpoint, dialled.ok())
        };
        self.report(dialling, |(endpoint, peer)| Event::Dialled { endpoint, peer });
    }

    /// The store feeds it back.
    fn write(&self, write: &SystemWrite) {
        let (request, draft) = write.request(self.own.node);
        let horizon = match write {
            SystemWrite::Horizon(stamp) => Some(*stamp),
            _ => None,
        };
        let written = self.store.write(request, move |table, _| {
            let known = horizon.is_some_and(|stamp| stamp <= table.horizon());
            Ok::<_, Infallible>(if known { Draft::default() } else { draft })
        });
        let write = write.clone();
        tokio::spawn(async move {
            if let Err(error) = written.await {
                tracing::warn!(%error, ?write, "the cluster's own register was not written");
            }
        });
    }

    fn resynchronised(&self) {
        let noted = self.store.resynchronised();
        tokio::spawn(async move {
            if let Err(error) = noted.await {
                tracing::warn!(%error, "this node will resynchronise again at its next start");
            }
        });
    }

    fn note(&self, note: &Note) {
        log::note(note);
        let (joined, peer) = match note {
            Note::Joined(peer) => (true, peer),
            Note::Left(peer) => (false, peer),
            Note::IdentityClaimed(_) => return self.refusals.count(Refusal::Identity, 0),
            _ => return,
        };
        let (name, endpoint) = self.core.describe(peer.node);
        // Nobody may listen.
        let _ = self.views.events.send(ClusterEvent { joined, id: peer.node, name, endpoint });
    }

    /// Tells the loop what comes of something that takes time.
    fn report<R: Send + 'static>(
        &self,
        work: impl Future<Output = R> + Send + 'static,
        event: impl FnOnce(R) -> Event + Send + 'static,
    ) {
        let results = self.results.clone();
        tokio::spawn(async move {
            // The loop may have ended meanwhile.
            let _ = results.send(event(work.await)).await;
        });
    }
}

/// Where the disk refuses, it is tried again: what is not on disk again is still set aside there.
async fn repeat(store: Store) {
    loop {
        match store.repeat().await {
            Ok(repeated) => return tracing::warn!(repeated, "wrote again what the cluster had never heard of"),
            Err(error) => tracing::error!(%error, "what the cluster had never heard of is not written again yet"),
        }
        tokio::time::sleep(REPEAT_PAUSE).await;
    }
}

/// Reads what came in answer to a request; what cannot be read is counted.
pub(super) fn read(
    frame: &Bytes,
    codec: crate::wire::Codec,
    refusals: &crate::Refusals,
    traffic: &super::Traffic,
) -> Option<Message> {
    match codec.decode(frame) {
        Ok(message) => {
            traffic.received(message.kind(), frame.len());
            refusals.left_out(message.unknown());
            Some(message)
        }
        Err(refusal) => {
            refusals.count(refusal, frame.len());
            None
        }
    }
}
