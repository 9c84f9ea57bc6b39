//! What follows the hello: chunks, each a piece of a frame.
//!
//! ```text
//! kind u8 | number u64 | length u32 | bytes
//! ```
//!
//! Numbers are big-endian. The top bit of `kind` says that more of the frame follows. Frames travel in two
//! lanes, so that a large answer delays news by one chunk only; within its lane a frame's chunks follow each
//! other.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::wire::Refusal;

/// The most bytes of a frame in one chunk.
pub(super) const CHUNK_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a chunk without those of its frame.
pub(super) const HEAD_BYTES: usize = 13;

const MORE: u8 = 0x80;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// To be handed to the node.
    News = 1,
    /// The same, and to be answered under its number.
    Request = 2,
    /// The answer to the request of that number.
    Answer = 3,
    /// There will be no answer to the request of that number.
    Decline = 4,
    /// Only says that the node lives.
    Ping = 5,
    /// Nothing follows; the other side is to end too.
    Bye = 6,
}

impl Kind {
    fn parse(byte: u8) -> Option<Self> {
        [Self::News, Self::Request, Self::Answer, Self::Decline, Self::Ping, Self::Bye]
            .into_iter()
            .find(|kind| *kind as u8 == byte)
    }

    /// Answers have a lane of their own.
    pub(super) fn is_bulk(self) -> bool {
        matches!(self, Self::Answer | Self::Decline)
    }
}

/// A frame, or the rest of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    /// Names a request; 0 in what belongs to none.
    pub(super) number: u64,
    pub(super) bytes: Bytes,
}

impl Frame {
    /// A frame without bytes.
    pub(super) fn bare(kind: Kind, number: u64) -> Self {
        Self { kind, number, bytes: Bytes::new() }
    }

    /// Moves the next chunk into a buffer; says whether more follow.
    pub(super) fn put_chunk(&mut self, buffer: &mut BytesMut) -> bool {
        let bytes = self.bytes.split_to(self.bytes.len().min(CHUNK_BYTES_MAX));
        let more = !self.bytes.is_empty();
        buffer.reserve(HEAD_BYTES + bytes.len());
        buffer.put_u8(self.kind as u8 | if more { MORE } else { 0 });
        buffer.put_u64(self.number);
        buffer.put_u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        buffer.put(bytes);
        more
    }
}

/// A chunk that was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) frame: Frame,
    /// More of the frame follows.
    pub(super) more: bool,
}

impl Chunk {
    /// Takes a chunk from the front of what was received, where it is there as a whole.
    pub(super) fn take(buffer: &mut BytesMut) -> Result<Option<Self>, Refusal> {
        let Some(mut head) = buffer.get(..HEAD_BYTES) else { return Ok(None) };
        let (first, number) = (head.get_u8(), head.get_u64());
        let length = usize::try_from(head.get_u32()).map_err(|_| Refusal::Oversized)?;
        let kind = Kind::parse(first & !MORE).ok_or(Refusal::Garbage)?;
        if length > CHUNK_BYTES_MAX {
            return Err(Refusal::Oversized);
        }
        if buffer.len() < HEAD_BYTES + length {
            return Ok(None);
        }
        buffer.advance(HEAD_BYTES);
        // Copied, so that a small frame that waits does not keep the whole buffer.
        let bytes = Bytes::copy_from_slice(&buffer[..length]);
        buffer.advance(length);
        Ok(Some(Self { frame: Frame { kind, number, bytes }, more: first & MORE != 0 }))
    }
}

/// Puts the chunks of one lane together.
#[derive(Debug)]
pub(super) struct Assembler {
    frame_bytes_max: usize,
    /// The frame whose end is still to come.
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    kind: Kind,
    number: u64,
    /// None once it is too large: the rest is skipped.
    bytes: Option<BytesMut>,
}

impl Assembler {
    pub(super) fn new(frame_bytes_max: usize) -> Self {
        Self { frame_bytes_max, open: None }
    }

    /// Whether a frame has begun whose end is still to come.
    pub(super) fn is_amid(&self) -> bool {
        self.open.is_some()
    }

    /// Takes a chunk and gives the frame that it completes. A frame that is too large is refused at its
    /// end and does not break the link; chunks that do not belong together do.
    pub(super) fn take(&mut self, chunk: Chunk) -> Result<Option<Frame>, Broken> {
        let Chunk { frame, more } = chunk;
        if !more && self.open.is_none() && frame.bytes.len() <= self.frame_bytes_max {
            return Ok(Some(frame));
        }
        let open = self.open.get_or_insert_with(|| Open::of(&frame));
        if (open.kind, open.number) != (frame.kind, frame.number) {
            return Err(Broken::Link);
        }
        open.append(&frame.bytes, self.frame_bytes_max);
        if more {
            return Ok(None);
        }
        let bytes = self.open.take().and_then(|open| open.bytes).ok_or(Broken::Frame)?;
        Ok(Some(Frame { bytes: bytes.freeze(), ..frame }))
    }
}

/// What is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// A frame that is too large.
    Frame,
    /// The whole link: its bytes make no sense.
    Link,
}

impl Open {
    fn of(frame: &Frame) -> Self {
        Self { kind: frame.kind, number: frame.number, bytes: Some(BytesMut::new()) }
    }

    fn append(&mut self, bytes: &[u8], bytes_max: usize) {
        self.bytes = self.bytes.take().filter(|held| held.len() + bytes.len() <= bytes_max);
        if let Some(held) = &mut self.bytes {
            held.extend_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn news(length: usize) -> Frame {
        Frame { kind: Kind::News, number: 0, bytes: vec![5; length].into() }
    }

    fn chunks(mut frame: Frame) -> Vec<Chunk> {
        let mut buffer = BytesMut::new();
        while frame.put_chunk(&mut buffer) {}
        let taken = std::iter::from_fn(|| Chunk::take(&mut buffer).unwrap()).collect();
        assert!(buffer.is_empty());
        taken
    }

    #[test]
    fn frames_of_every_length_come_whole() {
        for length in [0, 1, CHUNK_BYTES_MAX - 1, CHUNK_BYTES_MAX, CHUNK_BYTES_MAX + 1, 5 * CHUNK_BYTES_MAX] {
            let mut assembler = Assembler::new(5 * CHUNK_BYTES_MAX);
            let frames: Vec<_> = chunks(news(length)).into_iter().map(|chunk| assembler.take(chunk).unwrap()).collect();
            assert_eq!(frames.len(), length.div_ceil(CHUNK_BYTES_MAX).max(1));
            assert_eq!(frames.into_iter().flatten().collect::<Vec<_>>(), [news(length)]);
        }
    }

    #[test]
    fn a_frame_that_is_too_large_is_skipped_and_the_next_is_read() {
        let mut assembler = Assembler::new(100_000);
        let taken: Vec<_> = chunks(news(200_000)).into_iter().map(|chunk| assembler.take(chunk)).collect();
        assert_eq!(taken.last(), Some(&Err(Broken::Frame)));
        assert!(taken[..taken.len() - 1].iter().all(|taken| *taken == Ok(None)));
        assert_eq!(assembler.take(Chunk { frame: news(3), more: false }), Ok(Some(news(3))));
    }

    #[test]
    fn chunks_of_two_frames_do_not_mix() {
        let mut assembler = Assembler::new(100);
        assert_eq!(assembler.take(Chunk { frame: news(3), more: true }), Ok(None));
        let stranger = Frame { number: 1, ..news(3) };
        assert_eq!(assembler.take(Chunk { frame: stranger, more: false }), Err(Broken::Link));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_fault(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut buffer = BytesMut::from(&bytes[..]);
            let mut assembler = Assembler::new(64);
            while let Ok(Some(chunk)) = Chunk::take(&mut buffer) {
                let _ = assembler.take(chunk);
            }
        }
    }
}
