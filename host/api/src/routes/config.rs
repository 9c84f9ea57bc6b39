//! `/api/v1/tenants/{tenant}/environments/{environment}/config`: entries of any bytes.

use axum::{
    body::{Body, Bytes},
    response::Response,
};
use burgee_engine::Snapshot;
use burgee_model::{Blob, Key, Media};
use burgee_store::{Version, WriteScope};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value as Json, json};
use tokio::sync::oneshot;
use utoipa::IntoParams;

use super::{Asked, NoteParams, Reply, shapes, write};
use crate::{
    admin::{
        Refusal,
        config::{self, Listed, Place},
        environment,
    },
    error::{ApiError, ProblemDocument},
    http::{
        Api, body,
        conditions::{has_already, preconditions, written},
        page::{Filling, Page, take_limit},
        params::Keys,
        query::{FromQuery, Params, Query},
        reply,
    },
    instant::rfc3339,
};

const STAMP: HeaderName = HeaderName::from_static("burgee-stamp");
const EXPIRES_AT: HeaderName = HeaderName::from_static("burgee-expires-at");

/// Which entries are wanted.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ConfigParams {
    /// What keys begin with.
    prefix: Option<String>,
    /// The most items of a page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
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

fn item(key: &Key, version: &Version) -> Json {
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
    params(("tenant" = String, Path), ("environment" = String, Path), PurgeParams), responses((status = 204),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn purge_config(
    Asked(api): Asked,
    Keys((tenant, environment)): Keys<(Key, Key)>,
    Params(params): Params<PurgeParams>,
    headers: HeaderMap,
) -> Reply {
    let prefix = params.prefix;
    let planned = (tenant.clone(), environment.clone(), prefix.clone());
    let conditions = preconditions(&headers);
    let permit = api.permit(&conditions);
    let plan = move |table: &_, now| {
        permit.environment(table, now, &planned.0, &planned.1)?;
        config::purge(table, now, &planned.0, &planned.1, &planned.2, &conditions)
    };
    let receipt = write(&api, WriteScope::Tenant(tenant.clone()), params.note, plan).await?;
    let read_by_rules = |snapshot: &Snapshot| snapshot.config_keys().any(|key| key.as_str().starts_with(&prefix));
    if api.snapshots.get(&tenant, &environment).is_some_and(|snapshot| read_by_rules(&snapshot)) {
        api.caught_up(receipt.position).await;
    }
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

/// Reads an entry: its bytes, with the type that they were written with. Slashes in the key may stand as they are.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/environments/{environment}/config/{*key}", tag = "config",
    params(("tenant" = String, Path), ("environment" = String, Path), ("key" = String, Path)), responses(
    (status = 200, description = "The bytes as they were put, of their type", content_type = "*/*", body = Json,
        headers(("ETag" = String), ("Burgee-Stamp" = String), ("Burgee-Expires-At" = String))), (status = 304),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn get_entry(
    Asked(api): Asked,
    Keys((tenant, environment, key)): Keys<(Key, Key, Key)>,
    _: Params<()>,
    headers: HeaderMap,
) -> Reply {
    let version = config::read(&api.store.read(), api.store.now(), &Place { tenant, environment, key })?;
    let tag = version.stamp.to_string();
    if has_already(&headers, &tag) {
        return Ok(reply::with_tag(reply::empty(StatusCode::NOT_MODIFIED), &tag));
    }
    Ok(reply::with_tag(value(&version), &tag))
}

/// The bytes of an entry. Whatever type their author gave them, a browser must not run them as a page of ours.
fn value(version: &Version) -> Response {
    let blob = version.content.clone().unwrap_or(Blob { media: Media::Octets, bytes: Default::default() });
    let mut response = Response::new(Body::from(blob.bytes));
    let headers = response.headers_mut();
    let octets = HeaderValue::from_static("application/octet-stream");
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(blob.media.as_str()).unwrap_or(octets));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    add(headers, STAMP, &version.stamp.to_string());
    if let Some(deadline) = version.expires_at {
        add(headers, EXPIRES_AT, &rfc3339(deadline));
    }
    response
}

fn add(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Writes an entry: any bytes, with their type.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/environments/{environment}/config/{*key}", tag = "config",
    params(("tenant" = String, Path), ("environment" = String, Path), ("key" = String, Path), PutParams),
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
    let place = Place { tenant, environment, key };
    let (planned, conditions, limits) = (place.clone(), preconditions(&headers), api.limits.clone());
    let (tell, told) = oneshot::channel();
    let permit = api.permit(&conditions);
    let plan = move |table: &_, now| {
        permit.environment(table, now, &planned.tenant, &planned.environment)?;
        let fresh = matches!(config::read(table, now, &planned), Err(Refusal::NotFound(..)));
        let draft = config::put(table, now, &planned, Blob { media, bytes }, ttl, &conditions, &limits)?;
        // without a receiver nobody wants to know
        let _ = tell.send(fresh);
        Ok(draft)
    };
    let receipt = write(&api, scope(&place), params.note, plan).await?;
    settle(&api, &place, receipt.position).await;
    let status = if told.await.unwrap_or(false) { StatusCode::CREATED } else { StatusCode::OK };
    let written = receipt.versions.first().ok_or_else(|| ApiError::Internal("an entry wrote no version".into()))?;
    Ok(reply::with_tag(reply::json(status, &item(&place.key, written))?, &written.stamp.to_string()))
}

fn media_type(headers: &HeaderMap) -> Result<Media, ApiError> {
    match headers.get(header::CONTENT_TYPE) {
        None => Ok(Media::Octets),
        Some(value) => value.to_str().map(Media::new).map_err(|_| ApiError::MediaType("of a type in plain ASCII")),
    }
}

fn scope(place: &Place) -> WriteScope {
    WriteScope::Config(place.tenant.clone(), place.environment.clone(), place.key.clone())
}

/// Waits for the snapshot only where a rule reads the entry.
async fn settle(api: &Api, place: &Place, position: burgee_store::Position) {
    let snapshot = api.snapshots.get(&place.tenant, &place.environment);
    if snapshot.is_some_and(|snapshot| snapshot.reads_config(&place.key)) {
        api.caught_up(position).await;
    }
}

/// Deletes an entry.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/environments/{environment}/config/{*key}", tag = "config",
    params(("tenant" = String, Path), ("environment" = String, Path), ("key" = String, Path), NoteParams),
    responses((status = 204, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn delete_entry(
    Asked(api): Asked,
    Keys((tenant, environment, key)): Keys<(Key, Key, Key)>,
    Params(note): Params<NoteParams>,
    headers: HeaderMap,
) -> Reply {
    let place = Place { tenant, environment, key };
    let (planned, conditions) = (place.clone(), preconditions(&headers));
    let permit = api.permit(&conditions);
    let plan = move |table: &_, now| {
        permit.environment(table, now, &planned.tenant, &planned.environment)?;
        config::delete(table, now, &planned, &conditions)
    };
    let receipt = write(&api, scope(&place), note.note, plan).await?;
    settle(&api, &place, receipt.position).await;
    let response = reply::empty(StatusCode::NO_CONTENT);
    Ok(match written(&receipt) {
        Some(tag) => reply::with_tag(response, &tag),
        None => response,
    })
}
