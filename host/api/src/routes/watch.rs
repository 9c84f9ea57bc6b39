//! Server-sent events: the changes of an environment, or of a whole tenant, as they happen.

use burgee_model::Key;
use http::HeaderMap;
use utoipa::IntoParams;

use super::{Asked, Reply};
use crate::{
    access::StreamPlace,
    admin::{environment, tenant},
    error::ProblemDocument,
    http::{
        Call,
        params::Keys,
        query::{FromQuery, Params, Query},
    },
    sse::{self, Filter, Kind},
};

/// Which changes are wanted.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WatchParams {
    /// What changed: `flag`, `config`, `segment`, `environment` or `tenant`; all where absent.
    #[param(inline)]
    kind: Option<Kind>,
    /// What the key of the changed thing begins with.
    prefix: Option<String>,
}

impl FromQuery for WatchParams {
    fn take(query: &mut Query) -> Self {
        let wrong = || format!("`kind` is {}", Kind::NAMES.join(", "));
        let kind = query.read("kind", |text| Kind::parse(text).ok_or_else(wrong));
        Self { kind, prefix: query.prefix("prefix") }
    }
}

/// Follows the changes of an environment, and those of its tenant's flags and segments that it shares.
///
/// Events: `change` `{register, op, stamp, actor, change}`, `conflict` `{register, winner, losers}` (two wrote at
/// once, and that has stood for two seconds), `reset` `{reason}` (changes may be missing: list again). Each has an id; `Last-Event-ID` resumes after it, without a gap or with a `reset`.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/environments/{environment}/watch", tag = "watch",
    params(("tenant" = String, Path), ("environment" = String, Path), WatchParams,
        ("Last-Event-ID" = Option<String>, Header)), responses(
    (status = 200, content_type = "text/event-stream", body = String),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn watch_environment(
    Asked(api): Asked,
    Keys((tenant, environment)): Keys<(Key, Key)>,
    Params(params): Params<WatchParams>,
    headers: HeaderMap,
) -> Reply {
    environment::read(&api.store.read(), api.store.now(), &tenant, &environment)?;
    open(&api, tenant, Some(environment), params, &headers)
}

/// Follows the changes of a whole tenant, as the watch of one environment does.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/watch", tag = "watch",
    params(("tenant" = String, Path), WatchParams, ("Last-Event-ID" = Option<String>, Header)), responses(
    (status = 200, content_type = "text/event-stream", body = String),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn watch_tenant(
    Asked(api): Asked,
    Keys(tenant): Keys<Key>,
    Params(params): Params<WatchParams>,
    headers: HeaderMap,
) -> Reply {
    tenant::read(&api.store.read(), api.store.now(), &tenant)?;
    open(&api, tenant, None, params, &headers)
}

fn open(api: &Call, tenant: Key, environment: Option<Key>, params: WatchParams, headers: &HeaderMap) -> Reply {
    let permit = api.stream_permit(Some(StreamPlace { tenant: tenant.clone(), environment: environment.clone() }))?;
    let environments = environment.map_or_else(|| api.caller.principal.environments.clone(), |key| [key].into());
    let filter = Filter { tenant, environments, kind: params.kind, prefix: params.prefix.unwrap_or_default() };
    Ok(sse::response(api, filter, headers.get("last-event-id"), permit))
}
