//! Versions: the unit of replication, history and conflict detection; and their bytes.

use std::{fmt, sync::Arc};

use burgee_model::{Address, Blob, Media, Millis, RegisterId, Stamp, stamp::TIME_MAX};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::newer;

/// The most parents that a version names.
pub const PARENTS_MAX: usize = 8;

/// The most bytes that a version's content may have: those of the largest import.
pub const CONTENT_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The most bytes that an encoded version may have.
pub const VERSION_BYTES_MAX: usize = CONTENT_BYTES_MAX + 256 * 1024;

/// The format that [`Version::encode`] writes; the first byte of what it writes.
pub(crate) const FORMAT: u8 = 1;

/// The identity of a change, which may write many registers: the clock's reading when it was written,
/// which is also the stamp of its first write (unless that had to be stamped beyond the clock).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChangeId(pub Stamp);

impl fmt::Display for ChangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// One value, or the deletion, of one register, as its author wrote it. Never changed after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Of which register.
    pub register: RegisterId,
    /// Its place in the order of all versions.
    pub stamp: Stamp,
    /// The versions that it replaces or settles: at most [`PARENTS_MAX`].
    pub parents: Box<[Stamp]>,
    /// The greatest container floor that its author held over it.
    pub floor_seen: Option<Stamp>,
    /// The value; none is a tombstone. A floor's is an empty JSON object.
    pub content: Option<Blob>,
    /// From when on it counts as absent.
    pub expires_at: Option<Millis>,
    /// Who wrote it.
    pub actor: Arc<str>,
    /// The change that it belongs to.
    pub change: ChangeId,
    /// Why, in the author's words.
    pub note: Option<Box<str>>,
}

/// Why bytes are not a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// No bytes at all (0), or another format than this release knows; the field holds its number.
    #[error("unknown version format {0}")]
    Format(u8),
    /// Of a kind, field or scope that this release does not know.
    #[error("unknown kind of register")]
    Kind,
    /// More bytes than a version may have.
    #[error("a version is too large")]
    TooLarge,
    /// The bytes are not of that format.
    #[error("malformed version")]
    Malformed,
}

impl CodecError {
    /// Whether the bytes are such as a newer release may have written.
    #[must_use]
    pub fn is_newer(self) -> bool {
        matches!(self, Self::Kind) || matches!(self, Self::Format(format) if format > FORMAT)
    }
}

impl Version {
    /// The canonical bytes: equal versions have equal bytes, different ones have different bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let start = Vec::with_capacity(160 + self.content.as_ref().map_or(0, |blob| blob.bytes.len()));
        extend(extend(extend(start, &FORMAT), &self.register), &BodyRef::of(self))
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// Whatever else the bytes are: it never panics.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        if bytes.len() > VERSION_BYTES_MAX {
            return Err(CodecError::TooLarge);
        }
        let rest = match bytes {
            [FORMAT, rest @ ..] => rest,
            other => return Err(CodecError::Format(other.first().copied().unwrap_or(0))),
        };
        let (register, rest) = postcard::take_from_bytes(rest).map_err(|_| newer::reason(rest))?;
        decode_body(register, rest)
    }

    /// Whether the version could have come from a node that keeps the rules: its stamps lie before the
    /// year 2100 and above what they must have followed, floors are nothing but floors, and the cluster's own
    /// registers are in its tenant, with nothing else.
    #[must_use]
    pub fn is_sane(&self) -> bool {
        self.register.address.may_be_of(&self.register.tenant)
            && are_in_order(self.stamp, self.change.0, &self.parents, self.floor_seen)
            && (!self.is_floor() || (self.content.is_some() && self.expires_at.is_none() && self.floor_seen.is_none()))
    }

    /// Whether it is a floor.
    #[must_use]
    pub fn is_floor(&self) -> bool {
        matches!(self.register.address, Address::Floor(_))
    }

    /// Whether its deadline has passed.
    #[must_use]
    pub fn is_expired(&self, now: Millis) -> bool {
        self.expires_at.is_some_and(|deadline| deadline <= now)
    }

    /// Its value, unless it is a tombstone or has expired.
    #[must_use]
    pub fn live(&self, now: Millis) -> Option<&Blob> {
        self.content.as_ref().filter(|_| !self.is_expired(now))
    }

    /// About how many bytes it takes in memory.
    #[must_use]
    pub fn weight(&self) -> usize {
        const FIXED: usize = 320;
        FIXED + self.content.as_ref().map_or(0, |blob| blob.bytes.len())
    }
}

/// Whether the stamps of a version lie in time, and after what they must have followed.
fn are_in_order(stamp: Stamp, change: Stamp, parents: &[Stamp], floor_seen: Option<Stamp>) -> bool {
    let before = |earlier: &Stamp| *earlier < stamp;
    (1..TIME_MAX).contains(&stamp.time)
        && change.time < TIME_MAX
        && parents.len() <= PARENTS_MAX
        && parents.iter().all(before)
        && floor_seen.as_ref().is_none_or(before)
}

/// Appends a value's bytes. Writing our types to memory cannot fail: the error would be a bug of the codec,
/// which the round-trip test finds.
fn extend<T: Serialize>(bytes: Vec<u8>, value: &T) -> Vec<u8> {
    postcard::to_extend(value, bytes).unwrap_or_default()
}

/// What follows the register in the bytes; what must be read often stands first.
#[derive(Serialize)]
struct BodyRef<'a> {
    stamp: Stamp,
    expires_at: Option<Millis>,
    floor_seen: Option<Stamp>,
    media: Option<&'a Media>,
    /// None where the change is this very stamp.
    change: Option<Stamp>,
    parents: &'a [Stamp],
    actor: &'a str,
    note: Option<&'a str>,
    bytes: &'a Bytes,
}

static NOTHING: Bytes = Bytes::new();

impl<'a> BodyRef<'a> {
    fn of(version: &'a Version) -> Self {
        Self {
            stamp: version.stamp,
            expires_at: version.expires_at,
            floor_seen: version.floor_seen,
            media: version.content.as_ref().map(|blob| &blob.media),
            change: (version.change.0 != version.stamp).then_some(version.change.0),
            parents: &version.parents,
            actor: &version.actor,
            note: version.note.as_deref(),
            bytes: version.content.as_ref().map_or(&NOTHING, |blob| &blob.bytes),
        }
    }
}

/// The same, read.
#[derive(Deserialize)]
pub(crate) struct Body<'a> {
    pub(crate) stamp: Stamp,
    expires_at: Option<Millis>,
    floor_seen: Option<Stamp>,
    media: Option<Media>,
    change: Option<Stamp>,
    pub(crate) parents: Box<[Stamp]>,
    actor: &'a str,
    note: Option<&'a str>,
    bytes: &'a [u8],
}

impl<'a> Body<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, CodecError> {
        let (body, rest): (Self, _) = postcard::take_from_bytes(bytes).map_err(|_| CodecError::Malformed)?;
        let bounded = body.parents.len() <= PARENTS_MAX && rest.is_empty();
        if !bounded || (body.media.is_none() && !body.bytes.is_empty()) {
            return Err(CodecError::Malformed);
        }
        if body.bytes.len() > CONTENT_BYTES_MAX { Err(CodecError::TooLarge) } else { Ok(body) }
    }

    /// The bytes of its value, unless it is a tombstone or has expired.
    pub(crate) fn live(&self, now: Millis) -> Option<&'a [u8]> {
        let expired = self.expires_at.is_some_and(|deadline| deadline <= now);
        (self.media.is_some() && !expired).then_some(self.bytes)
    }

    fn change(&self) -> Stamp {
        self.change.unwrap_or(self.stamp)
    }

    /// Whether its stamps lie in time, and after what they must have followed.
    pub(crate) fn is_in_order(&self) -> bool {
        are_in_order(self.stamp, self.change(), &self.parents, self.floor_seen)
    }
}

/// The beginning of a body: what merging and listing look at.
#[derive(Deserialize, Clone, Debug, Default, PartialEq)]
pub(crate) struct Header {
    pub(crate) stamp: Stamp,
    pub(crate) expires_at: Option<Millis>,
    pub(crate) floor_seen: Option<Stamp>,
    media: Option<Media>,
}

impl Header {
    pub(crate) fn is_tombstone(&self) -> bool {
        self.media.is_none()
    }
}

/// What is written behind a version's bytes at most: room for it is made with them.
const SUFFIX_BYTES: usize = 8;

/// The canonical bytes of a version, of its register's bytes and its body.
pub(crate) fn canonical(register: &[u8], body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + register.len() + body.len() + SUFFIX_BYTES);
    bytes.push(FORMAT);
    bytes.extend_from_slice(register);
    bytes.extend_from_slice(body);
    bytes
}

/// A register's bytes, as they stand in those of its versions. None begins with another's.
pub(crate) fn encode_register(id: &RegisterId) -> Vec<u8> {
    extend(Vec::with_capacity(64), id)
}

/// What follows the register in a version's bytes.
pub(crate) fn encode_body(version: &Version) -> Vec<u8> {
    let content = version.content.as_ref().map_or(0, |blob| blob.bytes.len());
    extend(Vec::with_capacity(96 + content), &BodyRef::of(version))
}

/// The register of such bytes, and what follows it.
pub(crate) fn decode_register(bytes: &[u8]) -> Option<(RegisterId, &[u8])> {
    postcard::take_from_bytes(bytes).ok()
}

pub(crate) fn decode_header(body: &[u8]) -> Option<Header> {
    postcard::take_from_bytes(body).ok().map(|(header, _)| header)
}

pub(crate) fn decode_body(register: RegisterId, body: &[u8]) -> Result<Version, CodecError> {
    let body = Body::read(body)?;
    let change = ChangeId(body.change());
    Ok(Version {
        register,
        stamp: body.stamp,
        parents: body.parents,
        floor_seen: body.floor_seen,
        content: body.media.map(|media| Blob { media, bytes: Bytes::copy_from_slice(body.bytes) }),
        expires_at: body.expires_at,
        actor: body.actor.into(),
        change,
        note: body.note.map(Into::into),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{any_version, config, version};

    proptest! {
        #[test]
        fn bytes_round_trip_and_are_canonical(a in any_version(), b in any_version()) {
            prop_assert_eq!(&Version::decode(&a.encode()).unwrap(), &a);
            prop_assert_eq!(a == b, a.encode() == b.encode());
        }

        #[test]
        fn garbage_is_an_error(mut bytes in prop::collection::vec(any::<u8>(), 0..300), known in any::<bool>()) {
            if let (true, Some(first)) = (known, bytes.first_mut()) {
                *first = FORMAT;
            }
            if let Ok(version) = Version::decode(&bytes) {
                prop_assert_eq!(Version::decode(&version.encode()), Ok(version));
            }
        }

        #[test]
        fn damaged_bytes_never_panic(a in any_version(), at in any::<prop::sample::Index>(), flip in 1..=255u8) {
            let mut bytes = a.encode();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            let _ = Version::decode(&bytes);
            prop_assert!(Version::decode(&bytes[..at]).is_err());
        }
    }

    #[test]
    fn the_first_byte_is_the_format() {
        let mut bytes = version(config("k"), 7, "v").encode();
        assert_eq!(bytes[0], 1);
        bytes[0] = 9;
        assert_eq!(Version::decode(&bytes), Err(CodecError::Format(9)));
        assert_eq!(Version::decode(&[]), Err(CodecError::Format(0)));
    }

    #[test]
    fn more_than_the_bounds_is_refused() {
        let mut many = version(config("k"), 99, "v");
        many.parents = (1..10).map(|time| Stamp { time, ..Stamp::ZERO }).collect();
        assert_eq!(Version::decode(&many.encode()), Err(CodecError::Malformed));
        assert_eq!(Version::decode(&vec![FORMAT; VERSION_BYTES_MAX + 1]), Err(CodecError::TooLarge));
        let mut trailing = version(config("k"), 99, "v").encode();
        trailing.push(0);
        assert_eq!(Version::decode(&trailing), Err(CodecError::Malformed));
    }

    #[test]
    fn what_contradicts_itself_is_not_sane() {
        let good = version(config("k"), 50, "v");
        assert!(good.is_sane());
        let stamp = |time| Stamp { time, ..good.stamp };
        assert!(!Version { stamp: stamp(TIME_MAX), ..good.clone() }.is_sane());
        assert!(!Version { parents: Box::new([stamp(50)]), ..good.clone() }.is_sane());
        assert!(!Version { floor_seen: Some(stamp(51)), ..good.clone() }.is_sane());
    }
}
