//! How nodes of the product's own transports are started.

use burgee_replication::{
    ReplicationConfig,
    transport::{
        inbox,
        memory::{MemoryNetwork, MemoryTransport},
        sockets::SocketsTransport,
    },
};
use harness::certificates::Authority;

use super::*;

/// Starts nodes of one transport.
pub(crate) trait Network {
    type Transport: Transport;

    /// A node that reaches nobody yet.
    async fn node(&self, number: u8, limits: &ReplicationLimits) -> Node<Self::Transport>;
}

pub(crate) struct Memory(MemoryNetwork);

impl Memory {
    pub(crate) fn new() -> Self {
        Self(MemoryNetwork::new())
    }
}

impl Network for Memory {
    type Transport = MemoryTransport;

    async fn node(&self, number: u8, limits: &ReplicationLimits) -> Node<MemoryTransport> {
        let refusals = Arc::new(Refusals::default());
        let (sender, inbox) = inbox(limits, Arc::clone(&refusals));
        let transport = self.0.join(id(number), sender);
        Node { id: id(number), endpoint: transport.endpoint().to_owned(), transport, inbox, refusals }
    }
}

/// Loopback, with or without certificates.
pub(crate) struct Sockets(Option<Authority>);

impl Sockets {
    pub(crate) fn tcp() -> Self {
        Self(None)
    }

    pub(crate) fn quic() -> Self {
        Self(Some(Authority::new()))
    }

    fn config(&self, number: u8, limits: &ReplicationLimits) -> ReplicationConfig {
        let limits = limits.clone();
        let Some(authority) = &self.0 else {
            let listen = Some("tcp/127.0.0.1:0".to_owned());
            return ReplicationConfig { listen, limits, ..ReplicationConfig::default() };
        };
        let issued = authority.issue(&format!("n{number}"));
        ReplicationConfig {
            listen: Some("quic/127.0.0.1:0".to_owned()),
            limits,
            ca: Some(issued.ca),
            cert: Some(issued.cert),
            key: Some(issued.key),
            ..ReplicationConfig::default()
        }
    }
}

impl Network for Sockets {
    type Transport = SocketsTransport;

    async fn node(&self, number: u8, limits: &ReplicationLimits) -> Node<SocketsTransport> {
        let refusals = Arc::new(Refusals::default());
        let (sender, inbox) = inbox(limits, Arc::clone(&refusals));
        let config = self.config(number, limits);
        let transport = SocketsTransport::open(&config, id(number), sender, Arc::clone(&refusals)).await.unwrap();
        let endpoint = transport.endpoint().unwrap_or_default().to_owned();
        Node { id: id(number), endpoint, transport, inbox, refusals }
    }
}
