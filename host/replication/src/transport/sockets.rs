//! The network over sockets: QUIC with certificates on both sides, and plain TCP on loopback.
//!
//! Either gives a stream of bytes on which one protocol runs: both sides say who they are ([`hello`]), then
//! frames go both ways in [`chunk`]s. A node that does not read, or is no longer there, fills its own queue
//! ([`outbox`]) and nothing else; a [`link`] on which nothing is heard for two seconds is dead. Which of
//! several links to a peer is used, and who is reached at all, is in [`links`].

mod chunk;
mod dial;
mod handshakes;
mod hello;
mod hub;
mod link;
mod links;
mod listen;
mod outbox;
mod quic;
mod tls;
mod udp;
mod watch;
mod wire;

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::{task::AbortHandle, time::timeout};

use self::{
    hello::Hello,
    hub::Hub,
    listen::Listener,
    quic::Quic,
    tls::{Credentials, Files},
    watch::Watch,
};
use super::{DialError, InboxSender, RequestError, Transport};
use crate::{
    config::{ConfigError, ReplicationConfig, not_an_address},
    message::PeerId,
    refusals::Refusals,
    wire::{PROTOCOL, PROTOCOL_MIN},
};

/// How long a request waits while answers keep coming, this one or those before it: a megabyte at 150 kbit/s.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// How long closing may take for what still waits to be sent.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(300);
/// How long it may take until the peers have been told by QUIC itself.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(200);

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
}

/// A node on the network. Dropping it closes all links, less gently than [`Transport::close`] does.
pub struct SocketsTransport {
    endpoint: Option<String>,
    bound: Option<String>,
    /// The tasks that do not end by themselves.
    endless: Vec<AbortHandle>,
    hub: Arc<Hub>,
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
        let (quic, watch) = certificates(config)?.unzip();
        let told = config.advertised_endpoint()?;
        let bound = match config.listen_endpoint()? {
            Some(endpoint) => Some(Listener::bind(&endpoint, quic.as_ref()).await?),
            None => None,
        };
        let (listener, bound) = bound.unzip();
        if let (Some(listener), Some(bound), None) = (&listener, &bound, &config.advertise)
            && listener.is_everywhere()
        {
            // A name may stand for every address too.
            return Err(ConfigError::new("cluster-advertise", not_an_address(bound)).into());
        }
        let endpoint = told.zip(bound.as_ref()).map(|(told, bound)| match told.port() {
            0 => told.with_port(bound.port()).to_string(),
            _ => told.to_string(),
        });
        let bound = bound.map(|bound| bound.to_string());
        let hello = Hello {
            versions: PROTOCOL_MIN..=config.protocol_max.clamp(PROTOCOL_MIN, PROTOCOL),
            peer: own,
            cluster: config.cluster_name.clone(),
            endpoint: endpoint.clone().unwrap_or_default(),
        };
        let hub = Arc::new(Hub::new(hello, config.limits.clone(), inbox, refusals, quic));
        let listening = listener.map(|listener| hub.spawn(listener.run(Arc::clone(&hub))));
        let watching = watch.map(|watch| hub.spawn(watch.run(Arc::clone(&hub), config.limits.certificate_poll)));
        Ok(Self { endpoint, bound, endless: listening.into_iter().chain(watching).collect(), hub })
    }

    /// Where peers are told that they reach this node, with the bound port.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// Where this node listens, with the bound port.
    #[must_use]
    pub fn bound(&self) -> Option<&str> {
        self.bound.as_deref()
    }
}

/// QUIC with what the certificate files hold, where they are given, and the watch on them.
fn certificates(config: &ReplicationConfig) -> Result<Option<(Quic, Watch)>, ConfigError> {
    let Some(paths) = config.certificates() else { return Ok(None) };
    let files = Files::read(&paths)?;
    let credentials = Credentials::new(&files)?;
    Ok(Some((Quic::new(credentials), Watch::new(paths, files))))
}

impl Transport for SocketsTransport {
    async fn dial(&self, endpoint: &str) -> Result<PeerId, DialError> {
        dial::dial(&self.hub, endpoint).await
    }

    fn protocol(&self, peer: PeerId) -> u8 {
        self.hub.links.to(peer).map_or(PROTOCOL_MIN, |link| link.protocol)
    }

    fn hang_up(&self, peer: PeerId) {
        self.hub.links.hang_up(peer);
    }

    fn send(&self, to: PeerId, frame: Bytes) -> bool {
        self.hub.links.to(to).is_some_and(|link| link.send(frame))
    }

    async fn request(&self, to: PeerId, frame: Bytes, within: Duration) -> Result<Bytes, RequestError> {
        let link = self.hub.links.to(to).ok_or(RequestError::Unreachable)?;
        let mut asked = link.ask(frame).ok_or(RequestError::Unreachable)?;
        let since = Instant::now();
        loop {
            match timeout(within, &mut asked.answer).await {
                Ok(answer) => return answer.map_err(|_| RequestError::Unreachable),
                Err(_) if link.is_answering(within) && since.elapsed() < ANSWER_MAX => {}
                Err(_) => return Err(RequestError::TimedOut),
            }
        }
    }

    async fn close(&self) {
        self.endless.iter().for_each(AbortHandle::abort);
        self.hub.links.close();
        let mut tasks = self.hub.take_tasks();
        let _ = timeout(DRAIN_TIMEOUT, async { while tasks.join_next().await.is_some() {} }).await;
        tasks.abort_all();
        if let Some(quic) = &self.hub.quic {
            let _ = timeout(CLOSE_TIMEOUT, quic.close()).await;
        }
    }
}

#[cfg(test)]
impl SocketsTransport {
    /// Dials by QUIC, and says hello only once the other side has closed the connection.
    pub(super) async fn dial_slowly(&self, address: std::net::SocketAddr) -> Result<PeerId, DialError> {
        let Some(quic) = &self.hub.quic else { return Err(DialError::Endpoint("no certificates".to_owned())) };
        let wire = quic.connect(address).await?;
        if let Some(connection) = &wire.quic {
            connection.closed().await;
        }
        self.hub.greet(wire, "").await
    }
}

impl Drop for SocketsTransport {
    fn drop(&mut self) {
        self.hub.take_tasks().abort_all();
    }
}
