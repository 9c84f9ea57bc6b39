//! flagd's selectors: which environment a request means, by a header or by a member of the request.

use burgee_model::Key;
use http::HeaderMap;
use percent_encoding::percent_decode_str;

/// The header.
pub(crate) const HEADER: &str = "flagd-selector";

/// A key may hold what separates pairs: percent-encoded.
const SEVERAL: &str =
    "the selector must be one pair, `flagSetId=TENANT/ENVIRONMENT`; commas of keys are percent-encoded";

const WRONG: &str = "the selector must be `flagSetId=TENANT/ENVIRONMENT`";

/// The environment that a selector names, as (tenant, environment): the header's before the request's. Slashes and percent
/// signs of a tenant's key are percent-encoded. An error says how a selector is written.
pub(crate) fn read(headers: &HeaderMap, of_request: &str) -> Result<Option<(Key, Key)>, &'static str> {
    let text = match headers.get(HEADER) {
        Some(value) => value.to_str().map_err(|_| WRONG)?.trim(),
        None => of_request.trim(),
    };
    if text.is_empty() {
        return Ok(None);
    }
    if text.contains(',') {
        return Err(SEVERAL);
    }
    let (tenant, environment) = text.strip_prefix("flagSetId=").and_then(|place| place.split_once('/')).ok_or(WRONG)?;
    let key = |raw: &str| Key::new(&percent_decode_str(raw).decode_utf8().ok()?).ok();
    key(tenant).zip(key(environment)).map(Some).ok_or(WRONG)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(header: Option<&'static str>, of_request: &str) -> Result<Option<(String, String)>, &'static str> {
        let headers = header.map(|text| (http::HeaderName::from_static(HEADER), text.parse().unwrap()));
        let found = read(&headers.into_iter().collect(), of_request)?;
        Ok(found.map(|(tenant, environment)| (tenant.to_string(), environment.to_string())))
    }

    #[test]
    fn the_header_beats_the_request() {
        let place = |tenant: &str, environment: &str| Ok(Some((tenant.to_owned(), environment.to_owned())));
        assert_eq!(found(None, ""), Ok(None));
        assert_eq!(found(None, "flagSetId=a/b"), place("a", "b"));
        assert_eq!(found(Some("flagSetId=c/d"), "flagSetId=a/b"), place("c", "d"));
        assert_eq!(found(Some(""), "flagSetId=a/b"), Ok(None));
        assert_eq!(found(None, "flagSetId=a%2Fb/c/d"), place("a/b", "c/d"));
    }

    #[test]
    fn one_pair_is_all() {
        for several in ["flagSetId=a/b,source=x", "flagSetId=a/b,flagSetId=c/d"] {
            assert_eq!(found(None, several), Err(SEVERAL), "{several}");
        }
        assert_eq!(found(None, "flagSetId=a%2Cb/c=d"), Ok(Some(("a,b".into(), "c=d".into()))));
    }

    #[test]
    fn other_selectors_are_refused() {
        for wrong in ["flagSetId=", "flagSetId=a", "source=a/b", "a/b", "flagSetId=/b", "flagSetId=a/", "x=y"] {
            assert_eq!(found(None, wrong), Err(WRONG), "{wrong}");
        }
    }
}
