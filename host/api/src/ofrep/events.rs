//! Event streams of OFREP: that something changed, so that a client asks again.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use burgee_engine::Snapshot;
use burgee_model::{Key, Millis};
use bytes::Bytes;
use futures_util::stream;
use http::{StatusCode, Uri};
use percent_encoding::percent_decode_str;
use serde_json::json;
use tokio::{sync::watch, time::Interval};

use super::{failure::Failure, find};
use crate::{
    access::{self, StreamPermit, StreamPlace},
    http::{Api, Shared},
    routes::shapes,
    sse::{heartbeats, shut_down, streamed},
    view::View,
};

/// Streams an event for each change of the environment that the token names. The address is that of a bulk answer.
#[utoipa::path(get, path = "/ofrep/v1/events", tag = "ofrep", operation_id = "ofrep_events",
    params(("token" = String, Query, description = "Made for a bulk answer"),
        ("Last-Event-ID" = Option<String>, Header)), responses(
    (status = 200, body = String, content_type = "text/event-stream"),
    (status = "default", body = shapes::OfrepFailure)))]
pub(crate) async fn events(State(api): Shared, request: Request) -> Response {
    match open(&api, &request) {
        Ok(events) => {
            streamed(stream::unfold(events, |mut events| async move { Some((events.next().await?, events)) }))
        }
        Err(failure) => failure.response(None),
    }
}

fn open(api: &Arc<Api>, request: &Request) -> Result<Events, Failure> {
    let missing = || Failure::new(StatusCode::UNAUTHORIZED, "GENERAL", "this needs the token of a bulk answer");
    let token = parameter(request.uri(), "token").ok_or_else(missing)?;
    api.require_ready()?;
    let (caller, tenant, environment) = access::by_stream_token(api, &token, request.extensions())?;
    let changes = api.snapshots.changes();
    let told = find(api, &tenant, &environment, false)?;
    let (view, now) = (View::of(&caller), api.store.now());
    let known = request.headers().get("last-event-id").and_then(|value| value.to_str().ok());
    let known = known.and_then(|id| steps_told(id, &tag(view, &told))).map(|at| at.min(now));
    let has_all = |at: &Millis| view.of_snapshot(&told).next_step(*at).is_none_or(|due| due > now);
    let (told_at, first) = match known.filter(has_all) {
        Some(at) => (at, b": watching\n\n".as_slice().into()),
        None => (now, event(view, &told, now, now)),
    };
    let place = StreamPlace { tenant: tenant.clone(), environment: Some(environment.clone()) };
    Ok(Events {
        permit: StreamPermit::take(api, &caller, Some(place))?.of_stranger(api, request.extensions())?,
        view,
        heartbeat: heartbeats(api.http.heartbeat),
        told_at,
        shutdown: api.shutdown.clone(),
        first: Some(first),
        api: api.clone(),
        tenant,
        environment,
        changes,
        told,
    })
}

struct Events {
    api: Arc<Api>,
    tenant: Key,
    environment: Key,
    view: View,
    /// The state that was told last.
    told: Arc<Snapshot>,
    first: Option<Bytes>,
    changes: watch::Receiver<burgee_store::Position>,
    heartbeat: Interval,
    /// Up to when steps were told.
    told_at: Millis,
    shutdown: watch::Receiver<bool>,
    permit: StreamPermit,
}

impl Events {
    /// The next frame; none once the node shuts down, or there is nothing to watch, or nobody who may.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            tokio::select! {
                biased;
                () = shut_down(&mut self.shutdown) => return None,
                _ = self.permit.ended() => return None,
                changed = self.changes.changed() => changed.ok()?,
                step = self.view.step(&self.told, self.told_at, &self.api.store) => {
                    self.told_at = step;
                    return Some(self.event());
                }
                _ = self.heartbeat.tick() => return Some(b": heartbeat\n\n".as_slice().into()),
            }
            let snapshot = self.api.snapshots.get(&self.tenant, &self.environment)?;
            let before = std::mem::replace(&mut self.told, snapshot);
            if self.differs(&before) {
                self.told_at = self.api.store.now();
                return Some(self.event());
            }
        }
    }

    /// Whether there is something new that the stream's client may know of.
    fn differs(&self, before: &Snapshot) -> bool {
        self.view.of_snapshot(&self.told).digest() != self.view.of_snapshot(before).digest()
    }

    fn event(&self) -> Bytes {
        event(self.view, &self.told, self.told_at, self.api.store.now())
    }
}

/// That a client is to ask again. What it shows when it comes back names the state and up to when its steps were told:
/// one that was taken while it was away is told then.
fn event(view: View, snapshot: &Snapshot, told_at: Millis, now: Millis) -> Bytes {
    let tag = tag(view, snapshot);
    let data = json!({ "type": "refetchEvaluation", "etag": tag, "lastModified": now / 1000 });
    format!("id: {tag}-{told_at}\nevent: message\ndata: {data}\n\n").into()
}

/// Up to when the steps of a state were told to whoever shows an event's id; none where it is not of that state.
fn steps_told(id: &str, tag: &str) -> Option<Millis> {
    id.strip_prefix(tag)?.strip_prefix('-')?.parse().ok()
}

/// What names a state, as far as it is seen, on every node that has it.
pub(super) fn tag(view: View, snapshot: &Snapshot) -> String {
    format!("{:032x}", view.of_snapshot(snapshot).digest())
}

/// A parameter of a query, decoded.
pub(super) fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let mut pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(known, _)| *known == name)?;
    percent_decode_str(value).decode_utf8().ok().map(Into::into)
}

/// The member of a bulk answer that names the stream.
pub(super) fn member(token: &str) -> String {
    format!(r#","eventStreams":[{{"type":"sse","endpoint":{{"requestUri":"/ofrep/v1/events?token={token}"}}}}]"#)
}
