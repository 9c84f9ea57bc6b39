//! TLS for HTTP: a certificate from files, which are read again while the node runs.
//!
//! What is new in the files counts for new connections; where it is no good, what is in use stays.

use std::{
    fmt::Display,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio_rustls::TlsAcceptor;

/// The most bytes of a file.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// How often the files are read again.
const READ_PERIOD: Duration = Duration::from_secs(1);

/// The files of a certificate, PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, with those that lead to its authority.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// A file cannot be used: `burgee: <field>: <reason>`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub(crate) struct TlsError {
    /// The option that names the file.
    pub(crate) field: &'static str,
    /// What is wrong with it.
    pub(crate) reason: String,
}

impl TlsError {
    fn new(field: &'static str, reason: &dyn Display) -> Self {
        Self { field, reason: reason.to_string() }
    }
}

/// What the files held.
pub(crate) type Held = (Vec<u8>, Vec<u8>);

/// The settings in force, kept in line with the files.
pub(crate) struct Tls {
    files: TlsFiles,
    in_force: ArcSwap<ServerConfig>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// Names the option whose file cannot be used.
    pub(crate) fn new(files: TlsFiles) -> Result<(Self, Held), TlsError> {
        let held = read(&files)?;
        let in_force = ArcSwap::from_pointee(settings(&held)?);
        Ok((Self { files, in_force }, held))
    }

    /// Shakes hands with what is in force now.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.in_force.load_full())
    }

    /// Reads the files again and again; never completes.
    pub(crate) async fn follow(self: Arc<Self>, mut held: Held) {
        let mut complaint = None;
        loop {
            tokio::time::sleep(READ_PERIOD).await;
            let tls = self.clone();
            // the reader cannot fail but with the process
            let Ok(found) = tokio::task::spawn_blocking(move || read(&tls.files)).await else { continue };
            let made = match found {
                Ok(found) if found == held => continue,
                Ok(found) => {
                    held = found;
                    settings(&held)
                }
                Err(error) => Err(error),
            };
            match made {
                Ok(settings) => {
                    self.in_force.store(Arc::new(settings));
                    complaint = None;
                    tracing::info!("the certificate for HTTP changed");
                }
                Err(error) if complaint.as_ref() == Some(&error) => {}
                Err(error) => {
                    tracing::warn!("{error}; the certificate in use stays");
                    complaint = Some(error);
                }
            }
        }
    }
}

fn read(files: &TlsFiles) -> Result<Held, TlsError> {
    Ok((read_file("tls-cert", &files.cert)?, read_file("tls-key", &files.key)?))
}

fn read_file(field: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    let failed = |error: &dyn Display| TlsError::new(field, &format!("{}: {error}", path.display()));
    let file = std::fs::File::open(path).map_err(|error| failed(&error))?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    match u64::try_from(bytes.len()) {
        Ok(0..=FILE_BYTES_MAX) => Ok(bytes),
        _ => Err(failed(&format!("has more than {FILE_BYTES_MAX} bytes"))),
    }
}

fn settings((cert, key): &Held) -> Result<ServerConfig, TlsError> {
    let chain: Result<Vec<CertificateDer<'static>>, _> = CertificateDer::pem_slice_iter(cert).collect();
    let chain = chain.map_err(|error| TlsError::new("tls-cert", &format!("is not read: {error}")))?;
    if chain.is_empty() {
        return Err(TlsError::new("tls-cert", &"holds no certificate"));
    }
    let key = PrivateKeyDer::from_pem_slice(key);
    let key = key.map_err(|error| TlsError::new("tls-key", &format!("holds no private key: {error}")))?;
    let versions = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::new("tls-cert", &error))?;
    let made = versions.with_no_client_auth().with_single_cert(chain, key);
    let mut settings = made.map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => TlsError::new("tls-key", &"is not the key of tls-cert"),
        error => TlsError::new("tls-cert", &error),
    })?;
    settings.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_the_files_is_told_by_option() {
        let dir = tempfile::tempdir().unwrap();
        let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
        let files = TlsFiles { cert: cert.clone(), key: key.clone() };
        let field = || Tls::new(files.clone()).map(|_| ()).unwrap_err().field;
        assert_eq!(field(), "tls-cert");
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&cert, made.cert.pem()).unwrap();
        assert_eq!(field(), "tls-key");
        std::fs::write(&key, "no key").unwrap();
        assert_eq!(field(), "tls-key");
        let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&key, other.signing_key.serialize_pem()).unwrap();
        assert_eq!(field(), "tls-key");
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        assert!(Tls::new(files.clone()).is_ok());
        std::fs::write(&cert, "").unwrap();
        assert_eq!(field(), "tls-cert");
    }
}
