//! Prefixes, paths and their sums, packed: repair sends little else.
//!
//! ```text
//! prefix: nibbles u8 | as many bytes as these nibbles fill     path: 8 bytes     check: 8 bytes
//! ```

use burgee_store::digest::{PATH_NIBBLES, Path, Prefix};

use crate::message::Check;

pub(super) fn pack_prefixes(prefixes: &[Prefix]) -> Vec<u8> {
    let mut bytes = Vec::new();
    prefixes.iter().for_each(|prefix| put_prefix(&mut bytes, *prefix));
    bytes
}

pub(super) fn unpack_prefixes(bytes: &[u8]) -> Option<Vec<Prefix>> {
    unpack(bytes, take_prefix)
}

pub(super) fn pack_twigs(twigs: &[(Prefix, Check)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (prefix, check) in twigs {
        put_prefix(&mut bytes, *prefix);
        bytes.extend(check.0.to_be_bytes());
    }
    bytes
}

pub(super) fn unpack_twigs(bytes: &[u8]) -> Option<Vec<(Prefix, Check)>> {
    unpack(bytes, |bytes| Some((take_prefix(bytes)?, Check(take_u64(bytes)?))))
}

pub(super) fn pack_paths(paths: &[Path]) -> Vec<u8> {
    paths.iter().flat_map(|path| path.to_be_bytes()).collect()
}

pub(super) fn unpack_paths(bytes: &[u8]) -> Option<Vec<Path>> {
    unpack(bytes, take_u64)
}

pub(super) fn pack_places(places: &[(Path, Check)]) -> Vec<u8> {
    places.iter().flat_map(|(path, check)| [path.to_be_bytes(), check.0.to_be_bytes()]).flatten().collect()
}

pub(super) fn unpack_places(bytes: &[u8]) -> Option<Vec<(Path, Check)>> {
    unpack(bytes, |bytes| Some((take_u64(bytes)?, Check(take_u64(bytes)?))))
}

fn put_prefix(bytes: &mut Vec<u8>, prefix: Prefix) {
    let nibbles = prefix.nibbles.min(PATH_NIBBLES);
    bytes.push(nibbles);
    bytes.extend(&prefix.path.to_be_bytes()[..usize::from(nibbles.div_ceil(2))]);
}

/// None where the bytes end early, or say more than the nibbles that they announce.
fn take_prefix(bytes: &mut &[u8]) -> Option<Prefix> {
    let ([nibbles], rest) = bytes.split_first_chunk()?;
    if *nibbles > PATH_NIBBLES {
        return None;
    }
    let (given, rest) = rest.split_at_checked(usize::from(nibbles.div_ceil(2)))?;
    let mut path = [0; 8];
    path[..given.len()].copy_from_slice(given);
    *bytes = rest;
    let path = Path::from_be_bytes(path);
    let prefix = Prefix::of(path, *nibbles);
    (prefix.path == path).then_some(prefix)
}

fn take_u64(bytes: &mut &[u8]) -> Option<u64> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u64::from_be_bytes(*taken))
}

fn unpack<T>(mut bytes: &[u8], take: impl Fn(&mut &[u8]) -> Option<T>) -> Option<Vec<T>> {
    let mut taken = Vec::new();
    while !bytes.is_empty() {
        taken.push(take(&mut bytes)?);
    }
    Some(taken)
}
