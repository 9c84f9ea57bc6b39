//! `/api/v1/session`: logging in and out of the dashboard.

use axum::{body::Body, extract::State, response::Response};
use http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value as Json, json};

use super::{Asked, Reply, shapes};
use crate::{
    access::{Caller, Login, Who, address_of, hold, log_in, log_out, session::set_cookie},
    admin::{
        Refusal,
        members::{Members, TEXT_BYTES_MAX},
    },
    error::{ApiError, ProblemDocument},
    http::{Api, Shared, body, query::Params, reply},
    instant::rfc3339,
};

/// Bytes of an attempt to log in, which is read of anybody: a token, however it is escaped.
const LOGIN_BYTES_MAX: usize = 6 * TEXT_BYTES_MAX + 1024;

/// Who is logged in: `{kind, tenant?, environments, login, csrfToken?, expiresAt?}`.
fn document(caller: &Caller) -> Json {
    let principal = &caller.principal;
    let mut out = json!({
        "kind": principal.kind,
        "environments": principal.environments,
        "login": principal.who != Who::Anybody,
    });
    if let Some(tenant) = &principal.tenant {
        out["tenant"] = json!(tenant);
    }
    if let Some(token) = caller.csrf_token.as_deref() {
        out["csrfToken"] = json!(token);
    }
    if let Some(until) = caller.until {
        out["expiresAt"] = json!(rfc3339(until));
    }
    out
}

/// Opens a session with a token: sets a cookie that every node of the cluster knows, and that ends with the token.
#[utoipa::path(post, path = "/api/v1/session", tag = "session", security(()), request_body = shapes::NewSession,
    responses((status = 200, body = shapes::Session, headers(("Set-Cookie" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn open_session(
    State(api): Shared,
    _: Params<()>,
    extensions: Extensions,
    headers: HeaderMap,
    body: Body,
) -> Reply {
    api.require_ready()?;
    refuse_other_sites(&headers)?;
    let holder = api.access.holder_at(address_of(&extensions));
    let token = read(body::small_document(&headers, body, (&api, &holder), LOGIN_BYTES_MAX).await?)?;
    let opened = log_in(&api, &token, address_of(&extensions)).await;
    if let Err(error) = &opened {
        hold(&api, error.is_held()).await;
    }
    let Login { caller, cookie } = opened?;
    Ok(private(
        reply::json(StatusCode::OK, &document(&caller))?,
        Some(set_cookie(Some(&cookie), is_secure(&api, &headers))),
    ))
}

/// A page of another site must not log anybody in.
fn refuse_other_sites(headers: &HeaderMap) -> Result<(), ApiError> {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    match site {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => Err(ApiError::Forbidden("other sites cannot log anybody in")),
    }
}

fn read(document: Json) -> Result<String, Refusal> {
    let mut members = Members::root(document)?;
    let token = members.required("token", TEXT_BYTES_MAX);
    members.finish()?;
    token.ok_or_else(|| Refusal::Invalid(Vec::new()))
}

/// Whether the browser is to show the cookie over TLS alone: where this node, or a proxy before it, speaks it.
fn is_secure(api: &Api, headers: &HeaderMap) -> bool {
    api.http.tls
        || headers.get("x-forwarded-proto").is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"))
}

fn private(mut response: Response, cookie: Option<String>) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(Ok(cookie)) = cookie.map(|cookie| HeaderValue::from_str(&cookie)) {
        headers.insert(header::SET_COOKIE, cookie);
    }
    response
}

/// Tells who is logged in, and the CSRF token that the session's writes show.
#[utoipa::path(get, path = "/api/v1/session", tag = "session", responses((status = 200, body = shapes::Session),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn get_session(Asked(api): Asked, _: Params<()>) -> Reply {
    Ok(private(reply::json(StatusCode::OK, &document(&api.caller))?, None))
}

/// Ends the session, on this node at once and on others as soon as they hear of it.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session", responses(
    (status = 204, headers(("Set-Cookie" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn close_session(Asked(api): Asked, _: Params<()>, headers: HeaderMap) -> Reply {
    log_out(&api, &api.caller).await?;
    Ok(private(reply::empty(StatusCode::NO_CONTENT), Some(set_cookie(None, is_secure(&api, &headers)))))
}
