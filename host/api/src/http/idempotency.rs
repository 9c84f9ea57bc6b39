//! `Idempotency-Key`: a client's word that a request is the one that it sent before.

use burgee_model::{Digest, Key};
use http::{HeaderMap, HeaderName, header};
use sha2::{Digest as _, Sha256};

use crate::admin::{
    Refusal,
    idempotency::{Keyed, PLACE, check_key},
};

/// The header.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Says of an answer that the request was carried out before.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The key of a write in an environment, where it bears one. `request` is what is asked for: the method, the key of what
/// is written, the query's members, the body; its type counts too. Conditions do not: whoever reads again what it writes
/// over, and sends its write once more, means the same write.
pub(crate) fn keyed(
    headers: &HeaderMap,
    tenant: &Key,
    environment: &Key,
    request: &[&[u8]],
) -> Result<Option<Keyed>, Refusal> {
    let Some(key) = key(headers)? else { return Ok(None) };
    let media = headers.get(header::CONTENT_TYPE).map(http::HeaderValue::as_bytes).unwrap_or_default();
    let request = digest(request.iter().copied().chain([media]));
    Ok(Some(Keyed::new(tenant, environment, digest([key]), request)))
}

fn key(headers: &HeaderMap) -> Result<Option<&[u8]>, Refusal> {
    let mut all = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = all.next() else { return Ok(None) };
    let wrong = |message: String| Refusal::invalid(PLACE, "invalid_idempotency_key", message);
    if all.next().is_some() {
        return Err(wrong("a request bears one idempotency key".to_owned()));
    }
    let key = value.as_bytes();
    check_key(key).map(|()| Some(key)).map_err(wrong)
}

/// The digest of parts, each behind its length.
fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Digest {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    Digest(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::idempotency::KEY_BYTES_MAX;

    fn headers(all: &[(HeaderName, &str)]) -> HeaderMap {
        all.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    fn read(all: &[(HeaderName, &str)], request: &[&[u8]]) -> Result<Option<Keyed>, Refusal> {
        let [tenant, environment] = ["t", "e"].map(|text| Key::new(text).unwrap());
        keyed(&headers(all), &tenant, &environment, request)
    }

    #[test]
    fn another_request_has_another_digest() {
        let key = (IDEMPOTENCY_KEY, "k");
        let one = read(std::slice::from_ref(&key), &[b"PUT", b"a", b"b"]).unwrap();
        assert!(one.is_some() && one == read(std::slice::from_ref(&key), &[b"PUT", b"a", b"b"]).unwrap());
        for (more, request) in [
            (None, [&b"PUT"[..], b"a", b"c"]),
            (None, [b"PUT", b"ab", b""]),
            (Some((header::CONTENT_TYPE, "x/y")), [b"PUT", b"a", b"b"]),
        ] {
            let all: Vec<_> = std::iter::once(key.clone()).chain(more).collect();
            assert_ne!(read(&all, &request).unwrap(), one, "{request:?}");
        }
        let conditional = [key, (header::IF_MATCH, "\"1\"")];
        assert_eq!(read(&conditional, &[b"PUT", b"a", b"b"]).unwrap(), one);
        assert_eq!(read(&[], &[]), Ok(None));
    }

    #[test]
    fn what_is_no_key_is_named() {
        let long = "k".repeat(KEY_BYTES_MAX + 1);
        for wrong in ["", &long, "a\tb", "ü"] {
            let Err(Refusal::Invalid(faults)) = read(&[(IDEMPOTENCY_KEY, wrong)], &[]) else { panic!("{wrong}") };
            assert_eq!((faults[0].path.as_str(), faults[0].code.as_str()), (PLACE, "invalid_idempotency_key"));
        }
        let mut twice = headers(&[(IDEMPOTENCY_KEY, "a")]);
        twice.append(IDEMPOTENCY_KEY, "a".parse().unwrap());
        assert!(key(&twice).is_err());
        assert!(read(&[(IDEMPOTENCY_KEY, &long[1..])], &[]).is_ok());
    }
}
