//! Chance that can be repeated: the same seed gives the same row.

use std::time::Duration;

/// The seed when `WORKSHOP_TEST_SEED` sets none.
const SEED: u64 = 20_261_121;

/// A row of drawn numbers: SplitMix64 (Steele, Lea and Flood, 2014), whose rows
/// differ from their first number on, however near their seeds are.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// By this seed.
    pub fn of_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// By the seed that `WORKSHOP_TEST_SEED` sets; it is printed, so that a failure can be had again.
    pub fn seeded() -> Self {
        let seed = std::env::var("WORKSHOP_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or(SEED);
        eprintln!("seed {seed}");
        Self(seed)
    }

    /// A row of its own for the one of this number.
    pub fn of_number(&self, number: usize) -> Self {
        Self(Self(self.0.wrapping_add(number as u64)).drawn())
    }

    fn drawn(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is not zero.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.drawn() % limit as u64) as usize
    }

    /// Whether something of `percent` in a hundred happens.
    pub fn happens(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of `from`, which is not empty.
    pub fn one<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// A time from `least` milliseconds up to `most`.
    pub fn between(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(least + self.drawn() % (most - least))
    }
}
