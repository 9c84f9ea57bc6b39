//! The OpenFeature Remote Evaluation Protocol: one flag, or all of an environment.
//!
//! This is the hot path. It takes the request whole, so that nothing is copied that need not be: the key
//! straight from the path, the context straight from the body, the answer from pre-encoded pieces.

mod events;
mod failure;
mod request;
mod target;
mod told;

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use burgee_engine::{ErrorCode, Outcome, Seen, Snapshot, etag};
use burgee_model::{Context, Key, Millis, flagd::plain_metadata};
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use serde_json::Value as Json;

use crate::{
    access::{self, Caller, Source},
    admin::environment,
    error::ApiError,
    http::{
        Api, Shared, body,
        budget::AnswerShare,
        conditions,
        evaluating::{Work, evaluating},
    },
    routes::shapes,
    selector,
    view::View,
};
use failure::Failure;
use target::{Place, Target};
use told::Told;

pub(crate) use events::{__path_events, events};
pub(crate) use request::{body_bytes, parse as read_context};

/// Bytes that an item of a bulk answer has, roughly.
const ITEM_BYTES: usize = 128;

/// Evaluates one flag in the environment that the token names.
#[utoipa::path(post, path = "/ofrep/v1/evaluate/flags/{*key}", tag = "ofrep", operation_id = "ofrep_single",
    params(("key" = String, Path, description = "Slashes may stand as they are")),
    request_body(content = Option<shapes::OfrepRequest>, content_type = "application/json"), responses(
    (status = 200, body = shapes::OfrepItem), (status = "default", body = shapes::OfrepFailure)))]
pub(crate) async fn single(State(api): Shared, request: Request) -> Response {
    answer(&api, request).await
}

/// Evaluates all flags of the environment that the token names.
#[utoipa::path(post, path = "/ofrep/v1/evaluate/flags", tag = "ofrep", operation_id = "ofrep_bulk",
    params(("If-None-Match" = Option<String>, Header)),
    request_body(content = Option<shapes::OfrepRequest>, content_type = "application/json"), responses(
    (status = 200, body = shapes::OfrepBulk, headers(("ETag" = String))), (status = 304),
    (status = "default", body = shapes::OfrepFailure)))]
pub(crate) async fn bulk(State(api): Shared, request: Request) -> Response {
    answer(&api, request).await
}

/// Evaluates one flag in an environment.
#[utoipa::path(post, path = "/e/{tenant}/{environment}/ofrep/v1/evaluate/flags/{*key}", tag = "ofrep",
    operation_id = "ofrep_single_in", params(("tenant" = String, Path), ("environment" = String, Path),
        ("key" = String, Path, description = "Slashes may stand as they are")),
    request_body(content = Option<shapes::OfrepRequest>, content_type = "application/json"), responses(
    (status = 200, body = shapes::OfrepItem), (status = "default", body = shapes::OfrepFailure)))]
pub(crate) async fn single_in(State(api): Shared, request: Request) -> Response {
    answer(&api, request).await
}

/// Evaluates all flags of an environment.
#[utoipa::path(post, path = "/e/{tenant}/{environment}/ofrep/v1/evaluate/flags", tag = "ofrep",
    operation_id = "ofrep_bulk_in", params(("tenant" = String, Path), ("environment" = String, Path),
        ("If-None-Match" = Option<String>, Header)),
    request_body(content = Option<shapes::OfrepRequest>, content_type = "application/json"), responses(
    (status = 200, body = shapes::OfrepBulk, headers(("ETag" = String))), (status = 304),
    (status = "default", body = shapes::OfrepFailure)))]
pub(crate) async fn bulk_in(State(api): Shared, request: Request) -> Response {
    answer(&api, request).await
}

/// Another method than POST.
pub(crate) async fn other_method() -> Response {
    let details = "evaluations are asked for by POST";
    let mut response = Failure::new(StatusCode::METHOD_NOT_ALLOWED, "GENERAL", details).response(None);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}

async fn answer(api: &Api, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let target = match Target::parse(parts.uri.path()) {
        Ok(target) => target,
        Err(failure) => return failure.response(None),
    };
    let answered = match admitted(api, &parts, &target) {
        Ok((caller, snapshot)) => evaluate(api, &parts, body, &target, &caller, snapshot).await,
        Err(failure) => {
            access::hold(api, failure.held).await;
            body::finish(body).await;
            Err(failure)
        }
    };
    answered.unwrap_or_else(|failure| failure.response(target.key.as_deref()))
}

/// Who asks, and the state to evaluate: everything that needs no body.
fn admitted(api: &Api, parts: &Parts, target: &Target<'_>) -> Result<(Caller, Arc<Snapshot>), Failure> {
    // a node that has no replica yet knows no token: clients that heard 401 would never ask again
    api.require_ready()?;
    let caller = access::authenticate(api, &parts.headers, &parts.extensions, Source::BearerOrKey)?;
    let selected = selector::read(&parts.headers, "").map_err(Failure::wrong_selector)?;
    let (tenant, environment) = place(api, &caller, target, selected.as_ref())?;
    access::admit_evaluation(api, &caller, tenant, environment).map_err(|error| match error {
        ApiError::Refused(missing) => Failure::no_environment(&missing, target.key.is_some()),
        error => error.into(),
    })?;
    let snapshot = find(api, tenant, environment, target.key.is_some())?;
    Ok((caller, snapshot))
}

async fn evaluate(
    api: &Api,
    parts: &Parts,
    body: Body,
    target: &Target<'_>,
    caller: &Caller,
    snapshot: Arc<Snapshot>,
) -> Result<Response, Failure> {
    let Some(key) = &target.key else { return evaluate_all(api, parts, body, caller, snapshot).await };
    let view = View::of(caller);
    let context = request::context(body, api, &caller.holder(&api.access), view.of_snapshot(&snapshot)).await?;
    let now = api.store.now();
    let work = Work { snapshot: &snapshot, context: &context, flag: Some(key) };
    Ok(evaluating(api, work, || single_answer(&snapshot, key, &context, now, view)).await?)
}

async fn evaluate_all(
    api: &Api,
    parts: &Parts,
    body: Body,
    caller: &Caller,
    snapshot: Arc<Snapshot>,
) -> Result<Response, Failure> {
    let (told, view) = (Told::of(parts, View::of(caller)), View::of(caller));
    let snapshot = told.awaited(api, &snapshot).await.unwrap_or(snapshot);
    let holder = caller.holder(&api.access);
    let context = request::context(body, api, &holder, view.of_snapshot(&snapshot)).await?;
    // without a key to sign with there is no stream, and the answer is as good
    let signer = access::stream_signer(api).await;
    let place = (snapshot.tenant(), snapshot.environment());
    let stream = || signer.as_ref().map(|signer| access::stream_token(api, signer, caller, place));
    let now = api.store.now();
    let headers = told.allows_condition(&snapshot).then_some(&parts.headers);
    let selected = parts.headers.get(selector::HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (offers, bytes_max) = (signer.is_some(), api.limits.bulk_answer_bytes);
    let asked = Bulk { context: &context, now, view, headers, selected, offers, bytes_max };
    // what the client has already takes no turn
    let fixed = asked.fixed_tag(&snapshot);
    if let Some(tag) = fixed.as_ref().filter(|tag| asked.is_known(tag)) {
        return Ok(tagged(not_modified(), tag));
    }
    let work = Work { snapshot: &snapshot, context: &context, flag: None };
    let share = api.answers.share(&holder);
    Ok(evaluating(api, work, || bulk_answer(&snapshot, &asked, fixed, share, stream)).await??)
}

/// The environment that is meant: the path's, or else the selector's, or else the token's.
fn place<'a>(
    api: &'a Api,
    caller: &'a Caller,
    target: &'a Target<'_>,
    selected: Option<&'a (Key, Key)>,
) -> Result<(&'a Key, &'a Key), Failure> {
    let selected = selected.map(|(tenant, environment)| (tenant, environment));
    if let Some(Place { tenant, environment }) = &target.place {
        let contradicts = selected.is_some_and(|selected| selected != (tenant, environment));
        let wrong = || Failure::wrong_selector("the path and the selector name different environments");
        return if contradicts { Err(wrong()) } else { Ok((tenant, environment)) };
    }
    if let Some(selected) = selected {
        return Ok(selected);
    }
    let open = api.auth.open_environment.as_ref().filter(|_| api.auth.open).map(|(tenant, key)| (tenant, key));
    caller.principal.place().or(open).ok_or_else(Failure::environment_required)
}

fn find(api: &Api, tenant: &Key, environment: &Key, single: bool) -> Result<Arc<Snapshot>, Failure> {
    api.snapshots.get(tenant, environment).ok_or_else(|| {
        match environment::read(&api.store.read(), api.store.now(), tenant, environment) {
            Ok(_) => Failure::not_ready("no_snapshot_yet"),
            Err(missing) => Failure::no_environment(&missing, single),
        }
    })
}

fn single_answer(snapshot: &Snapshot, key: &str, context: &Context, now: Millis, view: View) -> Response {
    let shown = view.shows(snapshot, key);
    let evaluation = if shown { snapshot.evaluate(key, context, now) } else { Snapshot::no_such_flag(key) };
    let status = match &evaluation.outcome {
        Outcome::Error { code: ErrorCode::FlagNotFound, .. } => StatusCode::NOT_FOUND,
        Outcome::Error { .. } => StatusCode::BAD_REQUEST,
        Outcome::Value { .. } | Outcome::CodeDefault { .. } => StatusCode::OK,
    };
    let mut out = Vec::with_capacity(2 * ITEM_BYTES);
    evaluation.write_ofrep(&mut out);
    json(status, out)
}

/// What all flags are asked with.
struct Bulk<'a> {
    context: &'a Context,
    now: Millis,
    view: View,
    /// Where the client's condition counts.
    headers: Option<&'a HeaderMap>,
    /// The selector, which is told back; empty where there is none.
    selected: &'a str,
    /// Whether a stream is offered.
    offers: bool,
    /// Bytes that the answer may have.
    bytes_max: usize,
}

impl Bulk<'_> {
    /// The tag of an answer; `body` is what was evaluated, where time or chance decides about it.
    fn tag(&self, seen: &Seen<'_>, body: Option<&[u8]>) -> String {
        let scope = [self.view.scope(), self.selected].concat();
        let tag = etag(seen.digest(), self.context, &scope, body);
        if self.offers { renewed(&tag, self.now) } else { tag }
    }

    /// The tag where nothing in the answer varies by itself: it is known before anything is evaluated.
    fn fixed_tag(&self, snapshot: &Snapshot) -> Option<String> {
        let seen = self.view.of_snapshot(snapshot);
        (!seen.varies()).then(|| self.tag(&seen, None))
    }

    /// Whether the client has the answer of this tag.
    fn is_known(&self, tag: &str) -> bool {
        self.headers.is_some_and(|headers| known(headers, tag))
    }
}

/// The tag of an answer that names a stream's address, which ends: the tag must end before.
fn renewed(tag: &str, now: Millis) -> String {
    let hash = tag.trim_matches('"');
    let spread = hash.get(..8).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default();
    format!("\"{hash}-{:x}\"", access::offer(now, spread))
}

/// An answer whose tag may be known. Its memory is taken while it grows. One that the clock has cut short bears no tag:
/// another one may be whole, and nobody may keep its errors for longer. The token of a stream is made where there is a
/// body for it.
fn bulk_answer(
    snapshot: &Snapshot,
    asked: &Bulk<'_>,
    fixed: Option<String>,
    mut share: AnswerShare,
    stream: impl FnOnce() -> Option<String>,
) -> Result<Response, ApiError> {
    let Bulk { context, now, view, selected, .. } = asked;
    let capacity = 512 + ITEM_BYTES * snapshot.flags().len();
    share.grow_to(capacity)?;
    let mut out = Vec::with_capacity(capacity);
    let shown = Shown { bytes_max: asked.bytes_max, selected, shows: &|flag| view.shows(snapshot, flag) };
    let is_whole = write_shown(snapshot, context, *now, (&mut out, &mut share), &shown)?;
    let varies = fixed.is_none();
    let tag = is_whole.then(|| fixed.unwrap_or_else(|| asked.tag(&view.of_snapshot(snapshot), Some(&out))));
    if let Some(tag) = tag.as_ref().filter(|tag| varies && asked.is_known(tag)) {
        return Ok(tagged(not_modified(), tag));
    }
    if let Some(token) = stream() {
        // the brace that ends the body
        out.pop();
        out.extend_from_slice(events::member(&token).as_bytes());
        out.push(b'}');
    }
    let answer = json(StatusCode::OK, share.sealed(out)?);
    Ok(match tag {
        Some(tag) => tagged(answer, &tag),
        None => answer,
    })
}

fn known(headers: &HeaderMap, tag: &str) -> bool {
    headers.contains_key(header::IF_NONE_MATCH) && conditions::has_already(headers, tag.trim_matches('"'))
}

/// What of all flags is written.
struct Shown<'a> {
    /// Bytes that the flags may take; those that come later are errors.
    bytes_max: usize,
    /// The selector, which is told back; empty where there is none.
    selected: &'a str,
    shows: &'a dyn Fn(&str) -> bool,
}

/// Writes `{"flags":[…],"metadata"?:{…}}` of all flags, of which those that come after so many bytes are errors.
pub(crate) fn write_bulk(
    snapshot: &Snapshot,
    context: &Context,
    now: Millis,
    bytes_max: usize,
    (out, share): (&mut Vec<u8>, &mut AnswerShare),
) -> Result<(), ApiError> {
    // who asks so is told no tag
    let shown = Shown { bytes_max, selected: "", shows: &|_| true };
    write_shown(snapshot, context, now, (out, share), &shown).map(|_is_whole| ())
}

/// The same of some flags, asked for with a selector. False where the clock kept any of them from an answer.
fn write_shown(
    snapshot: &Snapshot,
    context: &Context,
    now: Millis,
    (out, share): (&mut Vec<u8>, &mut AnswerShare),
    shown: &Shown<'_>,
) -> Result<bool, ApiError> {
    out.extend_from_slice(b"{\"flags\":[");
    let (mut first, mut full, mut late, mut room) = (true, false, false, Ok(()));
    snapshot.evaluate_all(context, now, |evaluation| {
        if room.is_err() || !(shown.shows)(evaluation.key) {
            return;
        }
        late |= evaluation.is_beyond_time();
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        let before = out.len();
        if !full {
            evaluation.write_ofrep(out);
            full = out.len() > shown.bytes_max;
        }
        if full {
            out.truncate(before);
            evaluation.without_room().write_ofrep(out);
        }
        room = share.grow_to(out.capacity());
    });
    room?;
    out.push(b']');
    let mut metadata = snapshot.set().get("metadata").and_then(Json::as_object).map(plain_metadata).unwrap_or_default();
    if let Some((name, value)) = shown.selected.trim().split_once('=') {
        metadata.insert(name.to_owned(), value.into());
    }
    if !metadata.is_empty() {
        out.extend_from_slice(b",\"metadata\":");
        out.extend_from_slice(Json::Object(metadata).to_string().as_bytes());
    }
    out.push(b'}');
    Ok(!late)
}

fn json(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn not_modified() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response
}

fn tagged(mut response: Response, tag: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}
