//! What speaks HTTP for the command line.

use std::{path::Path, time::Duration};

use ureq::{
    Agent,
    tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem},
};

use super::{Failure, Target};

/// How long a request may take; of one whose answer has no end, until it begins.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How long an answer lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lasting {
    /// It ends, within [`TIMEOUT`].
    Whole,
    /// It has no end: its reader watches over it.
    Stream,
}

impl Target {
    /// An agent that believes whom it should.
    pub(super) fn agent(&self, lasting: Lasting) -> Result<Agent, Failure> {
        let tls = TlsConfig::builder();
        // an empty variable is how many say that there is none
        let tls = match self.ca.as_deref().filter(|file| !file.as_os_str().is_empty()) {
            Some(file) => tls.root_certs(RootCerts::new_with_certs(&authorities(file)?)),
            None => tls,
        };
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global((lasting == Lasting::Whole).then_some(TIMEOUT))
            .timeout_connect(Some(TIMEOUT))
            .timeout_recv_response(Some(TIMEOUT))
            .allow_non_standard_methods(true)
            .tls_config(tls.build());
        Ok(config.build().into())
    }
}

/// The certificates of a file.
fn authorities(file: &Path) -> Result<Vec<Certificate<'static>>, Failure> {
    let failed = |why: &dyn std::fmt::Display| Failure::Usage(format!("ca: {}: {why}", file.display()));
    let text = std::fs::read(file).map_err(|e| failed(&e))?;
    let mut found = Vec::new();
    for item in parse_pem(&text) {
        if let PemItem::Certificate(certificate) = item.map_err(|e| failed(&e))? {
            found.push(certificate);
        }
    }
    if found.is_empty() { Err(failed(&"there is no certificate in it")) } else { Ok(found) }
}
