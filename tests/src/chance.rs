//! Chance that can be repeated: the same seed gives the same row.

use std::time::Duration;

/// The seed when `WORKSHOP_TEST_SEED` sets none.
const SEED: u64 = 20_261_121;

/// A row of drawn numbers: xorshift64*.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// By the seed that `WORKSHOP_TEST_SEED` sets; it is printed, so that a failure can be had again.
    pub fn seeded() -> Self {
        let seed = std::env::var("WORKSHOP_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or(SEED);
        eprintln!("seed {seed}");
        Self(seed)
    }

    /// A row of its own for the one of this number.
    pub fn of_number(&self, number: usize) -> Self {
        // An odd factor keeps the rows apart; from zero there would be no row at all.
        Self((self.0 ^ (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)).max(1))
    }

    /// A number below `limit`, which is not zero.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }

    /// A time from `least` milliseconds up to `most`.
    pub fn between(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(least + self.below(most - least))
    }
}
