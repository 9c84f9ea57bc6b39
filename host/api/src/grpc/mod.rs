//! flagd's services on a port of their own: evaluation and synchronisation, by gRPC, gRPC-web and Connect.
//!
//! One layer serves all: a call is a path, one message, and an answer of one message or a stream of them. What the
//! protocols have of their own is in `wire`; what a flag answers is the engine's business, as it is for OFREP.

mod deadline;
mod documents;
mod events;
mod message;
mod method;
mod place;
mod resolve;
mod status;
mod stream;
mod sync;
mod wire;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header, request::Parts};
use tokio::time::Instant;
use tower_http::catch_panic::CatchPanicLayer;

use self::{
    documents::Documents,
    events::Events,
    method::Method,
    place::{Calling, Place},
    status::{Code, Status},
    sync::Sync,
    wire::Wire,
};
use crate::{
    http::{Api, body, cors, guard},
    ofrep,
    sse::shut_down,
};

/// Between two looks whether the node is ready.
const READY_LOOK: Duration = Duration::from_millis(50);

/// What the calls share.
struct Grpc {
    api: Arc<Api>,
    documents: Documents,
}

/// Every service of the port.
pub(crate) fn router(api: &Arc<Api>) -> Router {
    let grpc = Arc::new(Grpc { api: api.clone(), documents: Documents::default() });
    let all = Router::new().fallback(call).with_state(grpc).layer(cors::services(api.auth.open));
    let all = if api.auth.open { all.layer(from_fn_with_state(api.clone(), guard::open_to_loopback)) } else { all };
    all.layer(CatchPanicLayer::new())
}

async fn call(State(grpc): State<Arc<Grpc>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(wire) = Wire::of(&parts.headers) else { return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response() };
    let Some(method) = Method::of(parts.uri.path()) else {
        return wire.refusal(&Status::new(Code::Unimplemented, "there is no such call here"));
    };
    if parts.method != http::Method::POST {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    if !wire.carries(method.streams()) {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    let deadline = deadline::timeout(&parts.headers).and_then(|time| Instant::now().checked_add(time));
    let asked = Asked { method, wire, parts, deadline };
    let answered = tokio::select! {
        answered = answered(&grpc, &asked, body) => answered,
        () = deadline::passed(deadline) => Err(Status::new(Code::DeadlineExceeded, "the call's time is over")),
    };
    answered.unwrap_or_else(|status| wire.refusal(&status))
}

/// A call whose message is not read yet.
struct Asked {
    method: Method,
    wire: Wire,
    parts: Parts,
    /// Until when its client waits.
    deadline: Option<Instant>,
}

async fn answered(grpc: &Arc<Grpc>, asked: &Asked, body: Body) -> Result<Response, Status> {
    let api = &grpc.api;
    let who = match who(api, asked).await {
        Ok(who) => who,
        Err(status) => {
            body::finish(body).await;
            return Err(status);
        }
    };
    let holder = who.holder(api);
    let read = body::read_of(api, &holder, body, ofrep::body_bytes(&api.limits));
    let body = tokio::time::timeout(api.http.request_timeout, read).await;
    let body = body.map_err(|_| Status::new(Code::DeadlineExceeded, "the request took too long"))??;
    answer(grpc, asked, who, &message(asked.wire, &asked.parts.headers, &body)?).await
}

/// Who calls, once the node is ready to know.
async fn who<'a>(api: &'a Api, asked: &Asked) -> Result<Calling<'a>, Status> {
    if asked.method.streams() {
        until_ready(api).await?;
    } else {
        api.require_ready()?;
    }
    Calling::of(api, &asked.parts).await
}

fn message(wire: Wire, headers: &HeaderMap, body: &Bytes) -> Result<Bytes, Status> {
    let plain = headers.get(header::CONTENT_ENCODING).is_none_or(|encoding| encoding == "identity");
    if !plain {
        return Err(Status::new(Code::Unimplemented, "compressed messages are not read here"));
    }
    wire.message(body)
}

async fn answer(grpc: &Arc<Grpc>, asked: &Asked, who: Calling<'_>, message: &Bytes) -> Result<Response, Status> {
    let (api, Asked { method, wire, parts, deadline }) = (&grpc.api, asked);
    let (method, wire, deadline) = (*method, *wire, *deadline);
    let of_request = match method {
        Method::Sync | Method::Fetch => sync::selector(wire, message)?,
        Method::All | Method::One(..) | Method::Events | Method::Metadata => String::new(),
    };
    let place = Place::of(api, who, &parts.headers, &of_request).await?;
    match method {
        Method::All => Ok(wire.one(resolve::all(api, &place, wire, message).await)),
        Method::One(version, kind) => Ok(wire.one(resolve::one(api, &place, wire, message, (version, kind)).await)),
        Method::Metadata => Ok(wire.one(sync::metadata(api, &place, wire))),
        Method::Events => stream::open(api, events(wire, &place), place, wire, deadline),
        Method::Sync => {
            sync::require_rules(&place)?;
            stream::open(api, Sync::new(grpc.clone(), wire), place, wire, deadline)
        }
        Method::Fetch => {
            sync::require_rules(&place)?;
            Ok(wire.one(sync::fetch(grpc, &place, wire).await))
        }
    }
}

fn events(wire: Wire, place: &Place) -> Events {
    Events::new(wire, place.view)
}

/// Waits for the replica, but not for ever: a client that is refused comes back only after seconds.
async fn until_ready(api: &Api) -> Result<(), Status> {
    let ready = async {
        while api.require_ready().is_err() {
            tokio::time::sleep(READY_LOOK).await;
        }
    };
    let mut shutdown = api.shutdown.clone();
    tokio::select! {
        () = ready => Ok(()),
        () = shut_down(&mut shutdown) => Err(Status::shutting_down()),
        () = tokio::time::sleep(api.http.request_timeout) => Ok(api.require_ready()?),
    }
}
