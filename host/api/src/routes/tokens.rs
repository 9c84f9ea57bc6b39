//! `/api/v1/tenants/{tenant}/tokens`. Tokens that are bound to no tenant are those of the tenant `$cluster`.

use std::collections::BTreeMap;

use axum::body::Body;
use burgee_model::{Key, TokenId, TokenMeta};
use burgee_store::WriteScope;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::{Asked, NoteParams, Reply, listed, shapes, write};
use crate::{
    access::{
        id_of,
        last_use::{self, LastUses},
        random,
    },
    admin::token,
    error::{ApiError, ProblemDocument},
    http::{
        Api, body,
        page::{Page, PageParams},
        params::Keys,
        query::Params,
        reply,
    },
};

/// Reads an id. What is none names no token.
fn id(key: &Key) -> Result<TokenId, ApiError> {
    let missing = || crate::admin::Refusal::NotFound(crate::admin::Kind::Token, key.clone());
    Ok(key.as_str().parse().map_err(|_| missing())?)
}

/// Lists a tenant's tokens that are in force. When one was last used is the latest that this node and the live ones that
/// answer it in time know, each of itself since its start.
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
    let uses = last_use::of_all(&api, on_page(&api, &tenant, params.clone())?).await;
    listed(&api, params, &headers, |table, now, page, filling| {
        token::check_tenant(table, now, &tenant)?;
        for (id, found) in token::list(table, now, &tenant, after(page)) {
            let Ok(key) = Key::new(&id.to_string()) else { continue };
            if !filling.push(&key, || found.document(id, uses.of(id, now))) {
                break;
            }
        }
        Ok(())
    })
}

fn after(page: &Page) -> Option<TokenId> {
    page.after.as_ref().and_then(|key| key.as_str().parse().ok())
}

/// The ids of the tokens that a page will show.
fn on_page(api: &Api, tenant: &Key, params: PageParams) -> Result<Vec<TokenId>, ApiError> {
    let (page, table, now) = (Page::try_from(params)?, api.store.read(), api.store.now());
    Ok(token::list(&table, now, tenant, after(&page)).map(|(id, _)| id).take(page.limit).collect())
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
    let mut found = show(&api, &tenant, id, &LastUses::default())?;
    found["token"] = text.into();
    let mut response = reply::json(StatusCode::CREATED, &found)?;
    let location = format!("/api/v1/tenants/{}/tokens/{id}", reply::segment(&tenant));
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn show(api: &Api, tenant: &Key, id: TokenId, uses: &LastUses) -> Result<Json, ApiError> {
    let now = api.store.now();
    Ok(token::read(&api.store.read(), now, tenant, id)?.document(id, uses.of(id, now)))
}

/// Tells what is known of a token, its text aside.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/tokens/{token}", tag = "tokens",
    params(("tenant" = String, Path), ("token" = String, Path)), responses(
    (status = 200, body = shapes::Token),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn get_token(Asked(api): Asked, Keys((tenant, key)): Keys<(Key, Key)>, _: Params<()>) -> Reply {
    let id = id(&key)?;
    // of another tenant's token nobody is asked
    token::read(&api.store.read(), api.store.now(), &tenant, id)?;
    let uses = last_use::of_all(&api, vec![id]).await;
    reply::json(StatusCode::OK, &show(&api, &tenant, id, &uses)?)
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
