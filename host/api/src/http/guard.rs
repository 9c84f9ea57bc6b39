//! What stands before every route of the admin API: the loopback rule, the token, the time limit.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{Api, auth, loopback};
use crate::error::ApiError;

/// The loopback rule alone, for every route of a node without login.
pub(crate) async fn open_to_loopback(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    if api.auth.open
        && let Err(error) = loopback::check(request.method(), request.uri(), request.headers())
    {
        return error.into_response();
    }
    next.run(request).await
}

/// The token.
pub(crate) async fn admin(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    match auth::check(&api.auth, request.headers(), auth::Source::Bearer) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// The time limit, which counts until the answer begins: streams may go on.
pub(crate) async fn in_time(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(api.http.request_timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::Timeout.into_response(),
    }
}
