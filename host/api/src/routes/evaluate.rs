//! `/api/v1/tenants/{tenant}/environments/{environment}/evaluate`: what an application would get.

use axum::{body::Body, extract::State};
use burgee_model::{Context, Key, Limits, Value, context::ContextError};
use http::{HeaderMap, StatusCode};
use serde_json::Value as Json;

use super::{Reply, shapes};
use crate::{
    admin::{
        Refusal, environment,
        members::{Member, Members},
    },
    error::{ApiError, ProblemDocument},
    http::{Shared, body, params::Keys, query::Params, reply},
    ofrep::write_bulk,
};

struct Request {
    flag: Option<Key>,
    context: Context,
}

/// Evaluates one flag, or all, and answers as OFREP does: a flag that cannot be evaluated is an item with an
/// error code, not a failed request.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/environments/{environment}/evaluate", tag = "evaluation",
    params(("tenant" = String, Path), ("environment" = String, Path)), request_body = shapes::EvaluateRequest,
    responses((status = 200, description = "An OFREP item; without `flag`, `{flags: […]}`", body = shapes::OfrepItem),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn evaluate(
    State(api): Shared,
    Keys((tenant, environment)): Keys<(Key, Key)>,
    _: Params<()>,
    headers: HeaderMap,
    body: Body,
) -> Reply {
    let request = read(body::document(&headers, body, &api.limits).await?, &api.limits)?;
    api.require_ready()?;
    let now = api.store.now();
    environment::read(&api.store.read(), now, &tenant, &environment)?;
    let snapshot = api.snapshots.get(&tenant, &environment);
    let snapshot = snapshot.ok_or_else(|| ApiError::NotReady(vec!["no_snapshot_yet".into()]))?;
    let mut out = Vec::new();
    match &request.flag {
        Some(flag) => snapshot.evaluate(flag.as_str(), &request.context, now).write_ofrep(&mut out),
        None => write_bulk(&snapshot, &request.context, now, &mut out),
    }
    Ok(reply::bytes_of(StatusCode::OK, out, "application/json"))
}

fn read(document: Json, limits: &Limits) -> Result<Request, Refusal> {
    let mut members = Members::root(document)?;
    let flag = match members.text("flag", burgee_model::key::KEY_BYTES_MAX) {
        Member::Value(text) => {
            Key::new(&text).map_err(|error| members.fault("/flag".into(), "invalid_key", error.to_string())).ok()
        }
        _ => None,
    };
    for later in ["at", "explain"] {
        if members.any(later).is_given() {
            members.fault(format!("/{later}"), "not_supported_yet", format!("`{later}` is not supported yet"));
        }
    }
    let context = members.any("context").value().unwrap_or_default();
    members.finish()?;
    Ok(Request { flag, context: check_context(&context, limits)? })
}

fn check_context(context: &Json, limits: &Limits) -> Result<Context, Refusal> {
    let checked = Context::check_bytes(context.to_string().len(), limits);
    checked.and_then(|()| Context::new(Value::from(context), limits)).map_err(|error| match error {
        ContextError::TooLarge { bytes, max } => Refusal::TooLarge { what: "the context", bytes, max },
        ContextError::TooManyAttributes { .. } => {
            Refusal::invalid("/context", "too_many_attributes", error.to_string())
        }
        ContextError::NotAnObject => Refusal::invalid("/context", "not_an_object", error.to_string()),
    })
}
