//! The networks that nodes enter: sockets, or none at all.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use crate::{
    config::ReplicationConfig,
    message::PeerId,
    refusals::Refusals,
    replication::ReplicationError,
    supervisor::Network,
    transport::{DialError, InboxSender, RequestError, Transport, sockets::SocketsTransport},
};

/// What a configuration says; nothing at all where replication is off.
pub(crate) struct Configured(pub(crate) ReplicationConfig);

/// One end of either.
pub(crate) enum Either {
    Sockets(SocketsTransport),
    /// Nobody is reached. The inbox stays open, and nothing comes.
    Nobody {
        _inbox: InboxSender,
    },
}

impl Network for Configured {
    type Transport = Either;

    async fn open(
        &self,
        own: PeerId,
        inbox: InboxSender,
        refusals: Arc<Refusals>,
    ) -> Result<(Either, Option<String>), ReplicationError> {
        if !self.0.is_on() {
            return Ok((Either::Nobody { _inbox: inbox }, None));
        }
        let transport = SocketsTransport::open(&self.0, own, inbox, refusals).await?;
        let endpoint = transport.endpoint().map(ToOwned::to_owned);
        Ok((Either::Sockets(transport), endpoint))
    }

    fn keep_endpoint(&mut self, transport: &Either) {
        if let Either::Sockets(sockets) = transport {
            self.0.listen = sockets.bound().map(ToOwned::to_owned);
        }
    }
}

impl Transport for Either {
    async fn dial(&self, endpoint: &str) -> Result<PeerId, DialError> {
        match self {
            Self::Sockets(sockets) => sockets.dial(endpoint).await,
            Self::Nobody { .. } => Err(DialError::Unreachable("replication is off".to_owned())),
        }
    }

    fn protocol(&self, peer: PeerId) -> u8 {
        match self {
            Self::Sockets(sockets) => sockets.protocol(peer),
            Self::Nobody { .. } => crate::wire::PROTOCOL,
        }
    }

    fn hang_up(&self, peer: PeerId) {
        if let Self::Sockets(sockets) = self {
            sockets.hang_up(peer);
        }
    }

    fn send(&self, to: PeerId, frame: Bytes) -> bool {
        matches!(self, Self::Sockets(sockets) if sockets.send(to, frame))
    }

    async fn request(&self, to: PeerId, frame: Bytes, timeout: Duration) -> Result<Bytes, RequestError> {
        match self {
            Self::Sockets(sockets) => sockets.request(to, frame, timeout).await,
            Self::Nobody { .. } => Err(RequestError::Unreachable),
        }
    }

    async fn close(&self) {
        if let Self::Sockets(sockets) = self {
            sockets.close().await;
        }
    }
}
