//! `/api/v1/tenants/{tenant}/environments/{environment}/config`: entries of any bytes, listed, written, deleted, purged.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use burgee_engine::Snapshot;
use burgee_model::{Blob, Key, Media, Millis};
use burgee_store::{Table, Version, WriteScope};
use http::{HeaderMap, header};
use serde_json::{Value as Json, json};
use utoipa::IntoParams;

use super::{
    Asked, NoteParams, Reply,
    once::{self, tag_of, write_once},
    shapes,
};
use crate::{
    admin::{
        Preconditions, Refusal,
        config::{self, Listed, Place},
        environment,
        idempotency::Answer,
    },
    error::{ApiError, ProblemDocument},
    http::{
        Api, Call, body,
        conditions::preconditions,
        idempotency::keyed,
        page::{Filling, Page, take_limit},
        params::Keys,
        query::{FromQuery, Params, Query},
        reply,
    },
    instant::rfc3339,
};

/// Which entries, or rollouts of them, are wanted.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ConfigParams {
    /// What keys begin with.
    pub(super) prefix: Option<String>,
    /// The most items of a page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub(super) limit: Option<usize>,
    /// `nextCursor` of the page before.
    pub(super) cursor: Option<String>,
}

impl FromQuery for ConfigParams {
    fn take(query: &mut Query) -> Self {
        Self { prefix: query.prefix("prefix"), limit: take_limit(query), cursor: query.text("cursor") }
    }
}

/// Which entries are purged.
#[derive(Clone, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PurgeParams {
    /// What keys begin with; empty purges all entries.
    prefix: String,
    /// Why; kept with the change.
    note: Option<String>,
}

impl FromQuery for PurgeParams {
    fn take(query: &mut Query) -> Self {
        query.require("prefix", "a purge names a `prefix`; an empty one purges all");
        Self { prefix: query.prefix("prefix").unwrap_or_default(), note: query.note() }
    }
}

/// How an entry is written.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PutParams {
    /// Time to live: a whole number with `ms`, `s`, `m`, `h` or `d`, from 1 ms to 10 years.
    #[param(example = "30s", pattern = "^[0-9]+(ms|s|m|h|d)$")]
    ttl: Option<String>,
    /// Why; kept with the change.
    note: Option<String>,
}

impl FromQuery for PutParams {
    fn take(query: &mut Query) -> Self {
        Self { ttl: query.text("ttl"), note: query.note() }
    }
}

pub(super) fn item(key: &Key, version: &Version) -> Json {
    let (media, size) = version.content.as_ref().map_or(("", 0), |blob| (blob.media.as_str(), blob.bytes.len()));
    let mut out = json!({ "key": key, "stamp": version.stamp.to_string(), "contentType": media, "size": size });
    if let Some(deadline) = version.expires_at {
        out["expiresAt"] = json!(rfc3339(deadline));
    }
    out
}

/// Lists config entries in the order of their keys. Where all of a prefix stand on one page, its tag is what a purge of
/// that prefix can be made conditional on.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/environments/{environment}/config", tag = "config",
    params(("tenant" = String, Path), ("environment" = String, Path), ConfigParams), responses(
    (status = 200, body = shapes::ConfigList, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn list_config(
    Asked(api): Asked,
    Keys((tenant, environment)): Keys<(Key, Key)>,
    Params(params): Params<ConfigParams>,
    headers: HeaderMap,
) -> Reply {
    let page = Page::new(params.limit, params.cursor.as_deref())?;
    let prefix = params.prefix.unwrap_or_default();
    let (mut filling, mut listed) = (Filling::new(&page), Listed::default());
    let (is_whole, body) = {
        let (table, now) = (api.store.read(), api.store.now());
        environment::read(&table, now, &tenant, &environment)?;
        for (key, version) in table.config(&tenant, &environment, &prefix, page.after.as_ref(), now) {
            if !filling.push(&key, || item(&key, &version)) {
                break;
            }
            listed.push(&key, &version);
        }
        (!filling.has_more() && page.after.is_none(), filling.finish())
    };
    if is_whole { reply::tagged(&headers, &listed.finish(), &body) } else { reply::list(&headers, &body) }
}

/// Deletes every entry whose key begins with a prefix, here and wherever else there is one. `If-Match` takes the tag of
/// the list of all entries with that prefix.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/environments/{environment}/config", tag = "config",
    params(("tenant" = String, Path), ("environment" = String, Path), PurgeParams, ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 204),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn purge_config(
    Asked(api): Asked,
    Keys((tenant, environment)): Keys<(Key, Key)>,
    Params(params): Params<PurgeParams>,
    headers: HeaderMap,
) -> Reply {
    let prefix = params.prefix;
    let note = params.note.as_deref().unwrap_or_default();
    let request = [b"DELETE", prefix.as_bytes(), note.as_bytes()];
    let keyed = keyed(&headers, &tenant, &environment, &request)?;
    let planned = (tenant.clone(), environment.clone(), prefix.clone());
    let conditions = preconditions(&headers);
    let admit = admission(&api, &tenant, &environment, &conditions);
    let plan = move |table: &_, now| {
        let draft = config::purge(table, now, &planned.0, &planned.1, &planned.2, &conditions)?;
        Ok((draft, |_: &[_]| Answer { status: 204, tag: None, body: None }))
    };
    let asked = once::Asked { scope: WriteScope::Tenant(tenant.clone()), note: params.note, keyed };
    let (receipt, response) = write_once(&api, asked, admit, plan).await?;
    let read_by_rules = |snapshot: &Snapshot| snapshot.config_keys().any(|key| key.as_str().starts_with(&prefix));
    if api.snapshots.get(&tenant, &environment).is_some_and(|snapshot| read_by_rules(&snapshot)) {
        api.caught_up(receipt.position).await;
    }
    Ok(response)
}

/// Whether the caller may write in an environment, for where the write is planned.
pub(super) fn admission(
    api: &Call,
    tenant: &Key,
    environment: &Key,
    conditions: &Preconditions,
) -> impl FnOnce(&Table, Millis) -> Result<(), Refusal> + Send + 'static {
    let permit = api.permit(conditions);
    let (tenant, environment) = (tenant.clone(), environment.clone());
    move |table, now| permit.environment(table, now, &tenant, &environment)
}

/// Writes an entry: any bytes, with their type.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/environments/{environment}/config/{*key}", tag = "config",
    params(("tenant" = String, Path), ("environment" = String, Path), ("key" = String, Path), PutParams,
        ("Idempotency-Key" = Option<String>, Header)),
    request_body(content = [u8], content_type = "application/octet-stream"), responses(
    (status = 200, body = shapes::ConfigEntry, headers(("ETag" = String))),
    (status = 201, body = shapes::ConfigEntry, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn put_entry(
    Asked(api): Asked,
    Keys((tenant, environment, key)): Keys<(Key, Key, Key)>,
    Params(params): Params<PutParams>,
    headers: HeaderMap,
    body: Body,
) -> Reply {
    let ttl = params.ttl.as_deref().map(config::parse_ttl).transpose()?;
    let media = media_type(&headers)?;
    let read = body::read(&api, body, api.limits.config_value_bytes).await?;
    let bytes = Bytes::clone(&read);
    let [ttl_text, note] = [&params.ttl, &params.note].map(|text| text.as_deref().unwrap_or_default().as_bytes());
    let request = [b"PUT", key.as_str().as_bytes(), ttl_text, note, &bytes];
    let keyed = keyed(&headers, &tenant, &environment, &request)?;
    let place = Place { tenant, environment, key };
    let (planned, conditions, limits) = (place.clone(), preconditions(&headers), api.limits.clone());
    let admit = admission(&api, &place.tenant, &place.environment, &conditions);
    let plan = move |table: &_, now| {
        let fresh = matches!(config::read(table, now, &planned), Err(Refusal::NotFound(..)));
        let draft = config::put(table, now, &planned, Blob { media, bytes }, ttl, &conditions, &limits)?;
        Ok((draft, move |versions: &[Arc<Version>]| stored(fresh, &planned.key, versions)))
    };
    let asked = once::Asked { scope: scope(&place), note: params.note, keyed };
    let (receipt, response) = write_once(&api, asked, admit, plan).await?;
    settle(&api, &place, receipt.position).await;
    Ok(response)
}

/// What is answered to whoever wrote an entry; its version is the first of the change.
fn stored(fresh: bool, key: &Key, versions: &[Arc<Version>]) -> Answer {
    let body = versions.first().map(|version| item(key, version));
    Answer { status: if fresh { 201 } else { 200 }, tag: tag_of(versions), body }
}

pub(super) fn media_type(headers: &HeaderMap) -> Result<Media, ApiError> {
    match headers.get(header::CONTENT_TYPE) {
        None => Ok(Media::Octets),
        Some(value) => value.to_str().map(Media::new).map_err(|_| ApiError::MediaType("of a type in plain ASCII")),
    }
}

pub(super) fn scope(place: &Place) -> WriteScope {
    WriteScope::Config(place.tenant.clone(), place.environment.clone(), place.key.clone())
}

/// Waits for the snapshot only where a rule reads the entry.
pub(super) async fn settle(api: &Api, place: &Place, position: burgee_store::Position) {
    let snapshot = api.snapshots.get(&place.tenant, &place.environment);
    if snapshot.is_some_and(|snapshot| snapshot.reads_config(&place.key)) {
        api.caught_up(position).await;
    }
}

/// Deletes an entry.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/environments/{environment}/config/{*key}", tag = "config",
    params(("tenant" = String, Path), ("environment" = String, Path), ("key" = String, Path), NoteParams,
        ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 204, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn delete_entry(
    Asked(api): Asked,
    Keys((tenant, environment, key)): Keys<(Key, Key, Key)>,
    Params(note): Params<NoteParams>,
    headers: HeaderMap,
) -> Reply {
    let request = [b"DELETE ENTRY", key.as_str().as_bytes(), note.note.as_deref().unwrap_or_default().as_bytes()];
    let keyed = keyed(&headers, &tenant, &environment, &request)?;
    let place = Place { tenant, environment, key };
    let (planned, conditions) = (place.clone(), preconditions(&headers));
    let admit = admission(&api, &place.tenant, &place.environment, &conditions);
    let plan = move |table: &_, now| {
        let draft = config::delete(table, now, &planned, &conditions)?;
        Ok((draft, |versions: &[Arc<Version>]| Answer { status: 204, tag: tag_of(versions), body: None }))
    };
    let asked = once::Asked { scope: scope(&place), note: note.note, keyed };
    let (receipt, response) = write_once(&api, asked, admit, plan).await?;
    settle(&api, &place, receipt.position).await;
    Ok(response)
}
