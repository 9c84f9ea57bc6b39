//! `/healthz` and `/readyz`.

use axum::extract::State;
use http::StatusCode;
use serde_json::json;

use super::Reply;
use crate::{
    http::{Shared, reply},
    state::Readiness,
};

/// Whether the process lives.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()), responses((status = 200, body = Object)))]
pub(crate) async fn healthz() -> Reply {
    reply::json(StatusCode::OK, &json!({ "status": "ok" }))
}

/// Whether the node serves evaluations and takes writes.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()), responses(
    (status = 200, body = Readiness), (status = 503, body = Readiness)))]
pub(crate) async fn readyz(State(api): Shared) -> Reply {
    let mut readiness = api.status.ready();
    if api.status.draining() {
        readiness.ready = false;
        readiness.reasons.push("shutting_down".to_owned());
    }
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    reply::json(status, &readiness)
}
