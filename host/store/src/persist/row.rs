//! Rows: a register's bytes, and what tells its versions apart; the version's bytes, and their checksum.

use burgee_model::{RegisterId, Stamp};
use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::xxh3_64;

use std::sync::Arc;

use crate::{
    Outcome, Table, Version,
    packed::Packed,
    table::rows::Retained,
    version::{decode_register, encode_register},
};

const CHECKSUM_BYTES: usize = 8;

/// Time, id and digest.
const SUFFIX_BYTES: usize = 8 + 16 + 16;

pub(super) struct Row {
    pub(super) key: Vec<u8>,
    pub(super) value: Vec<u8>,
}

impl Row {
    pub(super) fn of(version: &Version) -> Self {
        let suffixed = version.register.address.keeps_history();
        Self::new(encode_register(&version.register), version.stamp, version.encode(), suffixed)
    }

    /// The rows of a register.
    pub(super) fn all(retained: Retained) -> impl Iterator<Item = Self> {
        let Retained { register, keeps_history, versions, .. } = retained;
        versions.into_iter().map(move |(stamp, bytes)| Self::new(register.clone(), stamp, bytes, keeps_history))
    }

    /// The row of a version in its canonical bytes.
    fn new(register: Vec<u8>, stamp: Stamp, bytes: Vec<u8>, suffixed: bool) -> Self {
        let mut key = register;
        if suffixed {
            key.extend_from_slice(&stamp.time.to_be_bytes());
            key.extend_from_slice(&stamp.id.0);
            key.extend(Sha256::digest(&bytes).iter().take(16));
        }
        Self { key, value: seal(bytes) }
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

/// The keys of the rows of a register in its bytes: from, to. No register's bytes begin with another's.
pub(super) fn range(register: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let from = register.to_vec();
    let mut to = from.clone();
    to.extend([0xff; SUFFIX_BYTES]);
    (from, to)
}

/// The register of a row's key.
pub(super) fn register(key: &[u8]) -> Option<RegisterId> {
    decode_register(key).map(|(id, _)| id)
}

/// What became of a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Merged {
    /// Its version is merged, as far as it counts.
    Good,
    /// A floor lies over it, and it should have gone with what wrote that: it must not outlast the floor's own row.
    Dead(Option<RegisterId>),
    /// Its version is of a kind or format that this release does not know.
    Newer,
    /// It is not whole, breaks the rules, or stands where it does not belong.
    Damaged,
}

/// Merges the version of a row.
pub(super) fn merge(key: &[u8], value: &[u8], table: &mut Table) -> Merged {
    let Some(canonical) = unseal(value) else { return Merged::Damaged };
    if let Some(entry) = Packed::read(canonical) {
        return match key.starts_with(entry.register) && entry.is_sane() {
            false => Merged::Damaged,
            true if table.merge_packed(&entry) => Merged::Good,
            true => Merged::Dead(entry.name.id()),
        };
    }
    let version = match Version::decode(canonical) {
        Ok(version) => version,
        Err(error) if error.is_newer() => return Merged::Newer,
        Err(_) => return Merged::Damaged,
    };
    if !key.starts_with(&encode_register(&version.register)) || !version.is_sane() {
        return Merged::Damaged;
    }
    let version = Arc::new(version);
    match table.merge(&version) {
        Outcome::Dead => Merged::Dead(Some(version.register.clone())),
        _ => Merged::Good,
    }
}
