//! Who may do what. The one place where it is decided who asks, and whether that is enough.
//!
//! Whoever shows nothing, or something unknown, is answered 401. Tenants that a token is not bound to do not
//! exist as far as it can see: 404, the same as for one that never was. What lies in its own tenant but is not
//! for it is 403, whether it exists or not.

mod admission;
mod caller;
mod credentials;
mod directory;
mod guesses;
pub(crate) mod last_use;
mod limiting;
mod login;
mod principal;
mod rate;
pub mod routes;
pub(crate) mod session;
mod stream;
mod stream_token;
mod usage;
mod usages;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Instant,
};

use axum::extract::ConnectInfo;
use burgee_model::{Key, Millis, TokenId, TokenKind};
use burgee_store::Store;
use http::{Extensions, HeaderMap, Method, request::Parts};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

pub use self::admission::{Admission, Asking};
pub(crate) use self::{
    caller::Caller,
    credentials::Source,
    directory::id_of,
    limiting::hold,
    login::{Login, log_in, log_out, random},
    principal::{Principal, Who},
    stream::{Ended, Place as StreamPlace, StreamPermit},
    stream_token::{StreamKeys, by_stream_token, offer, stream_signer, stream_token},
};
use self::{
    credentials::Shown,
    directory::{Directory, Signer},
    guesses::Guesses,
    limiting::{within, within_tenant},
    rate::Rate,
    routes::Rule,
    session::Subject,
    usage::Usage,
    usages::Usages,
};
use crate::{
    admin::{Kind, Refusal},
    error::ApiError,
    http::{Api, budget::Holder},
};

/// What the requests of one node share to decide who may do what.
pub(crate) struct Access {
    pub(crate) directory: Directory,
    tenants: Usages<Key>,
    /// Those of nobody in particular, by tenant.
    anonymous: Usages<Key>,
    /// That of the node's own key, and of everybody where there is no login.
    own: Arc<Usage>,
    /// Wrong tokens, and those that somebody tried to log in with.
    tokens: Guesses,
    logins: Guesses,
    stream_keys: StreamKeys,
    /// Streams that were opened by their address alone, by who opened them.
    strangers: Usages<IpAddr>,
    /// One permit for each refusal that may be held back.
    held: Semaphore,
    started: Instant,
}

/// What the path of a request names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Named {
    pub(crate) tenant: Option<Key>,
    pub(crate) environment: Option<Key>,
}

impl Access {
    /// For a node that may have so many connections.
    pub(crate) fn new(store: &Store, connections: usize) -> Self {
        Self {
            directory: Directory::new(store),
            tenants: Usages::default(),
            anonymous: Usages::default(),
            own: Arc::default(),
            tokens: Guesses::default(),
            logins: Guesses::default(),
            stream_keys: StreamKeys::default(),
            strangers: Usages::default(),
            held: Semaphore::new(limiting::held_max(connections)),
            started: Instant::now(),
        }
    }

    /// Microseconds since this was made: what rates are counted by, so that no leap of a clock touches them.
    fn micros(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// When this node last heard of a token, since its start.
    fn last_used(&self, token: TokenId, now: Millis) -> Option<Millis> {
        self.directory.by_id(token, now)?.usage.last()
    }

    /// What is used from a peer address by those who show no token; none where that is this machine, or not known.
    fn stranger(&self, address: Option<IpAddr>) -> Option<Arc<Usage>> {
        let address = guesses::whose(address.filter(|address| !address.to_canonical().is_loopback())?);
        Some(self.strangers.of(&address, self.micros()))
    }

    /// Who holds the memory of a request that shows nothing: the address that it comes from.
    pub(crate) fn holder_at(&self, address: Option<IpAddr>) -> Holder {
        let usage = address
            .map_or_else(|| self.own.clone(), |address| self.strangers.of(&guesses::whose(address), self.micros()));
        Holder::new(usage, true, address.map_or_else(|| "unknown".into(), |address| address.to_string().into()))
    }

    /// What a tenant uses.
    pub(crate) fn tenant(&self, tenant: &Key) -> Arc<Usage> {
        self.tenants.of(tenant, self.micros())
    }
}

/// Where a request comes from, where that is known.
pub(crate) fn address_of(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip())
}

/// Who shows a token, as far as that is known before it is looked at.
#[derive(Clone, Copy)]
struct Shower<'a> {
    guesses: &'a Guesses,
    address: Option<IpAddr>,
    /// How many wrong ones it may show.
    rate: Option<Rate>,
}

/// Who asks, by the head of a request; refuses whoever is not known, and whoever asks too often.
pub(crate) fn authenticate(
    api: &Api,
    headers: &HeaderMap,
    extensions: &Extensions,
    source: Source,
) -> Result<Caller, ApiError> {
    let caller = known(api, headers, address_of(extensions), source)?;
    admission::admitted(extensions)?;
    Ok(caller)
}

fn known(api: &Api, headers: &HeaderMap, address: Option<IpAddr>, source: Source) -> Result<Caller, ApiError> {
    if api.auth.open {
        return Ok(Caller::new(Principal::root(Who::Anybody, "dev"), api.access.own.clone()));
    }
    let now = api.store.now();
    let caller = match credentials::shown(headers, source).ok_or(ApiError::Unauthorized)? {
        Shown::Token(token) => {
            let rate = Rate::per_minute(api.limits.wrong_tokens_per_address_per_minute);
            by_token(api, token, now, Shower { guesses: &api.access.tokens, address, rate })?
        }
        Shown::Session(cookie) => by_session(api, cookie, now).ok_or(ApiError::Unauthorized)?,
    };
    check_isolation(api, &caller)?;
    let rate = Rate::per_second(api.limits.token_requests_per_second);
    within(api, &caller.usage, &caller.usage.requests, rate, "the token")?;
    caller.usage.touch(now);
    Ok(caller)
}

/// Nobody in particular, where the operator lets everybody evaluate in an environment. All of them together may do what one
/// token may.
pub(crate) fn anybody_in(api: &Api, tenant: &Key, environment: &Key) -> Result<Caller, ApiError> {
    let principal = Principal {
        kind: TokenKind::Server,
        tenant: Some(tenant.clone()),
        environments: Box::new([environment.clone()]),
        ..Principal::root(Who::Anybody, "anybody")
    };
    let caller = Caller::new(principal, api.access.anonymous.of(tenant, api.access.micros()));
    let rate = Rate::per_second(api.limits.token_requests_per_second);
    within(api, &caller.usage, &caller.usage.requests, rate, "everybody without a token")?;
    Ok(caller)
}

/// Bytes from which on a key that somebody chose is not guessed, whoever tries: it is taken from everywhere.
const UNGUESSABLE_BYTES: usize = 32;

/// Whose token it is. Who shows one that nobody has is refused, after too many of them by another name.
fn by_token(api: &Api, token: &[u8], now: Millis, shower: Shower<'_>) -> Result<Caller, ApiError> {
    let Shower { guesses, address, rate } = shower;
    let sha256: [u8; 32] = Sha256::digest(token).into();
    let own = api.auth.admin_token_sha256.as_ref().is_some_and(|own| sha256.ct_eq(own).into());
    let found = api.access.directory.find(&sha256, now);
    if own && token.len() >= UNGUESSABLE_BYTES {
        return Ok(node_admin(api));
    }
    if own {
        return guesses.own_key(address, rate, api.access.micros()).map(|()| node_admin(api));
    }
    found.map(|known| Caller::of(&known)).ok_or_else(|| guesses.wrong(address, rate, api.access.micros()))
}

fn node_admin(api: &Api) -> Caller {
    Caller::new(Principal::root(Who::NodeAdmin, "admin"), api.access.own.clone())
}

fn by_session(api: &Api, cookie: &str, now: Millis) -> Option<Caller> {
    let signers = api.access.directory.signers(now);
    let (session, signer) = session::verify(cookie, &signers, now)?;
    if api.access.directory.has_ended(session.id) {
        return None;
    }
    let caller = by_subject(api, session.subject, signer, now)?;
    Some(caller.in_session(&session, signer.csrf_token(cookie)))
}

/// What names a caller in what a key signs.
fn subject_of(api: &Api, caller: &Caller, signer: &Signer) -> Subject {
    match caller.principal.who {
        Who::Token(id) => Subject::Token(id),
        Who::NodeAdmin | Who::Anybody => signer.node_admin(&api.auth.admin_token_sha256.unwrap_or_default()),
    }
}

/// Whom what a key signed names; nobody any more where the token is gone, or this node has another key of its own.
fn by_subject(api: &Api, subject: Subject, signer: &Signer, now: Millis) -> Option<Caller> {
    match subject {
        Subject::Token(id) => api.access.directory.by_id(id, now).map(|known| Caller::of(&known)),
        Subject::NodeAdmin(_) => {
            let own = api.auth.admin_token_sha256.as_ref()?;
            (signer.node_admin(own) == subject).then(|| node_admin(api))
        }
    }
}

/// A node that hears of no other cannot know what was revoked: what it does about it is a setting. One that woke hears
/// of it in a moment. Applications are served all the same, and so is whoever has the node's own key, which nobody else
/// could revoke.
fn check_isolation(api: &Api, caller: &Caller) -> Result<(), ApiError> {
    if !caller.may_be_revoked() {
        return Ok(());
    }
    let refused = |reason: &str| Err(ApiError::NotReady(vec![reason.into()]));
    if api.is_isolated() {
        return refused("isolated");
    }
    if api.status.waking() { refused("waking") } else { Ok(()) }
}

/// Decides about a request to a route of the admin API; `rule` is the route's.
pub(crate) fn admit(api: &Api, parts: &Parts, rule: &Rule, named: &Named) -> Result<Caller, ApiError> {
    let caller = authenticate(api, &parts.headers, &parts.extensions, Source::BearerOrSession)?;
    may(&caller.principal, rule, named)?;
    if let Some(tenant) = &named.tenant {
        within_tenant(api, &caller, tenant)?;
    }
    check_csrf(&caller, &parts.method, &parts.headers)?;
    Ok(caller)
}

/// Decides about an evaluation in an environment.
pub(crate) fn admit_evaluation(api: &Api, caller: &Caller, tenant: &Key, environment: &Key) -> Result<(), ApiError> {
    reaches(&caller.principal, Some(tenant), Some(environment))?;
    within_tenant(api, caller, tenant)
}

fn may(principal: &Principal, rule: &Rule, named: &Named) -> Result<(), ApiError> {
    reaches(principal, named.tenant.as_ref(), named.environment.as_ref())?;
    if !rule.need.is_met_by(principal) {
        return Err(ApiError::Forbidden(rule.need.refusal()));
    }
    if !principal.environments.is_empty() && named.environment.is_none() && !rule.bound {
        return Err(ApiError::Forbidden("the token is bound to environments, and this is about more than those"));
    }
    Ok(())
}

fn reaches(principal: &Principal, tenant: Option<&Key>, environment: Option<&Key>) -> Result<(), ApiError> {
    if let Some(tenant) = tenant.filter(|tenant| !principal.enters(tenant)) {
        return Err(Refusal::NotFound(Kind::Tenant, tenant.clone()).into());
    }
    match environment {
        Some(environment) if !principal.sees(environment) => {
            Err(ApiError::Forbidden("the token is not for this environment"))
        }
        _ => Ok(()),
    }
}

/// A session's writes show what only pages of this origin can know.
fn check_csrf(caller: &Caller, method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(wanted) = caller.csrf_token.as_deref().filter(|_| !method.is_safe()) else { return Ok(()) };
    let shown = headers.get("x-csrf-token").map(|value| value.as_bytes()).unwrap_or_default();
    if wanted.as_bytes().ct_eq(shown).into() {
        return Ok(());
    }
    Err(ApiError::Forbidden("a session's writes need the header `X-CSRF-Token`, as `GET /api/v1/session` tells it"))
}
