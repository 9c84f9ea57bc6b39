//! Request bodies: bounded, and read to their end even where they are refused.

use std::{ops::Deref, sync::Arc, time::Duration};

use axum::body::{Body, Bytes, HttpBody};
use bytes::BytesMut;
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use serde_json::Value as Json;
use tokio::time::Instant;

use burgee_model::{
    Format, Limits, flagd,
    json::{self, Bounds},
};

use super::{
    Api, Bodies, Call,
    budget::{BodyShare, Holder},
};
use crate::error::ApiError;

/// How much of a body beyond its limit is still read and dropped. A client that is cut off while it sends
/// often never sees the answer.
const DRAINED_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The most of a body that is read although its request is refused already, and for how long.
const FINISHED_BYTES_MAX: u64 = 64 * 1024;
const FINISHED_WITHIN: Duration = Duration::from_secs(1);

/// A body that was read; as long as it is held, its bytes count.
#[derive(Debug)]
pub(crate) struct Read {
    bytes: Bytes,
    share: BodyShare,
}

impl Read {
    /// The bytes, and what they count by.
    pub(crate) fn into_parts(self) -> (Bytes, BodyShare) {
        (self.bytes, self.share)
    }
}

impl Deref for Read {
    type Target = Bytes;
    fn deref(&self) -> &Bytes {
        &self.bytes
    }
}

/// The least at which a body must come.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// Zero is none.
    bytes_per_second: u64,
    /// For how long any rate will do.
    grace: Duration,
}

impl Pace {
    fn of(limits: &Limits) -> Self {
        Self { bytes_per_second: limits.body_bytes_per_second, grace: Duration::from_millis(limits.body_grace_ms) }
    }

    /// For how long so many bytes keep a body from being too slow; none is for ever.
    fn lasts(self, bytes: usize) -> Option<Duration> {
        let millis = (bytes as u64).saturating_mul(1_000).checked_div(self.bytes_per_second)?;
        Some(self.grace.saturating_add(Duration::from_millis(millis)))
    }
}

/// Reads a whole body of at most `max` bytes, as far as those of its tenant, and of all, leave room for it.
pub(crate) async fn read(call: &Call, body: Body, max: usize) -> Result<Read, ApiError> {
    read_of(call, &call.caller.holder(&call.access), body, max).await
}

/// The same for a holder.
pub(crate) async fn read_of(api: &Api, holder: &Holder, body: Body, max: usize) -> Result<Read, ApiError> {
    read_within((&api.bodies, holder), Pace::of(&api.limits), body, max).await
}

async fn read_within(
    (bodies, holder): (&Arc<Bodies>, &Holder),
    pace: Pace,
    mut body: Body,
    max: usize,
) -> Result<Read, ApiError> {
    let (mut whole, mut share, began) = (Gathered::default(), bodies.share(holder), Instant::now());
    while !body.is_end_stream() {
        let due = pace.lasts(whole.len()).and_then(|lasts| began.checked_add(lasts));
        let frame = match due {
            Some(due) => tokio::time::timeout_at(due, body.frame()).await.map_err(|_| ApiError::Timeout)?,
            None => body.frame().await,
        };
        let Some(frame) = frame else { break };
        let Ok(frame) = frame else { return Err(ApiError::BodyBroken) };
        let Ok(data) = frame.into_data() else { continue };
        let fits = whole.len() + data.len() <= max;
        let room = if fits { share.grow(data.len()) } else { Err(ApiError::BodyTooLarge { max }) };
        if let Err(error) = room {
            let read = data.len();
            drop((data, whole, share));
            drain(body, DRAINED_BYTES_MAX.saturating_sub(read)).await;
            return Err(error);
        }
        whole.push(data);
    }
    Ok(Read { bytes: whole.finish(), share })
}

/// Reads what is sent with a request that is refused unread, where that is little: its connection can then be used
/// again, and its client sees the answer.
pub(crate) async fn finish(body: Body) {
    if body.size_hint().upper().is_some_and(|bytes| bytes <= FINISHED_BYTES_MAX) {
        // one that is not sent in time ends with its connection
        let _ = tokio::time::timeout(FINISHED_WITHIN, body.collect()).await;
    }
}

/// Reads what is sent with a request that is refused unread, keeping nothing of it, so that its client sees the answer.
pub(crate) async fn discard(body: Body) {
    drain(body, DRAINED_BYTES_MAX).await;
}

async fn drain(mut body: Body, mut left: usize) {
    while let Some(Ok(frame)) = body.frame().await {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(bytes) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// The parts of a body. One part, as nearly all bodies have, is not copied.
#[derive(Default)]
struct Gathered {
    first: Bytes,
    rest: BytesMut,
}

impl Gathered {
    fn len(&self) -> usize {
        self.first.len() + self.rest.len()
    }

    fn push(&mut self, data: Bytes) {
        if self.len() == 0 {
            self.first = data;
            return;
        }
        if self.rest.is_empty() {
            self.rest.extend_from_slice(&self.first);
            self.first = Bytes::new();
        }
        self.rest.extend_from_slice(&data);
    }

    fn finish(self) -> Bytes {
        if self.rest.is_empty() { self.first } else { self.rest.freeze() }
    }
}

/// The format that a body says it has; none where it says nothing.
pub(crate) fn format(headers: &HeaderMap) -> Result<Option<Format>, ApiError> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(None) };
    let format = Format::of_media(value.to_str().unwrap_or_default());
    format.map(Some).ok_or(ApiError::MediaType("application/json or application/yaml"))
}

/// Refuses a body that says it is something else than JSON.
pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), ApiError> {
    match format(headers) {
        Ok(None | Some(Format::Json)) => Ok(()),
        _ => Err(ApiError::MediaType("application/json")),
    }
}

/// Reads a JSON document.
pub(crate) async fn document(headers: &HeaderMap, body: Body, call: &Call) -> Result<Json, ApiError> {
    require_json(headers)?;
    let text = read(call, body, call.limits.body_bytes).await?;
    parse(&text, &call.limits)
}

/// The same of a holder that is nobody yet, and of fewer bytes.
pub(crate) async fn small_document(
    headers: &HeaderMap,
    body: Body,
    (api, holder): (&Api, &Holder),
    max: usize,
) -> Result<Json, ApiError> {
    require_json(headers)?;
    let text = read_of(api, holder, body, max.min(api.limits.body_bytes)).await?;
    parse(&text, &api.limits)
}

/// What a document may be: deeper than its rules, so that a rule can be refused as a rule.
pub(crate) fn bounds(limits: &Limits) -> Bounds {
    Bounds { values: limits.body_values, ..flagd::bounds(limits) }
}

fn parse(text: &[u8], limits: &Limits) -> Result<Json, ApiError> {
    json::document(text, bounds(limits)).map_err(ApiError::InvalidJson)
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;
    use crate::http::budget::{AsHoldings, Holdings};

    #[derive(Debug, Default)]
    struct Own(Holdings);

    impl AsHoldings for Own {
        fn holdings(&self) -> &Holdings {
            &self.0
        }
    }

    fn holder() -> Holder {
        Holder::new(Arc::new(Own::default()), false, "x".into())
    }

    fn in_parts(parts: &'static [&'static str]) -> Body {
        Body::from_stream(stream::iter(parts.iter().map(|part| Ok::<_, std::io::Error>(*part))))
    }

    #[tokio::test]
    async fn parts_are_put_together_up_to_the_limit() {
        let bodies = Bodies::new(&Limits { bodies_bytes: 56, bodies_reserved_bytes: 28, ..Limits::default() });
        let (pace, holder) = (
            Pace { bytes_per_second: 0, grace: Duration::ZERO },
            Holder::new(Arc::new(Own::default()), false, "x".into()),
        );
        let read = async |body, max| read_within((&bodies, &holder), pace, body, max).await;
        let first = read(in_parts(&["a", "b", "", "c"]), 3).await.unwrap();
        assert_eq!(*first, "abc");
        assert!(matches!(read(in_parts(&["ab", "cd"]), 3).await, Err(ApiError::BodyTooLarge { max: 3 })));
        assert_eq!(*read(Body::empty(), 3).await.unwrap(), "");
        // all that a holder has together: a quarter
        let held = [read(in_parts(&["ab"]), 3).await.unwrap(), read(in_parts(&["ab"]), 3).await.unwrap()];
        assert!(matches!(read(in_parts(&["ab", "c"]), 3).await, Err(ApiError::TooManyBodies { max: 7 })));
        drop((first, held));
        assert!(read(in_parts(&["a", "b"]), 3).await.is_ok());
    }

    #[tokio::test]
    async fn what_comes_too_slowly_is_given_up_after_a_grace() {
        let seconds = Duration::from_secs;
        let pace = Pace { bytes_per_second: 10, grace: seconds(5) };
        assert_eq!([0, 10, 200].map(|bytes| pace.lasts(bytes)), [5, 6, 25].map(|time| Some(seconds(time))));
        let any = Pace { bytes_per_second: 0, ..pace };
        assert_eq!(any.lasts(0), None);
        let (bodies, hasty) = (Bodies::new(&Limits::default()), Pace { grace: Duration::ZERO, ..pace });
        let silent = Body::from_stream(stream::pending::<Result<&str, std::io::Error>>());
        assert!(matches!(read_within((&bodies, &holder()), hasty, silent, 9).await, Err(ApiError::Timeout)));
        assert_eq!(read_within((&bodies, &holder()), hasty, Body::from("x"), 9).await.unwrap().len(), 1);
    }
}
