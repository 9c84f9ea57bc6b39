//! `/api/v1/tenants/{tenant}/history` and `…/restore`.

use std::sync::Arc;

use axum::{body::Body, response::Response};
use burgee_model::{Address, Key, RegisterId, Stamp};
use burgee_store::{Draft, Table, Version, WriteScope};
use http::{HeaderMap, StatusCode};
use serde_json::{Value as Json, json};
use utoipa::IntoParams;

use super::{Asked, Reply, shapes, write_flags};
use crate::{
    admin::{
        Refusal,
        address::Named,
        conflict,
        history::{self, Entry, Wanted},
        members::{Members, TEXT_BYTES_MAX},
    },
    error::{ApiError, ProblemDocument},
    http::{
        Api, Call, body,
        conditions::preconditions,
        page::{Filling, Page, take_limit},
        params::Keys,
        query::{FromQuery, Params, Query},
        reply,
    },
};

/// The most versions that one request writes to settle a conflict; each names seven losers.
const SETTLING_VERSIONS_MAX: usize = 16;

/// Whose history is wanted.
#[derive(Clone, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryParams {
    /// What kind of thing: `flag`, `segment`, `environment` or `tenant`.
    #[param(required)]
    kind: Option<String>,
    /// The thing's key.
    #[param(required, value_type = String)]
    key: Option<Key>,
    /// One environment's part alone.
    #[param(value_type = Option<String>)]
    environment: Option<Key>,
    /// One field alone.
    field: Option<String>,
    /// The most items of a page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

impl FromQuery for HistoryParams {
    fn take(query: &mut Query) -> Self {
        for name in ["kind", "key"] {
            query.require(name, &format!("`{name}` says whose history is wanted"));
        }
        let (kind, key) = (query.text("kind"), query.key("key"));
        let (environment, field) = (query.key("environment"), query.text("field"));
        Self { kind, key, environment, field, limit: take_limit(query), cursor: query.text("cursor") }
    }
}

impl HistoryParams {
    /// What is wanted. Nothing is missing: the request was refused otherwise.
    fn wanted(self) -> Result<Wanted, Refusal> {
        let (Some(kind), Some(key)) = (self.kind, self.key) else { return Err(Refusal::Invalid(Vec::new())) };
        Wanted::new(&kind, key, self.environment, self.field)
    }
}

/// Lists what is kept of a thing's versions, newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/history", tag = "history",
    params(("tenant" = String, Path), HistoryParams), responses(
    (status = 200, body = shapes::HistoryList, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn list_history(
    Asked(api): Asked,
    Keys(tenant): Keys<Key>,
    Params(params): Params<HistoryParams>,
    headers: HeaderMap,
) -> Reply {
    let page = Page::new(params.limit, params.cursor.as_deref())?;
    let wanted = params.wanted()?;
    let found = history::list(&api.store.read(), api.store.now(), &tenant, &wanted, page.after.as_ref())?;
    let mut filling = Filling::new(&page);
    for entry in found.into_iter().filter(|entry| sees(&api, &entry.version.register)) {
        if !filling.push(&entry.place(), || entry.document()) {
            break;
        }
    }
    reply::list(&headers, &filling.finish())
}

/// Whether the caller may see a register of its tenant.
pub(super) fn sees(api: &Call, id: &RegisterId) -> bool {
    id.address.environment().is_none_or(|environment| api.sees(environment))
}

/// Writes the value of an earlier version again: one of the history, or one that lost in a conflict, which
/// that ends.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/restore", tag = "history",
    params(("tenant" = String, Path), ("If-Match" = Option<String>, Header)),
    request_body = shapes::RestoreRequest, responses(
    (status = 200, body = shapes::Settled, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn restore(
    Asked(api): Asked,
    Keys(tenant): Keys<Key>,
    _: Params<()>,
    headers: HeaderMap,
    body: Body,
) -> Reply {
    let document = body::document(&headers, body, &api).await?;
    let (id, stamp, note) = read_restore(document, &tenant)?;
    let (planned, conditions) = (id.clone(), preconditions(&headers));
    let lost = api.store.read().conflicts(&id).iter().any(|loser| loser.stamp == stamp);
    let permit = api.permit(&conditions);
    let plan = move |table: &Table, now| {
        permit.register(table, now, &planned)?;
        history::restore(table, now, &planned, stamp, &conditions)
    };
    let written = rewrite(&api, &id, note.clone(), plan).await?;
    let written = if lost { settle_rest(&api, &id, note, written).await? } else { written };
    settled(&api, written)
}

fn read_restore(document: Json, tenant: &Key) -> Result<(RegisterId, Stamp, Option<String>), Refusal> {
    let mut members = Members::root(document)?;
    let named = Named::take(&mut members);
    let text = members.required("stamp", TEXT_BYTES_MAX);
    let stamp = text.map(|text| text.parse::<Stamp>());
    if let Some(Err(error)) = &stamp {
        members.fault("/stamp".into(), "invalid_stamp", error.to_string());
    }
    let note = members.text("note", TEXT_BYTES_MAX).value();
    members.finish()?;
    match (named, stamp) {
        (Some(named), Some(Ok(stamp))) => Ok((named.id(tenant)?, stamp, note)),
        _ => Err(Refusal::Invalid(Vec::new())),
    }
}

/// Writes one version of a register.
pub(super) async fn rewrite<P>(
    api: &Call,
    id: &RegisterId,
    note: Option<String>,
    plan: P,
) -> Result<Option<Arc<Version>>, ApiError>
where
    P: FnOnce(&Table, burgee_model::Millis) -> Result<Draft, Refusal> + Send + 'static,
{
    let receipt = write_flags(api, scope(id), note, plan).await?;
    Ok(receipt.versions.last().cloned())
}

fn scope(id: &RegisterId) -> WriteScope {
    match &id.address {
        Address::Flag { flag, .. } | Address::FlagIn { flag, .. } => WriteScope::Flag(id.tenant.clone(), flag.clone()),
        _ => WriteScope::Tenant(id.tenant.clone()),
    }
}

/// Settles in further versions what one version could not name; ends when nothing is left, or somebody else
/// writes, or [`SETTLING_VERSIONS_MAX`] were written.
pub(super) async fn settle_rest(
    api: &Call,
    id: &RegisterId,
    note: Option<String>,
    mut written: Option<Arc<Version>>,
) -> Result<Option<Arc<Version>>, ApiError> {
    for _ in 1..SETTLING_VERSIONS_MAX {
        let Some(stamp) = written.as_ref().map(|version| version.stamp) else { break };
        if api.store.read().conflicts(id).is_empty() {
            break;
        }
        let planned = id.clone();
        let plan = move |table: &Table, _| Ok(conflict::settle_rest(table, &planned, stamp));
        match rewrite(api, id, note.clone(), plan).await? {
            Some(version) => written = Some(version),
            None => break,
        }
    }
    Ok(written)
}

/// The version that was written, and how many losers still stand.
pub(super) fn settled(api: &Api, written: Option<Arc<Version>>) -> Reply {
    let version = written.ok_or_else(|| ApiError::Internal("nothing was written".into()))?;
    let tag = version.stamp.to_string();
    let losers = api.store.read().conflicts(&version.register).len();
    let mut document = Entry { version, current: true }.document();
    document["losersLeft"] = json!(losers);
    let response: Response = reply::json(StatusCode::OK, &document)?;
    Ok(reply::with_tag(response, &tag))
}
