//! Certificates of a cluster, made for the test.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;

/// A certificate authority with a directory for what it issues.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    dir: Arc<TempDir>,
}

/// A directory for the files of one node, which change in place while it runs.
#[derive(Debug)]
pub struct Files(Arc<TempDir>);

impl Files {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(tempfile::Builder::new().prefix("burgee-test-").tempdir().unwrap()))
    }

    /// Puts a certificate there with its key, and the authorities to believe. Each file is replaced at once.
    #[must_use]
    pub fn install(&self, from: &Credentials, believed: &[&Authority]) -> Credentials {
        let replace = |name: &str, text: String| {
            let (new, path) = (self.0.path().join("new"), self.0.path().join(name));
            fs::write(&new, text).unwrap();
            fs::rename(&new, &path).unwrap();
            path
        };
        let read = |path: &Path| fs::read_to_string(path).unwrap();
        Credentials {
            ca: replace("ca.pem", believed.iter().map(|ca| read(&ca.certificate())).collect()),
            cert: replace("cert.pem", read(&from.cert)),
            key: replace("key.pem", read(&from.key)),
            _dir: Arc::clone(&self.0),
        }
    }
}

impl Default for Files {
    fn default() -> Self {
        Self::new()
    }
}

/// The files of one node.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The authorities that it believes, PEM.
    pub ca: PathBuf,
    /// Its certificate, PEM.
    pub cert: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
    _dir: Arc<TempDir>,
}

impl Authority {
    /// A new one, which nobody knows yet.
    #[must_use]
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("burgee-test-").tempdir().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(rcgen::DnType::CommonName, "authority of a test");
        let key = KeyPair::generate().unwrap();
        fs::write(dir.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: Issuer::new(params, key), dir: Arc::new(dir) }
    }

    /// Its own certificate, PEM.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// A certificate with its key, for both ends of a connection.
    #[must_use]
    pub fn issue(&self, name: &str) -> Credentials {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let write = |end: &str, text: String| {
            let path = self.dir.path().join(format!("{name}.{end}"));
            fs::write(&path, text).unwrap();
            path
        };
        let (cert, key) = (write("cert.pem", certificate.pem()), write("key.pem", key.serialize_pem()));
        Credentials { ca: self.certificate(), cert, key, _dir: self.dir.clone() }
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Credentials {
    /// The same certificate, believing this authority instead.
    #[must_use]
    pub fn believing(self, ca: &Path) -> Self {
        Self { ca: ca.to_owned(), ..self }
    }
}
