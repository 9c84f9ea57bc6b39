//! How nodes over sockets are started.

use tempfile::TempDir;

use super::{certificates::Authority, *};
use crate::{
    config::ReplicationConfig,
    transport::sockets::{OpenError, SocketsTransport},
};

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

impl Sockets {
    /// A node that reaches nobody yet.
    pub(super) async fn node(&self, number: u8, limits: &ReplicationLimits) -> Node {
        open(number, &self.config(number, limits)).await.unwrap()
    }
}

pub(super) async fn open(number: u8, config: &ReplicationConfig) -> Result<Node, OpenError> {
    let refusals = Arc::new(Refusals::default());
    let (sender, inbox) = inbox(&config.limits, Arc::clone(&refusals));
    let transport = SocketsTransport::open(config, id(number), sender, Arc::clone(&refusals)).await?;
    let endpoint = transport.endpoint().unwrap_or_default().to_owned();
    Ok(Node { id: id(number), endpoint, transport, inbox, refusals })
}
