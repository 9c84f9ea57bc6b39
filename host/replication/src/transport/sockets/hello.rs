//! The first thing that both sides say on a connection. The dialler speaks first.
//!
//! ```text
//! magic 8 | length u16 | oldest u8 | newest u8 | node 16 | incarnation u64 | cluster u8 + text | endpoint u16 + text
//! ```
//!
//! Numbers are big-endian; `length` counts what follows it. What a later release adds stands behind, and is
//! skipped by this one. These bytes are the only ones whose form never changes with the protocol version.

use std::{io, ops::RangeInclusive};

use burgee_model::NodeId;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::{message::PeerId, wire::Refusal};

/// Says that this is a link between nodes of Burgee, and not something else that found the port.
const MAGIC: [u8; 8] = *b"\xffburgee\n";
/// The most bytes of a hello behind its length.
const HELLO_BYTES_MAX: usize = 4096;

/// Who is at one end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hello {
    /// Versions of the protocol that it speaks, oldest to newest.
    pub(super) versions: RangeInclusive<u8>,
    /// Which start of which node it is.
    pub(super) peer: PeerId,
    /// The cluster's name.
    pub(super) cluster: String,
    /// Where it listens; empty where it does not.
    pub(super) endpoint: String,
}

/// Why no hello was read.
#[derive(Debug)]
pub(super) enum HelloError {
    /// The connection broke, or ended before the first byte.
    Broken(io::Error),
    /// What came is none.
    Refused(Refusal),
}

impl Hello {
    /// The bytes to send. Names that are too long for their place are cut: the configuration's are not.
    pub(super) fn encode(&self) -> Vec<u8> {
        let cluster = &self.cluster.as_bytes()[..self.cluster.len().min(usize::from(u8::MAX))];
        let endpoint = &self.endpoint.as_bytes()[..self.endpoint.len().min(HELLO_BYTES_MAX / 2)];
        let mut body = vec![*self.versions.start(), *self.versions.end()];
        body.extend(self.peer.node.0);
        body.extend(self.peer.incarnation.to_be_bytes());
        body.push(u8::try_from(cluster.len()).unwrap_or(u8::MAX));
        body.extend(cluster);
        body.extend(u16::try_from(endpoint.len()).unwrap_or(u16::MAX).to_be_bytes());
        body.extend(endpoint);
        let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
        [&MAGIC[..], &length.to_be_bytes(), &body].concat()
    }

    /// Reads a body; none where it is no hello.
    fn decode(mut body: &[u8]) -> Option<Self> {
        let [oldest, newest] = take(&mut body)?;
        let node = NodeId(take(&mut body)?);
        let incarnation = u64::from_be_bytes(take(&mut body)?);
        let [cluster] = take(&mut body)?;
        let cluster = text(&mut body, usize::from(cluster))?;
        let endpoint = u16::from_be_bytes(take(&mut body)?);
        let endpoint = text(&mut body, usize::from(endpoint))?;
        Some(Self { versions: oldest..=newest, peer: PeerId { node, incarnation }, cluster, endpoint })
    }

    /// Reads a hello and nothing behind it.
    pub(super) async fn read(reader: &mut (impl AsyncRead + Unpin)) -> Result<Self, HelloError> {
        let mut head = [0; MAGIC.len() + 2];
        let (first, rest) = head.split_at_mut(1);
        reader.read_exact(first).await.map_err(HelloError::Broken)?;
        reader.read_exact(rest).await.map_err(cut_short)?;
        let (magic, length) = head.split_at(MAGIC.len());
        let length = length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        if magic != MAGIC {
            return Err(HelloError::Refused(Refusal::Garbage));
        }
        if length > HELLO_BYTES_MAX {
            return Err(HelloError::Refused(Refusal::Oversized));
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).await.map_err(cut_short)?;
        Self::decode(&body).ok_or(HelloError::Refused(Refusal::Garbage))
    }

    /// The version in which both speak, where the other may be spoken to at all.
    pub(super) fn agree(&self, other: &Self) -> Result<u8, Refusal> {
        let version = *self.versions.end().min(other.versions.end());
        if version < *self.versions.start().max(other.versions.start()) {
            return Err(Refusal::Protocol(*other.versions.end()));
        }
        if self.cluster == other.cluster { Ok(version) } else { Err(Refusal::Cluster) }
    }
}

/// Who stops in the middle of a hello does not mean one; other errors are the connection's.
fn cut_short(error: io::Error) -> HelloError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => HelloError::Refused(Refusal::Garbage),
        _ => HelloError::Broken(error),
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

fn text(bytes: &mut &[u8], length: usize) -> Option<String> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    String::from_utf8(taken.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> Hello {
        Hello {
            versions: 2..=3,
            peer: PeerId { node: NodeId([7; 16]), incarnation: 9 },
            cluster: "burgee".to_owned(),
            endpoint: "quic/node-0:7447".to_owned(),
        }
    }

    fn other(versions: RangeInclusive<u8>) -> Hello {
        Hello { versions, ..hello() }
    }

    #[tokio::test]
    async fn reads_what_it_writes_and_skips_what_is_behind() {
        let mut bytes = hello().encode();
        assert_eq!(Hello::read(&mut &bytes[..]).await.unwrap(), hello());
        bytes.extend(*b"new");
        bytes[9] += 3;
        assert_eq!(Hello::read(&mut &bytes[..]).await.unwrap(), hello());
    }

    #[tokio::test]
    async fn every_cut_is_refused() {
        let bytes = hello().encode();
        for length in 1..bytes.len() {
            let read = Hello::read(&mut &bytes[..length]).await;
            assert!(matches!(read, Err(HelloError::Refused(Refusal::Garbage))), "{length}");
        }
        assert!(matches!(Hello::read(&mut &[][..]).await, Err(HelloError::Broken(_))));
    }

    #[tokio::test]
    async fn a_large_one_is_refused_before_it_is_read() {
        let bytes = [&MAGIC[..], &[0xff, 0xff]].concat();
        assert!(matches!(Hello::read(&mut &bytes[..]).await, Err(HelloError::Refused(Refusal::Oversized))));
    }

    #[test]
    fn the_newest_common_version_is_spoken() {
        for (versions, agreed) in [(1..=2, Ok(2)), (3..=9, Ok(3)), (2..=2, Ok(2)), (0..=255, Ok(3))] {
            assert_eq!(hello().agree(&other(versions)), agreed);
        }
        assert_eq!(hello().agree(&other(4..=9)), Err(Refusal::Protocol(9)));
        assert_eq!(hello().agree(&other(0..=1)), Err(Refusal::Protocol(1)));
        let (top, bottom) = (3, 2);
        assert_eq!(hello().agree(&other(top..=bottom)), Err(Refusal::Protocol(bottom)));
        let stranger = Hello { cluster: "other".to_owned(), ..hello() };
        assert_eq!(hello().agree(&stranger), Err(Refusal::Cluster));
    }
}
