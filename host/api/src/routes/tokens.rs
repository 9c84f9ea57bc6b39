//! `/api/v1/tenants/{tenant}/tokens`. Tokens that are bound to no tenant are those of the tenant `$cluster`.

use std::collections::BTreeMap;

use axum::body::Body;
use burgee_model::{Key, Millis, TokenId, TokenMeta};
use burgee_store::WriteScope;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::{Asked, NoteParams, Reply, listed, shapes, write};
use crate::{
    access::{id_of, random},
    admin::token::{self, Found},
    error::{ApiError, ProblemDocument},
    http::{Api, body, page::PageParams, params::Keys, query::Params, reply},
};

fn document(api: &Api, now: Millis, id: TokenId, found: &Found) -> Json {
    found.document(id, api.access.last_used(id, now))
}

/// Reads an id. What is none names no token.
fn id(key: &Key) -> Result<TokenId, ApiError> {
    let missing = || crate::admin::Refusal::NotFound(crate::admin::Kind::Token, key.clone());
    Ok(key.as_str().parse().map_err(|_| missing())?)
}

/// Lists a tenant's tokens that are in force. When one was last used, this node tells of itself since its start.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/tokens", tag = "tokens",
    params(("tenant" = String, Path), PageParams), responses(
    (status = 200, body = shapes::TokenList, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn list_tokens(
    Asked(api): Asked,
    Keys(tenant): Keys<Key>,
    Params(params): Params<PageParams>,
    headers: HeaderMap,
) -> Reply {
    listed(&api, params, &headers, |table, now, page, filling| {
        token::check_tenant(table, now, &tenant)?;
        let after = page.after.as_ref().and_then(|key| key.as_str().parse().ok());
        for (id, found) in token::list(table, now, &tenant, after) {
            let Ok(key) = Key::new(&id.to_string()) else { continue };
            if !filling.push(&key, || document(&api, now, id, &found)) {
                break;
            }
        }
        Ok(())
    })
}

/// Creates a token. Its text is in this answer, and never again.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/tokens", tag = "tokens", params(("tenant" = String, Path)),
    request_body = shapes::NewToken, responses(
    (status = 201, body = shapes::CreatedToken, headers(("Location" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn create_token(
    Asked(api): Asked,
    Keys(tenant): Keys<Key>,
    _: Params<()>,
    headers: HeaderMap,
    body: Body,
) -> Reply {
    let new = token::read_create(body::document(&headers, body, &api).await?)?;
    let (text, prefix) = token::text(new.kind, random()?);
    let sha256: [u8; 32] = Sha256::digest(&text).into();
    let id = id_of(&sha256);
    let (name, sha256) = (new.name.clone(), burgee_model::Digest(sha256));
    let (environments, deletions) = (new.environments, BTreeMap::new());
    let meta = TokenMeta { name, kind: new.kind, environments, deletions, prefix, sha256 };
    let (planned, limits) = (tenant.clone(), api.limits.clone());
    let plan = move |table: &_, now| token::create(table, now, &planned, id, &meta, new.expires_at, &limits);
    write(&api, WriteScope::Tenant(tenant.clone()), None, plan).await?;
    let mut found = show(&api, &tenant, id)?;
    found["token"] = text.into();
    let mut response = reply::json(StatusCode::CREATED, &found)?;
    let location = format!("/api/v1/tenants/{}/tokens/{id}", reply::segment(&tenant));
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn show(api: &Api, tenant: &Key, id: TokenId) -> Result<Json, ApiError> {
    let now = api.store.now();
    Ok(document(api, now, id, &token::read(&api.store.read(), now, tenant, id)?))
}

/// Tells what is known of a token, its text aside.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/tokens/{token}", tag = "tokens",
    params(("tenant" = String, Path), ("token" = String, Path)), responses(
    (status = 200, body = shapes::Token),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn get_token(Asked(api): Asked, Keys((tenant, key)): Keys<(Key, Key)>, _: Params<()>) -> Reply {
    reply::json(StatusCode::OK, &show(&api, &tenant, id(&key)?)?)
}

/// Revokes a token: on this node at once, on others as soon as they hear of it. Its streams and sessions end.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/tokens/{token}", tag = "tokens",
    params(("tenant" = String, Path), ("token" = String, Path), NoteParams), responses((status = 204),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn revoke_token(
    Asked(api): Asked,
    Keys((tenant, key)): Keys<(Key, Key)>,
    Params(note): Params<NoteParams>,
) -> Reply {
    let (planned, id) = (tenant.clone(), id(&key)?);
    let plan = move |table: &_, now| token::revoke(table, now, &planned, id);
    write(&api, WriteScope::Tenant(tenant), note.note, plan).await?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}
