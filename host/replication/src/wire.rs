//! Frames: messages as bytes.
//!
//! A frame is one byte with the version of the protocol, then a body in postcard; what a later version adds
//! to a body stands behind it. Versions of registers travel in their own canonical bytes, digests packed.
//! Who sent a frame, and of which cluster it is, the link knows it came by. Versions of kinds that a newer release
//! brought are left out, and counted. Decoding is total: whatever the
//! bytes are, it answers a message or a [`Refusal`].

mod body;
mod packed;
#[cfg(test)]
mod tests;

use burgee_model::{Millis, TokenId};

use self::body::{Body, Raw};
use crate::{
    config::{ENDPOINT_BYTES_MAX, NODE_NAME_BYTES_MAX},
    message::{Answer, ENDPOINTS_MAX, News, NodeInfo, PATHS_MAX, PREFIXES_MAX, Question, REACHES_MAX, USES_MAX},
};

/// The newest version of the protocol that this release speaks. Version 3 tells whom a node reaches; version 4 knows
/// rollouts of config entries and answers to writes that bear an idempotency key; version 5 tells when tokens were used.
pub const PROTOCOL: u8 = 5;

/// The oldest version of the protocol that this release speaks.
pub const PROTOCOL_MIN: u8 = 2;

/// The first version in which a node tells whom it reaches.
const REACHES_SINCE: u8 = 3;

/// The first version in which nodes ask each other when tokens were used.
pub const USES_SINCE: u8 = 5;

/// What a frame says.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Sent.
    News(News),
    /// Asked.
    Question(Question),
    /// Answered.
    Answer(Answer),
    /// Asked, beside what the core decides: when were these tokens last used (at most [`USES_MAX`])?
    AskUses(Vec<TokenId>),
    /// Answered: when, by cluster time, for those that were used since the node's start.
    Uses(Vec<(TokenId, Millis)>),
}

impl Message {
    /// The name under which it is counted.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::News(News::Beat { .. }) => "beat",
            Self::News(News::Hint { .. }) => "hint",
            Self::Question(Question::Page { .. }) | Self::Answer(Answer::Page { .. }) => "snapshot",
            Self::Question(Question::Compare { .. }) | Self::Answer(Answer::Compared { .. }) => "compare",
            Self::Question(Question::Endpoints { .. }) | Self::Answer(Answer::Endpoints(_)) => "endpoints",
            Self::Question(_) | Self::Answer(_) => "repair",
            Self::AskUses(_) | Self::Uses(_) => "uses",
        }
    }
}

/// What writes and reads frames.
#[derive(Clone, Copy, Debug)]
pub struct Codec {
    frame_bytes: usize,
}

impl Codec {
    /// With the size of the largest frame that is read, in bytes.
    #[must_use]
    pub fn new(frame_bytes: usize) -> Self {
        Self { frame_bytes }
    }

    /// Writes a frame in a version of the protocol.
    #[must_use]
    pub fn encode(&self, protocol: u8, message: &Message) -> Vec<u8> {
        let versions: Vec<Vec<u8>> = message.versions().iter().map(|version| version.encode()).collect();
        let mut frame = Vec::with_capacity(versions.iter().map(|bytes| bytes.len() + 4).sum::<usize>() + 512);
        frame.push(protocol);
        let body = Body::of(message, versions.iter().map(|bytes| Raw(bytes.as_slice().into())).collect());
        // Writing plain data to memory cannot fail; were it to, nobody could read the frame.
        let frame = postcard::to_extend(&body, frame).unwrap_or_default();
        match message {
            Message::News(News::Beat { info, .. }) if protocol >= REACHES_SINCE => {
                postcard::to_extend(&info.reaches, frame).unwrap_or_default()
            }
            _ => frame,
        }
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn decode(&self, frame: &[u8]) -> Result<Message, Refusal> {
        if frame.len() > self.frame_bytes {
            return Err(Refusal::Oversized);
        }
        let (&protocol, rest) = frame.split_first().ok_or(Refusal::Garbage)?;
        if !(PROTOCOL_MIN..=PROTOCOL).contains(&protocol) {
            return Err(Refusal::Protocol(protocol));
        }
        let (body, mut rest) = postcard::take_from_bytes::<Body<'_>>(rest).map_err(|_| Refusal::Garbage)?;
        let mut message = body.message().ok_or(Refusal::Garbage)?;
        if let Message::News(News::Beat { info, .. }) = &mut message
            && protocol >= REACHES_SINCE
        {
            (info.reaches, rest) = postcard::take_from_bytes(rest).map_err(|_| Refusal::Garbage)?;
        }
        if rest.is_empty() && is_bounded(&message) { Ok(message) } else { Err(Refusal::Garbage) }
    }
}

/// Whether it asks for, and says, no more than a message may.
fn is_bounded(message: &Message) -> bool {
    match message {
        Message::News(News::Beat { info, .. }) => is_bounded_info(info),
        Message::Question(Question::Branches { prefixes, .. }) => prefixes.len() <= PREFIXES_MAX,
        Message::Question(Question::Versions { paths, .. }) => paths.len() <= PATHS_MAX,
        Message::Question(Question::Endpoints { nodes }) => nodes.len() <= ENDPOINTS_MAX,
        Message::Answer(Answer::Branches(branches)) => branches.len() <= PREFIXES_MAX,
        Message::Answer(Answer::Endpoints(endpoints)) => {
            endpoints.len() <= ENDPOINTS_MAX && endpoints.iter().all(|(_, endpoint)| is_endpoint(endpoint))
        }
        Message::AskUses(tokens) => tokens.len() <= USES_MAX,
        Message::Uses(uses) => uses.len() <= USES_MAX,
        _ => true,
    }
}

/// Whether a node could have been configured so: what it says of itself is kept, shown and passed on.
fn is_bounded_info(info: &NodeInfo) -> bool {
    info.name.len() <= NODE_NAME_BYTES_MAX
        && info.endpoint.as_deref().is_none_or(is_endpoint)
        && info.reaches.as_ref().is_none_or(|nodes| nodes.len() <= REACHES_MAX)
}

fn is_endpoint(text: &str) -> bool {
    text.len() <= ENDPOINT_BYTES_MAX
}

/// Why a frame, or a link, was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum Refusal {
    /// It speaks no version of the protocol that this release speaks; the field is the newest it offers.
    #[error("protocol version {0}, this release speaks {PROTOCOL}")]
    Protocol(u8),
    /// It is of another cluster.
    #[error("it is of another cluster")]
    Cluster,
    /// It is larger than any frame may be.
    #[error("it is too large")]
    Oversized,
    /// The link ended in the middle of it.
    #[error("the link ended in the middle of it")]
    Truncated,
    /// Its bytes are no message.
    #[error("its bytes are no message")]
    Garbage,
    /// It came faster than it could be handled.
    #[error("too many frames wait")]
    Overflow,
    /// Its certificate is not signed by an authority of this cluster, or there is none.
    #[error("its certificate is not trusted")]
    Certificate,
    /// It claims to be a node that it is not.
    #[error("it claims an identity that is not its own")]
    Identity,
}

impl Refusal {
    /// The name under which it is counted.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Protocol(_) => "version",
            Self::Cluster => "cluster",
            Self::Oversized => "oversized",
            Self::Truncated => "truncated",
            Self::Garbage => "garbage",
            Self::Overflow => "overflow",
            Self::Certificate => "certificate",
            Self::Identity => "identity",
        }
    }
}
