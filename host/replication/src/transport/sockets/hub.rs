//! What all tasks of one node share.

use std::{
    cmp::Reverse,
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::BytesMut;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::{AbortHandle, JoinSet},
    time::timeout,
};

use super::{
    handshakes::Handshakes,
    hello::{Hello, HelloError},
    link::{self, Link, Rank},
    links::Links,
    quic::{self, Quic},
    wire::Wire,
};
use crate::{
    config::ReplicationLimits,
    message::PeerId,
    refusals::Refusals,
    transport::{DialError, InboxSender},
    wire::Refusal,
};

/// How long both sides may take until they know each other.
pub(super) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a node that is refused may take to read why.
const REFUSED_TIMEOUT: Duration = Duration::from_secs(1);

/// What all tasks of one node share.
pub(super) struct Hub {
    pub(super) own: Hello,
    pub(super) limits: ReplicationLimits,
    pub(super) inbox: InboxSender,
    pub(super) refusals: Arc<Refusals>,
    pub(super) links: Links,
    /// None where there are no certificates.
    pub(super) quic: Option<Quic>,
    pub(super) handshakes: Arc<Handshakes>,
    made: AtomicU64,
    tasks: Mutex<JoinSet<()>>,
}

impl Hub {
    pub(super) fn new(
        own: Hello,
        limits: ReplicationLimits,
        inbox: InboxSender,
        refusals: Arc<Refusals>,
        quic: Option<Quic>,
    ) -> Self {
        Self {
            own,
            links: Links::new(inbox.clone(), limits.peers),
            handshakes: Arc::new(Handshakes::new(&limits)),
            limits,
            inbox,
            refusals,
            quic,
            made: AtomicU64::new(0),
            tasks: Mutex::default(),
        }
    }

    /// Runs a task until it ends or the node does.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let mut tasks = self.tasks();
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task)
    }

    /// Takes the tasks, to end them.
    pub(super) fn take_tasks(&self) -> JoinSet<()> {
        std::mem::take(&mut *self.tasks())
    }

    /// Hears out who dialled, and makes a link or says no. Takes at most the time of a handshake.
    pub(super) async fn welcome(self: Arc<Self>, mut wire: Wire) {
        let hello = timeout(HANDSHAKE_TIMEOUT, Hello::read(&mut wire.reader)).await;
        match hello.unwrap_or(Err(HelloError::Refused(Refusal::Garbage))) {
            Ok(hello) => self.answer(hello, wire).await,
            Err(HelloError::Refused(refusal)) => self.refusals.count(refusal, 0),
            Err(HelloError::Broken(error)) => self.count_close_reason(&wire, &error),
        }
    }

    async fn answer(self: Arc<Self>, hello: Hello, wire: Wire) {
        let (verdict, peer) = (self.own.agree(&hello), hello.peer);
        if let Ok(protocol) = verdict
            && peer != self.own.peer
        {
            if let Err(refusal) = self.link((peer, protocol), wire, None, &self.own.encode()) {
                self.refusals.count(refusal, 0);
            }
            return;
        }
        if let Err(refusal) = verdict {
            tracing::debug!(peer = %peer.node, endpoint = %hello.endpoint, cluster = %hello.cluster, "a node is refused");
            self.refusals.count(refusal, 0);
        }
        // It finds out by itself why there is no link, from what this node is.
        let _ = timeout(REFUSED_TIMEOUT, part(wire, self.own.encode())).await;
    }

    /// Says hello on a connection that this node dialled.
    pub(super) async fn greet(self: &Arc<Self>, mut wire: Wire, dialled: &str) -> Result<PeerId, DialError> {
        if let Err(error) = wire.writer.write_all(&self.own.encode()).await {
            return Err(why_broken(&wire, &error));
        }
        let hello = Hello::read(&mut wire.reader).await.map_err(|error| match error {
            HelloError::Refused(refusal) => DialError::Refused(refusal),
            HelloError::Broken(error) => why_broken(&wire, &error),
        })?;
        if hello.peer == self.own.peer {
            return Ok(hello.peer);
        }
        let protocol = self.own.agree(&hello).map_err(DialError::Refused)?;
        self.link((hello.peer, protocol), wire, Some(dialled.to_owned()), &[]).map_err(DialError::Refused)?;
        Ok(hello.peer)
    }

    /// Takes a link into the list, then lets it run: to a peer, in a version of the protocol.
    fn link(
        self: &Arc<Self>,
        (peer, protocol): (PeerId, u8),
        wire: Wire,
        dialled: Option<String>,
        greeting: &[u8],
    ) -> Result<(), Refusal> {
        let rank = Rank {
            greater_dialled: dialled.is_some() != (self.own.peer < peer),
            credentials: Reverse(wire.credentials),
            number: self.made.fetch_add(1, Ordering::Relaxed),
        };
        let link = Arc::new(Link::new((peer, protocol), rank, dialled, wire.chain(), &self.limits));
        self.links.add(&link)?;
        tracing::debug!(peer = %peer.node, dialled = link.dialled.as_deref(), protocol, "linked");
        self.spawn(link::run(link, wire, BytesMut::from(greeting), Arc::clone(self)));
        Ok(())
    }

    /// A connection that broke before the hello may have been closed for a reason that counts.
    fn count_close_reason(&self, wire: &Wire, error: &std::io::Error) {
        let reason = wire.quic.as_ref().and_then(quinn::Connection::close_reason);
        if let Some(refusal) = reason.as_ref().and_then(quic::refusal) {
            self.refusals.count(refusal, 0);
        }
        tracing::debug!(%error, "a connection broke before the first word");
    }

    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a connection broke before the other side said hello: what closed it says more than what failed on it. (The
/// other side of QUIC looks at a certificate when this one already writes.)
fn why_broken(wire: &Wire, error: &std::io::Error) -> DialError {
    match wire.quic.as_ref().and_then(quinn::Connection::close_reason) {
        Some(reason) => quic::dial_error(&reason),
        None => DialError::Unreachable(error.to_string()),
    }
}

/// Sends last words, and waits until the other side has read them and closes.
async fn part(wire: Wire, words: Vec<u8>) -> std::io::Result<()> {
    let Wire { mut reader, mut writer, quic, .. } = wire;
    writer.write_all(&words).await?;
    writer.shutdown().await?;
    let mut nothing = [0; 64];
    while reader.read(&mut nothing).await? > 0 {}
    if let Some(connection) = quic {
        // Closing it here would drop what the other side has not got yet.
        connection.closed().await;
    }
    Ok(())
}
