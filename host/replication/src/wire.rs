//! Frames: messages as bytes.
//!
//! A frame is one byte with the version of the protocol, then an envelope in postcard: the cluster's name,
//! the sender, and the body. Versions of registers travel in their own canonical bytes. Decoding is total:
//! whatever the bytes are, it answers a message or a [`Refusal`].

use std::sync::Arc;

use burgee_store::Version;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::message::{Cursor, Hint, NodeInfo, Page, PageRequest, PeerId};

/// The version of the protocol that this release speaks.
pub const PROTOCOL: u8 = 1;

/// What a frame says.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// News.
    Hint(Hint),
    /// A question for a page.
    PageRequest(PageRequest),
    /// The answer.
    Page(Page),
}

/// A frame that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Who sent it.
    pub from: PeerId,
    /// What it says.
    pub message: Message,
}

/// Why a frame was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum Refusal {
    /// It speaks another version of the protocol.
    #[error("protocol version {0}, this release speaks {PROTOCOL}")]
    Protocol(u8),
    /// It is of another cluster.
    #[error("it is of another cluster")]
    Cluster,
    /// It is larger than any frame may be.
    #[error("it is too large")]
    Oversized,
    /// Its bytes are no message.
    #[error("its bytes are no message")]
    Garbage,
    /// It came faster than it could be handled.
    #[error("too many frames wait")]
    Overflow,
}

impl Refusal {
    /// The name under which it is counted.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Protocol(_) => "version",
            Self::Cluster => "cluster",
            Self::Oversized => "oversized",
            Self::Garbage => "garbage",
            Self::Overflow => "overflow",
        }
    }
}

/// What writes and reads the frames of one cluster.
#[derive(Clone, Debug)]
pub struct Codec {
    cluster: Arc<str>,
    frame_bytes: usize,
}

impl Codec {
    /// For a cluster, with the size of the largest frame that is read, in bytes.
    #[must_use]
    pub fn new(cluster: &str, frame_bytes: usize) -> Self {
        Self { cluster: Arc::from(cluster), frame_bytes }
    }

    /// Writes a frame.
    #[must_use]
    pub fn encode(&self, from: PeerId, message: &Message) -> Vec<u8> {
        let encoded: Vec<Vec<u8>> = message.versions().iter().map(|version| version.encode()).collect();
        let body = Body::new(message, encoded.iter().map(|bytes| Raw(bytes)).collect());
        let envelope = Envelope { cluster: &self.cluster, from, body };
        let bytes = encoded.iter().map(Vec::len).sum::<usize>() + 512;
        let mut frame = Vec::with_capacity(bytes);
        frame.push(PROTOCOL);
        // Writing plain data to memory cannot fail; were it to, nobody could read the frame.
        postcard::to_extend(&envelope, frame).unwrap_or_default()
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn decode(&self, frame: &[u8]) -> Result<Frame, Refusal> {
        if frame.len() > self.frame_bytes {
            return Err(Refusal::Oversized);
        }
        let (&protocol, rest) = frame.split_first().ok_or(Refusal::Garbage)?;
        if protocol != PROTOCOL {
            return Err(Refusal::Protocol(protocol));
        }
        let (envelope, rest) = postcard::take_from_bytes::<Envelope<'_>>(rest).map_err(|_| Refusal::Garbage)?;
        if envelope.cluster != &*self.cluster {
            return Err(Refusal::Cluster);
        }
        if !rest.is_empty() {
            return Err(Refusal::Garbage);
        }
        Ok(Frame { from: envelope.from, message: envelope.body.message()? })
    }
}

impl Message {
    fn versions(&self) -> &[Arc<Version>] {
        match self {
            Self::Hint(hint) => &hint.versions,
            Self::Page(page) => &page.versions,
            Self::PageRequest(_) => &[],
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    cluster: &'a str,
    from: PeerId,
    #[serde(borrow)]
    body: Body<'a>,
}

/// The order of the variants is part of the format: append only.
#[derive(Serialize, Deserialize)]
enum Body<'a> {
    Hint {
        info: NodeInfo,
        seq: u64,
        #[serde(borrow)]
        versions: Vec<Raw<'a>>,
    },
    PageRequest {
        #[serde(borrow)]
        cursor: Option<Raw<'a>>,
    },
    Page {
        info: NodeInfo,
        seq: u64,
        #[serde(borrow)]
        versions: Vec<Raw<'a>>,
        #[serde(borrow)]
        next: Option<Raw<'a>>,
    },
}

impl<'a> Body<'a> {
    fn new(message: &'a Message, versions: Vec<Raw<'a>>) -> Self {
        match message {
            Message::Hint(hint) => Self::Hint { info: hint.info.clone(), seq: hint.seq, versions },
            Message::PageRequest(request) => Self::PageRequest { cursor: request.cursor.as_ref().map(raw) },
            Message::Page(page) => {
                Self::Page { info: page.info.clone(), seq: page.seq, versions, next: page.next.as_ref().map(raw) }
            }
        }
    }

    fn message(self) -> Result<Message, Refusal> {
        Ok(match self {
            Self::Hint { info, seq, versions } => Message::Hint(Hint { info, seq, versions: decode_all(&versions)? }),
            Self::PageRequest { cursor } => Message::PageRequest(PageRequest { cursor: cursor.map(cursor_of) }),
            Self::Page { info, seq, versions, next } => {
                Message::Page(Page { info, seq, versions: decode_all(&versions)?, next: next.map(cursor_of) })
            }
        })
    }
}

fn decode_all(versions: &[Raw<'_>]) -> Result<Vec<Arc<Version>>, Refusal> {
    versions.iter().map(|raw| Version::decode(raw.0).map(Arc::new).map_err(|_| Refusal::Garbage)).collect()
}

fn raw(cursor: &Cursor) -> Raw<'_> {
    Raw(&cursor.0)
}

fn cursor_of(raw: Raw<'_>) -> Cursor {
    Cursor(raw.0.into())
}

/// Bytes that are written and read in one piece, and borrowed from the frame.
#[derive(Clone, Copy)]
struct Raw<'a>(&'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        <&'de [u8]>::deserialize(d).map(Raw)
    }
}

#[cfg(test)]
mod tests;
