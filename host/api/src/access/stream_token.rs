//! Tokens of streams: a browser's `EventSource` sends no headers, so what allows a stream stands in its address.
//!
//! Such a token opens the stream of one environment for whoever it was made for, on every node, for some hours,
//! and for no longer than its maker's own token is in force. It does nothing else.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use burgee_model::{Key, Millis, TokenId, hex};
use http::Extensions;
use subtle::ConstantTimeEq;

use super::{
    Caller, Principal, Who, by_subject,
    directory::Signer,
    login,
    session::{SESSION_MS, Subject},
    subject_of,
};
use crate::{error::ApiError, http::Api};

/// Addresses stay the same for so long: a client that is told another one opens its stream anew.
const STEP_MS: Millis = 3600 * 1000;
/// The longest that a tag stands of an answer that names an address: whoever is told that nothing changed keeps the
/// address that it has.
const OFFER_MS: Millis = 4 * STEP_MS;
/// A key that lasts for less is no good for a new token: its address would end before the tag beside it.
const LEFT_MS_MIN: Millis = OFFER_MS + STEP_MS;
/// Microseconds between two attempts to make a key: where the disk refuses it, evaluations must not wait for it.
const ATTEMPT_MICROS: u64 = 10_000_000;
/// How long the request that makes a key waits for it.
const PATIENCE: Duration = Duration::from_millis(500);
const MAC_BYTES: usize = 32;
const PURPOSE: &str = "stream";

/// When the next attempt to make a key is due, in microseconds of [`super::Access::micros`].
#[derive(Default)]
pub(crate) struct StreamKeys(AtomicU64);

impl StreamKeys {
    /// Whether the caller is the one to make a key.
    fn is_due(&self, now: u64) -> bool {
        let next = |due: u64| (due <= now).then(|| now.saturating_add(ATTEMPT_MICROS));
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

/// A token for a caller, which lasts for up to twelve hours.
pub(crate) fn stream_token(api: &Api, signer: &Signer, caller: &Caller, (tenant, environment): (&Key, &Key)) -> String {
    let subject = match caller.principal.who {
        Who::Anybody => None,
        Who::Token(_) | Who::NodeAdmin => Some(subject_of(api, caller, signer)),
    };
    let began = (api.store.now() / STEP_MS).saturating_mul(STEP_MS);
    let expires_at = began.saturating_add(SESSION_MS).min(signer.expires_at);
    let (tenant, environment) = (tenant.clone(), environment.clone());
    signer.sign_stream(&Grant { subject, tenant, environment, expires_at })
}

/// Which span of cluster time an answer with an address belongs to, the same on every node. Spans begin at other
/// instants for other values of `spread`, so that not all clients ask for new addresses at once.
pub(crate) fn offer(now: Millis, spread: u64) -> u64 {
    now.saturating_add(spread % OFFER_MS) / OFFER_MS
}

/// The key that streams' tokens are signed with, if there is one: that which lasts longest. One that is about to end is
/// replaced while it is still in use.
pub(crate) async fn stream_signer(api: &Api) -> Option<Signer> {
    let now = api.store.now();
    let newest = api.access.directory.newest_signer(now);
    let lasts = |ms: Millis| newest.as_ref().is_some_and(|signer| signer.expires_at >= now.saturating_add(ms));
    if !lasts(SESSION_MS) && api.access.stream_keys.is_due(api.access.micros()) {
        let made = tokio::time::timeout(PATIENCE, login::new_signer(api, now)).await;
        if let Ok(Ok(made)) = made {
            return Some(made);
        }
    }
    if lasts(LEFT_MS_MIN) { newest } else { None }
}

/// Whose token it is, and for which environment.
pub(crate) fn by_stream_token(api: &Api, token: &str, extensions: &Extensions) -> Result<(Caller, Key, Key), ApiError> {
    let now = api.store.now();
    let signers = api.access.directory.signers(now);
    let (grant, signer) = verify(token, &signers, now).ok_or(ApiError::Unauthorized)?;
    let caller = match grant.subject {
        Some(subject) => by_subject(api, subject, signer, now),
        None => api.auth.open.then(|| Caller::new(Principal::root(Who::Anybody, "dev"), api.access.own.clone())),
    };
    let caller = caller.ok_or(ApiError::Unauthorized)?;
    super::check_isolation(api, &caller)?;
    super::admit_evaluation(api, &caller, &grant.tenant, &grant.environment)?;
    super::admission::admitted(extensions)?;
    Ok((caller, grant.tenant, grant.environment))
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Grant {
    /// Whom it was made for; nobody in particular where there is no login.
    subject: Option<Subject>,
    tenant: Key,
    environment: Key,
    expires_at: Millis,
}

impl Signer {
    fn sign_stream(&self, grant: &Grant) -> String {
        let (kind, id) = match grant.subject {
            Some(Subject::Token(id)) => (0, id),
            Some(Subject::NodeAdmin(id)) => (1, id),
            None => (2, TokenId([0; 16])),
        };
        // keys hold no control characters
        let place = [grant.tenant.as_str().as_bytes(), &[0], grant.environment.as_str().as_bytes()].concat();
        let body = [&grant.expires_at.to_be_bytes()[..], &self.id.0, &[kind], &id.0, &place].concat();
        let mac = self.mac(PURPOSE, &body);
        hex::encode(&[&mac[..], &body].concat())
    }
}

fn verify<'a>(text: &str, signers: &'a [Signer], now: Millis) -> Option<(Grant, &'a Signer)> {
    let bytes = hex::decode(text)?;
    let (mac, body) = bytes.split_first_chunk::<MAC_BYTES>()?;
    let (deadline, rest) = body.split_first_chunk::<8>()?;
    let (key, rest) = rest.split_first_chunk::<16>()?;
    let (kind, rest) = rest.split_first()?;
    let (id, place) = rest.split_first_chunk::<16>()?;
    let signer = signers.iter().find(|signer| signer.id == TokenId(*key))?;
    if !bool::from(signer.mac(PURPOSE, body).ct_eq(mac)) {
        return None;
    }
    let subject = match kind {
        0 => Some(Subject::Token(TokenId(*id))),
        1 => Some(Subject::NodeAdmin(TokenId(*id))),
        _ => None,
    };
    let (tenant, environment) = std::str::from_utf8(place).ok()?.split_once('\0')?;
    let (tenant, environment) = (Key::new(tenant).ok()?, Key::new(environment).ok()?);
    let expires_at = Millis::from_be_bytes(*deadline);
    (expires_at > now).then_some((Grant { subject, tenant, environment, expires_at }, signer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::directory::signer;

    #[test]
    fn a_key_that_cannot_be_made_is_not_tried_for_by_every_request() {
        let keys = StreamKeys::default();
        assert_eq!([5, 5, 6].map(|now| keys.is_due(now)), [true, false, false]);
        assert!(keys.is_due(5 + ATTEMPT_MICROS));
    }

    #[test]
    fn every_span_ends_before_the_key_and_the_token_of_an_address_made_in_it() {
        for spread in [0, 1, OFFER_MS - 1, u64::MAX] {
            for now in [0, 1, OFFER_MS, 1_700_000_000_123] {
                assert_ne!(offer(now, spread), offer(now + OFFER_MS, spread));
            }
        }
        const { assert!(OFFER_MS < LEFT_MS_MIN && OFFER_MS < SESSION_MS - STEP_MS) };
    }

    #[test]
    fn what_was_signed_is_known_until_its_deadline_and_nothing_else_is() {
        let signers = [signer(1), signer(2)];
        let [tenant, environment] = ["a/b", "prod"].map(|text| Key::new(text).unwrap());
        for subject in [Some(Subject::Token(TokenId([7; 16]))), Some(signers[1].node_admin(&[9; 32])), None] {
            let grant = Grant { subject, tenant: tenant.clone(), environment: environment.clone(), expires_at: 500 };
            let token = signers[1].sign_stream(&grant);
            assert_eq!(verify(&token, &signers, 499).map(|(found, _)| found), Some(grant));
            assert!(verify(&token, &signers, 500).is_none() && verify(&token, &signers[..1], 1).is_none());
            for at in 0..token.len() {
                let mut other = token.clone().into_bytes();
                other[at] = if other[at] == b'0' { b'1' } else { b'0' };
                assert!(verify(&String::from_utf8(other).unwrap(), &signers, 1).is_none(), "digit {at}");
            }
        }
        for bad in ["", "00", "0", &"0".repeat(146), "é", &"g".repeat(160)] {
            assert!(verify(bad, &signers, 1).is_none(), "{bad}");
        }
    }
}
