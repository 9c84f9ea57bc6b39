//! Certificates of a cluster, made for the test by the command line as an operator makes them.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempDir;

use crate::cli::Cli;

/// A certificate authority with a directory for what it issues.
#[derive(Debug)]
pub struct Authority(Arc<TempDir>);

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
        let authority = Self(Arc::new(tempfile::Builder::new().prefix("burgee-test-").tempdir().unwrap()));
        authority.run(&["init"]);
        authority
    }

    /// Its own certificate, PEM.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.0.path().join("ca.pem")
    }

    /// A certificate with its key, for both ends of a connection; the name is that of a host, too. Of each name there is one.
    #[must_use]
    pub fn issue(&self, name: &str) -> Credentials {
        let of = |end: &str| self.0.path().join(format!("{name}{end}.pem"));
        if !of("").exists() {
            self.run(&["issue", name, "--host", name]);
        }
        Credentials { ca: self.certificate(), cert: of(""), key: of("-key"), _dir: Arc::clone(&self.0) }
    }

    fn run(&self, arguments: &[&str]) {
        let dir = self.0.path().to_str().unwrap();
        let said = Cli::bare().run(&[&["cert"], arguments, &["--dir", dir]].concat());
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{}", said.out);
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
