//! Logging in: a token once, a session from then on; and how often that may be tried.

use std::net::IpAddr;

use burgee_model::{Address, Blob, Digest, Key, Millis, RegisterId, SigningKey, TokenId};
use burgee_store::{Draft, DraftWrite, Request, Stamping, WriteScope};
use serde_json::json;

use super::{
    Access, Caller, by_token, check_isolation,
    directory::Signer,
    rate::{Bucket, Rate},
    session::{SESSION_MS, SIGNING_MS, Session},
    subject_of,
    usages::Usages,
};
use crate::{error::ApiError, http::Api};

/// Attempts to log in that were in vain: by address, and all.
#[derive(Default)]
pub(super) struct Attempts {
    by_address: Usages<IpAddr>,
    all: Bucket,
}

/// A session that was opened.
pub(crate) struct Login {
    pub(crate) caller: Caller,
    /// The cookie's value.
    pub(crate) cookie: String,
}

impl Access {
    /// Refuses where there were too many attempts in vain, before anything is looked at; `failed` adds one.
    fn attempt(&self, api: &Api, address: Option<IpAddr>, failed: bool) -> Result<(), ApiError> {
        let now = self.micros();
        let count = |bucket: &Bucket, rate| if failed { bucket.take(rate, now) } else { bucket.peek(rate, now) };
        let refused = |who, retry_seconds| ApiError::RateLimited { who, retry_seconds };
        if let Some((address, rate)) = address.zip(Rate::per_minute(api.limits.failed_logins_per_address_per_minute)) {
            let usage = self.attempts.by_address.of(&address, now);
            count(&usage.requests, rate).map_err(|seconds| refused("logging in from this address", seconds))?;
        }
        let Some(rate) = Rate::per_minute(api.limits.failed_logins_per_minute) else { return Ok(()) };
        count(&self.attempts.all, rate).map_err(|seconds| refused("logging in", seconds))
    }
}

/// Opens a session with a token, from an address. A session can do what the token can, and ends with it.
pub(crate) async fn log_in(api: &Api, token: &str, address: Option<IpAddr>) -> Result<Login, ApiError> {
    api.access.attempt(api, address, false)?;
    let now = api.store.now();
    let Some(caller) = by_token(api, token.as_bytes(), now) else {
        api.access.attempt(api, address, true)?;
        return Err(ApiError::Unauthorized);
    };
    if caller.principal.kind.rank() == 0 {
        return Err(ApiError::Forbidden("tokens of applications open no sessions"));
    }
    check_isolation(api, &caller)?;
    let signer = signer(api, now).await?;
    let subject = subject_of(api, &caller, &signer);
    let expires_at = now.saturating_add(SESSION_MS);
    let cookie = signer.sign(&Session { subject, expires_at });
    let csrf_token = signer.csrf_token(&cookie);
    Ok(Login { caller: caller.in_session(expires_at, csrf_token), cookie })
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
    let (scope, stamping) = (WriteScope::Tenant(Key::system_tenant()), Stamping::Local);
    let request = Request { scope, actor: "sessions".into(), note: None, stamping };
    let draft = Draft { writes: vec![put], floors: Vec::new() };
    api.store.write(request, move |_: &_, _| Ok::<_, crate::admin::Refusal>(draft)).await?;
    Ok(signer)
}

/// Random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], ApiError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| ApiError::Internal(format!("no randomness: {error}")))?;
    Ok(bytes)
}
