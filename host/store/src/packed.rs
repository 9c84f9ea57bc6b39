//! Versions of config entries in their canonical bytes, looked at without a copy: entries are most of what a
//! node holds, and what it merges, writes and loads of them are the same bytes.

use burgee_model::{Key, RegisterId, SYSTEM_TENANT, Stamp};

use crate::{
    chunk,
    digest::{Hasher, Path},
    facts::Facts,
    version::{self, Body, FORMAT, Header},
};

/// The place of config entries among all kinds of addresses, as it stands in the bytes of their registers.
const KIND: u8 = 7;

/// A version of a config entry.
#[derive(Clone, Debug)]
pub(crate) struct Packed<'a> {
    pub(crate) name: EntryName<'a>,
    /// All of it.
    canonical: &'a [u8],
    /// Of these, those of its register.
    pub(crate) register: &'a [u8],
    /// What follows.
    pub(crate) body: &'a [u8],
    pub(crate) header: Header,
}

/// The name of a config entry's register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntryName<'a> {
    pub(crate) tenant: &'a str,
    pub(crate) environment: &'a str,
    pub(crate) key: &'a str,
}

impl<'a> Packed<'a> {
    /// The version in such bytes; none where they are something else.
    pub(crate) fn read(canonical: &'a [u8]) -> Option<Self> {
        let (format, rest) = canonical.split_first()?;
        let (name, body) = EntryName::read(rest).filter(|_| *format == FORMAT)?;
        let register = canonical.get(1..canonical.len() - body.len())?;
        Some(Self { name, canonical, register, body, header: version::decode_header(body)? })
    }

    /// Whether all of it is a version that keeps the rules: what [`read`](Self::read) does not look at too.
    pub(crate) fn is_sane(&self) -> bool {
        let EntryName { tenant, environment, key } = self.name;
        tenant != SYSTEM_TENANT
            && [tenant, environment, key].into_iter().all(|key| Key::check(key).is_ok())
            && Body::read(self.body).is_ok_and(|body| body.is_in_order())
    }

    pub(crate) fn path(&self, hasher: Hasher) -> Path {
        hasher.place(self.name.tenant, self.register)
    }

    pub(crate) fn facts(&self, hasher: Hasher, horizon: Stamp) -> Facts {
        Facts::of_entry(&self.header, hasher.version(self.canonical), horizon)
    }
}

impl<'a> EntryName<'a> {
    /// The name at the beginning of such bytes, and what follows; none where something else stands there.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (tenant, rest) = chunk::take(bytes)?;
        let (kind, rest) = rest.split_first()?;
        if *kind != KIND {
            return None;
        }
        let (environment, rest) = chunk::take(rest)?;
        let (key, rest) = chunk::take(rest)?;
        let text = |bytes| std::str::from_utf8(bytes).ok();
        Some((Self { tenant: text(tenant)?, environment: text(environment)?, key: text(key)? }, rest))
    }

    pub(crate) fn id(self) -> Option<RegisterId> {
        let [tenant, environment, key] = [self.tenant, self.environment, self.key].map(|key| Key::new(key).ok());
        Some(RegisterId::config(&tenant?, &environment?, &key?))
    }

    /// The bytes of its register.
    pub(crate) fn register(self) -> Vec<u8> {
        let bytes = Vec::with_capacity(self.tenant.len() + self.environment.len() + self.key.len() + 8);
        let mut bytes = chunk::put(bytes, self.tenant.as_bytes());
        bytes.push(KIND);
        chunk::put(chunk::put(bytes, self.environment.as_bytes()), self.key.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        testing::{any_version, config, version},
        version::{Version, encode_register},
    };

    proptest! {
        #[test]
        fn it_is_the_version_and_nothing_else(version in any_version()) {
            let bytes = version.encode();
            let packed = Packed::read(&bytes);
            let is_entry = matches!(version.register.address, burgee_model::Address::Config { .. });
            prop_assert_eq!(packed.is_some(), is_entry);
            if let Some(packed) = packed {
                prop_assert_eq!(packed.name.id(), Some(version.register.clone()));
                prop_assert_eq!(&packed.name.register(), &encode_register(&version.register));
                prop_assert_eq!(packed.register, &encode_register(&version.register)[..]);
                prop_assert_eq!(packed.is_sane(), version.is_sane());
                prop_assert_eq!(packed.header.stamp, version.stamp);
            }
        }

        #[test]
        fn damaged_bytes_are_as_sane_as_the_version_in_them(at in any::<prop::sample::Index>(), flip in 1..=255u8) {
            let mut bytes = version(config("key"), 50, "value").encode();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            let decoded = Version::decode(&bytes).is_ok_and(|version| version.is_sane());
            if let Some(packed) = Packed::read(&bytes) {
                prop_assert_eq!(packed.is_sane(), decoded);
            }
        }
    }
}
