//! What stands before every route of the admin API: the loopback rule, who may do what, the time limit.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use burgee_model::Key;
use http::request::Parts;

use super::{Api, body, loopback};
use crate::{
    access::{self, Caller, Named, Source, routes},
    error::ApiError,
};

/// The loopback rule alone, for every route of a node without login.
pub(crate) async fn open_to_loopback(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    if api.auth.open
        && let Err(error) = loopback::check(request.method(), request.uri(), request.headers())
    {
        return error.into_response();
    }
    next.run(request).await
}

/// Who may do what, by the table of routes. A method that a path does not have is refused further in; so is a
/// route that the table lacks, for want of a caller.
pub(crate) async fn admin(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match admitted(&api, &mut parts).await {
        Ok(Some(caller)) => drop(parts.extensions.insert(caller)),
        Ok(None) => {}
        Err(error) => {
            access::hold(&api, error.is_held()).await;
            body::finish(body).await;
            return error.into_response();
        }
    }
    next.run(Request::from_parts(parts, body)).await
}

async fn admitted(api: &Api, parts: &mut Parts) -> Result<Option<Caller>, ApiError> {
    let path = parts.extensions.get::<MatchedPath>().cloned();
    let rule = path.as_ref().and_then(|path| routes::find(&parts.method, path.as_str()));
    let Some(rule) = rule else {
        access::authenticate(api, &parts.headers, &parts.extensions, Source::BearerOrSession)?;
        return Ok(None);
    };
    let named = named(parts).await;
    access::admit(api, parts, rule, &named).map(Some)
}

/// The tenant and the environment that a path names. A text that is no key is refused by the handler.
async fn named(parts: &mut Parts) -> Named {
    let Ok(params) = RawPathParams::from_request_parts(parts, &()).await else { return Named::default() };
    let key = |wanted: &str| params.iter().find(|(name, _)| *name == wanted).and_then(|(_, text)| Key::new(text).ok());
    Named { tenant: key("tenant"), environment: key("environment") }
}

/// The time limit, which counts until the answer begins: streams may go on.
pub(crate) async fn in_time(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(api.http.request_timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::Timeout.into_response(),
    }
}
