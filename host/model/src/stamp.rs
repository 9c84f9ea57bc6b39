//! Stamps: hybrid logical clock readings that order all versions of a register.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Millis;

/// Who made a stamp: 16 random bytes, made with a node's data directory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
pub struct NodeId(pub [u8; 16]);

/// A hybrid logical clock reading. Stamps are ordered by time, then by the id of their author.
///
/// `time` is NTP64 as uhlc has it: seconds since the Unix epoch in the upper 32 bits, the fraction of
/// a second in the lower 32, of which the lowest bits also serve as the logical counter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
pub struct Stamp {
    /// NTP64 time.
    pub time: u64,
    /// The node that made the stamp.
    pub id: NodeId,
}

/// The time of the first instant that no stamp may lie after: the year 2100.
pub const TIME_MAX: u64 = (MILLIS_MAX / 1000) << 32;

/// The same in milliseconds since the Unix epoch.
pub const MILLIS_MAX: Millis = 4_102_444_800_000;

impl Stamp {
    /// The least stamp of all: nothing real bears it.
    pub const ZERO: Self = Self { time: 0, id: NodeId([0; 16]) };

    /// The stamp's wall-clock part, rounded down to a millisecond.
    #[must_use]
    pub fn millis(self) -> Millis {
        ntp64_to_millis(self.time)
    }
}

/// Milliseconds since the Unix epoch as NTP64 (saturating in the year 2106).
#[must_use]
pub fn millis_to_ntp64(ms: Millis) -> u64 {
    let seconds = (ms / 1000).min(u64::from(u32::MAX));
    let fraction = ((ms % 1000) << 32).div_ceil(1000);
    (seconds << 32) | fraction
}

/// NTP64 as milliseconds since the Unix epoch, rounded down.
#[must_use]
pub fn ntp64_to_millis(time: u64) -> Millis {
    (time >> 32) * 1000 + (((time & 0xffff_ffff) * 1000) >> 32)
}

/// The text is not a stamp: 16 lower-case hex digits, `-`, 32 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stamp is 16 hex digits, `-` and 32 hex digits")]
pub struct StampTextError;

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.time, self.id)
    }
}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for NodeId {
    type Err = StampTextError;
    fn from_str(text: &str) -> Result<Self, StampTextError> {
        hex(text, 32).map(|n| Self(n.to_be_bytes()))
    }
}

impl FromStr for Stamp {
    type Err = StampTextError;
    fn from_str(text: &str) -> Result<Self, StampTextError> {
        let (time, id) = text.split_once('-').ok_or(StampTextError)?;
        let time = u64::try_from(hex(time, 16)?).map_err(|_| StampTextError)?;
        Ok(Self { time, id: id.parse()? })
    }
}

fn hex(text: &str, digits: usize) -> Result<u128, StampTextError> {
    let lower = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if text.len() != digits || !lower {
        return Err(StampTextError);
    }
    u128::from_str_radix(text, 16).map_err(|_| StampTextError)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_round_trips_and_sorts_like_stamps(a: (u64, [u8; 16]), b: (u64, [u8; 16])) {
            let [a, b] = [a, b].map(|(time, id)| Stamp { time, id: NodeId(id) });
            prop_assert_eq!(a.to_string().parse::<Stamp>(), Ok(a));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn milliseconds_round_trip(ms in 0..4_102_444_800_000u64) {
            prop_assert_eq!(ntp64_to_millis(millis_to_ntp64(ms)), ms);
        }
    }

    #[test]
    fn refuses_other_texts() {
        for text in ["", "0-0", "zz", &"0".repeat(49), &format!("{}-{}", "A".repeat(16), "0".repeat(32))] {
            assert_eq!(text.parse::<Stamp>(), Err(StampTextError));
        }
    }
}
