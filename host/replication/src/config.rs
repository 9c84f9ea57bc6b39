//! What an operator says about a node's cluster, checked before anything is bound.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{endpoint::Endpoint, wire::PROTOCOL};

/// The most bytes of a cluster's name: it is part of the greeting on every link.
pub const CLUSTER_NAME_BYTES_MAX: usize = 64;

/// The most bytes of a node's name: it is told to every peer once a second.
pub const NODE_NAME_BYTES_MAX: usize = 255;

/// The most bytes of an endpoint: a host name of DNS, with what stands around it. It is told to every peer once a second.
pub const ENDPOINT_BYTES_MAX: usize = 300;

/// A node's place in its cluster.
///
/// With neither `listen` nor `join`, and without discovery, replication is off and the node is ready at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicationConfig {
    /// The node's label, unique in the cluster (`node-name`).
    pub node_name: String,
    /// Which cluster it belongs to (`cluster-name`): frames of another one are refused.
    pub cluster_name: String,
    /// Where the node listens for peers, such as `tcp/127.0.0.1:7447` (`cluster-listen`); port 0 takes a free one.
    pub listen: Option<String>,
    /// `HOST:PORT` by which peers are told to reach this node, where that is not where it listens
    /// (`cluster-advertise`); port 0 stands for the one that it listens on.
    pub advertise: Option<String>,
    /// Endpoints of other nodes to find the cluster by (`join`).
    pub join: Vec<String>,
    /// Whether the node is told of more endpoints while it runs (`discovery`), by
    /// [`Replication::found`](crate::Replication::found).
    pub discovers: bool,
    /// The authorities that sign nodes' certificates, PEM, one or more (`cluster-ca`). The three files are read
    /// again while the node runs: see [`certificate_poll`](ReplicationLimits::certificate_poll).
    pub ca: Option<PathBuf>,
    /// This node's certificate, PEM (`cluster-cert`).
    pub cert: Option<PathBuf>,
    /// The private key of the certificate, PEM (`cluster-key`).
    pub key: Option<PathBuf>,
    /// Whether the node serves what it holds where it found nobody ready in time (`trust-own-data`): for a cluster in
    /// which each node waits for another one.
    pub trust_own_data: bool,
    /// How long a node with seeds looks for a ready peer before it may go on without one (`ready-timeout`).
    pub ready_timeout: Duration,
    /// Between two steps of collection (`collect-period`).
    pub collect_period: Duration,
    /// How old a tombstone must be before it may be collected (`collect-grace`).
    pub collect_grace: Duration,
    /// By how much clocks may differ (`max-skew`).
    pub max_skew: Duration,
    /// The newest version of the protocol to speak: for tests of clusters in the middle of an upgrade.
    pub protocol_max: u8,
    /// Bounds of queues, frames and waits.
    pub limits: ReplicationLimits,
}

/// Bounds of replication. Units are in the names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicationLimits {
    /// Bytes up to which local versions are gathered into one hint: one batch of the transport, so that
    /// hints are not fragmented. A larger version travels alone.
    pub hint_bytes: usize,
    /// Bytes up to which a page of a snapshot is filled.
    pub page_bytes: usize,
    /// Bytes of the largest frame that is read at all; above what one register may hold.
    pub frame_bytes: usize,
    /// Bytes of received frames that may wait for the driver; beyond it frames are dropped and counted.
    pub inbox_bytes: usize,
    /// Received frames that may wait for the driver.
    pub inbox_frames: usize,
    /// Bytes that may wait to be sent to one peer: those of news and questions, and as many of answers.
    /// Beyond it frames are dropped; a larger frame waits alone.
    pub link_bytes: usize,
    /// Frames that may wait to be sent to one peer: news and questions, and as many answers.
    pub link_frames: usize,
    /// Questions that are being answered at once, of all peers together.
    pub answers: usize,
    /// Questions that are being answered at once of one peer; an exchange has at most four under way.
    pub answers_per_peer: usize,
    /// Peers that are remembered, live and gone.
    pub peers: usize,
    /// Connections of others that may be without a hello at once.
    pub handshakes: usize,
    /// Those of one address: behind it may be a machine of many nodes, or somebody who says nothing.
    pub handshakes_per_address: usize,
    /// How long a page may take before it is asked for again.
    pub request_timeout: Duration,
    /// Between two looks at the certificate files.
    pub certificate_poll: Duration,
}

impl Default for ReplicationLimits {
    fn default() -> Self {
        const KIB: usize = 1024;
        Self {
            hint_bytes: 60 * KIB,
            page_bytes: 256 * KIB,
            frame_bytes: 40 * KIB * KIB,
            inbox_bytes: 64 * KIB * KIB,
            inbox_frames: 4096,
            link_bytes: 8 * KIB * KIB,
            link_frames: 16 * KIB,
            answers: 64,
            answers_per_peer: 8,
            peers: 256,
            handshakes: 64,
            handshakes_per_address: 16,
            request_timeout: Duration::from_secs(2),
            certificate_poll: Duration::from_secs(2),
        }
    }
}

impl Default for ReplicationConfig {
    fn default() -> Self {
        Self {
            node_name: "burgee".to_owned(),
            cluster_name: "burgee".to_owned(),
            listen: None,
            advertise: None,
            join: Vec::new(),
            discovers: false,
            ca: None,
            cert: None,
            key: None,
            trust_own_data: false,
            ready_timeout: Duration::from_secs(10),
            collect_period: Duration::from_secs(30),
            collect_grace: Duration::from_secs(3600),
            max_skew: Duration::from_secs(60),
            protocol_max: PROTOCOL,
            limits: ReplicationLimits::default(),
        }
    }
}

/// A value that cannot be used, with the name of the option that holds it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct ConfigError {
    field: &'static str,
    reason: String,
}

impl ConfigError {
    pub(crate) fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self { field, reason: reason.into() }
    }

    /// The option's name, without dashes in front.
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// What is wrong with it.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// The paths of the certificates, all three present.
#[derive(Clone, Debug)]
pub(crate) struct Certificates {
    pub(crate) ca: PathBuf,
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

impl ReplicationConfig {
    /// Whether the node takes part in a cluster at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.listen.is_some() || !self.join.is_empty() || self.discovers
    }

    /// What keys the digests of a cluster's replicas, so that they mean nothing elsewhere: a hash of its name.
    #[must_use]
    pub fn digest_key(&self) -> u64 {
        // FNV-1a: all nodes must agree on it, of whatever release.
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        self.cluster_name.bytes().fold(0xcbf2_9ce4_8422_2325, step)
    }

    /// Checks every value; reads no file but looks whether the certificates are there.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn validate(&self) -> Result<(), ConfigError> {
        check_name("node-name", &self.node_name, NODE_NAME_BYTES_MAX)?;
        check_name("cluster-name", &self.cluster_name, CLUSTER_NAME_BYTES_MAX)?;
        let endpoints = self.endpoints()?;
        self.check_files()?;
        match endpoints.iter().find(|endpoint| endpoint.needs_certificates()) {
            Some(endpoint) => self.require_certificates(endpoint),
            None => Ok(()),
        }
    }

    /// The listening endpoint, checked.
    pub(crate) fn listen_endpoint(&self) -> Result<Option<Endpoint>, ConfigError> {
        self.listen.as_deref().map(|text| endpoint("cluster-listen", text)).transpose()
    }

    /// Where peers are told that this node is reached, before a port is taken.
    pub(crate) fn advertised_endpoint(&self) -> Result<Option<Endpoint>, ConfigError> {
        let wrong = |reason: String| ConfigError::new("cluster-advertise", reason);
        match (self.listen_endpoint()?, self.advertise.as_deref()) {
            (None, None) => Ok(None),
            (None, Some(text)) => Err(wrong(format!("`{text}` is told to nobody without cluster-listen"))),
            (Some(listen), None) if listen.is_unspecified() => Err(wrong(not_an_address(&listen))),
            (Some(listen), None) => Ok(Some(listen)),
            (Some(listen), Some(text)) => match listen.at(text) {
                Ok(told) if told.is_unspecified() => Err(wrong(format!("`{text}` is no address that peers can dial"))),
                Ok(told) => Ok(Some(told)),
                Err(reason) => Err(wrong(format!("`{text}` {reason}"))),
            },
        }
    }

    /// The certificates, where all three are given.
    pub(crate) fn certificates(&self) -> Option<Certificates> {
        let (ca, cert, key) = (self.ca.clone()?, self.cert.clone()?, self.key.clone()?);
        Some(Certificates { ca, cert, key })
    }

    fn endpoints(&self) -> Result<Vec<Endpoint>, ConfigError> {
        let mut endpoints: Vec<_> = self.listen_endpoint()?.into_iter().chain(self.advertised_endpoint()?).collect();
        for text in &self.join {
            let seed = endpoint("join", text)?;
            if seed.port() == 0 {
                return Err(ConfigError::new("join", format!("`{text}` needs a port other than 0")));
            }
            endpoints.push(seed);
        }
        Ok(endpoints)
    }

    fn files(&self) -> [(&'static str, Option<&Path>); 3] {
        [
            ("cluster-ca", self.ca.as_deref()),
            ("cluster-cert", self.cert.as_deref()),
            ("cluster-key", self.key.as_deref()),
        ]
    }

    fn check_files(&self) -> Result<(), ConfigError> {
        for (field, path) in self.files() {
            let Some(path) = path else { continue };
            match std::fs::metadata(path) {
                Ok(file) if file.is_file() => {}
                Ok(_) => return Err(ConfigError::new(field, format!("{} is not a file", path.display()))),
                Err(e) => return Err(ConfigError::new(field, format!("{}: {e}", path.display()))),
            }
        }
        Ok(())
    }

    fn require_certificates(&self, endpoint: &Endpoint) -> Result<(), ConfigError> {
        match self.files().into_iter().find(|(_, path)| path.is_none()) {
            Some((field, _)) => Err(ConfigError::new(field, format!("`{endpoint}` needs a certificate file here"))),
            None => Ok(()),
        }
    }
}

/// Why a listener on every address needs to be told another one.
pub(crate) fn not_an_address(listen: &Endpoint) -> String {
    format!("is missing: `{listen}` is every address of this machine, and none that peers can dial")
}

fn endpoint(field: &'static str, text: &str) -> Result<Endpoint, ConfigError> {
    Endpoint::parse(text).map_err(|reason| ConfigError::new(field, format!("`{text}` {reason}")))
}

fn check_name(field: &'static str, name: &str, bytes_max: usize) -> Result<(), ConfigError> {
    match name {
        "" => Err(ConfigError::new(field, "must not be empty")),
        _ if name.len() > bytes_max => Err(ConfigError::new(field, format!("has more than {bytes_max} bytes"))),
        _ if name.chars().any(char::is_control) => Err(ConfigError::new(field, "must not hold control characters")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut ReplicationConfig)) -> String {
        let mut config = ReplicationConfig::default();
        change(&mut config);
        config.validate().unwrap_err().to_string()
    }

    #[test]
    fn the_default_is_off_and_valid() {
        let config = ReplicationConfig::default();
        assert!(!config.is_on());
        assert_eq!(config.validate(), Ok(()));
    }

    #[test]
    fn loopback_tcp_needs_no_certificate() {
        for listen in ["tcp/127.0.0.1:0", "tcp/localhost:7447", "tcp/[::1]:7447"] {
            let config = ReplicationConfig { listen: Some(listen.into()), ..Default::default() };
            assert_eq!(config.validate(), Ok(()), "{listen}");
        }
    }

    #[test]
    fn a_listener_on_every_address_says_where_it_is_reached() {
        let config = |listen: &str, advertise: Option<&str>| ReplicationConfig {
            listen: Some(listen.to_owned()),
            advertise: advertise.map(ToOwned::to_owned),
            ..ReplicationConfig::default()
        };
        let told = |listen, advertise| config(listen, advertise).advertised_endpoint();
        for everywhere in ["quic/0.0.0.0:7447", "quic/[::]:7447", "quic/[::ffff:0.0.0.0]:1", "quic/0:7447"] {
            assert_eq!(told(everywhere, None).unwrap_err().field(), "cluster-advertise", "{everywhere}");
            assert_eq!(told(everywhere, Some("0.0.0.0:1")).unwrap_err().field(), "cluster-advertise");
        }
        let text = |told: Result<Option<Endpoint>, ConfigError>| told.unwrap().unwrap().to_string();
        assert_eq!(text(told("quic/0.0.0.0:7447", Some("node-0.nodes:0"))), "quic/node-0.nodes:0");
        assert_eq!(text(told("quic/10.0.0.1:7447", None)), "quic/10.0.0.1:7447");
        for wrong in ["node-0", "quic/node-0:1", ":1", "a b:1", ""] {
            assert_eq!(told("quic/0.0.0.0:1", Some(wrong)).unwrap_err().field(), "cluster-advertise", "{wrong}");
        }
        // Clear text is not told to anybody elsewhere.
        assert!(told("tcp/127.0.0.1:1", Some("192.0.2.7:1")).is_err());
        assert!(
            ReplicationConfig { advertise: Some("a:1".into()), ..ReplicationConfig::default() }.validate().is_err()
        );
    }

    #[test]
    fn names_the_field_and_the_reason() {
        let cases = [
            (refused(|c| c.listen = Some("tcp/0.0.0.0:7447".into())), "cluster-listen: `tcp/0.0.0.0:7447` "),
            (refused(|c| c.listen = Some("nonsense".into())), "cluster-listen: `nonsense` "),
            (refused(|c| c.listen = Some("tls/127.0.0.1:1".into())), "cluster-listen: `tls/127.0.0.1:1` "),
            (refused(|c| c.join = vec!["tcp/192.0.2.7:7447".into()]), "join: `tcp/192.0.2.7:7447` "),
            (refused(|c| c.join = vec!["tcp/127.0.0.1:0".into()]), "join: `tcp/127.0.0.1:0` "),
            (refused(|c| c.listen = Some("quic/127.0.0.1:1".into())), "cluster-ca: "),
            (refused(|c| c.ca = Some("/nowhere/ca.pem".into())), "cluster-ca: /nowhere/ca.pem: "),
            (refused(|c| c.cluster_name = String::new()), "cluster-name: "),
            (refused(|c| c.node_name = "a\nb".into()), "node-name: "),
        ];
        for (text, prefix) in cases {
            assert!(text.starts_with(prefix), "{text} should begin with {prefix}");
        }
    }
}
