//! Digests: sums of hashes, by which two nodes find where their tables differ.
//!
//! Every version that is compared has a 128-bit hash under the cluster's key; a place is where a register
//! (or, of history, a version) stands among all others, by a hash of its name. The sum over any range of
//! places can be asked for, so that comparing takes as many steps as a tree has levels.

use std::{fmt, ops};

use burgee_model::{Millis, RegisterId, Stamp};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128_with_seed};

use crate::version;

pub(crate) mod tree;

/// The most places that one [`Branch::Leaf`] lists, unless they cannot be told apart.
pub const LEAF_PLACES: usize = 32;

/// Nibbles of a [`Path`].
pub const PATH_NIBBLES: u8 = 16;

/// The leading bits of a path, which are the tenant's.
const TENANT_BITS: u32 = 16;

const DAY_MS: Millis = 86_400_000;

/// A sum of 128-bit hashes, modulo 2^128. Shown as 32 hex digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sum(pub u128);

/// The place of a register: 16 bits of its tenant's hash, then 48 of its own. In history, the place of a
/// version, by the hash of its register and stamp.
pub type Path = u64;

/// The beginning of a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Prefix {
    /// The leading nibbles; the rest is zero.
    pub path: Path,
    /// How many there are: 0 to 16.
    pub nibbles: u8,
}

/// Which versions are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Realm {
    /// Those that count: each register's newest, be it a tombstone; all heads of a kill; floors.
    Current,
    /// All others that were stamped on a day, counted from 1970-01-01.
    History(u32),
}

/// What lies below a prefix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Branch {
    /// Many places: 2 to 16 longer prefixes, which cover all of them.
    Inner(Vec<(Prefix, Sum)>),
    /// At most [`LEAF_PLACES`] places.
    Leaf(Vec<(Path, Sum)>),
}

impl Sum {
    /// The sum of nothing.
    pub const ZERO: Self = Self(0);
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl ops::Add for Sum {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }
}

impl ops::Sub for Sum {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.wrapping_sub(other.0))
    }
}

impl ops::AddAssign for Sum {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl ops::SubAssign for Sum {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl std::iter::Sum for Sum {
    fn sum<I: Iterator<Item = Self>>(sums: I) -> Self {
        sums.fold(Self::ZERO, ops::Add::add)
    }
}

impl Prefix {
    /// The prefix of every path.
    pub const ROOT: Self = Self { path: 0, nibbles: 0 };

    /// The first nibbles of a path.
    #[must_use]
    pub fn of(path: Path, nibbles: u8) -> Self {
        let nibbles = nibbles.min(PATH_NIBBLES);
        Self { path: path & mask(nibbles), nibbles }
    }

    /// Whether a path begins so.
    #[must_use]
    pub fn covers(self, path: Path) -> bool {
        path & mask(self.nibbles) == self.path
    }

    /// This prefix and one nibble more; itself where it is a whole path.
    #[must_use]
    pub fn child(self, nibble: u8) -> Self {
        if self.nibbles >= PATH_NIBBLES {
            return self;
        }
        let shift = 60 - 4 * u32::from(self.nibbles);
        Self { path: self.path | (u64::from(nibble & 0xf) << shift), nibbles: self.nibbles + 1 }
    }
}

fn mask(nibbles: u8) -> u64 {
    match u32::from(nibbles) {
        0 => 0,
        n @ 1..16 => u64::MAX << (64 - 4 * n),
        _ => u64::MAX,
    }
}

/// The day of a stamp, counted from 1970-01-01.
pub(crate) fn day(stamp: Stamp) -> u32 {
    u32::try_from(stamp.millis() / DAY_MS).unwrap_or(u32::MAX)
}

/// The first day of which everything lies at or after a stamp's time.
pub(crate) fn first_whole_day(time: u64) -> u32 {
    u32::try_from(burgee_model::stamp::ntp64_to_millis(time).div_ceil(DAY_MS)).unwrap_or(u32::MAX)
}

/// The cluster's key: makes all hashes, so that they mean nothing elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hasher(pub(crate) u64);

impl Hasher {
    /// The leading bits of the paths of a tenant's registers, in their place.
    pub(crate) fn tenant(self, tenant: &str) -> Path {
        xxh3_64_with_seed(tenant.as_bytes(), self.0) & mask(4)
    }

    /// A register's place, by its bytes.
    pub(crate) fn place(self, tenant: &str, register: &[u8]) -> Path {
        self.tenant(tenant) | (xxh3_64_with_seed(register, self.0) >> TENANT_BITS)
    }

    pub(crate) fn register(self, id: &RegisterId) -> Path {
        self.place(id.tenant.as_str(), &version::encode_register(id))
    }

    /// The place of a version in history.
    pub(crate) fn past(self, id: &RegisterId, stamp: Stamp) -> Path {
        let mut bytes = version::encode_register(id);
        bytes.extend_from_slice(&stamp.time.to_be_bytes());
        bytes.extend_from_slice(&stamp.id.0);
        self.place(id.tenant.as_str(), &bytes)
    }

    /// The hash of a version's canonical bytes.
    pub(crate) fn version(self, canonical: &[u8]) -> Sum {
        Sum(xxh3_128_with_seed(canonical, self.0))
    }
}
