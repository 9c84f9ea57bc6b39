//! Who asks: one token is the key to everything, known by its digest alone.

use http::{HeaderMap, HeaderName, header};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{error::ApiError, state::AuthConfig};

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Where a route takes its token from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// `Authorization: Bearer TOKEN` alone.
    Bearer,
    /// That, or `X-API-Key: TOKEN`.
    BearerOrKey,
}

/// Refuses a request without the right token. What is compared are digests, so that neither the time that it
/// takes nor anything kept here tells the token.
pub(crate) fn check(auth: &AuthConfig, headers: &HeaderMap, source: Source) -> Result<(), ApiError> {
    if auth.open {
        return Ok(());
    }
    let expected = auth.admin_token_sha256.as_ref().ok_or(ApiError::Unauthorized)?;
    let key = || headers.get(API_KEY).map(|value| value.as_bytes()).filter(|_| source == Source::BearerOrKey);
    let given = bearer(headers).or_else(key).ok_or(ApiError::Unauthorized)?;
    let given: [u8; 32] = Sha256::digest(given).into();
    if bool::from(given.ct_eq(expected)) { Ok(()) } else { Err(ApiError::Unauthorized) }
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

/// Who a change is written down to have come from.
pub(crate) fn actor(auth: &AuthConfig) -> &'static str {
    if auth.open { "dev" } else { "admin" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(name: &'static str, value: &'static str, source: Source) -> bool {
        let auth = AuthConfig { admin_token_sha256: Some(Sha256::digest("secret").into()), ..Default::default() };
        let headers = HeaderMap::from_iter([(HeaderName::from_static(name), value.parse().unwrap())]);
        check(&auth, &headers, source).is_ok()
    }

    #[test]
    fn only_the_token_opens() {
        assert!(asks("authorization", "Bearer secret", Source::Bearer));
        assert!(asks("authorization", "bearer  secret ", Source::Bearer));
        for wrong in ["Bearer", "Bearer ", "Bearer secre", "Bearer secrets", "Basic secret", "secret", ""] {
            assert!(!asks("authorization", wrong, Source::Bearer), "{wrong}");
        }
    }

    #[test]
    fn the_key_header_counts_only_where_it_is_asked_for() {
        assert!(asks("x-api-key", "secret", Source::BearerOrKey));
        assert!(!asks("x-api-key", "wrong", Source::BearerOrKey));
        assert!(!asks("x-api-key", "secret", Source::Bearer));
    }

    #[test]
    fn a_node_without_token_opens_for_nobody() {
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, "Bearer ".parse().unwrap())]);
        assert!(check(&AuthConfig::default(), &headers, Source::Bearer).is_err());
    }
}
