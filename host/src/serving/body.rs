//! The body of an answer, watched: whether what it gave is taken, and until when its request lasts.
//!
//! HTTP/2 keeps what it is given until its peer allows it to be sent, so there a large part is given in pieces: a peer that
//! allows nothing holds one piece of each answer.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::{Body, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::activity::Asked;

/// A body that is watched.
pub(super) struct Watched {
    body: Body,
    asked: Asked,
    /// Bytes that are given at once.
    piece: usize,
    /// What is left of a part.
    rest: Bytes,
    /// Whether it gave a part after which it was not asked for more.
    owes: bool,
}

impl Watched {
    pub(super) fn new(body: Body, asked: Asked, piece: usize) -> Self {
        Self { body, asked, piece, rest: Bytes::new(), owes: false }
    }

    /// The next piece, where a part is not given whole yet.
    fn piece(&mut self) -> Option<Frame<Bytes>> {
        let bytes = self.rest.len().min(self.piece);
        (bytes > 0).then(|| Frame::data(self.rest.split_to(bytes)))
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Some(piece) = self.piece() {
            return Poll::Ready(Some(Ok(piece)));
        }
        let polled = Pin::new(&mut self.body).poll_frame(context);
        let Poll::Ready(Some(Ok(frame))) = polled else { return polled };
        Poll::Ready(Some(Ok(match frame.into_data() {
            Ok(part) => {
                self.rest = part;
                self.piece().unwrap_or_else(|| Frame::data(Bytes::new()))
            }
            Err(trailers) => trailers,
        })))
    }

    fn owe(&mut self, owes: bool) {
        self.asked.activity().polled(self.owes, owes);
        self.owes = owes;
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = self.poll(context);
        self.owe(matches!(polled, Poll::Ready(Some(_))));
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, left) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(left.lower().saturating_add(rest));
        if let Some(upper) = left.upper().and_then(|upper| upper.checked_add(rest)) {
            hint.set_upper(upper);
        }
        hint
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.owe(false);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http_body_util::BodyExt;

    use super::*;
    use crate::serving::activity::Activity;

    #[tokio::test]
    async fn a_large_part_comes_in_pieces_and_nothing_is_lost() {
        let activity = Arc::new(Activity::new());
        let mut body = Watched::new(Body::from("abcdefg"), activity.request(), 3);
        let mut pieces = Vec::new();
        assert_eq!(body.size_hint().exact(), Some(7));
        while let Some(frame) = body.frame().await {
            pieces.push(frame.unwrap().into_data().unwrap());
            let left = 7 - pieces.iter().map(Bytes::len).sum::<usize>();
            assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(left as u64), left == 0));
        }
        assert_eq!(pieces, ["abc", "def", "g"]);
        assert!(activity.idle_since().is_none());
        drop(body);
        assert!(activity.idle_since().is_some());
    }
}
