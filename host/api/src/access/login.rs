//! Logging in: a token once, a session from then on; and logging out.

use std::net::IpAddr;

use burgee_model::{Address, Blob, Digest, Key, Millis, RegisterId, SigningKey, TokenId};
use burgee_store::{Draft, DraftWrite, Request, Stamping, WriteScope};
use serde_json::json;

use super::{
    Caller, Shower, by_token, check_isolation,
    directory::Signer,
    rate::Rate,
    session::{SESSION_MS, SIGNING_MS, Session},
    subject_of,
};
use crate::{error::ApiError, http::Api};

/// Logouts with one token in a minute: each is remembered for hours, on every node.
const LOGOUTS_PER_MINUTE: u32 = 10;
/// Sessions that are remembered to have ended before their time; and those of one tenant, so that none keeps the people of
/// others from logging out.
const ENDED_MAX: usize = 100_000;
const ENDED_PER_TENANT_MAX: usize = 10_000;
/// After how many seconds there may be room again.
const ENDED_RETRY_SECONDS: u32 = 60;

/// A session that was opened.
pub(crate) struct Login {
    pub(crate) caller: Caller,
    /// The cookie's value.
    pub(crate) cookie: String,
}

/// Opens a session with a token, from an address. A session can do what the token can, and ends with it.
pub(crate) async fn log_in(api: &Api, token: &str, address: Option<IpAddr>) -> Result<Login, ApiError> {
    let now = api.store.now();
    let rate = Rate::per_minute(api.limits.failed_logins_per_address_per_minute);
    let caller = by_token(api, token.as_bytes(), now, Shower { guesses: &api.access.logins, address, rate })?;
    if caller.principal.kind.rank() == 0 {
        return Err(ApiError::Forbidden("tokens of applications open no sessions"));
    }
    check_isolation(api, &caller)?;
    let signer = signer(api, now).await?;
    let subject = subject_of(api, &caller, &signer);
    let expires_at = now.saturating_add(SESSION_MS);
    let session = Session { subject, id: TokenId(random()?), expires_at };
    let cookie = signer.sign(&session);
    let csrf_token = signer.csrf_token(&cookie);
    Ok(Login { caller: caller.in_session(&session, csrf_token), cookie })
}

/// Ends a session, on this node at once and on others as soon as they hear of it. That is remembered until the session
/// would have ended by itself, as the revocation of a token is.
pub(crate) async fn log_out(api: &Api, caller: &Caller) -> Result<(), ApiError> {
    let (Some(session), Some(until)) = (caller.session, caller.until) else { return Ok(()) };
    let refused = |retry_seconds| ApiError::RateLimited { who: "logging out", retry_seconds, held: false };
    let rate = Rate::per_minute(LOGOUTS_PER_MINUTE);
    rate.map_or(Ok(()), |rate| caller.usage.by_people.take(rate, api.access.micros())).map_err(refused)?;
    let tenant = caller.principal.tenant.as_ref().map(Key::as_str);
    let ended = api.access.directory.ended_sessions(tenant);
    if ended.all >= ENDED_MAX || ended.of_tenant >= ENDED_PER_TENANT_MAX {
        return Err(refused(ENDED_RETRY_SECONDS));
    }
    api.require_writable()?;
    let register = RegisterId::token(&Key::system_tenant(), session);
    write(api, tenant, DraftWrite { expires_at: Some(until), ..DraftWrite::delete(register) }).await
}

/// The key that signs new sessions: the one that lasts longest, or a new one where none outlasts a session.
async fn signer(api: &Api, now: Millis) -> Result<Signer, ApiError> {
    match api.access.directory.newest_signer(now).filter(|signer| signer.expires_at >= now.saturating_add(SESSION_MS)) {
        Some(signer) => Ok(signer),
        None => new_signer(api, now).await,
    }
}

pub(super) async fn new_signer(api: &Api, now: Millis) -> Result<Signer, ApiError> {
    api.require_writable()?;
    let (id, secret) = (TokenId(random()?), Digest(random()?));
    let signer = Signer {
        id,
        key: SigningKey { secret },
        expires_at: now.saturating_add(SESSION_MS).saturating_add(SIGNING_MS),
    };
    let register = RegisterId::system(Address::SessionKey { key: id });
    let put =
        DraftWrite { expires_at: Some(signer.expires_at), ..DraftWrite::put(register, Blob::json(&json!(signer.key))) };
    write(api, None, put).await?;
    Ok(signer)
}

/// Writes what concerns sessions; the note says of which tenant.
async fn write(api: &Api, tenant: Option<&str>, write: DraftWrite) -> Result<(), ApiError> {
    let (scope, stamping) = (WriteScope::Tenant(Key::system_tenant()), Stamping::Local);
    let request = Request { scope, actor: "sessions".into(), note: tenant.map(Box::from), stamping };
    let draft = Draft::of(vec![write]);
    api.store.write(request, move |_: &_, _| Ok::<_, crate::admin::Refusal>(draft)).await?;
    api.access.directory.refresh().await;
    Ok(())
}

/// Random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], ApiError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| ApiError::Internal(format!("no randomness: {error}")))?;
    Ok(bytes)
}
