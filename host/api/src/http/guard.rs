//! What stands before every route of the admin API: the loopback rule, who may do what, the time limit.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use burgee_model::Key;
use http::request::Parts;
use http_body::{Frame, SizeHint};

use super::{Answers, Api, body, budget::AnswerShare, loopback};
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

/// Large answers, as long as they are not read, take of the memory that there is for them. Each is made at once by one
/// thread, so as many as there are threads may be in memory before they count; `/openapi.json` is the same for all.
pub(crate) async fn counted(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let holder = request.extensions().get::<Caller>().map(|caller| caller.holder(&api.access));
    let response = next.run(request).await;
    let Some(holder) = holder else { return response };
    let bytes = response.body().size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok());
    let Some(bytes) = bytes.filter(|bytes| *bytes >= Answers::LARGE_BYTES) else { return response };
    let mut share = api.answers.share(&holder);
    match share.grow_to(bytes) {
        Ok(()) => response.map(|body| Body::new(Counted { body, _share: share })),
        Err(error) => error.into_response(),
    }
}

/// A body that counts until it is dropped.
struct Counted {
    body: Body,
    _share: AnswerShare,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

async fn admitted(api: &Api, parts: &mut Parts) -> Result<Option<Caller>, ApiError> {
    let path = parts.extensions.get::<MatchedPath>().cloned();
    let rule = path.as_ref().and_then(|path| routes::find(&parts.method, path.as_str()));
    if path.as_ref().is_some_and(|path| is_of_providers(path.as_str())) {
        api.require_ready()?;
    }
    let Some(rule) = rule else {
        access::authenticate(api, &parts.headers, &parts.extensions, Source::BearerOrSession)?;
        return Ok(None);
    };
    let named = named(parts).await;
    access::admit(api, parts, rule, &named).map(Some)
}

/// Whether programs read flags by it: a node that has no replica yet knows no token, and what it has is not what there is.
fn is_of_providers(path: &str) -> bool {
    path.ends_with("/flagd.json") || path.contains("/openfeature/v0/manifest")
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
