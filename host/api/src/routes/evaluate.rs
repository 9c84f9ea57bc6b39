//! `/api/v1/tenants/{tenant}/environments/{environment}/evaluate`: what an application would get.

use std::sync::Arc;

use axum::body::Body;
use burgee_engine::Snapshot;
use burgee_model::{Context, Key, Limits, Millis, Value, context::ContextError};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value as Json};

use super::{Asked, Reply, shapes};
use crate::{
    admin::{
        Refusal, environment,
        members::{Member, Members},
        stamps_read::{Registers, StampsRead},
    },
    error::{ApiError, ProblemDocument},
    http::{
        Call, body,
        budget::AnswerShare,
        evaluating::{Work, evaluating},
        params::Keys,
        query::Params,
        reply,
    },
    instant,
    ofrep::write_bulk,
    past,
};

struct Request {
    flag: Option<Key>,
    context: Context,
    at: Option<Millis>,
    explain: bool,
}

/// What is evaluated, and as of when.
struct Scene<'a> {
    snapshot: &'a Snapshot,
    now: Millis,
    /// Bytes that the answer for all flags may have.
    bytes_max: usize,
    /// The memory that it has.
    share: AnswerShare,
    /// The stamps of what an evaluation of a flag reads.
    stamps: &'a dyn Fn(&Key) -> StampsRead,
    /// Of an earlier instant: whether all that was read is known.
    complete: Option<bool>,
}

/// Evaluates one flag, or all, and answers as OFREP does: a flag that cannot be evaluated is an item with an
/// error code, not a failed request.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/environments/{environment}/evaluate", tag = "evaluation",
    params(("tenant" = String, Path), ("environment" = String, Path)), request_body = shapes::EvaluateRequest,
    responses((status = 200, description = "An OFREP item; without `flag`, `{flags: […]}`", body = shapes::Evaluated),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn evaluate(
    Asked(api): Asked,
    Keys((tenant, environment)): Keys<(Key, Key)>,
    _: Params<()>,
    headers: HeaderMap,
    body: Body,
) -> Reply {
    let request = read(body::document(&headers, body, &api).await?, &api.limits)?;
    api.require_ready()?;
    let now = api.store.now();
    environment::read(&api.store.read(), now, &tenant, &environment)?;
    let snapshot = api.snapshots.get(&tenant, &environment);
    let snapshot = snapshot.ok_or_else(|| ApiError::NotReady(vec!["no_snapshot_yet".into()]))?;
    if request.at.is_none() && !request.explain {
        let work =
            Work { snapshot: &snapshot, context: &request.context, flag: request.flag.as_ref().map(Key::as_str) };
        return evaluating(&api, work, || evaluated_now(&api, &snapshot, &request, now)).await?;
    }
    // To look back, or to explain, takes a while: it is done on a thread that nobody waits for.
    let permit = api.looks_back.take(&tenant).await?;
    let looking = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        match request.at {
            Some(at) => evaluated_as_of(&api, &snapshot, &request, at),
            None => evaluated_now(&api, &snapshot, &request, now),
        }
    });
    looking.await.map_err(|error| ApiError::Internal(error.to_string()))?
}

fn evaluated_now(api: &Call, snapshot: &Snapshot, request: &Request, now: Millis) -> Reply {
    let stamps = |flag: &Key| {
        let table = api.store.read();
        StampsRead::of(&Registers { table: &table, entries: &table, now }, snapshot, flag)
    };
    let bytes_max = api.limits.bulk_answer_bytes;
    evaluated(Scene { snapshot, now, bytes_max, share: share_of(api), stamps: &stamps, complete: None }, request)
}

/// The same as it stood.
fn evaluated_as_of(api: &Call, snapshot: &Arc<Snapshot>, request: &Request, at: Millis) -> Reply {
    let stood = past::stood(&api.store, snapshot, at, request.flag.as_ref()).ok_or(Refusal::HistoryTooShort)?;
    let stamps = |flag: &Key| {
        let registers = Registers { table: stood.past.table(), entries: &api.store.read(), now: at };
        StampsRead::of(&registers, &stood.snapshot, flag)
    };
    let (bytes_max, complete) = (api.limits.bulk_answer_bytes, Some(stood.complete));
    let share = share_of(api);
    evaluated(Scene { snapshot: &stood.snapshot, now: at, bytes_max, share, stamps: &stamps, complete }, request)
}

fn share_of(api: &Call) -> AnswerShare {
    api.answers.share(&api.caller.holder(&api.access))
}

fn evaluated(mut scene: Scene<'_>, request: &Request) -> Reply {
    let mut out = Vec::new();
    match &request.flag {
        Some(flag) => scene.snapshot.evaluate(flag.as_str(), &request.context, scene.now).write_ofrep(&mut out),
        None => {
            let room = (&mut out, &mut scene.share);
            write_bulk(scene.snapshot, &request.context, scene.now, scene.bytes_max, room)?;
        }
    }
    if scene.complete.is_none() && !request.explain {
        // from here on it counts as any large answer does
        return Ok(reply::bytes_of(StatusCode::OK, out, "application/json"));
    }
    let mut answer: Map<String, Json> =
        serde_json::from_slice(&out).map_err(|error| ApiError::Internal(error.to_string()))?;
    if let Some(flag) = request.flag.as_ref().filter(|_| request.explain) {
        explain(&scene, flag, &request.context, &mut answer);
    }
    answer.extend(scene.complete.map(|complete| ("complete".to_owned(), complete.into())));
    reply::json(StatusCode::OK, &Json::Object(answer))
}

/// Adds why an item is so, and the stamps of what was read.
fn explain(scene: &Scene<'_>, flag: &Key, context: &Context, item: &mut Map<String, Json>) {
    let Scene { snapshot, now, .. } = *scene;
    item.insert("explain".into(), snapshot.explain(flag.as_str(), context, now).unwrap_or_default());
    let read = (scene.stamps)(flag);
    item.insert("stamps".into(), read.json());
    if !read.complete {
        item.insert("stampsComplete".into(), false.into());
    }
}

fn read(document: Json, limits: &Limits) -> Result<Request, Refusal> {
    let mut members = Members::root(document)?;
    let flag = match members.text("flag", burgee_model::key::KEY_BYTES_MAX) {
        Member::Value(text) => {
            Key::new(&text).map_err(|error| members.fault("/flag".into(), "invalid_key", error.to_string())).ok()
        }
        _ => None,
    };
    let at = members.any("at").value().and_then(|at| {
        let instant = match &at {
            Json::String(text) => instant::parse(text),
            other => other.as_u64(),
        };
        if instant.is_none() {
            let message = "`at` is an instant: RFC 3339, a day, or milliseconds since 1970";
            members.fault("/at".into(), "invalid_instant", message);
        }
        instant
    });
    if members.any("asSeenBy").is_given() {
        members.fault("/asSeenBy".into(), "not_supported_yet", "`asSeenBy` is not supported yet");
    }
    let explain = members.boolean("explain").value().unwrap_or(false);
    if explain && flag.is_none() {
        members.fault("/explain".into(), "flag_missing", "what is explained is one flag: name it in `flag`");
    }
    let context = members.any("context").value().unwrap_or_default();
    members.finish()?;
    Ok(Request { flag, context: check_context(&context, limits)?, at, explain })
}

fn check_context(context: &Json, limits: &Limits) -> Result<Context, Refusal> {
    let checked = Context::check_bytes(context.to_string().len(), limits);
    checked.and_then(|()| Context::new(Value::from(context), limits)).map_err(|error| match error {
        ContextError::TooLarge { bytes, max } => Refusal::TooLarge { what: "the context", bytes, max },
        ContextError::TooManyAttributes { .. } => {
            Refusal::invalid("/context", "too_many_attributes", error.to_string())
        }
        ContextError::TooDeep { .. } => Refusal::invalid("/context", "too_deep", error.to_string()),
        ContextError::NotAnObject => Refusal::invalid("/context", "not_an_object", error.to_string()),
    })
}
