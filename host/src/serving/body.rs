//! The body of an answer, in pieces that are watched until they are taken.
//!
//! HTTP/2 keeps what it is given until its peer allows it to be sent, so a large part is given in pieces: a peer that
//! allows nothing holds one piece of each answer. Whatever speaks to the peer drops a piece once the network took it.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::body::{Body, Bytes};
use bytes::Buf;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::asked::{Answer, Asked};

/// What is given at once: as much as a frame of HTTP/2 has.
const PIECE_BYTES: usize = 16 * 1024;

/// A body in pieces.
pub(super) struct Pieces {
    body: Body,
    answer: Arc<Answer>,
    /// What is left of a part.
    rest: Bytes,
}

/// A piece of a body; dropped, it was taken.
pub(super) struct Piece {
    bytes: Bytes,
    /// How many it had at first.
    whole: usize,
    answer: Arc<Answer>,
}

impl Pieces {
    pub(super) fn new(body: Body, asked: Arc<Asked>) -> Self {
        Self { body, answer: Answer::new(asked), rest: Bytes::new() }
    }

    /// The next piece, where a part is not given whole yet.
    fn piece(&mut self) -> Option<Frame<Bytes>> {
        let bytes = self.rest.len().min(PIECE_BYTES);
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
}

impl HttpBody for Pieces {
    type Data = Piece;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, axum::Error>>> {
        let polled = self.poll(context);
        self.answer.asked(polled.is_pending());
        polled.map_ok(|frame| frame.map_data(|bytes| Piece::new(bytes, self.answer.clone())))
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

impl Piece {
    fn new(bytes: Bytes, answer: Arc<Answer>) -> Self {
        answer.gave();
        Self { whole: bytes.len(), bytes, answer }
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.answer.taken(self.whole);
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::serving::activity::Activity;

    fn answer(bytes: usize) -> (Arc<Activity>, Pieces) {
        let activity = Arc::new(Activity::new());
        let body = Pieces::new(Body::from(vec![7; bytes]), Asked::new(&activity));
        (activity, body)
    }

    #[tokio::test]
    async fn a_large_part_comes_in_pieces_and_nothing_is_lost() {
        const WHOLE: usize = 2 * PIECE_BYTES + 1;
        let (_activity, mut body) = answer(WHOLE);
        let mut sizes = Vec::new();
        assert_eq!(body.size_hint().exact(), Some(WHOLE as u64));
        while let Some(frame) = body.frame().await {
            sizes.push(frame.unwrap().into_data().unwrap_or_else(|_| panic!("no trailers")).remaining());
            let left = WHOLE - sizes.iter().sum::<usize>();
            assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(left as u64), left == 0));
        }
        assert_eq!(sizes, [PIECE_BYTES, PIECE_BYTES, 1]);
    }

    #[tokio::test]
    async fn a_request_is_over_once_the_last_piece_is_taken() {
        let (activity, mut body) = answer(3);
        let piece = body.frame().await;
        drop(body);
        assert!(activity.idle.asks() && activity.unread.since().is_some());
        drop(piece);
        assert!(!activity.idle.asks() && activity.unread.since().is_none());
    }
}
