//! Certificates of a cluster: an authority of its own, and what it issues for nodes.
//!
//! An authority is named after its key, so that who has the key can issue without reading the certificate, and two
//! authorities are told apart while one takes the other's place.

use std::sync::Arc;

use burgee_model::hex;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PublicKeyData,
};
use rustls::{
    RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    server::WebPkiClientVerifier,
};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

/// A clock may be behind by so much where the certificate is young: nodes are to work together in spite of it.
const BACKDATED: Duration = Duration::days(2);

/// Bytes of the key's digest in an authority's name.
const NAME_BYTES: usize = 4;

/// A certificate and its key, PEM.
pub(crate) struct Made {
    pub(crate) cert: String,
    pub(crate) key: String,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateError {
    /// The authority's key cannot be read.
    #[error("{0}")]
    Key(String),
    /// The authority's certificate is not of that key, or cannot be read.
    #[error("{0}")]
    Authority(String),
    /// A name that no certificate can bear.
    #[error("{0}")]
    Host(String),
    /// The library failed.
    #[error("{0}")]
    Made(#[from] rcgen::Error),
}

/// A new authority that is believed for so many days.
pub(crate) fn authority(days: u32) -> Result<Made, CertificateError> {
    let key = KeyPair::generate()?;
    let cert = authority_of(&key, days).self_signed(&key)?.pem();
    Ok(Made { cert, key: key.serialize_pem() })
}

fn authority_of(key: &KeyPair, days: u32) -> CertificateParams {
    let digest = Sha256::digest(key.subject_public_key_info());
    let short = hex::encode(&digest[..NAME_BYTES]);
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, format!("burgee cluster {short}"));
    last(&mut params, days);
    params
}

/// A certificate for a node, for both ends of its links and for HTTPS, which the authority's `cert` and `key` issue.
pub(crate) fn issue(cert: &str, key: &str, node: &str, hosts: &[String], days: u32) -> Result<Made, CertificateError> {
    let authority = KeyPair::from_pem(key).map_err(|error| CertificateError::Key(error.to_string()))?;
    let issuer = Issuer::new(authority_of(&authority, days), authority);
    hosts.iter().try_for_each(|host| check_host(host))?;
    let mut params = CertificateParams::new(hosts).map_err(|error| CertificateError::Host(error.to_string()))?;
    params.distinguished_name.push(DnType::CommonName, node);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    last(&mut params, days);
    let own = KeyPair::generate()?;
    let issued = params.signed_by(&own, &issuer)?;
    check(cert, issued.der())?;
    Ok(Made { cert: issued.pem(), key: own.serialize_pem() })
}

/// Refuses what no client could ever reach the node by: an address, a host name, or `*.` and one.
fn check_host(host: &str) -> Result<(), CertificateError> {
    let name = host.strip_prefix("*.").unwrap_or(host);
    let is_known =
        ServerName::try_from(name).is_ok_and(|name| matches!(name, ServerName::DnsName(_)) || host == name.to_str());
    if is_known { Ok(()) } else { Err(CertificateError::Host(format!("`{host}` is no host name and no address"))) }
}

fn last(params: &mut CertificateParams, days: u32) {
    let now = OffsetDateTime::now_utc();
    params.not_before = now - BACKDATED;
    params.not_after = now + Duration::days(days.into());
}

/// Whether who believes the authority's certificate will believe what was issued, as nodes check it.
fn check(authority: &str, issued: &CertificateDer<'_>) -> Result<(), CertificateError> {
    let refused = |error: &dyn std::fmt::Display| CertificateError::Authority(error.to_string());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authority.as_bytes()) {
        roots.add(certificate.map_err(|error| refused(&error))?).map_err(|error| refused(&error))?;
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
    let verifier = verifier.map_err(|error| refused(&error))?;
    verifier.verify_client_cert(issued, &[], UnixTime::now()).map_err(|error| refused(&error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_believed_by_its_authority_alone() {
        let (ours, other) = (authority(10).unwrap(), authority(10).unwrap());
        assert_ne!(ours.cert, other.cert);
        let issue = |cert: &Made, key: &Made| issue(&cert.cert, &key.key, "a", &["a.example".to_owned()], 5);
        assert!(issue(&ours, &ours).is_ok());
        assert!(matches!(issue(&other, &ours), Err(CertificateError::Authority(_))));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let ours = authority(10).unwrap();
        let issue = |cert: &str, key: &str, host: &str| issue(cert, key, "a", &[host.to_owned()], 5);
        assert!(matches!(issue(&ours.cert, "no key", "a"), Err(CertificateError::Key(_))));
        assert!(matches!(issue("no certificate", &ours.key, "a"), Err(CertificateError::Authority(_))));
        for host in ["ä", "bad host", "", "*", "*.10.0.0.1", "a..b", "https://a", "a:8080", "-a"] {
            assert!(matches!(issue(&ours.cert, &ours.key, host), Err(CertificateError::Host(_))), "{host}");
        }
        for host in ["a", "a.example", "*.a.example", "10.0.0.1", "::1", "node_1.local"] {
            assert!(issue(&ours.cert, &ours.key, host).is_ok(), "{host}");
        }
    }
}
