//! What the protocol asks of a network: little, so that memory and sockets pass one suite.
//!
//! - A sent frame goes to one peer; it may be lost, and a slow or dead receiver delays nobody: what does
//!   not fit that peer's queue is dropped. Frames arrive in order, except where one link takes the place of
//!   another.
//! - A request goes to one peer and is answered once, or fails in time.
//! - Peers appear and vanish as [`Membership`]: a link that breaks and is made anew is a `Down` and an `Up`.
//! - What is received waits in a bounded [`Inbox`]; beyond its bounds frames are dropped and counted.

pub mod memory;
pub mod sockets;
#[cfg(test)]
mod tests;

use std::{fmt, future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::{
    config::ReplicationLimits,
    message::PeerId,
    refusals::Refusals,
    wire::{PROTOCOL, Refusal},
};

/// Membership changes that may wait.
const MEMBERSHIP_WAITING: usize = 1024;

/// A network, as one node has it.
pub trait Transport: Send + Sync + 'static {
    /// Makes a link to the node that listens at an endpoint; done once it is made. Where there is a link
    /// to that node already, that is the answer. It may be this node itself: then no link is made.
    fn dial(&self, endpoint: &str) -> impl Future<Output = Result<PeerId, DialError>> + Send;

    /// The version of the protocol in which a peer is spoken to.
    fn protocol(&self, peer: PeerId) -> u8 {
        let _ = peer;
        PROTOCOL
    }

    /// Closes all links to a peer; it vanishes.
    fn hang_up(&self, peer: PeerId);

    /// Queues a frame for a peer, and never waits; says whether there was room.
    fn send(&self, to: PeerId, frame: Bytes) -> bool;

    /// Asks one peer; the answer or an error comes within the timeout.
    fn request(
        &self,
        to: PeerId,
        frame: Bytes,
        timeout: Duration,
    ) -> impl Future<Output = Result<Bytes, RequestError>> + Send;

    /// Leaves; the others notice at once.
    fn close(&self) -> impl Future<Output = ()> + Send;
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The peer is not reached, or did not want to answer.
    #[error("the peer is not reached")]
    Unreachable,
    /// No answer came in time.
    #[error("no answer in time")]
    TimedOut,
}

/// Why an endpoint was not reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// It is not an endpoint that this transport may dial.
    #[error("not an endpoint to dial: {0}")]
    Endpoint(String),
    /// Nobody answers there.
    #[error("nobody is reached: {0}")]
    Unreachable(String),
    /// Somebody answers, but not as a node of this cluster that speaks this protocol.
    #[error("refused: {0}")]
    Refused(Refusal),
}

/// Who is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// There is a first link to a node.
    Up(PeerId),
    /// The last link to it is gone.
    Down(PeerId),
}

/// A frame that was received.
#[derive(Debug)]
pub struct Incoming {
    /// Which peer's link it came by.
    pub from: PeerId,
    /// The frame.
    pub frame: Bytes,
    /// How to answer, where it is a request. Dropping it fails the request.
    pub responder: Option<Responder>,
    _room: OwnedSemaphorePermit,
}

/// Answers one request; never waits.
pub struct Responder(Box<dyn FnOnce(Bytes) + Send>);

impl Responder {
    /// From what queues the answer.
    pub fn new(send: impl FnOnce(Bytes) + Send + 'static) -> Self {
        Self(Box::new(send))
    }

    /// Queues the answer.
    pub fn answer(self, frame: Bytes) {
        (self.0)(frame);
    }
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Responder")
    }
}

/// What a node receives.
#[derive(Debug)]
pub struct Inbox {
    /// Peers that appear and vanish.
    pub membership: mpsc::Receiver<Membership>,
    /// Frames.
    pub frames: mpsc::Receiver<Incoming>,
}

/// Puts into an [`Inbox`]; never waits.
#[derive(Clone, Debug)]
pub struct InboxSender {
    membership: mpsc::Sender<Membership>,
    frames: mpsc::Sender<Incoming>,
    room: Arc<Semaphore>,
    refusals: Arc<Refusals>,
    frame_bytes: usize,
}

/// An inbox with the bounds that are configured.
#[must_use]
pub fn inbox(limits: &ReplicationLimits, refusals: Arc<Refusals>) -> (InboxSender, Inbox) {
    let (membership, membership_inbox) = mpsc::channel(MEMBERSHIP_WAITING);
    let (frames, frames_inbox) = mpsc::channel(limits.inbox_frames.max(1));
    let room = limits.inbox_bytes.clamp(limits.frame_bytes, Semaphore::MAX_PERMITS);
    let sender = InboxSender {
        membership,
        frames,
        room: Arc::new(Semaphore::new(room)),
        refusals,
        frame_bytes: limits.frame_bytes,
    };
    (sender, Inbox { membership: membership_inbox, frames: frames_inbox })
}

impl InboxSender {
    /// A peer appeared or vanished; false where there is no room for the news. A peer of whose appearance nobody
    /// hears must not be linked; one that vanished is missed by its silence.
    pub fn membership(&self, change: Membership) -> bool {
        let told = self.membership.try_send(change);
        if told.is_err() {
            tracing::debug!(?change, "a membership change was dropped");
        }
        told.is_ok()
    }

    /// A frame came, to be answered or not. A frame without room is dropped and counted.
    pub fn frame(&self, from: PeerId, frame: Bytes, responder: Option<Responder>) {
        let bytes = frame.len();
        if let Err(refusal) = self.try_frame(from, frame, responder) {
            self.refusals.count(refusal, bytes);
        }
    }

    fn try_frame(&self, from: PeerId, frame: Bytes, responder: Option<Responder>) -> Result<(), Refusal> {
        if frame.len() > self.frame_bytes {
            return Err(Refusal::Oversized);
        }
        let permits = u32::try_from(frame.len()).map_err(|_| Refusal::Oversized)?;
        let room = Arc::clone(&self.room).try_acquire_many_owned(permits).map_err(|_| Refusal::Overflow)?;
        self.frames.try_send(Incoming { from, frame, responder, _room: room }).map_err(|_| Refusal::Overflow)
    }
}
