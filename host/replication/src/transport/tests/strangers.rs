//! Connections of the tests' own making, byte by byte.

use std::net::SocketAddr;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

use super::{certificates::Certificate, *};

/// One end of a connection to a node.
pub(super) struct Stranger {
    reader: Box<dyn AsyncRead + Send + Unpin>,
    pub(super) writer: Box<dyn AsyncWrite + Send + Unpin>,
    _connection: Option<quinn::Connection>,
}

impl Stranger {
    /// Connects to a node of a network, as one of its nodes may.
    pub(super) async fn of(network: &Sockets, endpoint: &str) -> Self {
        Self::try_of(network, endpoint).await.unwrap()
    }

    /// The same, where the node may have no room.
    pub(super) async fn try_of(network: &Sockets, endpoint: &str) -> Result<Self, quinn::ConnectionError> {
        let (scheme, address) = endpoint.split_once('/').unwrap();
        let address: SocketAddr = address.parse().unwrap();
        if scheme == "quic" {
            let connection = connect(network, address, Some(network.authority.issue())).await?;
            let (writer, reader) = connection.open_bi().await?;
            return Ok(Self { reader: Box::new(reader), writer: Box::new(writer), _connection: Some(connection) });
        }
        let (reader, writer) = TcpStream::connect(address).await.unwrap().into_split();
        Ok(Self { reader: Box::new(reader), writer: Box::new(writer), _connection: None })
    }

    pub(super) async fn say(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).await.unwrap();
    }

    /// All that the node says before it closes.
    pub(super) async fn hears(&mut self) -> Vec<u8> {
        let (mut heard, mut piece) = (Vec::new(), [0; 4096]);
        while let Ok(Ok(read @ 1..)) = timeout(PATIENCE, self.reader.read(&mut piece)).await {
            heard.extend_from_slice(&piece[..read]);
        }
        heard
    }
}

/// A QUIC connection with a certificate or without, and not resumed.
pub(super) async fn connect(
    network: &Sockets,
    address: SocketAddr,
    certificate: Option<Certificate>,
) -> Result<quinn::Connection, quinn::ConnectionError> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(network.authority.pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match certificate {
        None => builder.with_no_client_auth(),
        Some(Certificate { cert, key }) => {
            let chain = vec![CertificateDer::from_pem_slice(cert.as_bytes()).unwrap()];
            builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap()
        }
    };
    config.alpn_protocols = vec![b"burgee".to_vec()];
    let config = quinn::crypto::rustls::QuicClientConfig::try_from(config).unwrap();
    let endpoint = quinn::Endpoint::client((std::net::Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    endpoint.connect_with(quinn::ClientConfig::new(Arc::new(config)), address, certificates::NAME).unwrap().await
}

/// A hello, as the protocol has it.
pub(super) fn hello(peer: PeerId, versions: [u8; 2], cluster: &str) -> Vec<u8> {
    let incarnation = peer.incarnation.to_be_bytes();
    let cluster_length = [u8::try_from(cluster.len()).unwrap()];
    let body = [&versions[..], &peer.node.0, &incarnation, &cluster_length, cluster.as_bytes(), &[0, 0]].concat();
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [b"\xffburgee\n", &length[..], &body].concat()
}

/// A chunk, as the protocol has it.
pub(super) fn chunk(kind: u8, length: u32, bytes: &[u8]) -> Vec<u8> {
    [&[kind][..], &[0; 8], &length.to_be_bytes(), bytes].concat()
}
