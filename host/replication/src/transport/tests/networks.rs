//! How nodes of each transport are started.

use tempfile::TempDir;

use super::{certificates::Authority, *};
use crate::{
    config::ReplicationConfig,
    transport::{
        memory::{MemoryNetwork, MemoryTransport},
        sockets::{OpenError, SocketsTransport},
    },
};

/// Starts nodes of one transport.
pub(super) trait Network {
    type Transport: Transport;

    /// A node that reaches nobody yet.
    async fn node(&self, number: u8, limits: &ReplicationLimits) -> Node<Self::Transport>;
}

pub(super) struct Memory(MemoryNetwork);

impl Memory {
    pub(super) fn new() -> Self {
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
pub(super) struct Sockets {
    scheme: &'static str,
    /// Holds the certificates' files.
    folder: TempDir,
    pub(super) authority: Authority,
}

impl Sockets {
    pub(super) fn tcp() -> Self {
        Self { scheme: "tcp", folder: tempfile::tempdir().unwrap(), authority: Authority::new("ours") }
    }

    pub(super) fn quic() -> Self {
        Self { scheme: "quic", ..Self::tcp() }
    }

    /// What a node of this network is told.
    pub(super) fn config(&self, number: u8, limits: &ReplicationLimits) -> ReplicationConfig {
        let config = ReplicationConfig {
            listen: Some(format!("{}/127.0.0.1:0", self.scheme)),
            limits: limits.clone(),
            ..ReplicationConfig::default()
        };
        if self.scheme == "tcp" { config } else { self.with_certificates(number, config) }
    }

    fn with_certificates(&self, number: u8, config: ReplicationConfig) -> ReplicationConfig {
        let file = |name: &str| self.folder.path().join(format!("{number}.{name}"));
        std::fs::write(file("ca"), self.authority.pem()).unwrap();
        self.authority.issue().write(&file("cert"), &file("key"));
        ReplicationConfig { ca: Some(file("ca")), cert: Some(file("cert")), key: Some(file("key")), ..config }
    }
}

impl Network for Sockets {
    type Transport = SocketsTransport;

    async fn node(&self, number: u8, limits: &ReplicationLimits) -> Node<SocketsTransport> {
        open(number, &self.config(number, limits)).await.unwrap()
    }
}

pub(super) async fn open(number: u8, config: &ReplicationConfig) -> Result<Node<SocketsTransport>, OpenError> {
    let refusals = Arc::new(Refusals::default());
    let (sender, inbox) = inbox(&config.limits, Arc::clone(&refusals));
    let transport = SocketsTransport::open(config, id(number), sender, Arc::clone(&refusals)).await?;
    let endpoint = transport.endpoint().unwrap_or_default().to_owned();
    Ok(Node { id: id(number), endpoint, transport, inbox, refusals })
}
