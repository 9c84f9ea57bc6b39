//! Reading server-sent events.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use serde_json::Value as Json;

use crate::server::{Server, TOKEN};

/// How long a frame may take.
const BOUND: Duration = Duration::from_secs(10);

/// A stream that is being read.
pub struct Stream {
    body: Body,
    pub text: String,
}

/// A frame; a comment's event is empty.
#[derive(Debug, PartialEq)]
pub struct Frame {
    pub id: String,
    pub event: String,
    pub data: Json,
}

impl Stream {
    pub async fn open(server: &Server, path: &str, after: Option<&str>) -> Self {
        Self::open_with(server, TOKEN, path, after).await
    }

    pub async fn open_with(server: &Server, token: &str, path: &str, after: Option<&str>) -> Self {
        let mut request = Request::get(path).header("authorization", format!("Bearer {token}"));
        if let Some(id) = after {
            request = request.header("last-event-id", id);
        }
        let response = server.respond(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert!(!response.headers().contains_key("content-encoding"));
        Self { body: response.into_body(), text: String::new() }
    }

    /// The next frame, comments too; none at the end of the stream.
    pub async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, rest)) = self.text.split_once("\n\n") {
                let line =
                    |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim();
                let data = serde_json::from_str(line("data:")).unwrap_or_default();
                let found = Frame { id: line("id:").into(), event: line("event:").into(), data };
                self.text = rest.to_owned();
                return Some(found);
            }
            let frame = tokio::time::timeout(BOUND, self.body.frame()).await.expect("a frame in time")?;
            self.text.push_str(std::str::from_utf8(frame.unwrap().data_ref().unwrap()).unwrap());
        }
    }

    /// The next event.
    pub async fn next(&mut self) -> Frame {
        loop {
            let frame = self.frame().await.unwrap();
            if !frame.event.is_empty() {
                return frame;
            }
        }
    }
}
