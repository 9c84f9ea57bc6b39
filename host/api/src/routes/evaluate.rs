//! `/api/v1/tenants/{tenant}/environments/{environment}/evaluate`: what an application would get.

use axum::{body::Body, extract::State};
use burgee_engine::Snapshot;
use burgee_model::{Context, Key, Limits, Millis, Value, context::ContextError};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value as Json};

use super::{Reply, shapes};
use crate::{
    admin::{
        Refusal, environment, flag_document,
        flag_in::Place,
        members::{Member, Members},
    },
    error::{ApiError, ProblemDocument},
    http::{Api, Shared, body, evaluating::evaluating, params::Keys, query::Params, reply},
    ofrep::write_bulk,
};

struct Request {
    flag: Option<Key>,
    context: Context,
    explain: bool,
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
    evaluating(&snapshot, || evaluated(&api, &snapshot, &request, now))
}

fn evaluated(api: &Api, snapshot: &Snapshot, request: &Request, now: Millis) -> Reply {
    let mut out = Vec::new();
    match &request.flag {
        Some(flag) if request.explain => return explained(api, snapshot, flag, &request.context, now),
        Some(flag) => snapshot.evaluate(flag.as_str(), &request.context, now).write_ofrep(&mut out),
        None => write_bulk(snapshot, &request.context, now, &mut out),
    }
    Ok(reply::bytes_of(StatusCode::OK, out, "application/json"))
}

/// The item with why it is so, and the stamps of what was read.
fn explained(api: &Api, snapshot: &Snapshot, flag: &Key, context: &Context, now: Millis) -> Reply {
    let mut out = Vec::new();
    snapshot.evaluate(flag.as_str(), context, now).write_ofrep(&mut out);
    let mut item: Map<String, Json> =
        serde_json::from_slice(&out).map_err(|error| ApiError::Internal(error.to_string()))?;
    item.insert("explain".into(), snapshot.explain(flag.as_str(), context, now).unwrap_or_default());
    let place =
        Place { tenant: snapshot.tenant().clone(), environment: snapshot.environment().clone(), flag: flag.clone() };
    item.insert("stamps".into(), flag_document::stamps_here(&api.store.read(), now, &place));
    reply::json(StatusCode::OK, &Json::Object(item))
}

fn read(document: Json, limits: &Limits) -> Result<Request, Refusal> {
    let mut members = Members::root(document)?;
    let flag = match members.text("flag", burgee_model::key::KEY_BYTES_MAX) {
        Member::Value(text) => {
            Key::new(&text).map_err(|error| members.fault("/flag".into(), "invalid_key", error.to_string())).ok()
        }
        _ => None,
    };
    if members.any("at").is_given() {
        members.fault("/at".into(), "not_supported_yet", "`at` is not supported yet");
    }
    let explain = members.boolean("explain").value().unwrap_or(false);
    if explain && flag.is_none() {
        members.fault("/explain".into(), "flag_missing", "what is explained is one flag: name it in `flag`");
    }
    let context = members.any("context").value().unwrap_or_default();
    members.finish()?;
    Ok(Request { flag, context: check_context(&context, limits)?, explain })
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
