//! Who may be a node: TLS with certificates on both sides, all signed by the cluster's own authorities.
//!
//! A certificate's chain, validity and usage are checked, for servers and clients alike. Names are not: the
//! authority is private and signs nodes only, nodes move between addresses, and which node is meant follows
//! from its hello. Sessions are never resumed, because a resumed one would not be checked against the
//! authorities of the day.

use std::{io::Read, path::Path, sync::Arc};

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig,
    SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor,
    },
    crypto::{CryptoProvider, ring, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    server::{NoServerSessionStorage, ParsedCertificate, WebPkiClientVerifier, danger::ClientCertVerifier},
};

use super::wire::Chain;
use crate::config::{Certificates, ConfigError};

/// Says in TLS what is spoken above it.
const ALPN: &[u8] = b"burgee";
/// The most bytes of a certificate file.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The bytes of the three files.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Files {
    ca: Vec<u8>,
    cert: Vec<u8>,
    key: Vec<u8>,
}

impl Files {
    /// Reads the files.
    ///
    /// # Errors
    /// Names the option whose file is not read.
    pub(super) fn read(paths: &Certificates) -> Result<Self, ConfigError> {
        Ok(Self {
            ca: read_file("cluster-ca", &paths.ca)?,
            cert: read_file("cluster-cert", &paths.cert)?,
            key: read_file("cluster-key", &paths.key)?,
        })
    }
}

fn read_file(field: &'static str, path: &Path) -> Result<Vec<u8>, ConfigError> {
    let refused = |reason: String| ConfigError::new(field, format!("{}: {reason}", path.display()));
    let file = std::fs::File::open(path).map_err(|e| refused(e.to_string()))?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|e| refused(e.to_string()))?;
    match u64::try_from(bytes.len()) {
        Ok(0..=FILE_BYTES_MAX) => Ok(bytes),
        _ => Err(refused(format!("has more than {FILE_BYTES_MAX} bytes"))),
    }
}

/// What a node proves itself with, and what it accepts as proof.
pub(super) struct Credentials {
    server: Arc<QuicServerConfig>,
    client: Arc<QuicClientConfig>,
    servers: Arc<Servers>,
    clients: Arc<dyn ClientCertVerifier>,
}

impl Credentials {
    /// Makes credentials of the files' bytes.
    ///
    /// # Errors
    /// Names the option whose file does not hold what it should.
    pub(super) fn new(files: &Files) -> Result<Self, ConfigError> {
        let provider = Arc::new(ring::default_provider());
        let roots = Arc::new(roots(&files.ca)?);
        let chain = certificates("cluster-cert", &files.cert)?;
        let key = PrivateKeyDer::from_pem_slice(&files.key)
            .map_err(|error| ConfigError::new("cluster-key", format!("holds no private key: {error}")))?;
        let servers = Arc::new(Servers { roots: Arc::clone(&roots), provider: Arc::clone(&provider) });
        let clients = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider))
            .build()
            .map_err(|error| ConfigError::new("cluster-ca", error.to_string()))?;
        check_own(&chain, &servers, &*clients)?;
        let server = server(&provider, &clients, chain.clone(), key.clone_key()).map_err(own_fault)?;
        let client = client(&provider, &servers, chain, key).map_err(own_fault)?;
        Ok(Self { server: Arc::new(server), client: Arc::new(client), servers, clients })
    }

    pub(super) fn server(&self) -> Arc<QuicServerConfig> {
        Arc::clone(&self.server)
    }

    pub(super) fn client(&self) -> Arc<QuicClientConfig> {
        Arc::clone(&self.client)
    }

    /// Whether a peer would still be accepted with what it proved itself with. `dialled` says that this
    /// node dialled it.
    pub(super) fn accept(&self, chain: &Chain, dialled: bool, now: UnixTime) -> bool {
        let Some((end, others)) = chain.split_first() else { return false };
        if dialled {
            self.servers.verify(end, others, now).is_ok()
        } else {
            self.clients.verify_client_cert(end, others, now).is_ok()
        }
    }
}

fn roots(pem: &[u8]) -> Result<RootCertStore, ConfigError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("cluster-ca", pem)? {
        roots.add(certificate).map_err(|error| ConfigError::new("cluster-ca", error.to_string()))?;
    }
    Ok(roots)
}

fn certificates(field: &'static str, pem: &[u8]) -> Result<Chain, ConfigError> {
    let certificates: Result<Chain, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(ConfigError::new(field, "holds no certificate")),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(ConfigError::new(field, format!("is not read: {error}"))),
    }
}

/// A node whose own authorities do not accept it is set up wrongly. One whose time is over, or yet to come,
/// goes on with what it has: its data is still of use, and its clock may be the one that is wrong.
fn check_own(chain: &Chain, servers: &Servers, clients: &dyn ClientCertVerifier) -> Result<(), ConfigError> {
    let Some((end, others)) = chain.split_first() else { return Ok(()) };
    let now = UnixTime::now();
    let checked =
        servers.verify(end, others, now).and_then(|()| clients.verify_client_cert(end, others, now).map(drop));
    match checked {
        Ok(()) => Ok(()),
        Err(Error::InvalidCertificate(error)) if is_about_time(&error) => {
            tracing::warn!(%error, "cluster-cert: peers will refuse this certificate");
            Ok(())
        }
        Err(error) => Err(ConfigError::new("cluster-cert", format!("is not accepted by cluster-ca: {error}"))),
    }
}

fn is_about_time(error: &CertificateError) -> bool {
    use CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
    matches!(error, Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. })
}

fn own_fault(error: Error) -> ConfigError {
    match error {
        Error::InconsistentKeys(_) => ConfigError::new("cluster-key", "is not the key of cluster-cert"),
        Error::InvalidCertificate(error) => ConfigError::new("cluster-cert", error.to_string()),
        other => ConfigError::new("cluster-key", other.to_string()),
    }
}

fn server(
    provider: &Arc<CryptoProvider>,
    clients: &Arc<dyn ClientCertVerifier>,
    chain: Chain,
    key: PrivateKeyDer<'static>,
) -> Result<QuicServerConfig, Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(Arc::clone(clients))
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    QuicServerConfig::try_from(config).map_err(|error| Error::General(error.to_string()))
}

fn client(
    provider: &Arc<CryptoProvider>,
    servers: &Arc<Servers>,
    chain: Chain,
    key: PrivateKeyDer<'static>,
) -> Result<QuicClientConfig, Error> {
    let mut config = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(servers) as Arc<dyn ServerCertVerifier>)
        .with_client_auth_cert(chain, key)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::disabled();
    QuicClientConfig::try_from(config).map_err(|error| Error::General(error.to_string()))
}

/// Checks the certificates of nodes that are dialled: all of it but the name.
#[derive(Debug)]
struct Servers {
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl Servers {
    fn verify(&self, end: &CertificateDer<'_>, others: &[CertificateDer<'_>], now: UnixTime) -> Result<(), Error> {
        let end = ParsedCertificate::try_from(end)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&end, &self.roots, others, now, algorithms)
    }
}

impl ServerCertVerifier for Servers {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verify(end, others, now)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        // QUIC is TLS 1.3 only.
        Err(Error::General("TLS 1.2 is not spoken".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        None
    }
}
