//! `/api/v1/cluster`.

use burgee_model::NodeId;
use http::StatusCode;

use super::{Asked, Reply};
use crate::{
    cluster::ClusterView,
    error::{ApiError, ProblemDocument},
    http::{params::Keys, query::Params, reply},
    sse,
};

/// Shows the cluster as this node sees it. What counts or betrays the writes of all tenants (`tombstones`, `stampsAhead`,
/// `stampsAheadBy`, `versionsUnknown`, `versionsInvalid`, and of a node `root` and `oldestUnackedStamp`) only tokens that
/// are bound to none see.
#[utoipa::path(get, path = "/api/v1/cluster", tag = "cluster", responses((status = 200, body = ClusterView),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn get_cluster(Asked(api): Asked, _: Params<()>) -> Reply {
    let view = api.status.cluster();
    reply::json(StatusCode::OK, &if api.caller.principal.is_root() { view } else { view.for_tenants() })
}

/// Follows who comes and goes, as this node sees it, itself aside.
///
/// Events: `joined` and `left` `{name, id, address}`, `reset` `{reason}` (some are missing: read the cluster
/// again). A stream begins with what happens after it was opened; it cannot be resumed.
#[utoipa::path(get, path = "/api/v1/cluster/events", tag = "cluster", responses(
    (status = 200, content_type = "text/event-stream", body = String),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn watch_cluster(Asked(api): Asked, _: Params<()>) -> Reply {
    let permit = api.stream_permit(None)?;
    Ok(sse::cluster(&api, permit))
}

/// Has a node forgotten that will not return, so that nothing waits for it any more. Should it come back all
/// the same, it takes a new id and brings nothing back that was deleted.
#[utoipa::path(delete, path = "/api/v1/cluster/nodes/{id}", tag = "cluster", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn forget_node(Asked(api): Asked, Keys(id): Keys<String>, _: Params<()>) -> Reply {
    api.require_writable()?;
    let node: NodeId = id.parse().map_err(|_| ApiError::NoNode)?;
    api.status.forget(node).await?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}
