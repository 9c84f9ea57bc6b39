//! Reading config entries: the present value, or, while a rollout goes on, the one that a reader has come to.

use std::sync::Arc;

use axum::{body::Body, response::Response};
use burgee_model::{Blob, Key, Limits, Media, Millis};
use burgee_store::{Table, Version};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value as Json;
use utoipa::IntoParams;

use super::{Asked, Reply};
use crate::{
    admin::{
        config::{self, Place},
        rollout,
    },
    error::ProblemDocument,
    http::{
        conditions::has_already,
        params::Keys,
        query::{FromQuery, Params, Query},
        reply,
    },
    instant::rfc3339,
};

const STAMP: HeaderName = HeaderName::from_static("burgee-stamp");
const EXPIRES_AT: HeaderName = HeaderName::from_static("burgee-expires-at");
/// Which value a reader that names itself gets while a rollout goes on.
const ROLLOUT: HeaderName = HeaderName::from_static("burgee-rollout");
/// From when on it gets the next one.
const NEXT_AT: HeaderName = HeaderName::from_static("burgee-next-at");

/// Who reads an entry.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReadParams {
    /// The reader's own name, of up to 512 bytes: while a rollout goes on, it decides whether the reader gets the next
    /// value, and from when on. Without it, an entry's present value is given.
    #[param(rename = "as", value_type = Option<String>)]
    pub(super) reader: Option<Key>,
}

impl FromQuery for ReadParams {
    fn take(query: &mut Query) -> Self {
        Self { reader: query.key("as") }
    }
}

/// Reads an entry: its bytes, with the type that they were written with. Slashes in the key may stand as they are.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/environments/{environment}/config/{*key}", tag = "config",
    params(("tenant" = String, Path), ("environment" = String, Path), ("key" = String, Path), ReadParams), responses(
    (status = 200, description = "The bytes as they were put, of their type", content_type = "*/*", body = Json,
        headers(("ETag" = String), ("Burgee-Stamp" = String), ("Burgee-Expires-At" = String),
            ("Burgee-Rollout" = String), ("Burgee-Next-At" = String))), (status = 304),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn get_entry(
    Asked(api): Asked,
    Keys((tenant, environment, key)): Keys<(Key, Key, Key)>,
    Params(params): Params<ReadParams>,
    headers: HeaderMap,
) -> Reply {
    let place = Place { tenant, environment, key };
    let (version, found) = {
        let (table, now) = (api.store.read(), api.store.now());
        let version = config::read(&table, now, &place)?;
        let reader = params.reader.as_ref();
        let found = reader.and_then(|reader| Given::to(&table, now, &place, &version, reader, &api.limits));
        (version, found)
    };
    // the next value's version is the rollout's
    let next = found.as_ref().and_then(|found| found.next.as_ref());
    let (version, blob) = next.map_or((&version, version.content.as_ref()), |(version, next)| (version, Some(next)));
    let tag = version.stamp.to_string();
    let mut response = if has_already(&headers, &tag) {
        reply::empty(StatusCode::NOT_MODIFIED)
    } else {
        value(version, blob.cloned())
    };
    if let Some(found) = &found {
        found.tell(response.headers_mut());
    }
    Ok(reply::with_tag(response, &tag))
}

/// What a reader that names itself gets of an entry with a rollout.
struct Given {
    /// The rollout's version and the next value; none where the reader gets the present one.
    next: Option<(Arc<Version>, Blob)>,
    /// From when on it gets the next value.
    next_at: Option<Millis>,
}

impl Given {
    fn to(table: &Table, now: Millis, place: &Place, entry: &Version, reader: &Key, limits: &Limits) -> Option<Self> {
        let going = rollout::over(table, now, place, entry, limits)?;
        let gives = going.gives_next(now, &place.key, reader);
        let next = gives.then(|| going.rollout.next.value()).flatten();
        let next_at = going.next_at(&place.key, reader);
        Some(Self { next: next.map(|next| (going.version, next)), next_at })
    }

    fn tell(&self, headers: &mut HeaderMap) {
        add(headers, ROLLOUT, if self.next.is_some() { "next" } else { "present" });
        if let Some(at) = self.next_at {
            add(headers, NEXT_AT, &rfc3339(at));
        }
    }
}

/// The bytes of an entry. Whatever type their author gave them, a browser must not run them as a page of ours.
fn value(version: &Version, blob: Option<Blob>) -> Response {
    let blob = blob.unwrap_or(Blob { media: Media::Octets, bytes: Default::default() });
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
