//! `/api/v1/tenants/{tenant}/environments`.

use axum::body::Body;
use burgee_model::{EnvironmentMeta, Key, Stamp};
use burgee_store::WriteScope;
use http::HeaderMap;
use serde_json::{Value as Json, json};

use super::{Asked, NoteParams, Reply, deleted, listed, shapes, write_flags};
use crate::{
    admin::{environment, tenant},
    error::{ApiError, ProblemDocument},
    http::{Api, body, conditions::preconditions, page::PageParams, params::Keys, query::Params, reply},
};

fn document(key: &Key, meta: &EnvironmentMeta, stamp: Stamp) -> Json {
    let mut out = json!({ "key": key });
    if let Some(name) = &meta.name {
        out["name"] = json!(name);
    }
    out["protected"] = json!(meta.protected);
    out["fractionalVersion"] = json!(meta.bucketing);
    out["stamps"] = json!({ "environment": stamp.to_string() });
    out
}

fn show(api: &Api, tenant: &Key, key: &Key) -> Result<(Json, String), ApiError> {
    let found = environment::read(&api.store.read(), api.store.now(), tenant, key)?;
    Ok((document(key, &found.meta, found.stamp), found.stamp.to_string()))
}

/// Lists a tenant's environments.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/environments", tag = "environments",
    params(("tenant" = String, Path), PageParams), responses(
    (status = 200, body = shapes::EnvironmentList, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn list_environments(
    Asked(api): Asked,
    Keys(tenant): Keys<Key>,
    Params(params): Params<PageParams>,
    headers: HeaderMap,
) -> Reply {
    listed(&api, params, &headers, |table, now, page, filling| {
        tenant::read(table, now, &tenant)?;
        let later = |key: &Key| page.after.as_ref().is_none_or(|after| key > after);
        for (key, meta, stamp) in table.environments(&tenant, now).filter(|(key, ..)| later(key) && api.sees(key)) {
            if !filling.push(key, || document(key, &meta, stamp)) {
                break;
            }
        }
        Ok(())
    })
}

/// Creates an environment.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/environments", tag = "environments",
    params(("tenant" = String, Path)), request_body = shapes::NewEnvironment, responses(
    (status = 201, body = shapes::Environment, headers(("ETag" = String), ("Location" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn create_environment(
    Asked(api): Asked,
    Keys(tenant): Keys<Key>,
    _: Params<()>,
    headers: HeaderMap,
    body: Body,
) -> Reply {
    let (key, meta) = environment::read_create(body::document(&headers, body, &api).await?)?;
    let planned = (tenant.clone(), key.clone());
    let plan = move |table: &_, now| environment::create(table, now, &planned.0, &planned.1, &meta);
    write_flags(&api, WriteScope::Tenant(tenant.clone()), None, plan).await?;
    let (body, tag) = show(&api, &tenant, &key)?;
    let location = format!("/api/v1/tenants/{}/environments/{}", reply::segment(&tenant), reply::segment(&key));
    reply::created(&location, &tag, &body)
}

/// Reads an environment.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/environments/{environment}", tag = "environments",
    params(("tenant" = String, Path), ("environment" = String, Path)), responses(
    (status = 200, body = shapes::Environment, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn get_environment(
    Asked(api): Asked,
    Keys((tenant, key)): Keys<(Key, Key)>,
    _: Params<()>,
    headers: HeaderMap,
) -> Reply {
    let (body, tag) = show(&api, &tenant, &key)?;
    reply::tagged(&headers, &tag, &body)
}

/// Changes an environment: replaces each named member, null clears.
#[utoipa::path(patch, path = "/api/v1/tenants/{tenant}/environments/{environment}", tag = "environments",
    params(("tenant" = String, Path), ("environment" = String, Path)), request_body = shapes::EnvironmentPatch,
    responses((status = 200, body = shapes::Environment, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn patch_environment(
    Asked(api): Asked,
    Keys((tenant, key)): Keys<(Key, Key)>,
    _: Params<()>,
    headers: HeaderMap,
    body: Body,
) -> Reply {
    let patch = environment::read_patch(body::document(&headers, body, &api).await?)?;
    let (planned, conditions) = ((tenant.clone(), key.clone()), preconditions(&headers));
    let permit = api.permit(&conditions);
    let plan = move |table: &_, now| {
        permit.environment(table, now, &planned.0, &planned.1)?;
        environment::patch(table, now, &planned.0, &planned.1, patch, &conditions)
    };
    write_flags(&api, WriteScope::Tenant(tenant.clone()), None, plan).await?;
    let (body, tag) = show(&api, &tenant, &key)?;
    reply::shown(&tag, &body)
}

/// Deletes an environment with everything that it has.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/environments/{environment}", tag = "environments",
    params(("tenant" = String, Path), ("environment" = String, Path), NoteParams), responses((status = 204),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn delete_environment(
    Asked(api): Asked,
    Keys((tenant, key)): Keys<(Key, Key)>,
    Params(note): Params<NoteParams>,
    headers: HeaderMap,
) -> Reply {
    let (planned, conditions) = ((tenant.clone(), key), preconditions(&headers));
    let permit = api.permit(&conditions);
    let plan = move |table: &_, now| {
        permit.environment(table, now, &planned.0, &planned.1)?;
        environment::delete(table, now, &planned.0, &planned.1, &conditions)
    };
    deleted(&api, tenant, note, plan).await
}
