//! Randomness that can be repeated: from a seed that is printed.

use std::{
    env,
    time::{SystemTime, UNIX_EPOCH},
};

/// A small generator (SplitMix64). Good enough to choose moments, nothing else.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// Seeded by `BURGEE_TEST_SEED`, else by the clock. Prints the seed.
    #[must_use]
    pub fn seeded() -> Self {
        let given = env::var("BURGEE_TEST_SEED").ok().map(|text| text.parse().expect("BURGEE_TEST_SEED is a number"));
        let seed = given.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64);
        eprintln!("BURGEE_TEST_SEED={seed}");
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound
    }
}
