//! Server-sent events: the store's feed, filtered and resumable, and the cluster's news; ended promptly at shutdown.

mod cluster;
mod event;
mod filter;

pub(crate) use cluster::response as cluster;
pub(crate) use filter::{Filter, Kind};

use std::{convert::Infallible, time::Duration};

use axum::{body::Body, response::Response};
use burgee_model::NodeId;
use burgee_store::{FeedEvent, FeedReader, Position};
use bytes::Bytes;
use futures_util::{FutureExt, Stream, StreamExt, stream};
use http::{HeaderValue, header};
use tokio::{
    sync::watch,
    time::{Instant, Interval, MissedTickBehavior, interval_at},
};

use crate::{
    access::{Ended, StreamPermit},
    http::Api,
};
use event::EventId;

/// Opens a stream. The subscription stands when this returns: whoever lists after the answer has begun
/// misses nothing.
pub(crate) fn response(
    api: &Api,
    filter: Filter,
    last_event_id: Option<&HeaderValue>,
    permit: StreamPermit,
) -> Response {
    let events = Events::open(api, filter, last_event_id, permit);
    streamed(stream::unfold(events, |mut events| async move { Some((events.next().await?, events)) }))
}

/// An answer of frames as they come, which nobody on the way may keep.
pub(crate) fn streamed(frames: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    let mut response = Response::new(Body::from_stream(frames.map(Ok::<_, Infallible>)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

struct Events {
    reader: FeedReader,
    feed: burgee_store::Feed,
    filter: Filter,
    node: NodeId,
    /// How far the reader has come, whether or not the filter let anything through.
    position: Position,
    /// What is sent before anything else.
    first: Option<Bytes>,
    heartbeat: Interval,
    shutdown: watch::Receiver<bool>,
    permit: StreamPermit,
    /// Where what is watched was gone: what was said of it until then is told, and no more.
    over: Option<Position>,
}

impl Events {
    fn open(api: &Api, filter: Filter, last_event_id: Option<&HeaderValue>, permit: StreamPermit) -> Self {
        let (feed, node) = (api.store.feed(), api.store.node_id());
        let newest = feed.position();
        let resume = last_event_id.map(|value| event::parse_id(value.as_bytes()));
        let (position, first) = match resume {
            None => (newest, event::greeting(EventId(node, newest))),
            Some(Some(EventId(id, position))) if id == node => (position, event::greeting(EventId(node, position))),
            Some(Some(_)) => (newest, event::reset(EventId(node, newest), "other_node")),
            Some(None) => (newest, event::reset(EventId(node, newest), "unknown_position")),
        };
        let heartbeat = heartbeats(api.http.heartbeat);
        let (reader, shutdown) = (feed.subscribe(Some(position)), api.shutdown.clone());
        Self { reader, feed, filter, node, position, first: Some(first), heartbeat, shutdown, permit, over: None }
    }

    /// The next frame; none once the node shuts down, or whoever opened it is nobody any more.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            if let Some(end) = self.over {
                let event = self.reader.next().now_or_never().filter(|event| !matches!(event, FeedEvent::Reset(_)))?;
                let frame = self.frame(&event);
                if self.position > end {
                    return None;
                }
                if frame.is_some() {
                    return frame;
                }
                continue;
            }
            let event = tokio::select! {
                biased;
                () = shut_down(&mut self.shutdown) => return None,
                ended = self.permit.ended() => match ended {
                    Ended::Caller => return None,
                    Ended::Place => {
                        self.over = Some(self.feed.position());
                        continue;
                    }
                },
                event = self.reader.next() => event,
                _ = self.heartbeat.tick() => return Some(event::heartbeat(EventId(self.node, self.position))),
            };
            if let Some(frame) = self.frame(&event) {
                return Some(frame);
            }
        }
    }

    fn frame(&mut self, event: &FeedEvent) -> Option<Bytes> {
        match event {
            FeedEvent::Reset(reason) => {
                self.position = self.feed.position();
                Some(event::reset(EventId(self.node, self.position), reason.name()))
            }
            FeedEvent::Conflict(conflict) => {
                self.position = conflict.position;
                let wanted = self.filter.wants_register(&conflict.register);
                wanted.then(|| event::conflict(EventId(self.node, conflict.position), conflict)).flatten()
            }
            FeedEvent::Change(entry) => {
                self.position = entry.position;
                let wanted = self.filter.wants(entry);
                wanted.then(|| event::change(EventId(self.node, entry.position), entry)).flatten()
            }
        }
    }
}

/// Signs of life, the first after one period.
pub(crate) fn heartbeats(period: Duration) -> Interval {
    let mut heartbeat = interval_at(Instant::now() + period, period);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    heartbeat
}

/// Completes when the node shuts down; never where nobody can say so any more.
pub(crate) async fn shut_down(shutdown: &mut watch::Receiver<bool>) {
    if shutdown.wait_for(|down| *down).await.is_err() {
        std::future::pending::<()>().await;
    }
}
