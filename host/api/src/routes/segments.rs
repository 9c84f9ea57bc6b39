//! `/api/v1/tenants/{tenant}/segments`.

use axum::body::Body;
use burgee_model::Key;
use burgee_store::WriteScope;
use http::HeaderMap;
use serde_json::Value as Json;

use super::{Asked, NoteParams, Reply, deleted, listed, shapes, write_flags};
use crate::{
    admin::{flag_document::Tagged, segment},
    error::{ApiError, ProblemDocument},
    http::{Api, body, conditions::preconditions, page::PageParams, params::Keys, query::Params, reply},
};

fn show(api: &Api, tenant: &Key, key: &Key) -> Result<Tagged, ApiError> {
    Ok(segment::read(&api.store.read(), api.store.now(), tenant, key)?)
}

/// Lists a tenant's segments.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/segments", tag = "segments",
    params(("tenant" = String, Path), PageParams), responses(
    (status = 200, body = shapes::SegmentList, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn list_segments(
    Asked(api): Asked,
    Keys(tenant): Keys<Key>,
    Params(params): Params<PageParams>,
    headers: HeaderMap,
) -> Reply {
    listed(&api, params, &headers, |table, now, page, filling| {
        let keys = segment::keys(table, now, &tenant)?;
        for key in keys.iter().filter(|key| page.after.as_ref().is_none_or(|after| *key > after)) {
            let Ok(found) = segment::read(table, now, &tenant, key) else { continue };
            if !filling.push(key, || Json::Object(found.document)) {
                break;
            }
        }
        Ok(())
    })
}

/// Creates a segment.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/segments", tag = "segments",
    params(("tenant" = String, Path)), request_body = shapes::NewSegment, responses(
    (status = 201, body = shapes::Segment, headers(("ETag" = String), ("Location" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn create_segment(
    Asked(api): Asked,
    Keys(tenant): Keys<Key>,
    _: Params<()>,
    headers: HeaderMap,
    body: Body,
) -> Reply {
    let (key, request) = segment::read_create(body::document(&headers, body, &api).await?)?;
    let (planned, limits) = ((tenant.clone(), key.clone()), api.limits.clone());
    let conditions = preconditions(&headers);
    let permit = api.permit(&conditions);
    let plan = move |table: &_, now| {
        // rules anywhere may ask for it already, and be answered otherwise from now on
        permit.shared(table, now, &planned.0, |_| true)?;
        segment::create(table, now, &planned.0, &planned.1, &request.rule, &conditions, &limits)
    };
    write_flags(&api, WriteScope::Tenant(tenant.clone()), request.note, plan).await?;
    let found = show(&api, &tenant, &key)?;
    let location = format!("/api/v1/tenants/{}/segments/{}", reply::segment(&tenant), reply::segment(&key));
    reply::created(&location, &found.tag, &Json::Object(found.document))
}

/// Reads a segment.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/segments/{segment}", tag = "segments",
    params(("tenant" = String, Path), ("segment" = String, Path)), responses(
    (status = 200, body = shapes::Segment, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn get_segment(
    Asked(api): Asked,
    Keys((tenant, key)): Keys<(Key, Key)>,
    _: Params<()>,
    headers: HeaderMap,
) -> Reply {
    let found = show(&api, &tenant, &key)?;
    reply::tagged(&headers, &found.tag, &Json::Object(found.document))
}

/// Replaces a segment's shared rule; an environment's own rule stays.
#[utoipa::path(patch, path = "/api/v1/tenants/{tenant}/segments/{segment}", tag = "segments",
    params(("tenant" = String, Path), ("segment" = String, Path)), request_body = shapes::SegmentPatch, responses(
    (status = 200, body = shapes::Segment, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn patch_segment(
    Asked(api): Asked,
    Keys((tenant, key)): Keys<(Key, Key)>,
    _: Params<()>,
    headers: HeaderMap,
    body: Body,
) -> Reply {
    let segment::Request { rule, note } = segment::read_patch(body::document(&headers, body, &api).await?)?;
    let (planned, conditions, limits) = ((tenant.clone(), key.clone()), preconditions(&headers), api.limits.clone());
    let permit = api.permit(&conditions);
    let plan = move |table: &_, now| {
        permit.shared(table, now, &planned.0, |_| true)?;
        segment::patch(table, now, &planned.0, &planned.1, &rule, &conditions, &limits)
    };
    write_flags(&api, WriteScope::Tenant(tenant.clone()), note, plan).await?;
    let found = show(&api, &tenant, &key)?;
    reply::shown(&found.tag, &Json::Object(found.document))
}

/// Deletes a segment, with every environment's own rule of its name.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/segments/{segment}", tag = "segments",
    params(("tenant" = String, Path), ("segment" = String, Path), NoteParams), responses((status = 204),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn delete_segment(
    Asked(api): Asked,
    Keys((tenant, key)): Keys<(Key, Key)>,
    Params(note): Params<NoteParams>,
    headers: HeaderMap,
) -> Reply {
    let (planned, conditions) = ((tenant.clone(), key), preconditions(&headers));
    let permit = api.permit(&conditions);
    let plan = move |table: &_, now| {
        permit.shared(table, now, &planned.0, |_| true)?;
        segment::delete(table, now, &planned.0, &planned.1, &conditions)
    };
    deleted(&api, tenant, note, plan).await
}
