//! What waits to be sent on one link: two lanes, both bounded.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::BytesMut;
use tokio::sync::Notify;

use super::chunk::Frame;
use crate::config::ReplicationLimits;

/// Bytes of one lane from which a batch of chunks is written.
const BATCH_BYTES: usize = 32 * 1024;

/// A queue of frames with one reader.
#[derive(Debug)]
pub(super) struct Outbox {
    lanes: Mutex<Lanes>,
    changed: Notify,
    bounds: Bounds,
}

#[derive(Debug, Default)]
struct Lanes {
    /// News and questions; answers.
    lanes: [Lane; 2],
    /// Nothing is taken any more.
    retired: bool,
}

#[derive(Debug, Default)]
struct Lane {
    frames: VecDeque<Frame>,
    bytes: usize,
}

/// Of one lane.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    bytes: usize,
    frames: usize,
    frame_bytes: usize,
}

impl Outbox {
    pub(super) fn new(limits: &ReplicationLimits) -> Self {
        let bounds = Bounds { bytes: limits.link_bytes, frames: limits.link_frames, frame_bytes: limits.frame_bytes };
        Self { lanes: Mutex::default(), changed: Notify::new(), bounds }
    }

    /// Queues a frame, where there is room.
    pub(super) fn push(&self, frame: Frame) -> bool {
        let mut lanes = self.lock();
        let lane = usize::from(frame.kind.is_bulk());
        let pushed = !lanes.retired && lanes.lanes[lane].push(frame, self.bounds);
        drop(lanes);
        if pushed {
            self.changed.notify_one();
        }
        pushed
    }

    /// Takes nothing more; what waits is still sent. Says whether that is new.
    pub(super) fn retire(&self) -> bool {
        let was = std::mem::replace(&mut self.lock().retired, true);
        self.changed.notify_one();
        !was
    }

    /// Takes nothing more, and forgets what waits.
    pub(super) fn abandon(&self) {
        let mut lanes = self.lock();
        *lanes = Lanes { retired: true, ..Lanes::default() };
        drop(lanes);
        self.changed.notify_one();
    }

    /// Waits for chunks and puts a batch of them into the buffer; false once there will be no more.
    pub(super) async fn fill(&self, buffer: &mut BytesMut) -> bool {
        loop {
            let retired = {
                let mut lanes = self.lock();
                if lanes.fill(buffer) {
                    return true;
                }
                lanes.retired
            };
            if retired {
                return false;
            }
            self.changed.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lanes {
    /// About as much of the one lane as of the other, news first.
    fn fill(&mut self, buffer: &mut BytesMut) -> bool {
        for lane in &mut self.lanes {
            let full = buffer.len() + BATCH_BYTES;
            while buffer.len() < full && lane.next_chunk(buffer) {}
        }
        !buffer.is_empty()
    }
}

impl Lane {
    /// A frame that is larger than the bound waits alone.
    fn push(&mut self, frame: Frame, bounds: Bounds) -> bool {
        let bytes = frame.bytes.len();
        let room = self.frames.is_empty() || self.bytes + bytes <= bounds.bytes && self.frames.len() < bounds.frames;
        if !room || bytes > bounds.frame_bytes {
            return false;
        }
        self.bytes += bytes;
        self.frames.push_back(frame);
        true
    }

    fn next_chunk(&mut self, buffer: &mut BytesMut) -> bool {
        let Some(frame) = self.frames.front_mut() else { return false };
        let before = frame.bytes.len();
        let more = frame.put_chunk(buffer);
        self.bytes -= before - frame.bytes.len();
        if !more {
            self.frames.pop_front();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{
        super::chunk::{CHUNK_BYTES_MAX, Chunk, Kind},
        *,
    };

    fn outbox(link_bytes: usize, link_frames: usize) -> Outbox {
        Outbox::new(&ReplicationLimits { link_bytes, link_frames, ..ReplicationLimits::default() })
    }

    fn frame(kind: Kind, length: usize) -> Frame {
        Frame { kind, number: 0, bytes: Bytes::from(vec![0; length]) }
    }

    #[test]
    fn the_bounds_hold_for_each_lane() {
        let outbox = outbox(100, 3);
        assert!(outbox.push(frame(Kind::News, 60)));
        assert!(!outbox.push(frame(Kind::Request, 41)), "too many bytes");
        assert!(outbox.push(frame(Kind::Request, 40)));
        assert!(outbox.push(frame(Kind::News, 0)));
        assert!(!outbox.push(frame(Kind::News, 0)), "too many frames");
        assert!(outbox.push(frame(Kind::Answer, 1000)), "alone in its lane");
        assert!(!outbox.push(frame(Kind::Answer, 1)));
        assert!(!outbox.push(frame(Kind::News, usize::pow(2, 26))), "larger than any frame may be");
    }

    #[tokio::test]
    async fn news_waits_for_one_chunk_of_an_answer() {
        let outbox = outbox(1 << 20, 10);
        outbox.push(frame(Kind::Answer, 10 * CHUNK_BYTES_MAX));
        let mut buffer = BytesMut::new();
        assert!(outbox.fill(&mut buffer).await);
        buffer.clear();
        outbox.push(frame(Kind::News, 1));
        outbox.push(frame(Kind::News, 1));
        assert!(outbox.fill(&mut buffer).await);
        let kinds: Vec<_> = std::iter::from_fn(|| Chunk::take(&mut buffer).unwrap()).map(|c| c.frame.kind).collect();
        assert_eq!(kinds, [Kind::News, Kind::News, Kind::Answer]);
        assert!(buffer.capacity() < 4 * CHUNK_BYTES_MAX);
    }

    #[tokio::test]
    async fn what_waits_when_it_retires_is_sent() {
        let outbox = outbox(100, 10);
        outbox.push(frame(Kind::News, 1));
        assert!(outbox.retire());
        assert!(!outbox.retire());
        assert!(!outbox.push(frame(Kind::News, 1)));
        let mut buffer = BytesMut::new();
        assert!(outbox.fill(&mut buffer).await);
        buffer.clear();
        assert!(!outbox.fill(&mut buffer).await);
    }
}
