//! Sessions: a signed cookie in place of a token, so that no script of a page ever holds one.
//!
//! A cookie names a token and a deadline under a MAC of a replicated key: every node knows it, and it ends with
//! its token, or where it was logged out. Writes must also show the session's CSRF token, which only pages of this origin can read.

use burgee_model::{Millis, TokenId, hex};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, header};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::directory::Signer;
pub(crate) use crate::admin::token::SESSION_MS;

/// For how long a key signs new sessions; after that the next login makes another one.
pub(crate) const SIGNING_MS: Millis = 24 * 3600 * 1000;

const NAME: &str = "burgee_session";
const BODY_BYTES: usize = 8 + 16 + 16 + 1 + 16;
const MAC_BYTES: usize = 32;

/// Whose session it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A token's.
    Token(TokenId),
    /// That of a node's own key; what names it, the signing key makes of the key's hash.
    NodeAdmin(TokenId),
}

/// A session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) subject: Subject,
    /// By which its end is remembered.
    pub(crate) id: TokenId,
    pub(crate) expires_at: Millis,
}

/// The value of the session's cookie, where there is one.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(';')).find_map(|part| {
        let (name, value) = part.trim().split_once('=')?;
        (name == NAME).then_some(value)
    })
}

/// A `Set-Cookie` that lasts as long as the session; without a value it ends it.
pub(crate) fn set_cookie(value: Option<&str>, secure: bool) -> String {
    let seconds = value.map_or(0, |_| SESSION_MS / 1000);
    let secure = if secure { "; Secure" } else { "" };
    let value = value.unwrap_or_default();
    format!("{NAME}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

impl Signer {
    /// Signs a session: the cookie's value.
    pub(crate) fn sign(&self, session: &Session) -> String {
        let body = self.body(session);
        let mac = self.mac("session", &body);
        hex::encode(&[&body[..], &mac].concat())
    }

    /// What writes of a session have to show beside its cookie.
    pub(crate) fn csrf_token(&self, cookie: &str) -> String {
        hex::encode(&self.mac("csrf", cookie.as_bytes()))
    }

    /// What names a node's own key in a session.
    pub(crate) fn node_admin(&self, sha256: &[u8; 32]) -> Subject {
        let mut name = [0; 16];
        name.copy_from_slice(&self.mac("node admin", sha256)[..16]);
        Subject::NodeAdmin(TokenId(name))
    }

    fn body(&self, session: &Session) -> Vec<u8> {
        let (kind, id) = match session.subject {
            Subject::Token(id) => (0, id),
            Subject::NodeAdmin(id) => (1, id),
        };
        [&session.expires_at.to_be_bytes()[..], &self.id.0, &session.id.0, &[kind], &id.0].concat()
    }

    pub(super) fn mac(&self, purpose: &str, bytes: &[u8]) -> [u8; 32] {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key.secret.0) else {
            // a key of any length will do
            return [0; 32];
        };
        mac.update(&[purpose.len().to_be_bytes().as_slice(), purpose.as_bytes(), bytes].concat());
        mac.finalize().into_bytes().into()
    }
}

/// The session of a cookie's value with the key that signed it; none where none of these did, or where it is over.
pub(crate) fn verify<'a>(value: &str, signers: &'a [Signer], now: Millis) -> Option<(Session, &'a Signer)> {
    let bytes = hex::decode(value)?;
    let (body, mac) = bytes.split_at_checked(BODY_BYTES).filter(|(_, mac)| mac.len() == MAC_BYTES)?;
    let (deadline, rest) = body.split_first_chunk::<8>()?;
    let (key, rest) = rest.split_first_chunk::<16>()?;
    let (own, rest) = rest.split_first_chunk::<16>()?;
    let (kind, id) = rest.split_first()?;
    let id = TokenId(id.try_into().ok()?);
    let signer = signers.iter().find(|signer| signer.id == TokenId(*key))?;
    if !bool::from(signer.mac("session", body).ct_eq(mac)) {
        return None;
    }
    let subject = if *kind == 0 { Subject::Token(id) } else { Subject::NodeAdmin(id) };
    let session = Session { subject, id: TokenId(*own), expires_at: Millis::from_be_bytes(*deadline) };
    (session.expires_at > now).then_some((session, signer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::directory::signer;

    #[test]
    fn what_was_signed_is_known_until_its_deadline_and_nothing_else_is() {
        let signers = [signer(1), signer(2)];
        for subject in [Subject::Token(TokenId([7; 16])), signers[1].node_admin(&[9; 32])] {
            let session = Session { subject, id: TokenId([3; 16]), expires_at: 500 };
            let cookie = signers[1].sign(&session);
            let found = verify(&cookie, &signers, 499).map(|(session, signer)| (session, signer.id));
            assert_eq!(found, Some((session, signers[1].id)));
            assert!(verify(&cookie, &signers, 500).is_none() && verify(&cookie, &signers[..1], 1).is_none());
            for at in 0..cookie.len() {
                let mut other = cookie.clone().into_bytes();
                other[at] = if other[at] == b'0' { b'1' } else { b'0' };
                assert!(verify(&String::from_utf8(other).unwrap(), &signers, 1).is_none(), "digit {at}");
            }
        }
        for bad in ["", "00", &"g".repeat(146), &"0".repeat(146), &"é".repeat(73)] {
            assert!(verify(bad, &signers, 1).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_csrf_token_is_of_its_cookie_and_its_key() {
        let of = |byte: u8, cookie: &str| signer(byte).csrf_token(cookie);
        assert_eq!(of(1, "cookie"), of(1, "cookie"));
        assert!(of(2, "cookie") != of(1, "cookie") && of(1, "other") != of(1, "cookie"));
    }

    #[test]
    fn cookies_are_kept_from_scripts_and_other_sites() {
        let set = set_cookie(Some("v"), true);
        assert_eq!(set, "burgee_session=v; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure");
        assert!(set_cookie(None, false).starts_with("burgee_session=; Path=/; Max-Age=0;"));
    }
}
