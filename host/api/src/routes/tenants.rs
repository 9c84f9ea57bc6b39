//! `/api/v1/tenants`.

use axum::{body::Body, response::Response};
use burgee_model::{Key, Stamp, TenantMeta};
use burgee_store::WriteScope;
use http::{HeaderMap, StatusCode};
use serde_json::{Value as Json, json};

use super::{Asked, NoteParams, Reply, shapes, write, write_flags};
use crate::{
    admin::tenant,
    error::ProblemDocument,
    http::{
        Api, body,
        conditions::preconditions,
        page::{Filling, Page, PageParams},
        params::Keys,
        query::Params,
        reply,
    },
};

fn document(key: &Key, meta: &TenantMeta, stamp: Stamp) -> Json {
    let mut out = json!({ "key": key });
    if let Some(name) = &meta.name {
        out["name"] = json!(name);
    }
    out["stamps"] = json!({ "tenant": stamp.to_string() });
    out
}

fn show(api: &Api, key: &Key) -> Result<(Json, String), crate::error::ApiError> {
    let found = tenant::read(&api.store.read(), api.store.now(), key)?;
    Ok((document(key, &found.meta, found.stamp), found.stamp.to_string()))
}

/// Lists the tenants.
#[utoipa::path(get, path = "/api/v1/tenants", tag = "tenants", params(PageParams), responses(
    (status = 200, body = shapes::TenantList, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn list_tenants(Asked(api): Asked, headers: HeaderMap, Params(params): Params<PageParams>) -> Reply {
    let page = Page::try_from(params)?;
    let mut filling = Filling::new(&page);
    let table = api.store.read();
    let entered = table.tenants(api.store.now(), page.after.as_ref());
    for (key, meta, stamp) in entered.filter(|(key, ..)| api.caller.principal.enters(key)) {
        if !filling.push(key, || document(key, &meta, stamp)) {
            break;
        }
    }
    reply::list(&headers, &filling.finish())
}

/// Creates a tenant.
#[utoipa::path(post, path = "/api/v1/tenants", tag = "tenants", request_body = shapes::NewTenant, responses(
    (status = 201, body = shapes::Tenant, headers(("ETag" = String), ("Location" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn create_tenant(Asked(api): Asked, _: Params<()>, headers: HeaderMap, body: Body) -> Reply {
    let (key, meta) = tenant::read_create(body::document(&headers, body, &api).await?)?;
    let planned = key.clone();
    write(&api, WriteScope::Tenant(key.clone()), None, move |table, now| tenant::create(table, now, &planned, &meta))
        .await?;
    let (body, tag) = show(&api, &key)?;
    reply::created(&format!("/api/v1/tenants/{}", reply::segment(&key)), &tag, &body)
}

/// Reads a tenant.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}", tag = "tenants", params(("tenant" = String, Path)), responses(
    (status = 200, body = shapes::Tenant, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn get_tenant(Asked(api): Asked, Keys(key): Keys<Key>, _: Params<()>, headers: HeaderMap) -> Reply {
    let (body, tag) = show(&api, &key)?;
    reply::tagged(&headers, &tag, &body)
}

/// Changes a tenant: replaces each named member, null clears.
#[utoipa::path(patch, path = "/api/v1/tenants/{tenant}", tag = "tenants", params(("tenant" = String, Path)),
    request_body = shapes::TenantPatch, responses(
    (status = 200, body = shapes::Tenant, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn patch_tenant(
    Asked(api): Asked,
    Keys(key): Keys<Key>,
    _: Params<()>,
    headers: HeaderMap,
    body: Body,
) -> Reply {
    let name = tenant::read_patch(body::document(&headers, body, &api).await?)?;
    let (planned, conditions) = (key.clone(), preconditions(&headers));
    let plan = move |table: &_, now| tenant::patch(table, now, &planned, name, &conditions);
    write(&api, WriteScope::Tenant(key.clone()), None, plan).await?;
    let (body, tag) = show(&api, &key)?;
    reply::shown(&tag, &body)
}

/// Deletes a tenant with everything that it has.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}", tag = "tenants", params(("tenant" = String, Path), NoteParams),
    responses((status = 204),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn delete_tenant(
    Asked(api): Asked,
    Keys(key): Keys<Key>,
    Params(note): Params<NoteParams>,
    headers: HeaderMap,
) -> Result<Response, crate::error::ApiError> {
    let (planned, conditions) = (key.clone(), preconditions(&headers));
    let permit = api.permit(&conditions);
    let plan = move |table: &_, now| {
        permit.shared(table, now, &planned, |_| true)?;
        tenant::delete(table, now, &planned, &conditions)
    };
    write_flags(&api, WriteScope::Tenant(key), note.note, plan).await?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}
