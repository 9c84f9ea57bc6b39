//! What a file of the code cache looks like: `MAGIC`, the MAC, the code.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::code::Name;

/// Names this format; another one gets another name.
const MAGIC: &[u8; 8] = b"burgeec1";
const MAC_BYTES: usize = 32;

/// The bytes of a node's key: a whole block of the hash.
pub(super) const KEY_BYTES: usize = 64;

/// Makes and checks files, by HMAC-SHA-256 under the node's key. The MAC covers the name too, so that no file can
/// stand in for another.
pub(super) struct Seal(Hmac<Sha256>);

impl Seal {
    pub(super) fn new(key: &[u8; KEY_BYTES]) -> Self {
        Self(Hmac::new(key.into()))
    }

    /// The file of this code.
    pub(super) fn close(&self, name: &Name, code: &[u8]) -> Vec<u8> {
        let mac = self.mac(name, code).finalize().into_bytes();
        [&MAGIC[..], &mac, code].concat()
    }

    /// The code of a file; none where it is not one that [`Self::close`] made for this name.
    pub(super) fn open<'a>(&self, name: &Name, file: &'a [u8]) -> Option<&'a [u8]> {
        let (mac, code) = file.strip_prefix(MAGIC)?.split_at_checked(MAC_BYTES)?;
        self.mac(name, code).verify_slice(mac).ok().map(|()| code)
    }

    fn mac(&self, name: &Name, code: &[u8]) -> Hmac<Sha256> {
        self.0.clone().chain_update(MAGIC).chain_update(name.bytes()).chain_update(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(byte: u8) -> Name {
        Name::of(&[byte; 32], &[byte])
    }

    #[test]
    fn only_what_was_sealed_opens() {
        let seal = Seal::new(&[7; KEY_BYTES]);
        let file = seal.close(&name(1), b"code");
        assert_eq!(seal.open(&name(1), &file), Some(&b"code"[..]));
        assert_eq!(seal.open(&name(2), &file), None, "another name");
        assert_eq!(Seal::new(&[8; KEY_BYTES]).open(&name(1), &file), None, "another key");
        for length in 0..file.len() {
            assert_eq!(seal.open(&name(1), &file[..length]), None, "{length} bytes of it");
        }
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert_eq!(seal.open(&name(1), &changed), None, "changed at {at}");
        }
    }
}
