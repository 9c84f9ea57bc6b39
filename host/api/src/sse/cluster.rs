//! The cluster's news as a stream: who comes and who goes.

use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::json;
use tokio::{sync::watch, time::Interval};

use super::{heartbeats, shut_down, streamed};
use crate::{
    access::StreamPermit,
    cluster::{ClusterMember, ClusterNews, ClusterNewsStream},
    http::Api,
};

/// Opens a stream. The subscription stands when this returns: whoever reads the cluster after the answer has
/// begun misses nothing.
pub(crate) fn response(api: &Api, permit: StreamPermit) -> Response {
    let events = Events {
        news: api.status.cluster_news(),
        begun: false,
        heartbeat: heartbeats(api.http.heartbeat),
        shutdown: api.shutdown.clone(),
        permit,
    };
    streamed(stream::unfold(events, |mut events| async move { Some((events.next().await?, events)) }))
}

struct Events {
    news: ClusterNewsStream,
    begun: bool,
    heartbeat: Interval,
    shutdown: watch::Receiver<bool>,
    permit: StreamPermit,
}

impl Events {
    /// The next frame; none once the node shuts down, or whoever opened it is nobody any more.
    async fn next(&mut self) -> Option<Bytes> {
        if !std::mem::replace(&mut self.begun, true) {
            return Some(Bytes::from_static(b": watching\n\n"));
        }
        tokio::select! {
            biased;
            () = shut_down(&mut self.shutdown) => None,
            _ = self.permit.ended() => None,
            news = self.news.next() => Some(frame(&news?)),
            _ = self.heartbeat.tick() => Some(Bytes::from_static(b": heartbeat\n\n")),
        }
    }
}

fn frame(news: &ClusterNews) -> Bytes {
    let member = |name: &str, member: &ClusterMember| format!("event: {name}\ndata: {}\n\n", json!(member));
    let text = match news {
        ClusterNews::Joined(who) => member("joined", who),
        ClusterNews::Left(who) => member("left", who),
        ClusterNews::Missed => format!("event: reset\ndata: {}\n\n", json!({ "reason": "too_old" })),
    };
    text.into()
}
