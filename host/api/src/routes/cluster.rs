//! `/api/v1/cluster`.

use axum::extract::State;
use http::StatusCode;

use super::Reply;
use crate::{
    error::ProblemDocument,
    http::{Shared, reply},
    state::ClusterView,
};

/// Shows the cluster as this node sees it.
#[utoipa::path(get, path = "/api/v1/cluster", tag = "cluster", responses((status = 200, body = ClusterView),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn get_cluster(State(api): Shared) -> Reply {
    reply::json(StatusCode::OK, &api.status.cluster())
}
