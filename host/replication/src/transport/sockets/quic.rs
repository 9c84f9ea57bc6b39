//! QUIC, as this transport uses it: one connection for one link, one stream in each direction.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use quinn::{ConnectionError, Endpoint, EndpointConfig, TokioRuntime, VarInt};

use super::{tls::Credentials, udp::SparingSocket, wire::Wire};
use crate::{transport::DialError, wire::Refusal};

/// Nodes are proved by their authority, not by their name: the name that TLS wants is the same for all.
const NAME: &str = "burgee";
/// After so long without a packet, a connection is dead. Links find out before.
const IDLE_TIMEOUT_MS: u32 = 3000;
/// After so long without a packet, one is sent.
const KEEP_ALIVE: Duration = Duration::from_millis(500);
/// What a round trip is taken for before one was measured. Three of it after a first packet without an answer
/// it is sent again, then after twice that, and so on: several times before a dial is given up, so that a host
/// that comes back is found soon.
const INITIAL_ROUND_TRIP: Duration = Duration::from_millis(50);
/// Bytes of a packet that every path takes.
const MTU: u16 = 1200;
/// Bytes under way to a peer, and those that wait for it in the connection: small, because news stands
/// behind them.
const SEND_WINDOW_BYTES: u64 = 2 * 1024 * 1024;
/// Bytes that a peer may send ahead of what is read.
const RECEIVE_WINDOW_BYTES: u32 = 4 * 1024 * 1024;
/// Handshakes that may wait to be taken; beyond it they are refused.
const INCOMING_MAX: usize = 256;
/// Alerts of TLS that are about certificates (RFC 8446, section 6.2).
const CERTIFICATE_ALERTS: [u64; 10] = [42, 43, 44, 45, 46, 47, 48, 49, 51, 116];

/// The QUIC of one node: its credentials, its listening socket and those that it dials from.
pub(super) struct Quic {
    state: Mutex<State>,
}

struct State {
    credentials: Arc<Credentials>,
    /// How often they changed.
    changes: u64,
    listener: Option<Endpoint>,
    /// For IPv4 and IPv6; opened when one is needed.
    dialling: [Option<Endpoint>; 2],
}

impl Quic {
    pub(super) fn new(credentials: Credentials) -> Self {
        let state = State { credentials: Arc::new(credentials), changes: 0, listener: None, dialling: [None, None] };
        Self { state: Mutex::new(state) }
    }

    /// Binds the listening socket.
    pub(super) fn listen(&self, address: SocketAddr) -> io::Result<Endpoint> {
        let mut state = self.lock();
        let listener = endpoint(address, Some(server_config(&state.credentials)))?;
        state.listener = Some(listener.clone());
        Ok(listener)
    }

    /// Makes a connection and its stream.
    pub(super) async fn connect(&self, address: SocketAddr) -> Result<Wire, DialError> {
        let (connecting, credentials) = self.start_connecting(address)?;
        let connection = connecting.await.map_err(|error| dial_error(&error))?;
        let streams = connection.open_bi().await.map_err(|error| dial_error(&error))?;
        Ok(Wire::quic(connection, streams, credentials))
    }

    fn start_connecting(&self, address: SocketAddr) -> Result<(quinn::Connecting, u64), DialError> {
        let lost = |error: String| DialError::Unreachable(error);
        let mut state = self.lock();
        let changes = state.changes;
        let config = client_config(&state.credentials);
        let endpoint = state.endpoint_for(address).map_err(|error| lost(error.to_string()))?;
        let connecting = endpoint.connect_with(config, address, NAME).map_err(|error| lost(error.to_string()))?;
        Ok((connecting, changes))
    }

    /// What connections are made with.
    pub(super) fn credentials(&self) -> Arc<Credentials> {
        Arc::clone(&self.lock().credentials)
    }

    /// New connections are made with these; those that are there stay.
    pub(super) fn set_credentials(&self, credentials: Credentials) {
        let mut state = self.lock();
        state.credentials = Arc::new(credentials);
        state.changes += 1;
        if let Some(listener) = &state.listener {
            listener.set_server_config(Some(server_config(&state.credentials)));
        }
    }

    /// Closes all connections, and waits until the peers have been told.
    pub(super) async fn close(&self) {
        let endpoints: Vec<_> = {
            let state = self.lock();
            state.listener.iter().chain(state.dialling.iter().flatten()).cloned().collect()
        };
        for endpoint in &endpoints {
            endpoint.close(VarInt::from_u32(0), b"");
        }
        for endpoint in &endpoints {
            endpoint.wait_idle().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn endpoint_for(&mut self, address: SocketAddr) -> io::Result<&Endpoint> {
        let (family, any): (_, SocketAddr) = match address {
            SocketAddr::V4(_) => (0, (Ipv4Addr::UNSPECIFIED, 0).into()),
            SocketAddr::V6(_) => (1, (Ipv6Addr::UNSPECIFIED, 0).into()),
        };
        match &mut self.dialling[family] {
            Some(endpoint) => Ok(endpoint),
            none => Ok(none.insert(endpoint(any, None)?)),
        }
    }
}

fn endpoint(address: SocketAddr, server: Option<quinn::ServerConfig>) -> io::Result<Endpoint> {
    let socket = SparingSocket::bind(address)?;
    Endpoint::new_with_abstract_socket(EndpointConfig::default(), server, socket, Arc::new(TokioRuntime))
}

fn server_config(credentials: &Credentials) -> quinn::ServerConfig {
    let mut config = quinn::ServerConfig::with_crypto(credentials.server());
    config.transport_config(transport_config()).max_incoming(INCOMING_MAX).migration(false);
    config
}

fn client_config(credentials: &Credentials) -> quinn::ClientConfig {
    let mut config = quinn::ClientConfig::new(credentials.client());
    config.transport_config(transport_config());
    config
}

fn transport_config() -> Arc<quinn::TransportConfig> {
    let mut config = quinn::TransportConfig::default();
    config
        .max_concurrent_bidi_streams(VarInt::from_u32(1))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .max_idle_timeout(Some(VarInt::from_u32(IDLE_TIMEOUT_MS).into()))
        .keep_alive_interval(Some(KEEP_ALIVE))
        .initial_rtt(INITIAL_ROUND_TRIP)
        .initial_mtu(MTU)
        .send_window(SEND_WINDOW_BYTES)
        .receive_window(VarInt::from_u32(RECEIVE_WINDOW_BYTES))
        .stream_receive_window(VarInt::from_u32(RECEIVE_WINDOW_BYTES));
    Arc::new(config)
}

/// What a broken connection says to who dialled it.
pub(super) fn dial_error(error: &ConnectionError) -> DialError {
    match refusal(error) {
        Some(refusal) => DialError::Refused(refusal),
        None => DialError::Unreachable(error.to_string()),
    }
}

/// Whether a connection was refused, by either side, for its certificate or for not being one of ours.
pub(super) fn refusal(error: &ConnectionError) -> Option<Refusal> {
    let code = match error {
        ConnectionError::TransportError(error) => u64::from(error.code),
        ConnectionError::ConnectionClosed(close) => u64::from(close.error_code),
        _ => return None,
    };
    let alert = code.checked_sub(0x100).filter(|alert| *alert < 0x100)?;
    Some(if CERTIFICATE_ALERTS.contains(&alert) { Refusal::Certificate } else { Refusal::Garbage })
}
