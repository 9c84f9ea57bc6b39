//! One link to one peer: it reads, writes, and finds out when nobody is there any more.

use std::{
    cmp::Reverse,
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::{Notify, oneshot},
    time::timeout,
};

use super::{
    chunk::{Assembler, Broken, CHUNK_BYTES_MAX, Chunk, Frame, HEAD_BYTES, Kind},
    hub::Hub,
    outbox::Outbox,
    wire::{Chain, Reader, Wire, Writer},
};
use crate::{config::ReplicationLimits, message::PeerId, transport::Responder, wire::Refusal};

/// After so long without anything to say, a node says that it lives.
const PING_PERIOD: Duration = Duration::from_millis(500);
/// After so long without a byte, nobody is there.
const SILENCE_MAX: Duration = Duration::from_secs(2);
/// After so long without a byte, a link is doubtful: pings are missing.
const DOUBT: Duration = Duration::from_millis(1200);
/// How long both sides may take to end a link in order.
const RETIRE_TIMEOUT: Duration = Duration::from_secs(1);
/// Requests of one link that may be unanswered.
const UNANSWERED_MAX: usize = 4096;

/// A link to a peer. What it stands for is in [`run`].
#[derive(Debug)]
pub(super) struct Link {
    pub(super) peer: PeerId,
    /// In which version of the protocol both speak.
    pub(super) protocol: u8,
    /// Which of two links to a peer stays: the lesser rank.
    pub(super) rank: Rank,
    /// What was dialled; none where the peer did.
    pub(super) dialled: Option<String>,
    /// What the peer proved itself with; none in clear text.
    pub(super) chain: Option<Chain>,
    outbox: Outbox,
    unanswered: Mutex<HashMap<u64, oneshot::Sender<Bytes>>>,
    requests: AtomicU64,
    made_at: Instant,
    /// When something was last heard, in milliseconds since it was made.
    heard_ms: AtomicU64,
    /// When part of an answer was.
    answered_ms: AtomicU64,
    retiring: Notify,
    cut: Notify,
}

/// The order among links to one peer. Both ends agree on the first field; of links that the same node
/// dialled, that node alone decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// The node with the greater id dialled it.
    pub(super) greater_dialled: bool,
    /// With which of this node's credentials it was made: the newest first.
    pub(super) credentials: Reverse<u64>,
    /// How many links this node made before.
    pub(super) number: u64,
}

/// Why a link ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The connection broke, or nothing was heard.
    Lost,
    /// What was received makes no sense.
    Refused(Refusal),
}

/// A request that waits for its answer. Dropping it forgets the request.
pub(super) struct Asked {
    link: Arc<Link>,
    number: u64,
    pub(super) answer: oneshot::Receiver<Bytes>,
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.link.unanswered().remove(&self.number);
    }
}

impl Link {
    pub(super) fn new(
        (peer, protocol): (PeerId, u8),
        rank: Rank,
        dialled: Option<String>,
        chain: Option<Chain>,
        limits: &ReplicationLimits,
    ) -> Self {
        Self {
            peer,
            protocol,
            rank,
            dialled,
            chain,
            outbox: Outbox::new(limits),
            unanswered: Mutex::default(),
            requests: AtomicU64::new(0),
            made_at: Instant::now(),
            heard_ms: AtomicU64::new(0),
            answered_ms: AtomicU64::new(0),
            retiring: Notify::new(),
            cut: Notify::new(),
        }
    }

    /// Queues news; false where there is no room.
    pub(super) fn send(&self, bytes: Bytes) -> bool {
        self.outbox.push(Frame { kind: Kind::News, number: 0, bytes })
    }

    /// Queues a request; none where there is no room.
    pub(super) fn ask(self: &Arc<Self>, bytes: Bytes) -> Option<Asked> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        {
            let mut unanswered = self.unanswered();
            if unanswered.len() >= UNANSWERED_MAX {
                return None;
            }
            unanswered.insert(number, sender);
        }
        let asked = Asked { link: Arc::clone(self), number, answer };
        self.outbox.push(Frame { kind: Kind::Request, number, bytes }).then_some(asked)
    }

    /// Ends it in order: what waits is still sent, for as long as that may take. Says whether that is new.
    pub(super) fn retire(&self) -> bool {
        let new = self.outbox.retire();
        self.retiring.notify_one();
        new
    }

    /// Whether nothing was heard for longer than a live peer is silent.
    pub(super) fn is_doubtful(&self) -> bool {
        let heard = Duration::from_millis(self.heard_ms.load(Ordering::Relaxed));
        self.made_at.elapsed().saturating_sub(heard) > DOUBT
    }

    /// Whether part of an answer came within a time: a slow network is not a peer that does not answer.
    pub(super) fn is_answering(&self, within: Duration) -> bool {
        let answered = Duration::from_millis(self.answered_ms.load(Ordering::Relaxed));
        !answered.is_zero() && self.made_at.elapsed().saturating_sub(answered) < within
    }

    fn hears(&self) {
        self.heard_ms.store(self.age_ms(), Ordering::Relaxed);
    }

    fn age_ms(&self) -> u64 {
        u64::try_from(self.made_at.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Ends it at once.
    pub(super) fn cut(&self) {
        self.cut.notify_one();
    }

    fn unanswered(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Bytes>>> {
        self.unanswered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes nothing more and fails what is unanswered.
    fn close(&self) {
        self.outbox.abandon();
        self.unanswered().clear();
    }
}

/// Carries a link until it ends. `greeting` is sent first.
pub(super) async fn run(link: Arc<Link>, wire: Wire, greeting: BytesMut, hub: Arc<Hub>) {
    let Wire { reader, writer, quic: _connection, .. } = wire;
    let carried = async { tokio::try_join!(read(&link, reader, &hub), write(&link, writer, greeting)) };
    let retired = async {
        link.retiring.notified().await;
        tokio::time::sleep(RETIRE_TIMEOUT).await;
    };
    let end = tokio::select! {
        ended = carried => ended.err(),
        () = link.cut.notified() => None,
        () = retired => None,
    };
    hub.links.remove(&link);
    link.close();
    tracing::debug!(peer = %link.peer.node, ?end, "link ended");
    if let Some(End::Refused(refusal)) = end {
        hub.refusals.count(refusal, 0);
    }
}

/// Batches of chunks, and pings where there are none; a bye at the end.
async fn write(link: &Link, mut writer: Writer, mut buffer: BytesMut) -> Result<(), End> {
    loop {
        writer.write_all_buf(&mut buffer).await.map_err(|_| End::Lost)?;
        match timeout(PING_PERIOD, link.outbox.fill(&mut buffer)).await {
            Ok(true) => {}
            Ok(false) => break,
            Err(_) => drop(Frame::bare(Kind::Ping, 0).put_chunk(&mut buffer)),
        }
    }
    Frame::bare(Kind::Bye, 0).put_chunk(&mut buffer);
    writer.write_all_buf(&mut buffer).await.map_err(|_| End::Lost)?;
    writer.shutdown().await.map_err(|_| End::Lost)
}

async fn read(link: &Arc<Link>, mut reader: Reader, hub: &Hub) -> Result<(), End> {
    let mut buffer = BytesMut::with_capacity(HEAD_BYTES + CHUNK_BYTES_MAX);
    let mut lanes = [(); 2].map(|()| Assembler::new(hub.limits.frame_bytes));
    loop {
        while let Some(chunk) = Chunk::take(&mut buffer).map_err(End::Refused)? {
            let is_bulk = chunk.frame.kind.is_bulk();
            if is_bulk {
                link.answered_ms.store(link.age_ms(), Ordering::Relaxed);
            }
            let lane = &mut lanes[usize::from(is_bulk)];
            match lane.take(chunk) {
                Ok(None) => {}
                Ok(Some(frame)) if frame.kind == Kind::Bye => return say_bye(link, reader, hub).await,
                Ok(Some(frame)) => receive(link, frame, hub),
                Err(Broken::Frame) => hub.refusals.count(Refusal::Oversized, hub.limits.frame_bytes),
                Err(Broken::Link) => return Err(End::Refused(Refusal::Garbage)),
            }
        }
        buffer.reserve(HEAD_BYTES + CHUNK_BYTES_MAX);
        match timeout(SILENCE_MAX, reader.read_buf(&mut buffer)).await {
            Ok(Ok(1..)) => link.hears(),
            Ok(Ok(0)) if !buffer.is_empty() || lanes.iter().any(Assembler::is_amid) => {
                return Err(End::Refused(Refusal::Truncated));
            }
            _ => return Err(End::Lost),
        }
    }
}

/// The peer ends the link. Whoever is first to say so closes the connection, once the other has too.
async fn say_bye(link: &Link, mut reader: Reader, hub: &Hub) -> Result<(), End> {
    hub.links.remove(link);
    if link.retire() {
        let mut nothing = [0; 64];
        while timeout(RETIRE_TIMEOUT, reader.read(&mut nothing)).await.is_ok_and(|read| read.is_ok_and(|n| n > 0)) {}
    }
    Ok(())
}

fn receive(link: &Arc<Link>, frame: Frame, hub: &Hub) {
    let Frame { kind, number, bytes } = frame;
    match kind {
        Kind::News => hub.inbox.frame(link.peer, bytes, None),
        Kind::Request => hub.inbox.frame(link.peer, bytes, Some(responder(link, number))),
        Kind::Answer => {
            if let Some(asked) = link.unanswered().remove(&number) {
                // Who asked may have given up just now.
                let _ = asked.send(bytes);
            }
        }
        Kind::Decline => drop(link.unanswered().remove(&number)),
        Kind::Ping | Kind::Bye => {}
    }
}

fn responder(link: &Arc<Link>, number: u64) -> Responder {
    let reply = Reply { link: Arc::clone(link), number, answered: false };
    Responder::new(move |bytes| reply.answer(bytes))
}

/// Declines where it is dropped without an answer.
struct Reply {
    link: Arc<Link>,
    number: u64,
    answered: bool,
}

impl Reply {
    fn answer(mut self, bytes: Bytes) {
        self.answered = self.link.outbox.push(Frame { kind: Kind::Answer, number: self.number, bytes });
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if !self.answered {
            self.link.outbox.push(Frame::bare(Kind::Decline, self.number));
        }
    }
}
