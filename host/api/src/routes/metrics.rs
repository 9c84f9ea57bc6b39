//! `/metrics`.

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

use super::Asked;
use crate::{
    error::ProblemDocument,
    http::{query::Params, reply},
    metrics,
};

/// Shows the node's counters and gauges in Prometheus' text format. What counts what all tenants do (evaluations, entries,
/// tombstones, conflicts, connections, frames of versions and the like) only tokens that are bound to no tenant see; to
/// others it tells how the node and its cluster are.
#[utoipa::path(get, path = "/metrics", tag = "health", responses(
    (status = 200, content_type = "text/plain", body = String),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn get_metrics(Asked(api): Asked, _: Params<()>) -> Response {
    let text = metrics::render(&api, api.caller.principal.is_root());
    let mut response = reply::bytes_of(StatusCode::OK, text.into_bytes(), "text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
