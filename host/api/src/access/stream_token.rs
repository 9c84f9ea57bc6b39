//! Tokens of streams: a browser's `EventSource` sends no headers, so what allows a stream stands in its address.
//!
//! Such a token opens the stream of one environment for whoever it was made for, on every node, for some hours,
//! and for no longer than its maker's own token is in force. It does nothing else.

use burgee_model::{Key, Millis, TokenId};
use subtle::ConstantTimeEq;

use super::{
    Caller, Principal, Who,
    directory::Signer,
    login, node_admin,
    session::{SESSION_MS, Subject, hex, unhex},
};
use crate::{error::ApiError, http::Api};

/// Addresses stay the same for so long: a client that is told another one opens its stream anew.
const STEP_MS: Millis = 3600 * 1000;
const MAC_BYTES: usize = 32;
const PURPOSE: &str = "stream";

/// Makes a token for a caller. It lasts for eleven to twelve hours.
pub(crate) async fn stream_token(
    api: &Api,
    caller: &Caller,
    tenant: &Key,
    environment: &Key,
) -> Result<String, ApiError> {
    let now = api.store.now();
    let signer = login::signer(api, now).await?;
    let subject = match caller.principal.who {
        Who::Token(id) => Some(Subject::Token(id)),
        Who::NodeAdmin => Some(signer.node_admin(&api.auth.admin_token_sha256.unwrap_or_default())),
        Who::Anybody => None,
    };
    let expires_at = (now / STEP_MS).saturating_mul(STEP_MS).saturating_add(SESSION_MS);
    Ok(signer.sign_stream(&Grant { subject, tenant: tenant.clone(), environment: environment.clone(), expires_at }))
}

/// Whose token it is, and for which environment.
pub(crate) fn by_stream_token(api: &Api, token: &str) -> Result<(Caller, Key, Key), ApiError> {
    let now = api.store.now();
    let signers = api.access.directory.signers(now);
    let (grant, signer) = verify(token, &signers, now).ok_or(ApiError::Unauthorized)?;
    let caller = match grant.subject {
        Some(Subject::Token(id)) => api.access.directory.by_id(id, now).map(|known| Caller::of(&known)),
        Some(subject) => {
            let own = api.auth.admin_token_sha256.as_ref();
            own.filter(|own| signer.node_admin(own) == subject).map(|_| node_admin(api))
        }
        None => api.auth.open.then(|| Caller::new(Principal::root(Who::Anybody, "dev"), api.access.own.clone())),
    };
    let caller = caller.ok_or(ApiError::Unauthorized)?;
    super::admit_evaluation(api, &caller, &grant.tenant, &grant.environment)?;
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
        hex(&[&mac[..], &body].concat())
    }
}

fn verify<'a>(text: &str, signers: &'a [Signer], now: Millis) -> Option<(Grant, &'a Signer)> {
    let bytes = unhex(text)?;
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
    use burgee_model::{Digest, SigningKey};

    use super::*;

    fn signer(byte: u8) -> Signer {
        let key = SigningKey { secret: Digest([byte; 32]) };
        Signer { id: TokenId([byte; 16]), key, expires_at: 1_000 }
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
