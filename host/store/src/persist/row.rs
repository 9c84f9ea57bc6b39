//! Rows: a register's bytes, and what tells its versions apart; the version's bytes, and their checksum.

use burgee_model::RegisterId;
use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::xxh3_64;

use crate::Version;

const CHECKSUM_BYTES: usize = 8;

/// Time, id and digest.
const SUFFIX_BYTES: usize = 8 + 16 + 16;

pub(super) struct Row {
    pub(super) key: Vec<u8>,
    pub(super) value: Vec<u8>,
    suffixed: bool,
}

impl Row {
    pub(super) fn of(version: &Version) -> Self {
        let mut key = prefix(&version.register);
        let value = version.encode();
        let suffixed = version.register.address.keeps_history();
        if suffixed {
            key.extend_from_slice(&version.stamp.time.to_be_bytes());
            key.extend_from_slice(&version.stamp.id.0);
            key.extend(Sha256::digest(&value).iter().take(16));
        }
        Self { key, value: seal(value), suffixed }
    }

    /// Whether the key alone says which version the row holds.
    pub(super) fn names_version(&self) -> bool {
        self.suffixed
    }
}

/// Appends a checksum.
pub(super) fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.extend_from_slice(&xxh3_64(&bytes).to_le_bytes());
    bytes
}

/// What was sealed, if it is whole.
pub(super) fn unseal(sealed: &[u8]) -> Option<&[u8]> {
    let (bytes, checksum) = sealed.split_at_checked(sealed.len().checked_sub(CHECKSUM_BYTES)?)?;
    (xxh3_64(bytes).to_le_bytes() == checksum).then_some(bytes)
}

/// The bytes of register ids are such that none begins with another's.
fn prefix(register: &RegisterId) -> Vec<u8> {
    postcard::to_stdvec(register).unwrap_or_default()
}

/// The keys of a register's rows: from, to.
pub(super) fn range(register: &RegisterId) -> (Vec<u8>, Vec<u8>) {
    let from = prefix(register);
    let mut to = from.clone();
    to.extend([0xff; SUFFIX_BYTES]);
    (from, to)
}

/// The version of a row, if it is whole, keeps the rules, and stands where it belongs.
pub(super) fn read(key: &[u8], value: &[u8]) -> Option<Version> {
    let version = Version::decode(unseal(value)?).ok()?;
    let here = key.starts_with(&prefix(&version.register));
    (here && version.is_sane()).then_some(version)
}
