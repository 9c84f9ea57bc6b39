//! What a request shows to say who asks.

use http::{HeaderMap, HeaderName, header};

use super::session;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Where a route takes its credentials from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// `Authorization: Bearer TOKEN`, or the cookie of a session.
    BearerOrSession,
    /// `Authorization: Bearer TOKEN`, or `X-API-Key: TOKEN`.
    BearerOrKey,
}

/// What was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown<'a> {
    Token(&'a [u8]),
    Session(&'a str),
}

/// The first of what a request shows; a token before a session.
pub(crate) fn shown(headers: &HeaderMap, source: Source) -> Option<Shown<'_>> {
    let other = || match source {
        Source::BearerOrKey => headers.get(API_KEY).map(|value| Shown::Token(value.as_bytes())),
        Source::BearerOrSession => session::cookie(headers).map(Shown::Session),
    };
    bearer(headers).map(Shown::Token).or_else(other)
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shows(name: &'static str, value: &'static str, source: Source) -> Option<String> {
        let headers = HeaderMap::from_iter([(HeaderName::from_static(name), value.parse().unwrap())]);
        shown(&headers, source).map(|shown| match shown {
            Shown::Token(token) => String::from_utf8(token.to_vec()).unwrap(),
            Shown::Session(cookie) => format!("session {cookie}"),
        })
    }

    #[test]
    fn the_scheme_is_read_in_any_case_and_no_other() {
        let bearer = |value| shows("authorization", value, Source::BearerOrSession);
        assert_eq!(bearer("Bearer secret").as_deref(), Some("secret"));
        assert_eq!(bearer("bearer  secret ").as_deref(), Some("secret"));
        for wrong in ["Bearer", "Basic secret", "secret", ""] {
            assert_eq!(bearer(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn keys_and_sessions_count_only_where_they_are_asked_for() {
        assert_eq!(shows("x-api-key", "k", Source::BearerOrKey).as_deref(), Some("k"));
        assert_eq!(shows("x-api-key", "k", Source::BearerOrSession), None);
        assert_eq!(shows("cookie", "a=b; burgee_session=c", Source::BearerOrSession).as_deref(), Some("session c"));
        assert_eq!(shows("cookie", "burgee_session=c", Source::BearerOrKey), None);
    }
}
