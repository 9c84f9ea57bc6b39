//! The listening socket, bound at once, and the loop that takes connections from it.

use std::{io, sync::Arc, time::Duration};

use tokio::{net::TcpListener, time::timeout};

use super::{
    OpenError,
    hub::{HANDSHAKE_TIMEOUT, Hub},
    quic::{self, Quic},
    wire::Wire,
};
use crate::{
    config::ConfigError,
    endpoint::{Endpoint, Scheme},
    wire::Refusal,
};

/// How long the loop waits where the system has no more file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A bound socket.
pub(super) enum Listener {
    Tcp(TcpListener),
    Quic(quinn::Endpoint),
}

impl Listener {
    /// Binds an endpoint, and tells it with the port that was taken.
    pub(super) async fn bind(endpoint: &Endpoint, quic: Option<&Quic>) -> Result<(Self, Endpoint), OpenError> {
        let bound = match endpoint.scheme() {
            Scheme::Tcp => Self::bind_tcp(endpoint).await,
            Scheme::Quic => {
                let quic = quic.ok_or_else(|| ConfigError::new("cluster-cert", format!("`{endpoint}` needs one")))?;
                Self::bind_quic(endpoint, quic).await
            }
        };
        bound.map_err(|error| OpenError::Listen { endpoint: endpoint.to_string(), error })
    }

    async fn bind_tcp(endpoint: &Endpoint) -> io::Result<(Self, Endpoint)> {
        let listener = TcpListener::bind(endpoint.address()).await?;
        let port = listener.local_addr()?.port();
        Ok((Self::Tcp(listener), endpoint.with_port(port)))
    }

    async fn bind_quic(endpoint: &Endpoint, quic: &Quic) -> io::Result<(Self, Endpoint)> {
        let mut addresses = tokio::net::lookup_host(endpoint.address()).await?;
        let address = addresses.next().ok_or_else(|| io::Error::other("the host has no address"))?;
        let listener = quic.listen(address)?;
        let port = listener.local_addr()?.port();
        Ok((Self::Quic(listener), endpoint.with_port(port)))
    }

    /// Whether it listens on every address of the machine.
    pub(super) fn is_everywhere(&self) -> bool {
        let address = match self {
            Self::Tcp(listener) => listener.local_addr(),
            Self::Quic(listener) => listener.local_addr(),
        };
        address.is_ok_and(|address| address.ip().to_canonical().is_unspecified())
    }

    /// Takes connections until the node ends.
    pub(super) async fn run(self, hub: Arc<Hub>) {
        match self {
            Self::Tcp(listener) => accept_tcp(listener, hub).await,
            Self::Quic(listener) => accept_quic(listener, hub).await,
        }
    }
}

async fn accept_tcp(listener: TcpListener, hub: Arc<Hub>) {
    loop {
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::debug!(%error, "no connection is taken");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(turn) = hub.handshakes.take(address.ip()) else {
            hub.refusals.count(Refusal::Overflow, 0);
            continue;
        };
        let host = Arc::clone(&hub);
        hub.spawn(async move {
            let _turn = turn;
            match Wire::tcp(stream) {
                Ok(wire) => host.welcome(wire).await,
                Err(error) => tracing::debug!(%error, "a connection broke at once"),
            }
        });
    }
}

async fn accept_quic(listener: quinn::Endpoint, hub: Arc<Hub>) {
    while let Some(incoming) = listener.accept().await {
        // Where it gets tight, only who proves to be reached at its address gets a turn.
        let address = incoming.remote_address().ip();
        if hub.handshakes.is_tight_for(address) && !incoming.remote_address_validated() {
            // It can be asked for, since the address is not proved.
            let _ = incoming.retry();
            continue;
        }
        let Some(turn) = hub.handshakes.take(address) else {
            hub.refusals.count(Refusal::Overflow, 0);
            incoming.refuse();
            continue;
        };
        let host = Arc::clone(&hub);
        hub.spawn(async move {
            let _turn = turn;
            match timeout(HANDSHAKE_TIMEOUT, shake_hands(incoming)).await {
                Ok(Ok(wire)) => host.welcome(wire).await,
                Ok(Err(error)) => {
                    if let Some(refusal) = quic::refusal(&error) {
                        host.refusals.count(refusal, 0);
                    }
                    tracing::debug!(%error, "a handshake failed");
                }
                Err(_) => tracing::debug!("a handshake took too long"),
            }
        });
    }
}

async fn shake_hands(incoming: quinn::Incoming) -> Result<Wire, quinn::ConnectionError> {
    let connection = incoming.await?;
    let streams = connection.accept_bi().await?;
    Ok(Wire::quic(connection, streams, 0))
}
